//! Draws `assets/atlas.png` and `assets/atlas.json` from two Iconify icon sets.
//!
//! `cargo run --release -p vary-data --example draw_atlas -- FLUENT.json NOTO.json OUT_DIR`,
//! where the first two are `icons.json` of the npm packages `@iconify-json/fluent-emoji-flat` and
//! `@iconify-json/noto`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use image::{RgbaImage, imageops};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use serde_json::{Value, json};

/// Longest side of a sprite, in pixels.
const SIDE: u32 = 96;
/// Sprites in a row of the atlas.
const COLUMNS: u32 = 16;

/// Name of the class (COCO or Objects365 wording where there is one) and of its icon, the same in
/// both sets.
const CLASSES: [(&str, &str); 64] = [
    ("car", "automobile"),
    ("bus", "bus"),
    ("bicycle", "bicycle"),
    ("airplane", "airplane"),
    ("sailboat", "sailboat"),
    ("umbrella", "umbrella"),
    ("clock", "alarm-clock"),
    ("banana", "banana"),
    ("apple", "red-apple"),
    ("pizza", "pizza"),
    ("donut", "doughnut"),
    ("carrot", "carrot"),
    ("broccoli", "broccoli"),
    ("cake", "shortcake"),
    ("cat", "cat"),
    ("horse", "horse"),
    ("elephant", "elephant"),
    ("bird", "bird"),
    ("fish", "tropical-fish"),
    ("chair", "chair"),
    ("guitar", "guitar"),
    ("scissors", "scissors"),
    ("cup", "teacup-without-handle"),
    ("house", "house"),
    ("truck", "delivery-truck"),
    ("motorcycle", "motorcycle"),
    ("train", "locomotive"),
    ("helicopter", "helicopter"),
    ("rocket", "rocket"),
    ("traffic light", "vertical-traffic-light"),
    ("hammer", "hammer"),
    ("dog", "dog"),
    ("cow", "cow"),
    ("sheep", "ewe"),
    ("pig", "pig"),
    ("rabbit", "rabbit"),
    ("penguin", "penguin"),
    ("turtle", "turtle"),
    ("butterfly", "butterfly"),
    ("crab", "crab"),
    ("strawberry", "strawberry"),
    ("grapes", "grapes"),
    ("pineapple", "pineapple"),
    ("lemon", "lemon"),
    ("watermelon", "watermelon"),
    ("hamburger", "hamburger"),
    ("hot dog", "hot-dog"),
    ("ice cream", "soft-ice-cream"),
    ("wine glass", "wine-glass"),
    ("book", "closed-book"),
    ("backpack", "backpack"),
    ("suitcase", "luggage"),
    ("handbag", "handbag"),
    ("hat", "billed-cap"),
    ("balloon", "balloon"),
    ("soccer ball", "soccer-ball"),
    ("kite", "kite"),
    ("potted plant", "potted-plant"),
    ("teddy bear", "teddy-bear"),
    ("laptop", "laptop"),
    ("cell phone", "mobile-phone"),
    ("camera", "camera"),
    ("key", "key"),
    ("bell", "bell"),
];

/// Classes of one body colour that a scene may change.
const RECOLOURABLE: [&str; 16] = [
    "car",
    "bus",
    "truck",
    "motorcycle",
    "bicycle",
    "umbrella",
    "chair",
    "key",
    "balloon",
    "book",
    "backpack",
    "suitcase",
    "handbag",
    "hat",
    "scissors",
    "guitar",
];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [fluent, noto, out] = args.as_slice() else {
        bail!("usage: draw_atlas FLUENT.json NOTO.json OUT_DIR")
    };
    let sets = [read(fluent)?, read(noto)?];
    let rows = (CLASSES.len() as u32 * 2).div_ceil(COLUMNS);
    let mut atlas = RgbaImage::new(COLUMNS * SIDE, rows * SIDE);
    let mut lines = Vec::new();
    let mut number = 0;
    for (name, icon) in CLASSES {
        let mut sprites = Vec::new();
        for set in &sets {
            let sprite = draw(set, icon).with_context(|| format!("icon {icon}"))?;
            let (x, y) = (number % COLUMNS * SIDE, number / COLUMNS * SIDE);
            let (width, height) = sprite.dimensions();
            imageops::replace(&mut atlas, &sprite, x.into(), y.into());
            sprites.push(json!({"x": x, "y": y, "width": width, "height": height}));
            number += 1;
        }
        let recolour = RECOLOURABLE.contains(&name);
        lines.push(json!({"name": name, "recolour": recolour, "sprites": sprites}).to_string());
    }
    let out = Path::new(out);
    atlas.save(out.join("atlas.png"))?;
    let list = format!("[\n  {}\n]\n", lines.join(",\n  "));
    fs::write(out.join("atlas.json"), list)?;
    Ok(())
}

/// Reads an icon set.
fn read(path: &str) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} is not JSON"))
}

/// The icon, cropped to what it paints, its longest side [`SIDE`] pixels.
fn draw(set: &Value, icon: &str) -> Result<RgbaImage> {
    let entry = &set["icons"][icon];
    let body = entry["body"].as_str().context("is not in the set")?;
    let default = set["height"].as_u64().unwrap_or(16);
    let [w, h] = ["width", "height"].map(|key| entry[key].as_u64().unwrap_or(default));
    let svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}">
{body}</svg>"#
    );
    let tree = Tree::from_str(&svg, &Options::default())?;

    // A large first rendering, 1024 pixels or a little less, finds the painted bounds.
    let probe = (1024 / w.max(h)).max(1);
    let large = render(
        &tree,
        Transform::from_scale(probe as f32, probe as f32),
        (w * probe) as u32,
        (h * probe) as u32,
    )?;
    let probe = probe as f32;
    let painted = large
        .enumerate_pixels()
        .filter(|(_, _, p)| p[3] > 127)
        .map(|(x, y, _)| (x, y));
    let (mut x0, mut y0, mut x1, mut y1) = (u32::MAX, u32::MAX, 0, 0);
    for (x, y) in painted {
        (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x + 1), y1.max(y + 1));
    }
    if x0 >= x1 {
        bail!("paints nothing");
    }
    let (width, height) = ((x1 - x0) as f32 / probe, (y1 - y0) as f32 / probe);
    let scale = SIDE as f32 / width.max(height);
    let shift = Transform::from_translate(-(x0 as f32) / probe, -(y0 as f32) / probe);
    let side = |length: f32| (length * scale).round() as u32;
    render(
        &tree,
        shift.post_scale(scale, scale),
        side(width),
        side(height),
    )
}

/// The tree under `transform` on a transparent canvas, alpha not premultiplied.
fn render(tree: &Tree, transform: Transform, width: u32, height: u32) -> Result<RgbaImage> {
    let mut canvas = Pixmap::new(width, height).context("has no area")?;
    resvg::render(tree, transform, &mut canvas.as_mut());
    let pixels = canvas.pixels().iter().map(|p| p.demultiply());
    let bytes = pixels
        .flat_map(|p| [p.red(), p.green(), p.blue(), p.alpha()])
        .collect();
    RgbaImage::from_raw(width, height, bytes).context("has a wrong size")
}
