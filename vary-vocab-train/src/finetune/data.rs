use std::path::Path;

use anyhow::{Context, bail, ensure};
use vary_core::train::data::{ChartQa, Conversations, Dataset, DocVqa, Mixture, WebDataset};

use super::{Source, SourceKind};

/// Opens the sets of a recipe.
pub(super) fn open(sources: &[Source], seed: u64) -> anyhow::Result<Mixture> {
    let set = |source| Ok((open_set(source)?, source.weight));
    let sets = sources.iter().map(set).collect::<anyhow::Result<_>>()?;
    Ok(Mixture::new(sets, seed)?)
}

fn open_set(source: &Source) -> anyhow::Result<Box<dyn Dataset>> {
    let first = source.files.first();
    let first = first.context("a set under `[[data]]` has no `files`")?;
    let beside = first.parent().unwrap_or(Path::new(""));
    let images = source.images.as_deref().unwrap_or(beside);
    if source.kind != SourceKind::Webdataset {
        ensure!(
            source.files.len() == 1,
            "{}: this kind of set is one file; write a `[[data]]` for each",
            first.display()
        );
    }
    Ok(match source.kind {
        SourceKind::Llava => Box::new(Conversations::open(first, images)?),
        SourceKind::Docvqa => Box::new(DocVqa::open(first, images)?),
        SourceKind::Chartqa => Box::new(ChartQa::open(first, images)?),
        SourceKind::Webdataset => Box::new(WebDataset::open(&source.files)?),
        _ => bail!("not yet"),
    })
}
