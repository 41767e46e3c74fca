//! The command `draw-text`: images of text to look at, or to feed to another program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use vary_data::Split;
use vary_data::texts::{TextConfig, TextKind, TextScene, Texts, draw_batch};

use super::sheet::{SHOWN, contact_sheet, tile};

/// Arguments of `draw-text`.
#[derive(Debug, Args)]
pub struct TextArgs {
    /// Seed of the stream of images.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Index of the first image.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Number of images.
    #[arg(long, default_value_t = 24)]
    count: u64,
    /// Side of an image in pixels.
    #[arg(long, default_value_t = 192)]
    size: u32,
    /// Kind of text, as word or page; without it all kinds.
    #[arg(long)]
    kind: Option<TextKind>,
    /// Split whose fonts, papers and colours the images show: train, validation or test.
    #[arg(long, default_value_t = Split::Train)]
    split: Split,
    /// Write PNGs, texts.json and a contact sheet into this folder.
    #[arg(long)]
    out: PathBuf,
    /// Frame each character in the contact sheet.
    #[arg(long)]
    frames: bool,
}

/// Draws the images that the arguments ask for.
///
/// # Errors
/// If the settings are out of range or a file cannot be written.
pub fn texts(args: &TextArgs) -> Result<()> {
    let config = TextConfig {
        size: args.size,
        split: args.split,
        ..TextConfig::default()
    };
    config.validate()?;
    let Some(end) = args.start.checked_add(args.count) else {
        bail!("start plus count is over {}", u64::MAX)
    };
    let texts = Texts::embedded()?;
    let scenes = draw_batch(&texts, &config, args.kind, args.seed, args.start..end);
    write_files(args, &scenes)
}

fn write_files(args: &TextArgs, scenes: &[TextScene]) -> Result<()> {
    let dir: &Path = &args.out;
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut list = Vec::new();
    for (index, scene) in (args.start..).zip(scenes) {
        let file = format!("{index:06}.png");
        scene.image.save(dir.join(&file))?;
        list.push(json!({
            "file": file, "index": index, "kind": scene.kind, "x_height": scene.x_height,
            "plain": scene.plain, "markdown": scene.markdown, "regions": scene.regions,
        }));
    }
    let text = serde_json::to_vec_pretty(&list)?;
    fs::write(dir.join("texts.json"), text)?;
    let tiles: Vec<_> = scenes
        .iter()
        .take(SHOWN)
        .map(|scene| {
            let places = scene.plain.places.iter().flatten().copied();
            tile(&scene.image, places.filter(|_| args.frames))
        })
        .collect();
    if let Some(sheet) = contact_sheet(&tiles) {
        sheet.save(dir.join("sheet.png"))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn writes_images_list_and_sheet() {
        let dir = tempfile::tempdir().unwrap();
        let args = TextArgs {
            seed: 3,
            start: 5,
            count: 2,
            size: 64,
            kind: Some(TextKind::Table),
            split: Split::Test,
            out: dir.path().join("new"),
            frames: true,
        };
        texts(&args).unwrap();
        let read = |name: &str| fs::read(args.out.join(name)).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&read("texts.json")).unwrap();
        let config = TextConfig {
            size: 64,
            split: Split::Test,
            ..TextConfig::default()
        };
        let texts = Texts::embedded().unwrap();
        let scenes = draw_batch(&texts, &config, Some(TextKind::Table), 3, 5..7);
        for (scene, entry) in scenes.iter().zip(list.as_array().unwrap()) {
            let image = image::load_from_memory(&read(entry["file"].as_str().unwrap())).unwrap();
            assert_eq!(image.to_rgb8(), scene.image);
            assert_eq!(entry["kind"], "table");
            assert_eq!(entry["plain"]["text"], scene.plain.text);
        }
        let sheet = image::load_from_memory(&read("sheet.png")).unwrap();
        assert_eq!((sheet.width(), sheet.height()), (6 * 132, 132));
        assert!(super::texts(&TextArgs { size: 1, ..args }).is_err());
    }
}
