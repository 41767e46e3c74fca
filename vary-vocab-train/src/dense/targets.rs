use vary_data::scenes::SceneObject;

/// Slots of a token: two objects may have their centre in the same cell.
pub(super) const SLOTS: usize = 2;

/// Columns and rows of a token's cell, each for one letter.
const LETTER_CELLS: (usize, usize) = (6, 2);

/// Letters that a token may hold.
pub(super) const LETTER_SLOTS: usize = LETTER_CELLS.0 * LETTER_CELLS.1;

/// Kinds of letters: the printable characters of ASCII but for the blank.
pub(super) const LETTERS: usize = '~' as usize - '!' as usize + 1;

/// A character and the box of its ink, `x1, y1, x2, y2` in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Letter {
    kind: usize,
    bbox: [f32; 4],
}

impl Letter {
    /// `None` for what has no ink or is not of ASCII.
    pub fn new(c: char, bbox: [f32; 4]) -> Option<Self> {
        let kind = c.is_ascii_graphic().then(|| c as usize - '!' as usize)?;
        Some(Self { kind, bbox })
    }
}

/// Targets of the helper heads for one image; boxes are `x1, y1, x2, y2` in 0 to 1.
#[derive(Debug, Clone)]
pub struct DenseTargets {
    /// For every patch the smallest object or letter that covers its centre; the classes of letters
    /// follow those of objects.
    pub(super) patches: Vec<Option<Target>>,
    /// For every token cell the objects whose centre it holds, from left to right.
    pub(super) slots: Vec<Option<Target>>,
    /// For every token cell the letters whose centre it holds, by their place in it.
    pub(super) letters: Vec<Option<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Target {
    pub class: usize,
    pub bbox: [f32; 4],
}

impl Target {
    fn covers(&self, x: f32, y: f32) -> bool {
        let [x1, y1, x2, y2] = self.bbox;
        x1 < x && x < x2 && y1 < y && y < y2
    }

    fn area(&self) -> f32 {
        let [x1, y1, x2, y2] = self.bbox;
        (x2 - x1) * (y2 - y1)
    }

    fn centre(&self) -> (f32, f32) {
        let [x1, y1, x2, y2] = self.bbox;
        ((x1 + x2) / 2.0, (y1 + y2) / 2.0)
    }
}

/// What an image shows, in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Width and height of the image.
    pub size: (u32, u32),
    /// Its objects.
    pub objects: &'a [SceneObject],
    /// Its letters.
    pub letters: &'a [Letter],
}

impl DenseTargets {
    /// Targets over a grid of patches and a grid of tokens; `classes` is the number of classes of
    /// objects.
    pub fn new(shown: Shown<'_>, classes: usize, grid: usize, token_grid: usize) -> Self {
        let (width, height) = (shown.size.0 as f32, shown.size.1 as f32);
        let target = |class, [x1, y1, x2, y2]: [f32; 4]| Target {
            class,
            bbox: [x1 / width, y1 / height, x2 / width, y2 / height],
        };
        let objects = shown.objects.iter().map(|o| target(o.class, o.bbox));
        let mut objects: Vec<Target> = objects.collect();
        let letters = shown.letters.iter().map(|l| target(l.kind, l.bbox));
        let letters: Vec<Target> = letters.collect();
        let patches = patches(&objects, &letters, classes, grid);
        objects.sort_by(|a, b| a.centre().0.total_cmp(&b.centre().0));
        Self {
            patches,
            slots: object_slots(&objects, token_grid),
            letters: letter_slots(&letters, token_grid),
        }
    }
}

fn patches(
    objects: &[Target],
    letters: &[Target],
    classes: usize,
    grid: usize,
) -> Vec<Option<Target>> {
    let side = 1.0 / grid as f32;
    // A letter thinner than a patch would slip between the centres.
    let widened = letters.iter().map(|letter| {
        let (x, y) = letter.centre();
        let [x1, y1, x2, y2] = letter.bbox;
        let (half_x, half_y) = ((x2 - x1).max(side) / 2.0, (y2 - y1).max(side) / 2.0);
        Target {
            class: classes + letter.class,
            bbox: [x - half_x, y - half_y, x + half_x, y + half_y],
        }
    });
    let all: Vec<Target> = objects.iter().copied().chain(widened).collect();
    let mut patches: Vec<Option<Target>> = vec![None; grid * grid];
    for target in all {
        let [x1, y1, x2, y2] = target
            .bbox
            .map(|v| ((v * grid as f32).max(0.0) as usize).min(grid));
        for row in y1..(y2 + 1).min(grid) {
            for column in x1..(x2 + 1).min(grid) {
                let (x, y) = ((column as f32 + 0.5) * side, (row as f32 + 0.5) * side);
                let patch = &mut patches[row * grid + column];
                if target.covers(x, y) && patch.is_none_or(|p| target.area() < p.area()) {
                    *patch = Some(target);
                }
            }
        }
    }
    patches
}

/// Index of the cell of a grid, and where within it, 0 to 1.
fn cell(v: f32, grid: usize) -> (usize, f32) {
    let v = (v * grid as f32).clamp(0.0, grid as f32);
    let cell = (v as usize).min(grid - 1);
    (cell, v - cell as f32)
}

/// The token whose cell holds the centre of a box, `x1, y1, x2, y2` in 0 to 1.
pub(crate) fn token_of([x1, y1, x2, y2]: [f32; 4], token_grid: usize) -> usize {
    let at = |low: f32, high: f32| cell((low + high) / 2.0, token_grid).0;
    at(y1, y2) * token_grid + at(x1, x2)
}

fn object_slots(objects: &[Target], grid: usize) -> Vec<Option<Target>> {
    let mut slots = vec![None; grid * grid * SLOTS];
    for object in objects {
        let first = token_of(object.bbox, grid) * SLOTS;
        if let Some(free) = slots[first..first + SLOTS].iter_mut().find(|s| s.is_none()) {
            *free = Some(*object);
        }
    }
    slots
}

/// A place that is taken passes a letter on to its right neighbour, within the cell.
fn letter_slots(letters: &[Target], grid: usize) -> Vec<Option<usize>> {
    let (columns, rows) = LETTER_CELLS;
    let mut slots = vec![None; grid * grid * LETTER_SLOTS];
    for letter in letters {
        let (x, y) = letter.centre();
        let ((column, right), (row, down)) = (cell(x, grid), cell(y, grid));
        let place = |t: f32, n: usize| ((t * n as f32) as usize).min(n - 1);
        let line = ((row * grid + column) * rows + place(down, rows)) * columns;
        let mut free = slots[line + place(right, columns)..line + columns].iter_mut();
        if let Some(free) = free.find(|slot| slot.is_none()) {
            *free = Some(letter.class);
        }
    }
    slots
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn targets_hold_objects() {
        let object = |class, bbox| SceneObject {
            class,
            colour: None,
            bbox,
        };
        let shown = Shown {
            size: (80, 40),
            objects: &[
                object(3, [0.0, 0.0, 40.0, 20.0]),
                object(5, [20.0, 0.0, 40.0, 10.0]),
            ],
            letters: &[],
        };
        let targets = DenseTargets::new(shown, 24, 4, 2);
        assert_eq!(targets.letters, vec![None; 4 * LETTER_SLOTS]);
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

    #[test]
    fn letters_take_their_places() {
        let letter = |c, x: f32, y: f32| Letter::new(c, [x, y, x + 2.0, y + 2.0]).unwrap();
        let shown = Shown {
            size: (48, 48),
            objects: &[],
            // Both of the first are in the first column of the first cell.
            letters: &[
                letter('!', 0.0, 1.0),
                letter('"', 1.0, 1.0),
                letter('~', 46.0, 46.0),
            ],
        };
        let targets = DenseTargets::new(shown, 10, 6, 2);
        let filled = |slots: &[Option<usize>]| -> Vec<(usize, usize)> {
            let filled = |(i, slot): (usize, &Option<usize>)| Some((i, (*slot)?));
            slots.iter().enumerate().filter_map(filled).collect()
        };
        let last = 4 * LETTER_SLOTS - 1;
        assert_eq!(
            filled(&targets.letters),
            [(0, 0), (1, 1), (last, LETTERS - 1)]
        );
        let classes: Vec<_> = targets.patches.iter().map(|t| t.map(|t| t.class)).collect();
        let classes = filled(&classes);
        // Thin letters are widened to a patch.
        assert_eq!(classes.last(), Some(&(35, 10 + LETTERS - 1)));
        assert_eq!(Letter::new(' ', [0.0; 4]), None);
        assert_eq!(Letter::new('é', [0.0; 4]), None);
    }
}
