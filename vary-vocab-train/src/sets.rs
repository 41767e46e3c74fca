use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vary_core::detection::{BoundingBox, format_answer};
use vary_core::model::Family;
use vary_core::prompt::{IMAGE, Message, Task};
use vary_core::train::data::{Conversation, Dataset, read_image};
use vary_data::scenes::SceneObject;
use vary_data::sets::{AnnotatedImage, DetectionSet, Found, GroundingSet, Issue, SetReport};

use crate::questions::{Objects, Question};

/// A detection set as conversations, asked for by the paper's rule (Vary-toy, arXiv 2401.12503,
/// section 3.1): see [`Question::of_set`]. Groups of objects that have one box are left out.
pub(crate) struct DetectionConversations {
    set: DetectionSet,
    /// Images with an object that is no group.
    images: Vec<u32>,
    family: Family,
    seed: u64,
    left_out: Vec<String>,
}

impl DetectionConversations {
    pub fn new(set: DetectionSet, family: Family, seed: u64) -> Self {
        let single = |image: &AnnotatedImage| image.objects.iter().any(|object| !object.crowd);
        let images = (0..).zip(set.iter()).filter(|(_, image)| single(image));
        let images: Vec<u32> = images.map(|(index, _)| index).collect();
        let mut left_out = left_out(set.report());
        if images.len() < set.len() {
            let groups = set.len() - images.len();
            left_out.push(format!("{groups} images with groups of objects only"));
        }
        Self {
            set,
            images,
            family,
            seed,
            left_out,
        }
    }
}

impl Dataset for DetectionConversations {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn get(&self, index: usize, epoch: u64) -> vary_core::Result<Conversation> {
        let entry = self.set.get(self.images[index] as usize);
        let entry = entry.ok_or_else(|| outside(index))?;
        let origin = entry.path.display().to_string();
        let image = read_image(&entry.path, &origin)?;
        let size = image.dimensions();
        let objects: Vec<SceneObject> = (entry.objects.iter())
            .filter(|object| !object.crowd)
            .map(|object| SceneObject {
                class: object.class,
                colour: None,
                bbox: in_pixels(object.bbox, size),
            })
            .collect();
        let mut rng = epoch_rng(self.seed, epoch, index);
        let view = Objects {
            objects: &objects,
            size,
        };
        let question = Question::of_set(view, self.set.classes(), self.family, &mut rng);
        let prompt = format!("{IMAGE}\n{}", question.prompt);
        Ok(Conversation {
            images: vec![image],
            messages: vec![Message::human(prompt), Message::gpt(question.answer)],
            accepted: vec![],
            origin,
        })
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

/// A set of referring expressions as conversations; answers are boxes alone, as in figure 1 of the
/// paper.
pub(crate) struct GroundingConversations {
    set: GroundingSet,
    left_out: Vec<String>,
}

impl GroundingConversations {
    pub fn new(set: GroundingSet) -> Self {
        Self {
            left_out: left_out(set.report()),
            set,
        }
    }
}

impl Dataset for GroundingConversations {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn get(&self, index: usize, _epoch: u64) -> vary_core::Result<Conversation> {
        let referred = self.set.get(index).ok_or_else(|| outside(index))?;
        let origin = referred.path.display().to_string();
        let image = read_image(&referred.path, &origin)?;
        let (width, height) = image.dimensions();
        let [x1, y1, x2, y2] = in_pixels(referred.bbox, (width, height));
        let bbox = BoundingBox::new(x1, y1, x2, y2).to_thousandths(width, height);
        let prompt = format!("{IMAGE}\n{}", Task::Locate(&referred.expression));
        let answer = format_answer(&[("", vec![bbox])]);
        Ok(Conversation {
            images: vec![image],
            messages: vec![Message::human(prompt), Message::gpt(answer)],
            accepted: vec![],
            origin,
        })
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

fn in_pixels(bbox: [f32; 4], (width, height): (u32, u32)) -> [f32; 4] {
    let size = [width, height, width, height];
    std::array::from_fn(|i| bbox[i] * size[i] as f32)
}

fn outside(index: usize) -> vary_core::Error {
    vary_core::Error::Config(format!("the set has no item {index}"))
}

/// A line for each reason why something was left out.
fn left_out(report: &SetReport) -> Vec<String> {
    let dropped = |issue: &Issue| *issue != Issue::Clipped;
    let issues = report.issues.iter().filter(|(issue, _)| dropped(issue));
    let line = |(issue, found): (&Issue, &Found)| {
        let places = found.first.iter();
        let places = places.map(|place| format!("{}: {}", place.file, place.record));
        let places: Vec<String> = places.collect();
        format!("{} {issue}; first: {}", found.count, places.join(", "))
    };
    issues.map(line).collect()
}

/// Draws for an item in a pass through its set.
pub(crate) fn epoch_rng(seed: u64, epoch: u64, index: usize) -> ChaCha8Rng {
    // Far apart, so that no seed's second pass is another's first.
    let seed = seed.wrapping_add(epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    rng
}
