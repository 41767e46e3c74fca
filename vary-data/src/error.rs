use std::io;
use std::path::PathBuf;

use crate::sets::report::SetReport;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// An annotation file that isn't JSON, or whose types differ from its format.
    #[error("{}: {field}{}{source}", file.display(), if field.is_empty() { "" } else { ": " })]
    Json {
        /// The annotation file.
        file: PathBuf,
        /// Where in it, as in `annotations[17].bbox[2]`; empty for the file as a whole.
        field: String,
        /// What was found and what was expected, with line and column.
        source: serde_json::Error,
    },
    /// A file of referring expressions in a form that isn't read, such as Python's pickle.
    #[error(
        "{}: this is not JSON, and pickle files such as `refs(unc).p` are not read; convert it to \
         a JSON list of {{\"file_name\", \"width\", \"height\", \"bbox\": [x, y, w, h], \
         \"sentences\"}} or to the form of `finetune_refcoco_train.json`",
        file.display()
    )]
    NotJson {
        /// The file.
        file: PathBuf,
    },
    /// A CSV file that can't be split into rows and fields.
    #[error("{}: {source}", file.display())]
    Csv {
        /// The CSV file.
        file: PathBuf,
        /// What was wrong, with its line.
        source: csv::Error,
    },
    /// A CSV file without a column that its format has.
    #[error("{}: no column `{column}` in the header; it has: {found}", file.display())]
    CsvColumn {
        /// The CSV file.
        file: PathBuf,
        /// The missing column.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A field of a CSV file that isn't what its column holds.
    #[error("{}: line {line}, column `{column}`: {value:?} is not {expected}", file.display())]
    CsvField {
        /// The CSV file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A path that could leave the folder it is meant to lie in, see [`crate::path::inside`].
    #[error(
        "the path {relative:?} {why}; it must be relative to {} and stay inside it",
        folder.display()
    )]
    Outside {
        /// The path as it was given.
        relative: String,
        /// The folder it should lie in.
        folder: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something wrong with one record of an annotation file.
    #[error("{}: {record}: {source}", file.display())]
    Record {
        /// The annotation file.
        file: PathBuf,
        /// The record, as in `images[3]`.
        record: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// Two records of one annotation file with the same id, so that it is unclear which is meant.
    #[error(
        "{}: {second} has the id {id} of {first}; ids must be unique, so remove or renumber one",
        file.display()
    )]
    DuplicateId {
        /// The annotation file.
        file: PathBuf,
        /// The id.
        id: String,
        /// The record that had it first, as in `images[3]`.
        first: String,
        /// The record that has it again.
        second: String,
    },
    /// An annotation file with more records than are counted with.
    #[error("{}: more than {limit} {what}; split the file", file.display())]
    TooMany {
        /// The annotation file.
        file: PathBuf,
        /// What there is too much of.
        what: &'static str,
        /// The most that is allowed.
        limit: usize,
    },
    /// An annotation file of which nothing usable is left.
    #[error(
        "{}: nothing usable is left of this data set; check what was dropped: {report}",
        file.display()
    )]
    EmptySet {
        /// The annotation file.
        file: PathBuf,
        /// What was dropped and why.
        report: Box<SetReport>,
    },

    /// A setting of drawn scenes or texts is out of range.
    #[error("setting `{field}` {problem}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// What is wrong with it and what is allowed.
        problem: String,
    },

    /// The sprites of scenes can't be read.
    #[cfg(feature = "scenes")]
    #[error("the sprite atlas is damaged: {0}; draw it again with the example draw_atlas")]
    Atlas(String),

    /// An embedded font of texts can't be read.
    #[cfg(feature = "texts")]
    #[error("the font {0} is damaged; make it again as assets/fonts/README.md describes")]
    EmbeddedFont(&'static str),

    /// A font of charts and forms that can't be used.
    #[error("font {position}: {reason}; give TrueType or OpenType fonts with the letters of ASCII")]
    DrawnFont {
        /// Its place in the list, from 0.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },

    /// An image can't be drawn at this size.
    #[error(
        "a drawn image can't be {width} x {height} pixels; its sides are 256 to 4096 pixels, \
         the longer one at most twice the shorter"
    )]
    DrawnSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },

    /// No layout was found in which all texts fit.
    #[error(
        "no room for a {kind} in {width} x {height} pixels with these fonts; draw it larger or \
         give narrower fonts"
    )]
    NoRoom {
        /// What was to be drawn.
        kind: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },

    /// The shapes of an image could not be drawn.
    #[error("drawing shapes: {0}; this is a defect of this crate, please report it")]
    Shapes(String),
    /// A font file that holds no font that can be read.
    #[error("{}: no font in it could be read; give a .ttf, .otf or .ttc file", .0.display())]
    Font(PathBuf),
    /// Characters that none of the fonts draws.
    #[error("no font draws {chars:?}; give a font that has them, or leave them out")]
    NoGlyph {
        /// The characters.
        chars: String,
    },
    /// Text that is wider or higher than its place on the page.
    #[error("{text:?} does not fit its column or page; take smaller type or fewer columns")]
    DoesNotFit {
        /// The text.
        text: String,
    },
    /// A formula outside the supported part of LaTeX.
    #[error("formula {latex:?}: {reason}")]
    Formula {
        /// The formula.
        latex: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A style of pages outside its ranges.
    #[error("page style: {0}")]
    PageStyle(String),
    /// A page that could not be laid out.
    #[error("typst could not lay out the page: {0}")]
    Layout(String),
    /// A PDF file that gives no pages.
    #[cfg(feature = "pdf")]
    #[error("{}: no pages from this PDF file: {reason}", path.display())]
    Pdf {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: crate::pdf::Skip,
    },

    /// Options for PDF pages out of their range.
    #[cfg(feature = "pdf")]
    #[error("option `{option}` for PDF pages is {value}, it must be {allowed}")]
    PdfOption {
        /// The field's name.
        option: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },

    /// A folder of PDF pages that was begun with other options.
    #[cfg(feature = "pdf")]
    #[error(
        "{}: these pages were made with other options or by another version; use an empty folder, \
         or the same options", path.display()
    )]
    PdfOptionsChanged {
        /// The file with the options of the earlier run.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}

/// Checks that a setting is from `low` to `high`.
#[cfg(feature = "scenes")]
pub(crate) fn within(field: &'static str, value: f32, low: f32, high: f32) -> Result<()> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(Error::Setting {
            field,
            problem: format!("is {value}, not in {low}..={high}"),
        }),
    }
}
