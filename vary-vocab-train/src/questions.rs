use rand::{Rng, RngExt};
use vary_core::detection::{BoundingBox, format_answer, group_by_label};
use vary_core::prompt::Task;

use crate::scenes::{Scene, SceneObject};

/// A question about a scene and its answer, in the paper's formats (Vary-toy, arXiv 2401.12503,
/// section 3.1 and figure 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The prompt.
    pub prompt: String,
    /// The answer's text.
    pub answer: String,
    /// Objects of the scene in the order of the answer.
    pub objects: Vec<usize>,
}

/// Most boxes that one answer lists; a scene of more is asked for some of its classes by name.
pub const MAX_BOXES: usize = 30;

/// Share of the scenes with few boxes that are asked for classes by name all the same.
const NAMED: f64 = 0.15;

/// Share of the scenes that are asked for one object, where one is the only one of its class.
const LOCATE: f64 = 0.1;

impl Question {
    /// All objects.
    pub fn detect_all(scene: &Scene, names: &[String]) -> Self {
        let every = (0..scene.objects.len()).collect();
        Self::new(Task::DetectAll.to_string(), scene, names, every)
    }

    /// Draws one of the prompts by lot.
    pub fn draw(scene: &Scene, names: &[String], rng: &mut impl Rng) -> Self {
        let lot: f64 = rng.random();
        let mut present: Vec<usize> = scene.objects.iter().map(|object| object.class).collect();
        present.sort_unstable();
        let alone = |class: usize| present.iter().filter(|&&c| c == class).count() == 1;
        let single: Vec<usize> = present.iter().copied().filter(|&c| alone(c)).collect();
        if lot < LOCATE && !single.is_empty() {
            let class = single[rng.random_range(0..single.len())];
            let prompt = Task::Locate(&format!("the {}", names[class])).to_string();
            return Self::of_classes(prompt, scene, names, &[class]);
        }
        if present.is_empty() || (scene.objects.len() <= MAX_BOXES && lot >= LOCATE + NAMED) {
            return Self::detect_all(scene, names);
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
            Task::DetectClasses(&labels).to_string(),
            scene,
            names,
            &asked,
        )
    }

    fn of_classes(prompt: String, scene: &Scene, names: &[String], classes: &[usize]) -> Self {
        let asked = |i: &usize| classes.contains(&scene.objects[*i].class);
        let objects = (0..scene.objects.len()).filter(asked).collect();
        Self::new(prompt, scene, names, objects)
    }

    fn new(prompt: String, scene: &Scene, names: &[String], mut objects: Vec<usize>) -> Self {
        let (width, height) = scene.image.dimensions();
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
        let mut kinds = [0; 3];
        for index in 0..400 {
            let scene = draw(&SceneConfig::default(), &atlas, 7, index);
            let mut rng = ChaCha8Rng::seed_from_u64(index);
            let question = Question::draw(&scene, names, &mut rng);
            let asked: Vec<&str> = match question.prompt.as_str() {
                "Detect all objects in this image" => {
                    kinds[0] += 1;
                    names.iter().map(String::as_str).collect()
                }
                prompt if prompt.starts_with("Detect an object: the ") => {
                    kinds[1] += 1;
                    vec![prompt["Detect an object: the ".len()..].trim_end_matches('.')]
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
                .filter(|o| asked.contains(&names[o.class].as_str()))
                .map(|o| {
                    let [x1, y1, x2, y2] = o.bbox;
                    let coords = BoundingBox::new(x1, y1, x2, y2).to_thousandths(128, 128);
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
    fn a_crowd_is_asked_for_classes_by_name() {
        let object = |i: usize| SceneObject {
            class: i % 3,
            bbox: [i as f32, 0.0, i as f32 + 9.0, 9.0],
        };
        let scene = Scene {
            image: image::RgbImage::new(128, 128),
            objects: (0..MAX_BOXES + 1).map(object).collect(),
        };
        let names: Vec<String> = ["car", "cup", "fish"].map(String::from).to_vec();
        for seed in 0..50 {
            let question = Question::draw(&scene, &names, &mut ChaCha8Rng::seed_from_u64(seed));
            assert_ne!(question.prompt, "Detect all objects in this image");
        }
    }
}
