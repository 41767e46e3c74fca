//! Writes small PDF files.

/// A page to be written.
#[derive(Clone)]
pub struct PageSource {
    /// Entries of the page's dictionary beside parent, resources and contents.
    pub entries: String,
    /// The content stream.
    pub content: String,
}

impl PageSource {
    /// A page of 600 by 800 points.
    pub fn new(content: impl Into<String>) -> Self {
        Self {
            entries: "/MediaBox [0 0 600 800]".into(),
            content: content.into(),
        }
    }
}

/// A line of text of the given size whose baseline starts at (x, y) points from the lower left.
pub fn line(x: f32, y: f32, size: f32, text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('(', "\\(")
        .replace(')', "\\)");
    format!("BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET\n")
}

/// Lines below each other, 14 points apart, in 11 points.
pub fn lines(x: f32, y: f32, texts: &[&str]) -> String {
    let place = |(i, text): (usize, &&str)| line(x, y - 14.0 * i as f32, 11.0, text);
    texts.iter().enumerate().map(place).collect()
}

/// A grey image over the whole page of 600 by 800 points.
pub const FULL_IMAGE: &str = "q 600 0 0 800 0 0 cm /Im1 Do Q\n";

/// A file with these pages. Fonts: F1 is Helvetica, T3 has boxes as letters, of which `A` is known
/// by its name and `B` is not.
pub fn pdf(pages: &[PageSource]) -> Vec<u8> {
    pdf_with_trailer(pages, "")
}

/// The same with more entries in the trailer.
pub fn pdf_with_trailer(pages: &[PageSource], trailer: &str) -> Vec<u8> {
    let box_program = "600 0 0 0 500 700 d1 0 0 500 700 re f";
    let kids: Vec<String> = (0..pages.len())
        .map(|i| format!("{} 0 R", 7 + 2 * i))
        .collect();
    let mut objects =
        vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into(),
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 600 700] /FontMatrix [0.001 0 0 0.001 0 0] \
         /CharProcs << /A 5 0 R /g2 5 0 R >> /Encoding << /Type /Encoding /Differences [65 /A /g2] \
         >> /FirstChar 65 /LastChar 66 /Widths [600 600] /Resources << >> >>"
            .into(),
        stream("", box_program),
        stream(
            "/Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray \
             /BitsPerComponent 8",
            "abcd",
        ),
    ];
    for (i, page) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R {} /Contents {} 0 R /Resources << /Font << /F1 3 0 R /T3 \
             4 0 R >> /XObject << /Im1 6 0 R >> >> >>",
            page.entries,
            8 + 2 * i
        ));
        objects.push(stream("", &page.content));
    }
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\n");
    file.extend(format!("{trailer}startxref\n{start}\n%%EOF\n").bytes());
    file
}

/// A file that needs a password.
pub fn encrypted_pdf(pages: &[PageSource]) -> Vec<u8> {
    let key = "00".repeat(32);
    pdf_with_trailer(
        pages,
        &format!(
            "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /Length 40 /P -4 \
             /O <{key}> /U <{key}> >>"
        ),
    )
}

fn stream(entries: &str, data: &str) -> String {
    format!(
        "<< {entries} /Length {} >>\nstream\n{data}\nendstream",
        data.len()
    )
}
