//! Phrases that refer to one object of a scene.

use rand::{Rng, RngExt};

use vary_data::scenes::SceneObject;

use super::objects::Objects;

/// Distance of two centres, as share of the image's side, from which one is clearly farther left
/// or higher.
const APART: f32 = 0.08;

/// Ratio of two areas from which one object is clearly the larger.
const LARGER: f32 = 1.7;

/// Share of the phrases with more words than are needed, as people use them.
const MORE: f64 = 0.3;

/// The words of a phrase beside the class; "the small left red car" has all three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Traits {
    size: Option<&'static str>,
    place: Option<&'static str>,
    colour: Option<&'static str>,
}

impl Traits {
    fn phrase(&self, name: &str) -> String {
        let words = [Some("the"), self.size, self.place, self.colour, Some(name)];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        words.join(" ")
    }

    /// Number of its words.
    fn words(&self) -> usize {
        [self.size, self.place, self.colour]
            .iter()
            .flatten()
            .count()
    }
}

/// A phrase for the object number `index` that fits no other object of the scene, such as "the left
/// red car"; `None` where colour, size and place do not set it apart.
///
/// "left", "small" and so on compare objects of one class, and of one colour where the phrase has
/// one, and are only used where the difference is clear. An object that is alone of its class is
/// "left" in the left third of the image.
pub fn phrase(
    scene: Objects<'_>,
    names: &[String],
    index: usize,
    rng: &mut impl Rng,
) -> Option<String> {
    let object = &scene.objects[index];
    let others: Vec<&SceneObject> = (0..scene.objects.len())
        .filter(|&i| i != index && scene.objects[i].class == object.class)
        .map(|i| &scene.objects[i])
        .collect();
    // A colour is used where that of every rival is known, as an icon's own has no name.
    let colour = object
        .colour
        .filter(|_| others.iter().all(|o| o.colour.is_some()));
    let colour = colour.map(|colour| colour.name());
    let same: Vec<&SceneObject> = others
        .iter()
        .copied()
        .filter(|o| o.colour == object.colour)
        .collect();

    let mut fitting = vec![];
    for colour in [None, colour] {
        let rivals = if colour.is_some() { &same } else { &others };
        let places = places(scene, object, rivals);
        let sizes = sizes(object, rivals);
        let plain = Traits {
            colour,
            ..Traits::default()
        };
        if rivals.is_empty() {
            fitting.push(plain);
        }
        fitting.extend(places.iter().map(|&place| Traits {
            place: Some(place),
            ..plain
        }));
        fitting.extend(sizes.iter().map(|&size| Traits {
            size: Some(size),
            ..plain
        }));
        for &place in &places {
            fitting.extend(sizes.iter().map(|&size| Traits {
                size: Some(size),
                place: Some(place),
                ..plain
            }));
        }
    }
    let fewest = fitting.iter().map(Traits::words).min()?;
    if !rng.random_bool(MORE) {
        fitting.retain(|traits| traits.words() == fewest);
    }
    let traits = fitting[rng.random_range(0..fitting.len())];
    Some(traits.phrase(&names[object.class]))
}

/// Centre as share of the image's sides.
fn centre(scene: Objects<'_>, object: &SceneObject) -> (f32, f32) {
    let [x1, y1, x2, y2] = object.bbox;
    let (width, height) = scene.size;
    (
        (x1 + x2) / (2.0 * width as f32),
        (y1 + y2) / (2.0 * height as f32),
    )
}

fn places(scene: Objects<'_>, object: &SceneObject, rivals: &[&SceneObject]) -> Vec<&'static str> {
    let (x, y) = centre(scene, object);
    let others: Vec<(f32, f32)> = rivals.iter().map(|o| centre(scene, o)).collect();
    let third = 1.0 / 3.0;
    let mut places = vec![];
    // An object alone is placed by thirds of the image, others by all of their class.
    let mut add = |word, in_third: bool, beyond: &dyn Fn(f32, f32) -> bool| {
        let alone = others.is_empty();
        if (alone && in_third) || (!alone && others.iter().all(|&(x, y)| beyond(x, y))) {
            places.push(word);
        }
    };
    add("left", x < third, &|other, _| x < other - APART);
    add("right", x > 2.0 * third, &|other, _| x > other + APART);
    add("top", y < third, &|_, other| y < other - APART);
    add("bottom", y > 2.0 * third, &|_, other| y > other + APART);
    // Of three in a row.
    let left = others.iter().filter(|o| o.0 < x - APART).count();
    let right = others.iter().filter(|o| o.0 > x + APART).count();
    if left == 1 && right == 1 && others.len() == 2 {
        places.push("middle");
    }
    places
}

fn sizes(object: &SceneObject, rivals: &[&SceneObject]) -> Vec<&'static str> {
    let area = |o: &SceneObject| (o.bbox[2] - o.bbox[0]) * (o.bbox[3] - o.bbox[1]);
    let own = area(object);
    if rivals.is_empty() {
        return vec![];
    }
    let mut sizes = vec![];
    if rivals.iter().all(|o| own > LARGER * area(o)) {
        sizes.push("large");
    }
    if rivals.iter().all(|o| LARGER * own < area(o)) {
        sizes.push("small");
    }
    sizes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeSet;
    use vary_data::scenes::Colour;

    fn object(class: usize, colour: Option<Colour>, x: f32, side: f32) -> SceneObject {
        let bbox = [
            x - side / 2.0,
            50.0 - side / 2.0,
            x + side / 2.0,
            50.0 + side / 2.0,
        ];
        SceneObject {
            class,
            colour,
            bbox,
        }
    }

    /// Every phrase of an object.
    fn phrases(objects: &[SceneObject], index: usize) -> BTreeSet<String> {
        let names = ["car", "cup"].map(String::from);
        let scene = Objects {
            objects,
            size: (100, 100),
        };
        (0..300)
            .filter_map(|seed| phrase(scene, &names, index, &mut ChaCha8Rng::seed_from_u64(seed)))
            .collect()
    }

    fn set<const N: usize>(phrases: [&str; N]) -> BTreeSet<String> {
        phrases.map(String::from).into()
    }

    #[test]
    fn single_objects_need_class() {
        let objects = [
            object(0, None, 20.0, 20.0),
            object(1, Some(Colour::Red), 50.0, 20.0),
        ];
        assert_eq!(phrases(&objects, 0), set(["the car", "the left car"]));
        assert_eq!(phrases(&objects, 1), set(["the cup", "the red cup"]));
    }

    #[test]
    fn words_compare_rivals() {
        use Colour::{Blue, Red};
        let objects = [
            object(0, Some(Red), 50.0, 20.0),
            object(0, Some(Red), 80.0, 21.0),
            object(0, Some(Blue), 20.0, 20.0),
        ];
        assert_eq!(
            phrases(&objects, 0),
            set(["the middle car", "the left red car"])
        );
        assert_eq!(
            phrases(&objects, 2),
            set(["the left car", "the blue car", "the left blue car"])
        );
    }

    #[test]
    fn ambiguous_objects_have_no_phrase() {
        let objects = [
            object(0, Some(Colour::Red), 50.0, 20.0),
            object(0, None, 52.0, 22.0),
        ];
        assert!(phrases(&objects, 0).is_empty());
        let objects = [object(0, None, 50.0, 20.0), object(0, None, 52.0, 40.0)];
        assert_eq!(phrases(&objects, 0), set(["the small car"]));
        assert_eq!(phrases(&objects, 1), set(["the large car"]));
    }
}
