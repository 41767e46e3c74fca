use crate::scenes::Scene;

/// Slots of a token: two objects may have their centre in the same cell.
pub(super) const SLOTS: usize = 2;

/// Targets of the helper heads for one scene; boxes are `x1, y1, x2, y2` in 0 to 1.
#[derive(Debug, Clone)]
pub struct DenseTargets {
    /// For every patch the smallest object that covers its centre.
    pub(super) patches: Vec<Option<Target>>,
    /// For every token cell the objects whose centre it holds, from left to right.
    pub(super) slots: Vec<Option<Target>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Target {
    pub class: usize,
    pub bbox: [f32; 4],
}

impl DenseTargets {
    /// Targets over a grid of patches and a grid of tokens.
    pub fn new(scene: &Scene, grid: usize, token_grid: usize) -> Self {
        let (width, height) = scene.image.dimensions();
        let (width, height) = (width as f32, height as f32);
        let mut objects: Vec<Target> = scene
            .objects
            .iter()
            .map(|object| {
                let [x1, y1, x2, y2] = object.bbox;
                Target {
                    class: object.class,
                    bbox: [x1 / width, y1 / height, x2 / width, y2 / height],
                }
            })
            .collect();

        let centre = |i: usize| (i as f32 + 0.5) / grid as f32;
        let area = |t: &Target| (t.bbox[2] - t.bbox[0]) * (t.bbox[3] - t.bbox[1]);
        let patches = (0..grid * grid)
            .map(|i| {
                let (x, y) = (centre(i % grid), centre(i / grid));
                let covers = |t: &&Target| {
                    let [x1, y1, x2, y2] = t.bbox;
                    x1 < x && x < x2 && y1 < y && y < y2
                };
                objects
                    .iter()
                    .filter(covers)
                    .min_by(|a, b| area(a).total_cmp(&area(b)))
                    .copied()
            })
            .collect();

        let middle = |t: &Target| ((t.bbox[0] + t.bbox[2]) / 2.0, (t.bbox[1] + t.bbox[3]) / 2.0);
        objects.sort_by(|a, b| middle(a).0.total_cmp(&middle(b).0));
        let mut slots = vec![None; token_grid * token_grid * SLOTS];
        for object in objects {
            let (x, y) = middle(&object);
            let cell = |v: f32| ((v * token_grid as f32) as usize).min(token_grid - 1);
            let first = (cell(y) * token_grid + cell(x)) * SLOTS;
            if let Some(free) = slots[first..first + SLOTS].iter_mut().find(|s| s.is_none()) {
                *free = Some(object);
            }
        }
        Self { patches, slots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenes::SceneObject;

    #[test]
    fn patches_and_slots_take_their_objects() {
        let object = |class, bbox| SceneObject { class, bbox };
        let scene = Scene {
            image: image::RgbImage::new(80, 40),
            objects: vec![
                object(3, [0.0, 0.0, 40.0, 20.0]),
                object(5, [20.0, 0.0, 40.0, 10.0]),
            ],
        };
        let targets = DenseTargets::new(&scene, 4, 2);
        let classes: Vec<_> = targets.patches.iter().map(|t| t.map(|t| t.class)).collect();
        let mut expected = vec![None; 16];
        expected[0] = Some(3);
        expected[1] = Some(5);
        expected[4] = Some(3);
        expected[5] = Some(3);
        assert_eq!(classes, expected);
        let slots: Vec<_> = targets.slots.iter().map(|t| t.map(|t| t.class)).collect();
        assert_eq!(
            slots,
            [Some(3), Some(5), None, None, None, None, None, None]
        );
        assert_eq!(targets.slots[0].map(|t| t.bbox), Some([0.0, 0.0, 0.5, 0.5]));
    }
}
