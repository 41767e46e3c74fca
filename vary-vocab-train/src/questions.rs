use std::collections::BTreeMap;

use rand::{Rng, RngExt};
use vary_core::detection::{BoundingBox, format_answer, group_by_label};
use vary_core::model::Family;
use vary_core::prompt::{SHORT_ANSWER, Task};

use crate::refer;
use crate::scenes::{Scene, SceneObject};
use crate::texts::{TextScene, Written};
use crate::words;

/// A question about a scene and its answer, in the paper's formats (Vary-toy, arXiv 2401.12503,
/// section 3.1 and figure 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The prompt.
    pub prompt: String,
    /// The answer's text.
    pub answer: String,
    /// Objects of the scene whose boxes the answer tells, in its order.
    pub objects: Vec<usize>,
    /// For each character of an answer that is read from the picture, where it is: `x1, y1, x2, y2`
    /// in pixels. Empty for boxes and for sentences.
    pub places: Vec<Option<[f32; 4]>>,
}

/// Most boxes that one answer lists; a scene of more is asked for some of its classes by name.
pub const MAX_BOXES: usize = 30;

/// Share of the scenes with few boxes that are asked for classes by name all the same.
const NAMED: f64 = 0.15;

/// Share of the scenes that are asked for one object, where a phrase sets one apart.
const LOCATE: f64 = 0.25;

/// Share of the scenes that are asked for in words: half of them how many of a class there are, half
/// what there is, where it is no crowd.
const TOLD: f64 = 0.15;

/// Share of the countings of a class that is not there.
const NONE: f64 = 0.1;

/// Most objects that a sentence lists.
const MAX_TOLD: usize = 10;

/// Share of the texts that are asked for with their markup, where they have some; a fifth of that
/// where they have none.
const MARKDOWN: f64 = 0.4;

/// Share of the texts that are asked for a part by its name, where one has a name.
const PART: f64 = 0.2;

/// The objects of a picture, and its width and height in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Objects<'a> {
    /// The objects.
    pub objects: &'a [SceneObject],
    /// Width and height.
    pub size: (u32, u32),
}

impl<'a> From<&'a Scene> for Objects<'a> {
    fn from(scene: &'a Scene) -> Self {
        Self {
            objects: &scene.objects,
            size: scene.image.dimensions(),
        }
    }
}

impl Question {
    /// All objects.
    fn detect_all(scene: Objects<'_>, names: &[String], family: Family) -> Self {
        let every = (0..scene.objects.len()).collect();
        Self::new(Task::DetectAll.question(family), scene, names, every)
    }

    /// The paper's rule for detection sets: all objects where they are up to [`MAX_BOXES`]; else
    /// classes drawn by lot, as many as have no more boxes than that together.
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

    /// Draws one of the prompts by lot; `family` has a say in its wording.
    pub fn draw(scene: &Scene, names: &[String], family: Family, rng: &mut impl Rng) -> Self {
        let scene = Objects::from(scene);
        let lot: f64 = rng.random();
        if lot >= 1.0 - TOLD
            && let Some(question) = match lot >= 1.0 - TOLD / 2.0 {
                true => Self::describe(scene, names),
                false => Some(Self::count(scene, names, rng)),
            }
        {
            return question;
        }
        let mut present: Vec<usize> = scene.objects.iter().map(|object| object.class).collect();
        present.sort_unstable();
        if lot < LOCATE
            && let Some(question) = Self::locate(scene, names, rng)
        {
            return question;
        }
        if present.is_empty() || (scene.objects.len() <= MAX_BOXES && lot >= LOCATE + NAMED) {
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
        Self::told(words::how_many(&names[class]), count.to_string())
    }

    /// What there is, in a sentence; `None` for no objects, or more than a sentence lists.
    pub fn describe(scene: Objects<'_>, names: &[String]) -> Option<Self> {
        let told = (1..=MAX_TOLD).contains(&scene.objects.len());
        told.then(|| {
            let all = Self::detect_all(scene, names, Family::VaryTiny).objects;
            let names = all.iter().map(|&i| names[scene.objects[i].class].as_str());
            Self::told(Task::Describe.to_string(), words::sentence(names))
        })
    }

    fn told(prompt: String, answer: String) -> Self {
        Self {
            prompt,
            answer,
            objects: vec![],
            places: vec![],
        }
    }

    /// Draws one of the prompts of reading by lot.
    pub fn read(text: &TextScene, rng: &mut impl Rng) -> Self {
        let (lot, marked): (f64, f64) = (rng.random(), rng.random());
        if lot < PART && !text.regions.is_empty() {
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
        Self::told(
            prompt,
            question.answers.first().cloned().unwrap_or_default(),
        )
    }

    /// A question whose answer is read from the picture.
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::scenes::{Atlas, SceneConfig, draw};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use vary_core::detection::parse_answer;

    /// Labels and boxes of an answer, as a pipeline would read them.
    fn read(answer: &str) -> Vec<(String, [f32; 4])> {
        let parsed = parse_answer(answer);
        assert!(parsed.unparsed.is_empty(), "{answer}");
        parsed
            .boxes
            .into_iter()
            .map(|b| (b.label, b.coords))
            .collect()
    }

    #[test]
    fn answers_list_exactly_the_objects_asked_for() {
        let atlas = Atlas::embedded().unwrap();
        let names = atlas.names();
        let mut kinds = [0; 4];
        for index in 0..400 {
            let scene = draw(&SceneConfig::default(), &atlas, 7, index);
            let mut rng = ChaCha8Rng::seed_from_u64(index);
            let question = Question::draw(&scene, names, Family::VaryTiny, &mut rng);
            let asked: Vec<&str> = match question.prompt.as_str() {
                "Detect all objects in this image" => {
                    kinds[0] += 1;
                    names.iter().map(String::as_str).collect()
                }
                prompt if prompt.starts_with("Detect an object: the ") => {
                    kinds[1] += 1;
                    let object = &scene.objects[question.objects[0]];
                    let name = &names[object.class];
                    assert!(prompt.trim_end_matches('.').ends_with(name.as_str()));
                    vec![name.as_str()]
                }
                prompt if prompt.starts_with("How many ") || prompt.starts_with("Describe ") => {
                    kinds[3] += 1;
                    assert!(question.objects.is_empty() && !question.answer.is_empty());
                    continue;
                }
                prompt => {
                    kinds[2] += 1;
                    let list = prompt.strip_prefix("Detect ").unwrap();
                    list.strip_suffix(" in this image")
                        .unwrap()
                        .split(", ")
                        .collect()
                }
            };
            let mut expected: Vec<_> = scene
                .objects
                .iter()
                .enumerate()
                .filter(
                    |(i, o)| match question.prompt.starts_with("Detect an object: ") {
                        true => question.objects == [*i],
                        false => asked.contains(&names[o.class].as_str()),
                    },
                )
                .map(|(_, o)| {
                    let [x1, y1, x2, y2] = o.bbox;
                    let coords = BoundingBox::new(x1, y1, x2, y2).to_thousandths(192, 192);
                    (names[o.class].clone(), coords.map(f32::from))
                })
                .collect();
            let mut got = read(&question.answer);
            assert_eq!(got.len(), question.objects.len());
            for ((label, _), &object) in got.iter().zip(&question.objects) {
                assert_eq!(
                    label, &names[scene.objects[object].class],
                    "order of the objects"
                );
            }
            let key =
                |(label, coords): &(String, [f32; 4])| (label.clone(), coords.map(|c| c as u16));
            got.sort_by_key(key);
            expected.sort_by_key(key);
            assert_eq!(got, expected, "{}", question.prompt);
        }
        assert!(
            kinds.iter().all(|&n| n > 20),
            "every kind of question is drawn: {kinds:?}"
        );
    }

    #[test]
    fn objects_are_counted_and_told() {
        let object = |(i, class): (usize, usize)| SceneObject {
            class,
            colour: None,
            bbox: [i as f32, 0.0, i as f32 + 9.0, 9.0],
        };
        let names: Vec<String> = ["car", "cup", "fish"].map(String::from).to_vec();
        let classes = [1, 0, 1];
        let objects: Vec<_> = classes.into_iter().enumerate().map(object).collect();
        let scene = |objects| Objects {
            objects,
            size: (128, 128),
        };
        let told = Question::describe(scene(&objects), &names).unwrap();
        assert_eq!(told.answer, "Two cups and a car.");
        assert_eq!(told.prompt, Task::Describe.to_string());
        assert_eq!(Question::describe(scene(&[]), &names), None);
        let mut counted = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let question = Question::count(scene(&objects), &names, &mut rng);
            counted.insert((question.prompt, question.answer));
        }
        let expected = [("cars", "1"), ("cups", "2"), ("fish", "0")]
            .map(|(many, n)| (format!("How many {many} are in this image?"), n.to_string()));
        assert_eq!(counted, expected.into());
    }

    #[test]
    fn a_crowd_is_asked_for_classes_by_name() {
        let object = |i: usize| SceneObject {
            class: i % 3,
            colour: None,
            bbox: [i as f32, 0.0, i as f32 + 9.0, 9.0],
        };
        let scene = Scene {
            image: image::RgbImage::new(128, 128),
            objects: (0..MAX_BOXES + 1).map(object).collect(),
        };
        let names: Vec<String> = ["car", "cup", "fish"].map(String::from).to_vec();
        for seed in 0..50 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let question = Question::draw(&scene, &names, Family::VaryTiny, &mut rng);
            assert_ne!(question.prompt, "Detect all objects in this image");
        }
    }

    #[test]
    fn sets_are_asked_by_the_rule_of_the_paper() {
        let object = |class: usize, i: usize| SceneObject {
            class,
            colour: None,
            bbox: [i as f32, 0.0, i as f32 + 9.0, 9.0],
        };
        let names: Vec<String> = ["car", "cup", "fish"].map(String::from).to_vec();
        let ask = |counts: [usize; 3], seed| {
            let of = |(class, &n): (usize, &usize)| (0..n).map(move |i| object(class, i));
            let objects: Vec<_> = counts.iter().enumerate().flat_map(of).collect();
            let view = Objects {
                objects: &objects,
                size: (128, 128),
            };
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            Question::of_set(view, &names, Family::VaryToy, &mut rng)
        };
        let few = ask([10, 20, 0], 1);
        assert_eq!(few.prompt, "Detect all objects in this image.");
        assert_eq!(few.objects.len(), 30);
        let mut prompts = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let many = ask([12, 15, 28], seed);
            assert!(many.objects.len() <= MAX_BOXES && !many.objects.is_empty());
            prompts.insert(many.prompt);
        }
        // Drawn anew: both in either order, or the one that fills an answer alone.
        assert_eq!(prompts.len(), 3, "{prompts:?}");
        let crowds = ask([40, 31, 33], 0);
        assert_eq!(crowds.prompt, "Detect cup in this image.");
    }
}
