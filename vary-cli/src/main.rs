//! The command `vary`: reads documents and finds objects in images.

mod ask;
mod checkpoint;
mod cli;
mod detect;
mod exit;
mod model;
mod output;
mod read;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use read::worker;

// Layers free and want large buffers all the time; the system's allocator gives each back to the
// kernel, and fresh pages cost as much as the arithmetic on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // No subcommand for users, so that it is not among those that are listed and completed.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|name| name == worker::NAME)
        && let Some(path) = args.next()
    {
        return exit::code(worker::run(path.as_ref()));
    }
    let cli = cli::Cli::parse();
    cli.start_log();
    exit::code(cli.run())
}
