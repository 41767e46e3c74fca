#![allow(clippy::unwrap_used)]

use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vary_core::detection::parse_answer;
use vary_data::scenes::{Atlas, SceneConfig, draw};

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

/// Labels and boxes in thousandths of the objects that a question asks for.
fn expected(
    scene: &Scene,
    names: &[String],
    question: &Question,
    asked: &[&str],
) -> Vec<(String, [f32; 4])> {
    let one = question.prompt.starts_with("Detect an object: ");
    let wanted = |(i, object): &(usize, &SceneObject)| match one {
        true => question.objects == [*i],
        false => asked.contains(&names[object.class].as_str()),
    };
    let objects = scene.objects.iter().enumerate().filter(wanted);
    objects
        .map(|(_, object)| {
            let [x1, y1, x2, y2] = object.bbox;
            let coords = BoundingBox::new(x1, y1, x2, y2).to_thousandths(192, 192);
            (names[object.class].clone(), coords.map(f32::from))
        })
        .collect()
}

#[test]
fn answers_list_asked_objects() {
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
        let mut expected = expected(&scene, names, &question, &asked);
        let mut got = read(&question.answer);
        assert_eq!(got.len(), question.objects.len());
        for ((label, _), &object) in got.iter().zip(&question.objects) {
            assert_eq!(
                label, &names[scene.objects[object].class],
                "order of the objects"
            );
        }
        let key = |(label, coords): &(String, [f32; 4])| (label.clone(), coords.map(|c| c as u16));
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
fn objects_are_counted() {
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
    let described = Question::describe(scene(&objects), &names).unwrap();
    assert_eq!(described.answer, "Two cups and a car.");
    assert_eq!(described.prompt, Task::Describe.to_string());
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
fn crowds_are_asked_by_class() {
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
fn sets_follow_the_paper() {
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
