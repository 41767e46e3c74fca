use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use vary_core::detection::BoundingBox;
use vary_core::eval::{CalibrationSummary, Truth};

use super::Case;
use super::escape::escape;

/// The image with the true boxes and those found, as SVG in pixels of the image.
pub(super) fn boxes(case: &Case) -> String {
    let (width, height) = case.size;
    let mut svg = format!(r#"<svg class="image" viewBox="0 0 {width} {height}" role="img">"#);
    if !case.image.is_empty() {
        let data = BASE64_STANDARD.encode(&case.image);
        svg += &format!(
            "<image width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             href=\"data:image/jpeg;base64,{data}\"/>"
        );
    }
    let size = f64::from(width.max(height)) / 28.0;
    match &case.truth {
        Truth::Objects(truths) => {
            for truth in truths {
                let label = if truth.crowd {
                    format!("{} (crowd)", truth.label)
                } else {
                    truth.label.clone()
                };
                outline(&mut svg, "true", &truth.bbox, &label, size);
            }
        }
        Truth::Object(bbox) => outline(&mut svg, "true", bbox, "", size),
        Truth::Text(_) => {}
    }
    for found in &case.found {
        let label = format!("{} {:.2}", found.label, found.score);
        outline(&mut svg, "found", &found.bbox, label.trim(), size);
    }
    svg + "</svg>"
}

/// Draws a box. Labels of true boxes are inside the lower edge, those of found boxes inside the
/// upper.
fn outline(svg: &mut String, class: &str, bbox: &BoundingBox, label: &str, size: f64) {
    let edge = |value: f32| if value.is_finite() { value } else { 0.0 };
    let (x, y) = (edge(bbox.x1), edge(bbox.y1));
    let (width, height) = (edge(bbox.width()), edge(bbox.height()));
    let label = escape(label);
    let baseline = match class {
        "true" => f64::from(y + height) - 0.25 * size,
        _ => f64::from(y) + size,
    };
    let left = f64::from(x) + 0.2 * size;
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<g class=\"{class}\">\
         <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\
         <text x=\"{left:.1}\" y=\"{baseline:.1}\" font-size=\"{size:.1}\">{label}</text></g>"
    );
}

/// A reliability diagram: the share of correct answers over their scores, and below it the number
/// of answers with these scores.
pub(super) fn reliability(calibration: &CalibrationSummary) -> String {
    const SIDE: f64 = 200.0;
    let most = calibration
        .bins
        .iter()
        .map(|bin| bin.count)
        .max()
        .unwrap_or(0)
        .max(1);
    let mut svg = String::from(
        "<svg class=\"reliability\" viewBox=\"-34 -8 246 292\" role=\"img\">\
         <rect class=\"area\" width=\"200\" height=\"200\"/>",
    );
    for bin in &calibration.bins {
        let (Some(score), Some(accuracy)) = (bin.mean_score, bin.accuracy) else {
            continue;
        };
        let (x, width) = (SIDE * bin.low, SIDE * (bin.high - bin.low) - 1.0);
        let (top, at) = (SIDE * (1.0 - accuracy), SIDE * score);
        let bar = 36.0 * bin.count as f64 / most as f64;
        let _ = write!(
            svg,
            "<g><title>scores {:.2} to {:.2}: {}, mean {score:.3}, correct {accuracy:.3}</title>\
             <rect class=\"bar\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
             height=\"{:.1}\"/>\
             <circle class=\"mean\" cx=\"{at:.1}\" cy=\"{top:.1}\" r=\"3\"/>\
             <rect class=\"count\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" \
             height=\"{bar:.1}\"/></g>",
            bin.low,
            bin.high,
            bin.count,
            SIDE - top,
            256.0 - bar,
        );
    }
    svg += r#"<line class="ideal" x1="0" y1="200" x2="200" y2="0"/>"#;
    for (share, name) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        let (x, y) = (SIDE * share, SIDE * (1.0 - share) + 4.0);
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"214\" text-anchor=\"middle\">{name}</text>\
             <text x=\"-6\" y=\"{y}\" text-anchor=\"end\">{name}</text>"
        );
    }
    svg + "<text x=\"100\" y=\"272\" text-anchor=\"middle\">score</text>\
           <text transform=\"translate(-26 100) rotate(-90)\" text-anchor=\"middle\">\
           share correct</text></svg>"
}
