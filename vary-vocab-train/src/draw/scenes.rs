//! The command `draw`: scenes to look at, or to feed to another program.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use vary_data::Split;
use vary_data::scenes::{Atlas, Colour, Scene, SceneConfig, draw_batch};

use super::sheet::{SHOWN, contact_sheet, tile};

/// Scenes drawn before they are written.
const CHUNK: u64 = 1024;

/// Arguments of `draw`.
#[derive(Debug, Args)]
pub struct SceneArgs {
    /// Seed of the stream of scenes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Index of the first scene.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Number of scenes.
    #[arg(long, default_value_t = 24)]
    count: u64,
    /// Side of a scene in pixels; without it as configured.
    #[arg(long)]
    size: Option<u32>,
    /// Split whose backgrounds the scenes show; without it as configured.
    #[arg(long, value_enum)]
    split: Option<Split>,
    /// JSON file with scene settings that differ from the default.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Write records to standard output: RGB bytes row by row, then (little endian) the number of
    /// objects as u32 and for each its class as u32 and x1, y1, x2, y2 in pixels as f32.
    #[arg(long, conflicts_with = "out", required_unless_present = "out")]
    raw: bool,
    /// Write PNGs, scenes.json and a contact sheet with the boxes into this folder.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Draws the scenes that the arguments ask for.
///
/// # Errors
/// If the settings are out of range or a file cannot be read or written.
pub fn scenes(args: &SceneArgs) -> Result<()> {
    let mut config = match &args.config {
        None => SceneConfig::default(),
        Some(path) => {
            let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_slice(&text)
                .with_context(|| format!("{}: not a scene configuration", path.display()))?
        }
    };
    config.size = args.size.unwrap_or(config.size);
    config.split = args.split.unwrap_or(config.split);
    config.validate()?;
    let Some(end) = args.start.checked_add(args.count) else {
        bail!("start plus count is over {}", u64::MAX)
    };
    let atlas = Atlas::embedded()?;
    let chunks = (args.start..end)
        .step_by(CHUNK as usize)
        .map(|from| draw_batch(&config, &atlas, args.seed, from..end.min(from + CHUNK)));
    match &args.out {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            for scene in chunks.flatten() {
                write_raw(&mut out, &scene)?;
            }
            Ok(out.flush()?)
        }
        Some(dir) => write_files(dir, &atlas, args.start, chunks.flatten()),
    }
}

fn write_raw(out: &mut impl Write, scene: &Scene) -> io::Result<()> {
    out.write_all(scene.image.as_raw())?;
    out.write_all(&(scene.objects.len() as u32).to_le_bytes())?;
    for object in &scene.objects {
        out.write_all(&(object.class as u32).to_le_bytes())?;
        for edge in object.bbox {
            out.write_all(&edge.to_le_bytes())?;
        }
    }
    Ok(())
}

fn write_files(
    dir: &Path,
    atlas: &Atlas,
    start: u64,
    scenes: impl Iterator<Item = Scene>,
) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let (mut list, mut tiles) = (Vec::new(), Vec::new());
    for (index, scene) in (start..).zip(scenes) {
        let file = format!("{index:06}.png");
        scene.image.save(dir.join(&file))?;
        let objects: Vec<_> = scene
            .objects
            .iter()
            .map(|o| {
                let (label, colour) = (&atlas.names()[o.class], o.colour.map(Colour::name));
                json!({"class": o.class, "label": label, "bbox": o.bbox, "colour": colour})
            })
            .collect();
        list.push(json!({"file": file, "index": index, "objects": objects}));
        if tiles.len() < SHOWN {
            tiles.push(tile(&scene.image, scene.objects.iter().map(|o| o.bbox)));
        }
    }
    let text = serde_json::to_vec_pretty(&json!({"classes": atlas.names(), "scenes": list}))?;
    fs::write(dir.join("scenes.json"), text)?;
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
    fn raw_records_hold_the_scene() {
        let atlas = Atlas::embedded().unwrap();
        for scene in draw_batch(&SceneConfig::default(), &atlas, 1, 0..5) {
            let mut record = Vec::new();
            write_raw(&mut record, &scene).unwrap();
            let (pixels, rest) = record.split_at(192 * 192 * 3);
            assert_eq!(pixels, scene.image.as_raw());
            let (count, objects) = rest.split_at(4);
            assert_eq!(count, (scene.objects.len() as u32).to_le_bytes());
            assert_eq!(objects.len(), 20 * scene.objects.len());
            for (bytes, object) in objects.chunks_exact(20).zip(&scene.objects) {
                assert_eq!(bytes[..4], (object.class as u32).to_le_bytes());
                assert_eq!(bytes[16..], object.bbox[3].to_le_bytes());
            }
        }
    }

    #[test]
    fn writes_images_list_and_sheet() {
        let dir = tempfile::tempdir().unwrap();
        let out = Some(dir.path().join("new"));
        let args = SceneArgs {
            seed: 3,
            start: 5,
            count: 2,
            size: Some(64),
            split: Some(Split::Test),
            config: None,
            raw: false,
            out,
        };
        scenes(&args).unwrap();
        let read = |name: &str| fs::read(dir.path().join("new").join(name)).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&read("scenes.json")).unwrap();
        let config = SceneConfig {
            size: 64,
            split: Split::Test,
            ..SceneConfig::default()
        };
        let scenes = draw_batch(&config, &Atlas::embedded().unwrap(), 3, 5..7);
        for (scene, entry) in scenes.iter().zip(list["scenes"].as_array().unwrap()) {
            let image = image::load_from_memory(&read(entry["file"].as_str().unwrap())).unwrap();
            assert_eq!(image.to_rgb8(), scene.image);
            let boxes = entry["objects"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| o["bbox"].clone());
            let boxes: Vec<[f32; 4]> = boxes.map(|b| serde_json::from_value(b).unwrap()).collect();
            assert_eq!(
                boxes,
                scene.objects.iter().map(|o| o.bbox).collect::<Vec<_>>()
            );
        }
        let sheet = image::load_from_memory(&read("sheet.png")).unwrap();
        assert_eq!((sheet.width(), sheet.height()), (6 * 132, 132));
    }

    #[test]
    fn refuses_settings_out_of_range() {
        let args = SceneArgs {
            seed: 1,
            start: 0,
            count: 1,
            size: Some(1),
            split: None,
            config: None,
            raw: true,
            out: None,
        };
        assert!(scenes(&args).is_err());
        assert!(
            scenes(&SceneArgs {
                start: u64::MAX,
                size: None,
                ..args
            })
            .is_err()
        );
    }
}
