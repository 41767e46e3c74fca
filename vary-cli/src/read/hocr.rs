//! hOCR 1.2 (<https://kba.github.io/hocr-spec/1.2/>).

use std::fmt::Write;

use super::page::{LineRecord, PageRecord};

/// What ends a document.
pub const END: &str = "</body>\n</html>\n";

/// What begins a document.
pub fn start(name: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
         <meta charset=\"utf-8\"/>\n<title>{}</title>\n\
         <meta name=\"ocr-system\" content=\"vary {}\"/>\n\
         <meta name=\"ocr-capabilities\" content=\"ocr_page ocr_par ocr_line ocrx_word\"/>\n\
         </head>\n<body>\n",
        escape(name),
        env!("CARGO_PKG_VERSION")
    )
}

/// A page of the input `name`.
pub fn page(page: &PageRecord, name: &str) -> String {
    let number = page.page;
    let size = [0.0, 0.0, page.width as f32, page.height as f32];
    let place = title(Some(size), None);
    let mut html = format!(
        "<div class=\"ocr_page\" id=\"page_{number}\" title=\"image &quot;{}&quot;; {place}; \
         ppageno {}\">\n",
        escape(name),
        number - 1
    );
    for lines in page.lines.chunk_by(|a, b| a.paragraph == b.paragraph) {
        paragraph(&mut html, lines, size);
    }
    html + "</div>\n"
}

fn paragraph(html: &mut String, lines: &[LineRecord], page: [f32; 4]) {
    html.push_str("<p class=\"ocr_par\">\n");
    for line in lines {
        // A language model does not know where; hOCR wants a box.
        let place = title(line.bbox.or(Some(page)), None);
        // Writing to a string does not fail.
        let _ = write!(html, "<span class=\"ocr_line\" title=\"{place}\">");
        for (i, word) in line.words.iter().enumerate() {
            let blank = if i > 0 { " " } else { "" };
            let place = title(word.bbox, word.confidence);
            let text = escape(&word.text);
            let _ = write!(
                html,
                "{blank}<span class=\"ocrx_word\" title=\"{place}\">{text}</span>"
            );
        }
        html.push_str("</span><br/>\n");
    }
    html.push_str("</p>\n");
}

/// Properties of an element.
fn title(bbox: Option<[f32; 4]>, confidence: Option<f32>) -> String {
    let mut parts = vec![];
    if let Some([x1, y1, x2, y2]) = bbox {
        let [x1, y1] = [x1, y1].map(|edge| edge.floor().max(0.0));
        let [x2, y2] = [x2, y2].map(f32::ceil);
        parts.push(format!("bbox {x1} {y1} {x2} {y2}"));
    }
    if let Some(confidence) = confidence {
        parts.push(format!("x_wconf {}", (confidence * 100.0).round()));
    }
    parts.join("; ")
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(c),
        }
    }
    safe
}
