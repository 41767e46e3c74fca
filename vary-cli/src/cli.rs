use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;

use crate::ask::{AskArgs, ChatArgs, DescribeArgs};
use crate::checkpoint::{ConvertArgs, InspectArgs};
use crate::detect::{DetectArgs, LocateArgs};
use crate::output::print;
use crate::read::ReadArgs;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  vary read page.png                        text of an image
  vary read report.pdf --format markdown -o report.md
  vary read scans/ -o texts/ --resume       a folder; resumes where it stopped
  vary detect street.jpg -o boxes.png       objects, drawn into a copy
  vary ask 'How many cars are in this image?' street.jpg

Exit codes: 0 done, 1 something failed, 2 wrong arguments, 130 interrupted.";

/// Reads documents and finds objects in images, with small vision-language models.
#[derive(Parser)]
#[command(name = "vary", version, about, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print nothing but results.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Print what the library reports; twice for more.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Read the text of images and PDF files.
    Read(ReadArgs),
    /// Find the objects of an image.
    Detect(DetectArgs),
    /// Find the object that a phrase refers to.
    Locate(LocateArgs),
    /// Ask a question about images.
    Ask(AskArgs),
    /// Describe an image in a sentence.
    Describe(DescribeArgs),
    /// Talk about images.
    Chat(ChatArgs),
    /// List the tensors and the problems of a checkpoint.
    Inspect(InspectArgs),
    /// Write a checkpoint as one safetensors file.
    Convert(ConvertArgs),
    /// Download a published checkpoint and print its directory.
    #[cfg(feature = "hub")]
    Download(crate::checkpoint::DownloadArgs),
    /// Train, fine-tune and evaluate.
    #[cfg(feature = "train")]
    #[command(subcommand)]
    Train(Box<vary_vocab_train::Command>),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the man page.
    Man,
}

impl Cli {
    /// Sends the library's messages to the standard error.
    pub fn start_log(&self) {
        let level = match (self.quiet, self.verbose) {
            (true, _) => "error",
            (false, 0) => "warn",
            (false, 1) => "info",
            (false, _) => "debug",
        };
        let filter = EnvFilter::try_from_env("VARY_LOG").unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .without_time()
            .init();
    }

    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        let settings = Settings::read()?;
        let quiet = self.quiet;
        match self.command {
            Command::Read(args) => args.run(&settings, quiet),
            Command::Detect(args) => args.run(&settings, quiet),
            Command::Locate(args) => args.run(&settings, quiet),
            Command::Ask(args) => args.run(&settings, quiet),
            Command::Describe(args) => args.run(&settings, quiet),
            Command::Chat(args) => args.run(&settings, quiet),
            Command::Inspect(args) => args.run(),
            Command::Convert(args) => args.run(),
            #[cfg(feature = "hub")]
            Command::Download(args) => args.run(quiet),
            #[cfg(feature = "train")]
            Command::Train(command) => command.run(),
            Command::Completions { shell } => {
                let mut text = vec![];
                clap_complete::generate(shell, &mut Self::command(), "vary", &mut text);
                print(&text)
            }
            Command::Man => man(),
        }
    }
}

/// The page of the command, and of each subcommand after it.
fn man() -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let mut text = vec![];
    let pages = std::iter::once(&command).chain(command.get_subcommands());
    for page in pages.filter(|page| page.get_name() != "help") {
        let page = clap_mangen::Man::new(page.clone());
        page.render(&mut text).context("the man page")?;
    }
    print(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clap itself checks in debug builds alone.
    #[test]
    fn no_two_arguments_of_a_command_have_one_name() {
        fn check(command: &clap::Command) {
            let mut names: Vec<String> = command
                .get_arguments()
                .flat_map(|arg| {
                    let long = arg.get_long().map(|long| format!("--{long}"));
                    let short = arg.get_short().map(|short| format!("-{short}"));
                    [Some(arg.get_id().to_string()), long, short]
                })
                .flatten()
                .collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{}: {names:?}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
