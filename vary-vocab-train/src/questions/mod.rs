use std::collections::BTreeMap;

use rand::{Rng, RngExt};
use vary_core::detection::{BoundingBox, format_answer, group_by_label};
use vary_core::model::Family;
use vary_core::prompt::{SHORT_ANSWER, Task};
use vary_data::scenes::{Scene, SceneObject};
use vary_data::texts::{TextScene, Written};

mod objects;
mod refer;
mod words;

pub use objects::Objects;

/// A question about a scene and its answer, in the paper's formats (Vary-toy, arXiv 2401.12503,
/// section 3.1 and figure 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The prompt.
    pub prompt: String,
    /// The answer's text.
    pub answer: String,
    /// Objects of the scene whose boxes the answer lists, in its order.
    pub objects: Vec<usize>,
    /// For each character of an answer that is read from the image, where it is: `x1, y1, x2, y2`
    /// in pixels. Empty for boxes and for sentences.
    pub places: Vec<Option<[f32; 4]>>,
}

/// Most boxes that one answer lists; a scene of more is asked for some of its classes by name.
pub const MAX_BOXES: usize = 30;

/// Share of the scenes with few boxes that are asked for classes by name all the same.
const NAMED: f64 = 0.15;

/// Share of the scenes that are asked for one object, where a phrase sets one apart.
const LOCATE: f64 = 0.25;

/// Share of the scenes whose answer has no box: half of them count a class, half describe the
/// scene, where it is no crowd.
const WORDS: f64 = 0.15;

/// Share of the countings of a class that is not there.
const NONE: f64 = 0.1;

/// Most objects that a sentence lists.
const MAX_DESCRIBED: usize = 10;

/// Share of the texts that are asked for with their markup, where they have some; a fifth of that
/// where they have none.
const MARKDOWN: f64 = 0.4;

/// Share of the texts that are asked for a part by its name, where one has a name.
const PART: f64 = 0.2;

impl Question {
    /// All objects.
    fn detect_all(scene: Objects<'_>, names: &[String], family: Family) -> Self {
        let every = (0..scene.objects.len()).collect();
        Self::new(Task::DetectAll.question(family), scene, names, every)
    }

    /// The paper's rule for detection sets: all objects where they are up to [`MAX_BOXES`]; else
    /// random classes, as many as have no more boxes than that together.
    pub fn of_set(
        scene: Objects<'_>,
        names: &[String],
        family: Family,
        rng: &mut impl Rng,
    ) -> Self {
        if scene.objects.len() <= MAX_BOXES {
            return Self::detect_all(scene, names, family);
        }
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for object in scene.objects {
            *counts.entry(object.class).or_default() += 1;
        }
        let mut classes: Vec<(usize, usize)> = counts.into_iter().collect();
        let (mut asked, mut boxes) = (vec![], 0);
        while !classes.is_empty() {
            let (class, count) = classes.swap_remove(rng.random_range(0..classes.len()));
            if boxes + count <= MAX_BOXES {
                asked.push(class);
                boxes += count;
            }
        }
        if asked.is_empty() {
            // Every class is a crowd: the smallest is asked for.
            let class = |i: usize| scene.objects.iter().filter(|o| o.class == i).count();
            let smallest = scene
                .objects
                .iter()
                .map(|o| o.class)
                .min_by_key(|&i| class(i));
            asked.extend(smallest);
        }
        let labels: Vec<&str> = asked.iter().map(|&class| names[class].as_str()).collect();
        let prompt = Task::DetectClasses(&labels).question(family);
        Self::of_classes(prompt, scene, names, &asked)
    }

    /// A random prompt and its answer, in the wording of `family`.
    pub fn draw(scene: &Scene, names: &[String], family: Family, rng: &mut impl Rng) -> Self {
        let scene = Objects::from(scene);
        let chance: f64 = rng.random();
        if chance >= 1.0 - WORDS
            && let Some(question) = match chance >= 1.0 - WORDS / 2.0 {
                true => Self::describe(scene, names),
                false => Some(Self::count(scene, names, rng)),
            }
        {
            return question;
        }
        let mut present: Vec<usize> = scene.objects.iter().map(|object| object.class).collect();
        present.sort_unstable();
        if chance < LOCATE
            && let Some(question) = Self::locate(scene, names, rng)
        {
            return question;
        }
        if present.is_empty() || (scene.objects.len() <= MAX_BOXES && chance >= LOCATE + NAMED) {
            return Self::detect_all(scene, names, family);
        }
        // One to three classes that are there, and now and then one that is not.
        present.dedup();
        let mut asked = vec![];
        for _ in 0..rng.random_range(1..=3.min(present.len())) {
            asked.push(present.swap_remove(rng.random_range(0..present.len())));
        }
        if rng.random_bool(0.3) {
            let absent = rng.random_range(0..names.len());
            if !asked.contains(&absent) && !present.contains(&absent) {
                asked.insert(rng.random_range(0..=asked.len()), absent);
            }
        }
        let labels: Vec<&str> = asked.iter().map(|&class| names[class].as_str()).collect();
        Self::of_classes(
            Task::DetectClasses(&labels).question(family),
            scene,
            names,
            &asked,
        )
    }

    /// One object that a phrase sets apart; `None` where a few tries find none.
    pub fn locate(scene: Objects<'_>, names: &[String], rng: &mut impl Rng) -> Option<Self> {
        if scene.objects.is_empty() {
            return None;
        }
        (0..4).find_map(|_| {
            let index = rng.random_range(0..scene.objects.len());
            let phrase = refer::phrase(scene, names, index, rng)?;
            let prompt = Task::Locate(&phrase).to_string();
            Some(Self::new(prompt, scene, names, vec![index]))
        })
    }

    /// How many objects of a class there are.
    pub fn count(scene: Objects<'_>, names: &[String], rng: &mut impl Rng) -> Self {
        let any = rng.random_range(0..names.len());
        let class = match scene.objects {
            [_, ..] if !rng.random_bool(NONE) => {
                scene.objects[rng.random_range(0..scene.objects.len())].class
            }
            _ => any,
        };
        let count = scene.objects.iter().filter(|o| o.class == class).count();
        Self::plain(words::how_many(&names[class]), count.to_string())
    }

    /// What there is, in a sentence; `None` for no objects, or more than a sentence lists.
    pub fn describe(scene: Objects<'_>, names: &[String]) -> Option<Self> {
        let describable = (1..=MAX_DESCRIBED).contains(&scene.objects.len());
        describable.then(|| {
            let all = Self::detect_all(scene, names, Family::VaryTiny).objects;
            let names = all.iter().map(|&i| names[scene.objects[i].class].as_str());
            Self::plain(Task::Describe.to_string(), words::sentence(names))
        })
    }

    fn plain(prompt: String, answer: String) -> Self {
        Self {
            prompt,
            answer,
            objects: vec![],
            places: vec![],
        }
    }

    /// A random prompt of reading and its answer.
    pub fn read(text: &TextScene, rng: &mut impl Rng) -> Self {
        let (chance, marked): (f64, f64) = (rng.random(), rng.random());
        if chance < PART && !text.regions.is_empty() {
            let region = &text.regions[rng.random_range(0..text.regions.len())];
            return Self::written(Task::OcrOf(&region.name), &region.written);
        }
        let markup = text.markdown.text != text.plain.text;
        if marked < if markup { MARKDOWN } else { MARKDOWN / 5.0 } {
            return Self::written(Task::Markdown, &text.markdown);
        }
        Self::written(Task::Ocr, &text.plain)
    }

    /// A question about a chart or a form, as Vary-toy is asked them (table 1: DocVQA, ChartQA).
    pub fn of_chart(question: &vary_data::Question) -> Self {
        let prompt = format!("{} {SHORT_ANSWER}", question.text);
        Self::plain(
            prompt,
            question.answers.first().cloned().unwrap_or_default(),
        )
    }

    /// A question whose answer is read from the image.
    pub fn written(task: Task<'_>, written: &Written) -> Self {
        Self {
            prompt: task.to_string(),
            answer: written.text.clone(),
            objects: vec![],
            places: written.places.clone(),
        }
    }

    fn of_classes(prompt: String, scene: Objects<'_>, names: &[String], classes: &[usize]) -> Self {
        let asked = |i: &usize| classes.contains(&scene.objects[*i].class);
        let objects = (0..scene.objects.len()).filter(asked).collect();
        Self::new(prompt, scene, names, objects)
    }

    fn new(prompt: String, scene: Objects<'_>, names: &[String], mut objects: Vec<usize>) -> Self {
        let (width, height) = scene.size;
        let place = |object: &SceneObject| reading_order(object.bbox, width, height);
        objects.sort_by(|&a, &b| {
            place(&scene.objects[a])
                .total_cmp(&place(&scene.objects[b]))
                .then(a.cmp(&b))
        });
        let class = |i: usize| scene.objects[i].class;
        let first = |i: usize| objects.iter().position(|&o| class(o) == class(i));
        let mut grouped = objects.clone();
        grouped.sort_by_key(|&i| first(i));
        let boxes = grouped.iter().map(|&i| {
            let [x1, y1, x2, y2] = scene.objects[i].bbox;
            let bbox = BoundingBox::new(x1, y1, x2, y2);
            (names[class(i)].as_str(), bbox.to_thousandths(width, height))
        });
        Self {
            prompt,
            answer: format_answer(&group_by_label(boxes)),
            objects: grouped,
            places: vec![],
        }
    }
}

/// Objects are listed as one reads: by the quarter of the height that holds their centre, then
/// from left to right. The paper gives no order; a fixed one is easier to learn.
fn reading_order([x1, y1, x2, y2]: [f32; 4], width: u32, height: u32) -> f32 {
    const ROWS: f32 = 4.0;
    let (x, y) = (
        (x1 + x2) / (2.0 * width as f32),
        (y1 + y2) / (2.0 * height as f32),
    );
    (y * ROWS).floor().min(ROWS - 1.0) * 2.0 + x
}

#[cfg(test)]
mod tests;
