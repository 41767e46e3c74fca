//! The subcommand `read`.

mod format;
mod hocr;
mod input;
mod markdown;
mod page;
mod pages;
mod partial;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Serialize;
use vary_data::pdf::PdfOptions;

use crate::exit::{Interrupted, cancellation, one_line, shown};
use crate::model::{ModelArgs, progress};
use crate::output::{keep_apart, print};
use crate::settings::Settings;
use format::{Format, Writer};
use input::{Document, Job, PageRange, jobs};
use page::PageRecord;
use pages::Reader;
use partial::{Partial, Recipe, part_of};

/// Longest edge of a PDF page's image in pixels.
const MAX_EDGE: u32 = 8192;

/// When the image of a PDF page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub enum Ocr {
    /// Where the page has no sound text layer: scans, and fonts whose characters are not known.
    Auto,
    /// Always.
    Always,
    /// Never: pages without a text layer are errors.
    Never,
}

#[derive(Args)]
pub struct ReadArgs {
    /// Images (PNG, JPEG, WebP, BMP, GIF), PDF files, folders, or `-` for the standard input.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    #[arg(long, short, value_enum, default_value = "text")]
    format: Format,
    /// The file to write, or a folder for several inputs; the standard output without it.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Keep complete outputs and resume incomplete ones.
    #[arg(long, requires = "output")]
    resume: bool,
    /// Pages of PDF files, such as 1-3,7.
    #[arg(long)]
    pages: Option<PageRange>,
    #[arg(long, value_enum, default_value = "auto")]
    ocr: Ocr,
    /// Pixels per inch at which PDF pages are drawn, and which boxes are in; 10 to 1200. Pages have
    /// at most 8192 pixels a side.
    #[arg(long, default_value_t = 150.0, value_parser = dpi)]
    dpi: f32,
    /// Seconds after which a page of a PDF file that is still not drawn is an error.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    page_timeout: u64,
    /// Pages of a PDF file that a language model decodes together, 1 to 8.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8))]
    batch: u16,
    /// Cut each image into up to this many tiles (GOT-OCR2.0).
    #[arg(long, value_name = "MAX")]
    tiles: Option<usize>,
    /// Maximum number of tokens of a page, for a language model.
    #[arg(long, default_value_t = 4096, value_name = "TOKENS")]
    max_new_tokens: usize,
    #[command(flatten)]
    model: ModelArgs,
}

fn dpi(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(dpi) if (10.0..=1200.0).contains(&dpi) => Ok(dpi),
        _ => Err("it has to be 10 to 1200".into()),
    }
}

impl ReadArgs {
    pub fn run(self, settings: &Settings, quiet: bool) -> Result<()> {
        if self.resume
            && self
                .inputs
                .iter()
                .any(|input| input.as_os_str() == input::STDIN)
        {
            bail!("--resume can't know again what the standard input was: name a file");
        }
        let jobs = jobs(&self.inputs, self.output.as_deref(), self.format)?;
        let cancellation = cancellation()?;
        let mut reader = Reader::new(&self, settings, quiet, cancellation.clone());
        let mut failed = vec![];
        for job in &jobs {
            let result = self.job(job, settings, &mut reader, quiet);
            if cancellation.is_cancelled() {
                return Err(Interrupted.into());
            }
            if let Err(error) = result {
                // Without a reader nothing more can be printed.
                let pipe = error.downcast_ref::<io::Error>().map(io::Error::kind);
                if pipe == Some(io::ErrorKind::BrokenPipe) || reader.is_unusable() {
                    return Err(error);
                }
                let name = job.input.display().to_string();
                let error = format!("{}: {}", shown(&name), one_line(&error));
                ensure!(jobs.len() > 1, error);
                failed.push(error);
            }
        }
        // At the end, where they are not lost between the pages of the others.
        for error in &failed {
            eprintln!("error: {error}");
        }
        ensure!(
            failed.is_empty(),
            "{} of {} inputs failed",
            failed.len(),
            jobs.len()
        );
        Ok(())
    }

    fn job(
        &self,
        job: &Job,
        settings: &Settings,
        reader: &mut Reader<'_>,
        quiet: bool,
    ) -> Result<()> {
        let name = job.input.display().to_string();
        let Some(output) = &job.output else {
            return self.print(job, reader, &name, quiet);
        };
        if self.resume && output.exists() && !part_of(output).exists() {
            return Ok(());
        }
        keep_apart(&job.input, output)?;
        ensure!(
            !output.exists() || output.is_file(),
            "{} is not a file that can be replaced",
            output.display()
        );
        if let Some(dir) = output.parent() {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        let document = self.open(job)?;
        let recipe = self.recipe(job, settings);
        let mut partial = Partial::open(output, &recipe, self.resume)?;
        let done = std::mem::take(&mut partial.done);
        let wanted = self.wanted(&document, &done)?;
        let bar = progress(quiet, wanted.len() as u64, shown(&name));
        reader.show(&bar);
        let read = reader.read(document, &wanted, &mut |page| {
            push(page, &name, &bar, |p| partial.push(p))
        });
        bar.finish_and_clear();
        read?;
        failures(partial.finish(self.format, &name)?)
    }

    /// Reads an input to the standard output, each page when it is read.
    fn print(&self, job: &Job, reader: &mut Reader<'_>, name: &str, quiet: bool) -> Result<()> {
        let document = self.open(job)?;
        let wanted = self.wanted(&document, &[])?;
        let plain = matches!(self.format, Format::Text | Format::Markdown);
        if plain && (self.inputs.len() > 1 || self.inputs[0].is_dir()) {
            print(format!("==> {} <==\n", shown(name)))?;
        }
        let mut writer = Writer::new(self.format, io::stdout(), name)?;
        let bar = progress(quiet, wanted.len() as u64, shown(name));
        reader.show(&bar);
        let mut failed = 0;
        let read = reader.read(document, &wanted, &mut |page| {
            failed += usize::from(page.error.is_some());
            // Lines of text and those of the bar do not mix.
            push(page, name, &bar, |page| bar.suspend(|| writer.page(page)))
        });
        bar.finish_and_clear();
        writer.finish()?;
        read?;
        failures(failed)
    }

    fn open(&self, job: &Job) -> Result<Document> {
        let timeout = Duration::from_secs(self.page_timeout);
        let cancellation = cancellation()?;
        let patience = move |waited| waited < timeout && !cancellation.is_cancelled();
        input::open(&job.input, &self.pdf_options(), patience)
    }

    fn pdf_options(&self) -> PdfOptions {
        PdfOptions {
            // Larger pages are drawn at a lower resolution.
            edge: MAX_EDGE,
            dpi: Some(self.dpi),
            max_page_points: f32::MAX,
            ..PdfOptions::default()
        }
    }

    /// Numbers of the pages to be read, from 1.
    fn wanted(&self, document: &Document, done: &[usize]) -> Result<Vec<usize>> {
        let count = match document {
            Document::Image(_) => 1,
            Document::Pdf(pdf) => pdf.worker.page_count(),
        };
        let asked = |page: &usize| self.pages.as_ref().is_none_or(|pages| pages.has(*page));
        let asked: Vec<usize> = (1..=count).filter(asked).collect();
        if asked.is_empty() {
            bail!("it has {count} pages, none of those asked for");
        }
        Ok(asked
            .into_iter()
            .filter(|page| !done.contains(page))
            .collect())
    }

    fn recipe(&self, job: &Job, settings: &Settings) -> Recipe {
        Recipe {
            version: env!("CARGO_PKG_VERSION").into(),
            input: input::identity(&job.input),
            options: format!(
                "markdown {}, {:?}, {:?}, {} dpi, tiles {:?}, {} tokens, {:?}",
                self.format == Format::Markdown,
                self.pages,
                self.ocr,
                self.dpi,
                self.tiles,
                self.max_new_tokens,
                self.model.identity(settings)
            ),
        }
    }
}

/// Writes a page and counts it.
fn push(
    page: PageRecord,
    name: &str,
    bar: &ProgressBar,
    to: impl FnOnce(&PageRecord) -> Result<()>,
) -> Result<()> {
    if let Some(error) = &page.error {
        bar.suspend(|| eprintln!("{}, page {}: {error}", shown(name), page.page));
    }
    if page.finish.as_deref() == Some("length") {
        let name = shown(name);
        bar.suspend(|| eprintln!("{name}, page {}: cut off, see --max-new-tokens", page.page));
    }
    to(&page)?;
    bar.inc(1);
    Ok(())
}

fn failures(pages: usize) -> Result<()> {
    match pages {
        0 => Ok(()),
        1 => bail!("1 page could not be read"),
        n => bail!("{n} pages could not be read"),
    }
}
