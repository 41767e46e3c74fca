use std::path::{Path, PathBuf};

use super::bbox::Usable;
use super::images::Images;
use super::report::Issue;
use super::report::{Place, SetReport};
use crate::{Error, Result};

/// How a [`DetectionSet`] is read.
#[derive(Debug, Clone, Default)]
pub struct SetOptions {
    /// Keep images that have no usable object. By default they are dropped and counted.
    pub keep_empty: bool,
}

/// One object of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Object {
    /// Its class, an index into [`DetectionSet::classes`].
    pub class: usize,
    /// `[x1, y1, x2, y2]` in fractions of the image's width and height, from its top left
    /// corner: `0 <= x1 < x2 <= 1` and `0 <= y1 < y2 <= 1`.
    pub bbox: [f32; 4],
    /// Whether the box holds a crowd of such objects (COCO's `iscrowd`, OpenImages' `IsGroupOf`).
    pub crowd: bool,
}

/// An image with its objects.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotatedImage {
    /// The image file, below the folder that the set was opened with.
    pub path: PathBuf,
    /// Width and height in pixels as the annotations declare them; OpenImages declares none.
    pub size: Option<(u32, u32)>,
    /// Its objects, in the order of the file.
    pub objects: Vec<Object>,
}

/// An [`Object`] as it is held: 20 bytes, as there are 30 million in Objects365.
#[derive(Debug, Clone, Copy, Default)]
struct Stored {
    bbox: [f32; 4],
    class: u16,
    crowd: bool,
}

/// A set of images with boxes and classes, see [the module](super) for the forms that are read.
///
/// Only annotations are held, about 20 bytes per box and the file name per image. Images are
/// in the order of the file.
#[derive(Debug)]
pub struct DetectionSet {
    images: Images,
    /// Where the objects of each image end in `objects`.
    ends: Vec<usize>,
    objects: Vec<Stored>,
    classes: Vec<String>,
    report: SetReport,
}

impl DetectionSet {
    /// The number of images, at least 1.
    #[allow(clippy::len_without_is_empty)] // A set is never empty: opening one is `EmptySet`.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Image `i` with its objects, or `None` from [`Self::len`] on.
    pub fn get(&self, i: usize) -> Option<AnnotatedImage> {
        let end = *self.ends.get(i)?;
        let begin = if i == 0 { 0 } else { self.ends[i - 1] };
        let object = |stored: &Stored| Object {
            class: usize::from(stored.class),
            bbox: stored.bbox,
            crowd: stored.crowd,
        };
        Some(AnnotatedImage {
            path: self.images.path(i),
            size: self.images.size(i),
            objects: self.objects[begin..end].iter().map(object).collect(),
        })
    }

    /// All images in order.
    pub fn iter(&self) -> impl Iterator<Item = AnnotatedImage> + '_ {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// The names of the classes, in the order of the file. Names may repeat where the file's do.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What was kept, clipped and dropped.
    pub fn report(&self) -> &SetReport {
        &self.report
    }

    /// Reads the header of every image file, on all threads, and counts those that are missing,
    /// broken or of another size than declared. The set stays as it is.
    ///
    /// Only headers are read: a file that is cut off in the middle passes. An image that a viewer
    /// turns by its EXIF orientation has the size that is stored, before the turn.
    pub fn check_images(&self) -> SetReport {
        self.images.check()
    }
}

/// A set while its objects are read, in whatever order they come.
pub(super) struct Builder {
    file: PathBuf,
    pub images: Images,
    staged: Vec<(u32, Stored)>,
    report: SetReport,
}

impl Builder {
    pub fn new(file: &Path, images: Images) -> Self {
        Self {
            file: file.to_owned(),
            images,
            staged: Vec::new(),
            report: SetReport::default(),
        }
    }

    /// Adds an object to `image`, or counts why not; `record` names it in the file.
    pub fn add(
        &mut self,
        image: Result<u32, Issue>,
        class: Result<u16, Issue>,
        crowd: bool,
        bbox: impl FnOnce(&Images, u32) -> Result<Usable, Issue>,
        record: impl Fn() -> String,
    ) {
        let mut count = |issue| {
            self.report.add(issue, || Place {
                file: self.file.display().to_string(),
                record: record(),
            });
        };
        let images = &self.images;
        let usable = image
            .and_then(|image| Ok((image, class?)))
            .and_then(|(image, class)| Ok((image, class, bbox(images, image)?)));
        match usable {
            Err(issue) => count(issue),
            Ok((image, class, Usable { bbox, clipped })) => {
                if clipped {
                    count(Issue::Clipped);
                }
                self.staged.push((image, Stored { bbox, class, crowd }));
            }
        }
    }

    /// Sorts the objects to their images and drops images without any.
    pub fn finish(self, classes: Vec<String>, options: &SetOptions) -> Result<DetectionSet> {
        let Self {
            file,
            images,
            staged,
            mut report,
        } = self;
        // A counting sort: where the objects of each image begin, then each to its place. The
        // order within an image stays that of the file.
        let mut ends = vec![0; images.len()];
        for (image, _) in &staged {
            ends[*image as usize] += 1;
        }
        let has_objects: Vec<bool> = ends.iter().map(|&count| count > 0).collect();
        let mut total = 0;
        for end in &mut ends {
            // For now where the image's objects begin; filling moves it to where they end.
            total += std::mem::replace(end, total);
        }
        let mut objects = vec![Stored::default(); total];
        for (image, stored) in staged {
            let next = &mut ends[image as usize];
            objects[*next] = stored;
            *next += 1;
        }

        let mut images = images;
        if !options.keep_empty {
            for i in (0..images.len()).filter(|&i| !has_objects[i]) {
                report.add(Issue::NoObjects, || Place {
                    file: file.display().to_string(),
                    record: images.name(i).to_owned(),
                });
            }
            if report.count(Issue::NoObjects) > 0 {
                images = images.filter(|i| has_objects[i]);
                let mut i = 0;
                ends.retain(|_| {
                    i += 1;
                    has_objects[i - 1]
                });
            }
        }
        report.images = images.len() as u64;
        report.objects = objects.len() as u64;
        if images.len() == 0 {
            return Err(Error::EmptySet {
                file,
                report: Box::new(report),
            });
        }
        Ok(DetectionSet {
            images,
            ends,
            objects,
            classes,
            report,
        })
    }
}

/// The number of a class or image, counted from 0, as it is held.
pub(super) fn narrow<T: TryFrom<usize>>(
    number: usize,
    file: &Path,
    what: &'static str,
    limit: usize,
) -> Result<T> {
    T::try_from(number).map_err(|_| Error::TooMany {
        file: file.to_owned(),
        what,
        limit,
    })
}
