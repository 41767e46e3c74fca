//! PDF files, written by hand.

use std::io::Cursor;

/// A page of a letter's size, 612 by 792 points.
pub enum Sheet<'a> {
    /// Lines in Helvetica of 14 points; the first of 28.
    Lines(&'a [&'a str]),
    /// A PNG over all of the page.
    Scan(&'a [u8]),
    /// A drawing that draws another one twice, and so on: it never ends.
    Forms,
}

/// The file with these pages.
pub fn pdf(sheets: &[Sheet<'_>]) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = vec![];
    let kids: Vec<String> = (0..sheets.len())
        .map(|i| format!("{} 0 R", 4 + 3 * i))
        .collect();
    objects.push(b"<< /Type /Catalog /Pages 2 0 R >>".into());
    let kids = kids.join(" ");
    let pages = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", sheets.len());
    objects.push(pages.into());
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    objects.push(font.into());
    for (i, sheet) in sheets.iter().enumerate() {
        let (content, image) = (5 + 3 * i, 6 + 3 * i);
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R \
                 /Resources << /Font << /F 3 0 R >> /XObject << /I {image} 0 R >> >> >>"
            )
            .into(),
        );
        let (drawn, data) = match sheet {
            Sheet::Lines(lines) => (lines_of(lines), white()),
            Sheet::Scan(png) => ("612 0 0 792 0 0 cm /I Do".into(), png.to_vec()),
            Sheet::Forms => {
                objects.push(stream("", b"/I Do"));
                objects.push(form(4 + 3 * sheets.len()));
                continue;
            }
        };
        objects.push(stream("", drawn.as_bytes()));
        let image = image::load_from_memory(&data).unwrap().to_rgb8();
        let mut jpeg = Cursor::new(vec![]);
        image.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
        let entries = format!(
            "/Type /XObject /Subtype /Image /Width {} /Height {} /ColorSpace /DeviceRGB \
             /BitsPerComponent 8 /Filter /DCTDecode",
            image.width(),
            image.height()
        );
        objects.push(stream(&entries, jpeg.get_ref()));
    }
    for _ in 0..40 {
        objects.push(form(objects.len() + 2));
    }
    objects.push(stream(FORM, b"0 0 1 1 re f"));
    file(&objects)
}

const FORM: &str = "/Type /XObject /Subtype /Form /BBox [0 0 612 792]";

/// A drawing that draws another one twice.
fn form(other: usize) -> Vec<u8> {
    let resources = format!("/Resources << /XObject << /I {other} 0 R >> >>");
    stream(&format!("{FORM} {resources}"), b"/I Do /I Do")
}

fn white() -> Vec<u8> {
    let mut png = Cursor::new(vec![]);
    let white = image::RgbImage::from_pixel(1, 1, image::Rgb([255; 3]));
    white.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn lines_of(lines: &[&str]) -> String {
    let line = |(i, text): (usize, &&str)| {
        let size = if i == 0 { 28 } else { 14 };
        format!("BT /F {size} Tf 72 {} Td ({text}) Tj ET", 700 - 40 * i)
    };
    let all: Vec<String> = lines.iter().enumerate().map(line).collect();
    all.join("\n")
}

fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {entries} /Length {} >>\nstream\n", data.len()).into_bytes();
    object.extend(data);
    object.extend(b"\nendstream");
    object
}

fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut offsets = vec![];
    for (i, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n", i + 1).into_bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let table = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).into_bytes());
    for offset in &offsets {
        bytes.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    let size = offsets.len() + 1;
    let trailer = format!("trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    bytes.extend(trailer.into_bytes());
    bytes
}
