//! The command `draw-text`: pictures of text to look at, or to feed to another program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use image::{Rgb, RgbImage, imageops};
use serde_json::json;

use super::{TextConfig, TextKind, TextScene, Texts, draw_batch};
use crate::part::Part;

/// Pictures in a row of the contact sheet, and rows at most.
const SHEET: (u32, u32) = (6, 8);

/// Arguments of `draw-text`.
#[derive(Debug, Args)]
pub struct DrawTextArgs {
    /// Seed of the stream of pictures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Index of the first picture.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Number of pictures.
    #[arg(long, default_value_t = 24)]
    count: u64,
    /// Side of a picture in pixels.
    #[arg(long, default_value_t = 192)]
    size: u32,
    /// Kind of text, as word or page; without it all kinds.
    #[arg(long, value_parser = by_name::<TextKind>)]
    kind: Option<TextKind>,
    /// Whose fonts and papers: train or held_out.
    #[arg(long, default_value = "train", value_parser = by_name::<Part>)]
    part: Part,
    /// Write PNGs, texts.json and a contact sheet into this folder.
    #[arg(long)]
    out: PathBuf,
    /// Frame each character in the contact sheet.
    #[arg(long)]
    frames: bool,
}

/// Draws the pictures that the arguments ask for.
///
/// # Errors
/// If the settings are out of range or a file cannot be written.
pub fn run(args: &DrawTextArgs) -> Result<()> {
    let config = TextConfig {
        size: args.size,
        part: args.part,
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

/// A value by its name in JSON.
fn by_name<T: serde::de::DeserializeOwned>(name: &str) -> serde_json::Result<T> {
    serde_json::from_value(name.into())
}

fn write_files(args: &DrawTextArgs, scenes: &[TextScene]) -> Result<()> {
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
    if let Some(sheet) = sheet(scenes, args.frames) {
        sheet.save(dir.join("sheet.png"))?;
    }
    Ok(())
}

/// A contact sheet of the first pictures at twice their size, if there are any; with `frames`
/// each character is framed.
pub fn sheet(scenes: &[TextScene], frames: bool) -> Option<RgbImage> {
    let scenes = &scenes[..scenes.len().min((SHEET.0 * SHEET.1) as usize)];
    let side = 2 * scenes.first()?.image.width() + 4;
    let rows = (scenes.len() as u32).div_ceil(SHEET.0);
    let mut sheet = RgbImage::new(side * SHEET.0, side * rows);
    for (i, scene) in (0..).zip(scenes) {
        let (column, row) = (i % SHEET.0, i / SHEET.0);
        let (x, y) = (column * side, row * side);
        imageops::replace(&mut sheet, &tile(scene, frames), x.into(), y.into());
    }
    Some(sheet)
}

/// The picture at twice its size, a margin around it.
fn tile(scene: &TextScene, frames: bool) -> RgbImage {
    let side = 2 * scene.image.width();
    let mut tile = RgbImage::from_pixel(side + 4, side + 4, Rgb([255; 3]));
    let large = imageops::resize(&scene.image, side, side, imageops::FilterType::Nearest);
    imageops::replace(&mut tile, &large, 2, 2);
    let places = scene.plain.places.iter().flatten();
    for place in places.filter(|_| frames) {
        let [x1, y1, x2, y2] = place.map(|edge| ((2.0 * edge).max(0.0) as u32 + 2).min(side + 3));
        for x in x1..=x2 {
            tile.put_pixel(x, y1, Rgb([255, 0, 255]));
            tile.put_pixel(x, y2, Rgb([255, 0, 255]));
        }
        for y in y1..=y2 {
            tile.put_pixel(x1, y, Rgb([255, 0, 255]));
            tile.put_pixel(x2, y, Rgb([255, 0, 255]));
        }
    }
    tile
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn writes_pictures_list_and_sheet() {
        let dir = tempfile::tempdir().unwrap();
        let args = DrawTextArgs {
            seed: 3,
            start: 5,
            count: 2,
            size: 64,
            kind: Some(by_name("table").unwrap()),
            part: Part::HeldOut,
            out: dir.path().join("new"),
            frames: true,
        };
        run(&args).unwrap();
        let read = |name: &str| fs::read(args.out.join(name)).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&read("texts.json")).unwrap();
        let config = TextConfig {
            size: 64,
            part: Part::HeldOut,
            ..TextConfig::default()
        };
        let texts = Texts::embedded().unwrap();
        let scenes = draw_batch(&texts, &config, Some(TextKind::Table), 3, 5..7);
        for (scene, entry) in scenes.iter().zip(list.as_array().unwrap()) {
            let picture = image::load_from_memory(&read(entry["file"].as_str().unwrap())).unwrap();
            assert_eq!(picture.to_rgb8(), scene.image);
            assert_eq!(entry["kind"], "table");
            assert_eq!(entry["plain"]["text"], scene.plain.text);
        }
        let sheet = image::load_from_memory(&read("sheet.png")).unwrap();
        assert_eq!((sheet.width(), sheet.height()), (6 * 132, 132));
        assert!(run(&DrawTextArgs { size: 1, ..args }).is_err());
    }
}
