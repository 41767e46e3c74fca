use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use csv::{Reader, ReaderBuilder, StringRecord, Trim};

use super::bbox;
use super::detection::DetectionSet;
use super::detection::SetOptions;
use super::detection::{Builder, narrow};
use super::images::Images;
use super::report::Issue;
use crate::json::open_text;
use crate::{Error, Result};

impl DetectionSet {
    /// Opens boxes of OpenImages (V4 to V7), such as `oidv6-train-annotations-bbox.csv`, with the
    /// names of `class-descriptions-boxable.csv` and the images `ImageID.jpg` in `images_dir`.
    /// The form is that of "Data Formats" on
    /// <https://storage.googleapis.com/openimages/web/download_v7.html>.
    ///
    /// Of the boxes, the columns `ImageID`, `LabelName`, `XMin`, `XMax`, `YMin`, `YMax` (fractions
    /// of the image) and `IsGroupOf` are read, by their names in the header; all other columns
    /// are skipped. `IsGroupOf` is 1 for a crowd, 0 for none and -1 for unknown, which is read as
    /// none. The classes' file has no header: a label such as `/m/0011k07` and its name in each
    /// line. Images are in the order in which their first box comes; images without any box
    /// aren't in this form at all.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Csv`] for rows of unequal length or text that isn't UTF-8;
    /// [`Error::CsvColumn`]; [`Error::CsvField`] for what isn't a number, with line and column
    /// (`NaN` and `inf` are numbers: their boxes are dropped and counted); [`Error::DuplicateId`]
    /// for a label with two names; [`Error::Record`] for an id that leads out of `images_dir`;
    /// [`Error::TooMany`] from 65537 classes on; [`Error::EmptySet`] when no image is left.
    pub fn open_open_images(
        bbox_csv: impl AsRef<Path>,
        classes_csv: impl AsRef<Path>,
        images_dir: impl AsRef<Path>,
        options: &SetOptions,
    ) -> Result<Self> {
        let (names, class_of) = read_classes(classes_csv.as_ref())?;
        let file = bbox_csv.as_ref();
        let mut csv = reader(file, true)?;
        let columns = Columns::find(file, &mut csv)?;
        let mut builder = Builder::new(file, Images::new(images_dir.as_ref()));
        let mut image_of: HashMap<String, u32> = HashMap::new();
        let mut row = StringRecord::new();
        while csv.read_record(&mut row).map_err(|e| csv_error(file, e))? {
            let line = line_of(&row);
            let id = &row[columns.image];
            let image = match image_of.get(id) {
                Some(&image) => image,
                None => {
                    let image = narrow(builder.images.len(), file, "images", u32::MAX as usize)?;
                    builder
                        .images
                        .push(&format!("{id}.jpg"), None)
                        .map_err(|source| Error::Record {
                            file: file.to_owned(),
                            record: format!("line {line}"),
                            source: Box::new(source),
                        })?;
                    image_of.insert(id.to_owned(), image);
                    image
                }
            };
            let corners = columns.corners(file, &row)?;
            let crowd = columns.crowd(file, &row)?;
            let class = class_of
                .get(&row[columns.label])
                .copied()
                .ok_or(Issue::UnknownCategory);
            let record = || format!("line {line} (image {id})");
            builder.add(
                Ok(image),
                class,
                crowd,
                |_, _| bbox::from_fractions(corners),
                record,
            );
        }
        builder.finish(names, options)
    }
}

/// A text without its carriage returns. With them, `csv` reads the same fields, but counts the
/// lines of CRLF files one too low.
struct LineFeeds(BufReader<File>);

impl Read for LineFeeds {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let mut kept = 0;
            for i in 0..read {
                buffer[kept] = buffer[i];
                kept += usize::from(buffer[i] != b'\r');
            }
            // Nothing kept isn't the end, unless nothing was read.
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

fn reader(file: &Path, header: bool) -> Result<Reader<LineFeeds>> {
    let text = LineFeeds(open_text(file)?);
    Ok(ReaderBuilder::new()
        .has_headers(header)
        .trim(Trim::All)
        .from_reader(text))
}

/// The names of the classes in file order, and from a label to its class.
fn read_classes(file: &Path) -> Result<(Vec<String>, HashMap<String, u16>)> {
    let mut names = Vec::new();
    let mut class_of = HashMap::new();
    for row in reader(file, false)?.records() {
        let row = row.map_err(|e| csv_error(file, e))?;
        let line = line_of(&row);
        let [label, name] = [row.get(0), row.get(1)].map(Option::unwrap_or_default);
        if !label.starts_with('/') || name.is_empty() || row.len() != 2 {
            return Err(Error::CsvField {
                file: file.to_owned(),
                line,
                column: if label.starts_with('/') {
                    "name"
                } else {
                    "label"
                },
                value: if label.starts_with('/') { name } else { label }.to_owned(),
                expected: "a line such as `/m/0cmf2,Airplane`; the file has no header",
            });
        }
        let class: u16 = narrow(names.len(), file, "classes", 1 << 16)?;
        if let Some(first) = class_of.insert(label.to_owned(), class) {
            return Err(Error::DuplicateId {
                file: file.to_owned(),
                id: label.to_owned(),
                first: format!("class {first}"),
                second: format!("line {line}"),
            });
        }
        names.push(name.to_owned());
    }
    Ok((names, class_of))
}

/// Where the columns are.
struct Columns {
    image: usize,
    label: usize,
    corners: [(usize, &'static str); 4],
    group: usize,
}

impl Columns {
    fn find(file: &Path, csv: &mut Reader<LineFeeds>) -> Result<Self> {
        let header = csv.headers().map_err(|e| csv_error(file, e))?;
        let find = |column: &'static str| {
            header
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| Error::CsvColumn {
                    file: file.to_owned(),
                    column,
                    found: header.iter().collect::<Vec<_>>().join(", "),
                })
        };
        Ok(Self {
            image: find("ImageID")?,
            label: find("LabelName")?,
            corners: [
                (find("XMin")?, "XMin"),
                (find("YMin")?, "YMin"),
                (find("XMax")?, "XMax"),
                (find("YMax")?, "YMax"),
            ],
            group: find("IsGroupOf")?,
        })
    }

    fn corners(&self, file: &Path, row: &StringRecord) -> Result<[f64; 4]> {
        let mut corners = [0.0; 4];
        for (corner, (column, name)) in corners.iter_mut().zip(self.corners) {
            *corner = row[column]
                .parse()
                .map_err(|_| field(file, row, column, name, "a number"))?;
        }
        Ok(corners)
    }

    fn crowd(&self, file: &Path, row: &StringRecord) -> Result<bool> {
        match &row[self.group] {
            "1" => Ok(true),
            "0" | "-1" => Ok(false),
            _ => Err(field(file, row, self.group, "IsGroupOf", "1, 0 or -1")),
        }
    }
}

fn field(
    file: &Path,
    row: &StringRecord,
    index: usize,
    column: &'static str,
    expected: &'static str,
) -> Error {
    Error::CsvField {
        file: file.to_owned(),
        line: line_of(row),
        column,
        value: row[index].to_owned(),
        expected,
    }
}

fn line_of(row: &StringRecord) -> u64 {
    row.position().map_or(0, |position| position.line())
}

fn csv_error(file: &Path, error: csv::Error) -> Error {
    if error.is_io_error() {
        return Error::io(file, error.into());
    }
    Error::Csv {
        file: file.to_owned(),
        source: error,
    }
}
