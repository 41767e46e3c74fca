use serde::{Deserialize, Serialize};

use super::{Region, Task, Template};
use crate::{Error, Result};

/// Details in which three published programs ask GOT-OCR2.0 differently. Which of them training
/// used is not known; the training code has the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptVariant {
    /// The demo of the original repository.
    #[default]
    Original,
    /// The code beside the original weights: eight blanks before the system text.
    Hub,
    /// transformers' processor: a blank before the question, unless it begins with a box.
    Transformers,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Width and height of the first image.
    pub size: (u32, u32),
    /// Number of images.
    pub images: usize,
    /// Whether the image is cut into tiles.
    pub tiled: bool,
    /// The form of the question.
    pub variant: PromptVariant,
}

/// The question by which GOT-OCR2.0 reads; `None` for other tasks.
///
/// # Errors
/// [`Error::Region`]; [`Error::Unsupported`] for a region of several images, or of tiles.
pub(super) fn question(task: &Task<'_>, shown: &Shown) -> Result<Option<String>> {
    let (format, region) = match task {
        Task::Ocr => ("", None),
        Task::Markdown => (" with format", None),
        Task::OcrIn(region) => ("", Some(*region)),
        Task::MarkdownIn(region) => (" with format", Some(*region)),
        _ => return Ok(None),
    };
    if region.is_some() && (shown.images > 1 || shown.tiled) {
        return Err(Error::Unsupported {
            what: "a region is read in one image that is not in tiles",
        });
    }
    let about = match (shown.images > 1, shown.tiled) {
        (true, _) => " across multi pages",
        (false, true) => " upon the patch reference",
        (false, false) => "",
    };
    let part = match region {
        Some(region) => region.thousandths(shown.size)? + " ",
        None => String::new(),
    };
    let by_place = matches!(region, Some(Region::Box(_) | Region::Point(_)));
    let blank = match shown.variant {
        PromptVariant::Transformers if !by_place => " ",
        _ => "",
    };
    Ok(Some(format!("{part}{blank}OCR{format}{about}: ")))
}

/// The question about a single image; `None` for other tasks.
pub(super) fn whole(task: &Task<'_>) -> Option<String> {
    let shown = Shown {
        size: (1, 1),
        images: 1,
        tiled: false,
        variant: PromptVariant::Original,
    };
    match task {
        Task::Ocr | Task::Markdown => question(task, &shown).ok().flatten(),
        _ => None,
    }
}

/// [`Template::MPT`] as a variant writes it.
pub(super) fn template(variant: PromptVariant) -> Template {
    match variant {
        PromptVariant::Hub => Template {
            header: "<|im_start|>system\n        You should follow the instructions carefully and \
                     explain your answers in detail.<|im_end|>",
            ..Template::MPT
        },
        _ => Template::MPT,
    }
}
