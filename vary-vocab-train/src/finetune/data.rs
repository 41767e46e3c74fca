use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use vary_core::model::Family;
use vary_core::train::data::{Conversations, Dataset, Mixture, Questions, WebDataset};
use vary_data::sets::{DetectionSet, GroundingSet, SetOptions};

use super::{Source, SourceKind};
use crate::pages::Pages;
use crate::sets::{DetectionConversations, GroundingConversations};

/// A data set on the command line.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Annotation files of a data set; see `--kind`.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// What the files are.
    #[arg(long, default_value = "llava", requires = "data")]
    kind: SourceKind,
    /// Folder that the paths of images are relative to; that of the first file by default.
    #[arg(long, value_name = "DIR", requires = "data")]
    images: Option<PathBuf>,
}

impl DataArgs {
    /// The data set, if one is named.
    pub fn source(&self) -> Option<Source> {
        (!self.data.is_empty()).then(|| Source {
            kind: self.kind,
            files: self.data.clone(),
            images: self.images.clone(),
            weight: None,
        })
    }
}

/// Opens the data sets of a recipe.
pub(super) fn open(sources: &[Source], family: Family, seed: u64) -> anyhow::Result<Mixture> {
    let set = |source| Ok((open_set(source, family, seed)?, source.weight));
    let sets = sources.iter().map(set).collect::<anyhow::Result<_>>()?;
    Ok(Mixture::new(sets, seed)?)
}

/// Opens a data set. The wording of questions depends on `family`, random choices on `seed`.
pub(crate) fn open_set(
    source: &Source,
    family: Family,
    seed: u64,
) -> anyhow::Result<Box<dyn Dataset>> {
    let first = source.files.first();
    let first = first.context("a data set under `[[data]]` has no `files`")?;
    let beside = first.parent().unwrap_or(Path::new(""));
    let images = source.images.as_deref().unwrap_or(beside);
    let needed = match source.kind {
        SourceKind::Webdataset => source.files.len(),
        SourceKind::OpenImages => 2,
        _ => 1,
    };
    ensure!(
        source.files.len() == needed,
        "{}: this kind of data set is {needed} file(s); write a `[[data]]` for each data set",
        first.display()
    );
    let apart = !matches!(source.kind, SourceKind::Webdataset | SourceKind::Pages);
    ensure!(
        apart || source.images.is_none(),
        "{}: the images are in it; leave out `images`",
        first.display()
    );
    let options = SetOptions::default();
    let detection = |set| Box::new(DetectionConversations::new(set, family, seed));
    Ok(match source.kind {
        SourceKind::Llava => Box::new(Conversations::open(first, images)?),
        SourceKind::Docvqa => Box::new(Questions::open_docvqa(first, images)?),
        SourceKind::Chartqa => Box::new(Questions::open_chartqa(first, images)?),
        SourceKind::Webdataset => Box::new(WebDataset::open(&source.files)?),
        SourceKind::Coco => detection(DetectionSet::open_coco(first, images, &options)?),
        SourceKind::Objects365 => {
            detection(DetectionSet::open_objects365(first, images, &options)?)
        }
        SourceKind::OpenImages => {
            let classes = &source.files[1];
            detection(DetectionSet::open_open_images(
                first, classes, images, &options,
            )?)
        }
        SourceKind::Refcoco => {
            let set = GroundingSet::open(first, images)?;
            Box::new(GroundingConversations::new(set))
        }
        SourceKind::Pages => Box::new(Pages::open(first, family, seed)?),
    })
}
