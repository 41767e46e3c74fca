use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::Result;
use image::RgbImage;
use indicatif::ProgressBar;
use vary_core::Pipeline;
use vary_core::pipeline::{Answer, AnswerOptions, CancellationToken, Event, FinishReason};
use vary_core::prompt::Task;
use vary_data::pdf::{PageText, PdfWorker, Skip};

use super::format::Format;
use super::input::Document;
use super::page::{Origin, PageRecord};
use super::{Ocr, ReadArgs};
use crate::exit::Interrupted;
use crate::model::ModelArgs;
use crate::settings::Settings;

/// Pages that are drawn while others are read.
const AHEAD: usize = 2;

/// Reads documents by a model, which is loaded when the first page needs it.
pub struct Reader<'a> {
    args: &'a ModelArgs,
    settings: &'a Settings,
    quiet: bool,
    vary: Option<Pipeline>,
    unusable: bool,
    ocr: Ocr,
    markdown: bool,
    batch: usize,
    options: AnswerOptions,
    bar: ProgressBar,
}

/// A page on its way.
enum Sheet {
    Layer(Box<PageText>),
    Image(RgbImage),
    Failed(Skip),
}

/// What takes the pages that were read.
type Sink<'a> = &'a mut dyn FnMut(PageRecord) -> Result<()>;

impl<'a> Reader<'a> {
    pub fn new(
        args: &'a ReadArgs,
        settings: &'a Settings,
        quiet: bool,
        cancellation: CancellationToken,
    ) -> Self {
        let mut options = AnswerOptions::default()
            .with_max_new_tokens(args.max_new_tokens)
            .with_tiles(args.tiles.map(|max| 1..=max));
        options.cancellation = cancellation;
        Self {
            args: &args.model,
            settings,
            quiet,
            vary: None,
            unusable: false,
            ocr: args.ocr,
            markdown: args.format == Format::Markdown,
            batch: args.batch.into(),
            options,
            bar: ProgressBar::hidden(),
        }
    }

    /// Shows the tokens of a page on a bar.
    pub fn show(&mut self, bar: &ProgressBar) {
        self.bar = bar.clone();
    }

    /// Whether the model can't be loaded, so that nothing more will be read.
    pub fn is_unusable(&self) -> bool {
        self.unusable
    }

    /// Reads pages, whose numbers are `wanted`, and gives them to `to` in their order.
    pub fn read(&mut self, document: Document, wanted: &[usize], to: Sink<'_>) -> Result<()> {
        match document {
            Document::Image(_) if wanted.is_empty() => Ok(()),
            Document::Image(image) => self.sheets(vec![(1, Sheet::Image(*image))], to),
            Document::Pdf(mut pdf) => {
                let ocr = self.ocr;
                thread::scope(|scope| {
                    let (sender, receiver) = sync_channel(AHEAD);
                    scope.spawn(move || {
                        for &page in wanted {
                            // Nobody waits for it after an error.
                            if sender
                                .send((page, sheet(&mut pdf.worker, page - 1, ocr)))
                                .is_err()
                            {
                                return;
                            }
                        }
                    });
                    self.receive(&receiver, to)
                })
            }
        }
    }

    fn receive(&mut self, sheets: &Receiver<(usize, Sheet)>, to: Sink<'_>) -> Result<()> {
        while let Ok(first) = sheets.recv() {
            let mut together = vec![first];
            while together.len() < self.batch {
                match sheets.recv() {
                    Ok(next) => together.push(next),
                    Err(_) => break,
                }
            }
            // Pages that were given up for it are not read, and not failed.
            if !self.options.cancellation.is_cancelled() {
                self.sheets(together, to)?;
            }
            if self.options.cancellation.is_cancelled() {
                return Err(Interrupted.into());
            }
        }
        Ok(())
    }

    /// Reads some pages together.
    fn sheets(&mut self, sheets: Vec<(usize, Sheet)>, to: Sink<'_>) -> Result<()> {
        let (mut images, mut order) = (vec![], vec![]);
        for (page, sheet) in sheets {
            order.push((
                page,
                match sheet {
                    Sheet::Image(image) => {
                        images.push(image);
                        None
                    }
                    Sheet::Layer(layer) => Some(PageRecord::of_layer(page, &layer, self.markdown)),
                    Sheet::Failed(skip) => {
                        Some(PageRecord::failed(page, Origin::Pdf, skip.to_string()))
                    }
                },
            ));
        }
        let answers = self.answers(&images)?;
        let mut read = images.iter().zip(answers);
        for (page, record) in order {
            if let Some(record) = record {
                to(record)?;
                continue;
            }
            match read.next() {
                // What was interrupted is not complete.
                Some((_, Ok(answer))) if answer.finish == FinishReason::Cancelled => {
                    return Err(Interrupted.into());
                }
                Some((image, Ok(answer))) => to(PageRecord::of_answer(page, image, &answer))?,
                Some((_, Err(error))) => {
                    to(PageRecord::failed(page, Origin::Image, error.to_string()))?;
                }
                None => {}
            }
        }
        Ok(())
    }

    fn answers(&mut self, images: &[RgbImage]) -> Result<Vec<vary_core::Result<Answer>>> {
        if images.is_empty() {
            return Ok(vec![]);
        }
        let vary = match &mut self.vary {
            Some(vary) => vary,
            none => {
                let loaded = self.args.load(self.settings, self.quiet);
                self.unusable = loaded.is_err();
                none.insert(loaded?)
            }
        };
        let task = match self.markdown {
            true => Task::Markdown,
            false => Task::Ocr,
        };
        Ok(match images {
            [image] => vec![streamed(vary, image, task, &self.options, &self.bar)],
            _ => vary.answer_batch(images, task, &self.options),
        })
    }
}

/// The answer about an image; the number of its tokens is shown as they are decoded.
fn streamed(
    vary: &Pipeline,
    image: &RgbImage,
    task: Task<'_>,
    options: &AnswerOptions,
    bar: &ProgressBar,
) -> vary_core::Result<Answer> {
    let mut tokens = 0;
    let mut stream = vary.stream(image, task, options)?;
    for event in stream.by_ref() {
        match event? {
            Event::Token { .. } => {
                tokens += 1;
                bar.set_prefix(format!("{tokens} tokens, "));
            }
            Event::Done(answer) => {
                bar.set_prefix("");
                return Ok(answer);
            }
            _ => {}
        }
    }
    // Not reached: a stream without an error ends with its answer.
    stream.finish()
}

/// A page of a PDF file, counted from 0, in the form in which it is read.
fn sheet(reader: &mut PdfWorker, index: usize, ocr: Ocr) -> Sheet {
    if ocr != Ocr::Always {
        match (reader.text(index), ocr) {
            (Ok(layer), _) => return Sheet::Layer(Box::new(layer)),
            (Err(skip), Ocr::Never) => return Sheet::Failed(skip),
            // Drawing it would end the same way.
            (Err(skip @ (Skip::Ended(_) | Skip::TooSlow { .. })), _) => return Sheet::Failed(skip),
            (Err(_), _) => {}
        }
    }
    match reader.image(index) {
        Ok(image) => Sheet::Image(image),
        Err(skip) => Sheet::Failed(skip),
    }
}
