use std::collections::HashMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bbox::{Usable, from_pixels};
use super::coco::index;
use super::images::{Images, Names, dimensions};
use super::report::Issue;
use super::report::{Place, SetReport};
use crate::json::{Numbers, each, each_under, open_text, read_head};
use crate::path::inside;
use crate::{Error, Result};

/// A referring expression with the one object that it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Referred {
    /// The image file, below the folder that the set was opened with.
    pub path: PathBuf,
    /// Width and height of the image in pixels, from the annotations or else from the file.
    pub size: (u32, u32),
    /// The expression as written, without spaces around it.
    pub expression: String,
    /// `[x1, y1, x2, y2]` in fractions of the image, as in [`Object`](super::Object).
    pub bbox: [f32; 4],
}

/// A set of referring expressions, see [`Self::open`] for the forms that are read.
#[derive(Debug)]
pub struct GroundingSet {
    /// The image of each expression: one image comes as often as it has expressions.
    images: Images,
    expressions: Names,
    boxes: Vec<[f32; 4]>,
    report: SetReport,
}

/// One record of the list form.
#[derive(Deserialize)]
#[serde(try_from = "RawRecord")]
struct Record {
    file_name: String,
    size: Option<(u32, u32)>,
    bbox: [f64; 4],
    sentences: Vec<String>,
}

#[derive(Deserialize)]
struct RawRecord {
    #[serde(alias = "image")]
    file_name: String,
    width: Option<u32>,
    height: Option<u32>,
    bbox: Numbers,
    expression: Option<String>,
    sentences: Option<Vec<Sentence>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an object with `sent`")]
enum Sentence {
    Plain(String),
    Refer { sent: String },
}

impl TryFrom<RawRecord> for Record {
    type Error = &'static str;

    fn try_from(raw: RawRecord) -> Result<Self, &'static str> {
        let text = |sentence| match sentence {
            Sentence::Plain(sent) | Sentence::Refer { sent } => sent,
        };
        let sentences = match (raw.expression, raw.sentences) {
            (Some(expression), None) => vec![expression],
            (None, Some(sentences)) => sentences.into_iter().map(text).collect(),
            (None, None) => return Err("needs `expression` or `sentences`"),
            (Some(_), Some(_)) => return Err("has both `expression` and `sentences`; keep one"),
        };
        Ok(Self {
            file_name: raw.file_name,
            size: raw.width.zip(raw.height),
            bbox: raw.bbox.0,
            sentences,
        })
    }
}

/// `images` of MDETR's form.
#[derive(Deserialize)]
struct Head {
    images: Vec<Captioned>,
}

#[derive(Deserialize)]
struct Captioned {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
    caption: String,
}

#[derive(Deserialize)]
struct Annotation {
    id: Option<u64>,
    image_id: u64,
    bbox: Numbers,
}

impl GroundingSet {
    /// Opens a JSON file of referring expressions with its images below `images_dir`. Two forms
    /// are read, distinguished by whether the file is a list or an object:
    ///
    /// 1. A list of records, the usual conversion of RefCOCO, RefCOCO+ and RefCOCOg:
    ///    `{"file_name", "width", "height", "bbox": [x, y, width, height], "expression"}` with the
    ///    box in pixels. `image` may stand for `file_name`; `sentences`, a list of strings or of
    ///    REFER's `{"sent": …}`, may stand for `expression` and gives an item each. Without
    ///    `width` and `height` the header of the image file is read, now; records of images
    ///    that are missing or broken are then dropped and counted. Other fields are skipped, also
    ///    `split`: give each split as a file of its own.
    /// 2. The form of `finetune_refcoco_train.json` in MDETR's preprocessed annotations: like
    ///    COCO, but `images[]` has an entry per expression, with `caption` (the expression) beside
    ///    `id`, `file_name`, `width` and `height`, and the `annotations[]` (`image_id`, `bbox`,
    ///    `id`) one box for each. Entries with several boxes are dropped and counted.
    ///
    /// The original layout of REFER, `refs(unc).p` with `instances.json`, is a Python pickle and
    /// isn't read. `file_name` must be that of the image: the names in that pickle end with an
    /// annotation number (`COCO_train2014_000000581857_16.jpg`) that no image has.
    ///
    /// # Errors
    /// [`Error::NotJson`] for a pickle; otherwise as
    /// [`DetectionSet::open_coco`](super::DetectionSet::open_coco).
    pub fn open(json: impl AsRef<Path>, images_dir: impl AsRef<Path>) -> Result<Self> {
        let file = json.as_ref();
        let mut text = open_text(file)?;
        let start = text.fill_buf().map_err(|e| Error::io(file, e))?;
        let mut set = Self {
            images: Images::new(images_dir.as_ref()),
            expressions: Names::default(),
            boxes: Vec::new(),
            report: SetReport::default(),
        };
        match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => set.read_records(file, images_dir.as_ref())?,
            Some(b'{') => set.read_captioned(file)?,
            _ => {
                return Err(Error::NotJson {
                    file: file.to_owned(),
                });
            }
        }
        set.report.images = set.len() as u64;
        set.report.objects = set.len() as u64;
        if set.len() == 0 {
            return Err(Error::EmptySet {
                file: file.to_owned(),
                report: Box::new(set.report),
            });
        }
        Ok(set)
    }

    /// The number of expressions, at least 1.
    #[allow(clippy::len_without_is_empty)] // A set is never empty: opening one is `EmptySet`.
    pub fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Expression `i`, or `None` from [`Self::len`] on.
    pub fn get(&self, i: usize) -> Option<Referred> {
        Some(Referred {
            path: self.images.path(i),
            size: self.images.size(i)?,
            expression: self.expressions.get(i).to_owned(),
            bbox: *self.boxes.get(i)?,
        })
    }

    /// All expressions, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Referred> + '_ {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// What was kept, clipped and dropped.
    pub fn report(&self) -> &SetReport {
        &self.report
    }

    /// As [`DetectionSet::check_images`](super::DetectionSet::check_images); an image with
    /// several expressions is read and counted once.
    pub fn check_images(&self) -> SetReport {
        self.images.check()
    }

    fn read_records(&mut self, file: &Path, folder: &Path) -> Result<()> {
        let mut failed = None;
        let mut from_file = HashMap::new();
        each(file, |i, record: Record| {
            if failed.is_none()
                && let Err(source) = self.add_record(file, folder, i, record, &mut from_file)
            {
                failed = Some(Error::Record {
                    file: file.to_owned(),
                    record: format!("[{i}]"),
                    source: Box::new(source),
                });
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn add_record(
        &mut self,
        file: &Path,
        folder: &Path,
        i: usize,
        record: Record,
        from_file: &mut HashMap<String, Result<(u32, u32), Issue>>,
    ) -> Result<()> {
        let path = inside(folder, &record.file_name)?;
        let size = match record.size {
            Some(size) => Ok(size),
            None => *from_file
                .entry(record.file_name.clone())
                .or_insert_with(|| dimensions(&path).map_err(|(issue, _)| issue)),
        };
        let usable = size.and_then(|size| Ok((size, from_pixels(record.bbox, size)?)));
        let place = || format!("[{i}]");
        match usable {
            Err(issue) => self.count(issue, file, place),
            Ok(_) if record.sentences.is_empty() => self.count(Issue::EmptyExpression, file, place),
            Ok((size, usable)) => {
                if usable.clipped {
                    self.count(Issue::Clipped, file, place);
                }
                for sentence in &record.sentences {
                    self.add(&record.file_name, size, sentence, usable.bbox, file, place)?;
                }
            }
        }
        Ok(())
    }

    fn read_captioned(&mut self, file: &Path) -> Result<()> {
        let head: Head = read_head::<_, Annotation>(file, "annotations")?;
        let image_of = index(file, "images", head.images.iter().map(|image| image.id))?;
        // How many boxes each has, and one that is usable.
        let mut found: Vec<(usize, Option<Usable>)> = Vec::new();
        found.resize_with(head.images.len(), Default::default);
        each_under(file, "annotations", |i, annotation: Annotation| {
            let place = || match annotation.id {
                Some(id) => format!("annotations[{i}] (id {id})"),
                None => format!("annotations[{i}]"),
            };
            let Some(&image) = image_of.get(&annotation.image_id) else {
                return self.count(Issue::UnknownImage, file, place);
            };
            found[image].0 += 1;
            let size = (head.images[image].width, head.images[image].height);
            match from_pixels(annotation.bbox.0, size) {
                Ok(usable) => found[image].1 = Some(usable),
                Err(issue) => self.count(issue, file, place),
            }
        })?;
        for (i, (image, found)) in head.images.iter().zip(found).enumerate() {
            let place = || format!("images[{i}] (id {})", image.id);
            match found {
                (0, _) => self.count(Issue::NoObjects, file, place),
                (1, None) => {} // Its box was dropped and counted above.
                (1, Some(usable)) => {
                    if usable.clipped {
                        self.count(Issue::Clipped, file, place);
                    }
                    let size = (image.width, image.height);
                    self.add(
                        &image.file_name,
                        size,
                        &image.caption,
                        usable.bbox,
                        file,
                        place,
                    )
                    .map_err(|source| Error::Record {
                        file: file.to_owned(),
                        record: format!("images[{i}]"),
                        source: Box::new(source),
                    })?;
                }
                _ => self.count(Issue::SeveralBoxes, file, place),
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        size: (u32, u32),
        expression: &str,
        bbox: [f32; 4],
        file: &Path,
        place: impl FnOnce() -> String,
    ) -> Result<()> {
        let expression = expression.trim();
        if expression.is_empty() {
            self.count(Issue::EmptyExpression, file, place);
            return Ok(());
        }
        self.images.push(name, Some(size))?;
        self.expressions.push(expression);
        self.boxes.push(bbox);
        Ok(())
    }

    fn count(&mut self, issue: Issue, file: &Path, record: impl FnOnce() -> String) {
        self.report.add(issue, || Place {
            file: file.display().to_string(),
            record: record(),
        });
    }
}
