//! Finds the objects of an image and draws them into `detect.png`:
//! `cargo run --release --example detect [IMAGE]`.

use std::path::PathBuf;

use vary_core::prelude::*;

const SCENE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scene.png");

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| SCENE.into());
    let mut image = open(PathBuf::from(path), &DecodeOptions::default())?;

    let vary = Pipeline::builder().build()?; // the embedded model on the best device
    let found = vary.detect(&image)?;
    for object in &found {
        let BoundingBox { x1, y1, x2, y2 } = object.bbox; // pixels
        println!(
            "{:10} {:.2}  {x1:5.1} {y1:5.1} {x2:5.1} {y2:5.1}",
            object.label, object.score
        );
    }
    if let Some(car) = vary.locate(&image, "the car")? {
        println!("`the car` is at {:.0}, {:.0}", car.bbox.x1, car.bbox.y1);
    }

    for object in found.iter().rev() {
        object.draw(&mut image);
    }
    image.save("detect.png")?;
    println!("{} objects; see detect.png", found.len());
    Ok(())
}
