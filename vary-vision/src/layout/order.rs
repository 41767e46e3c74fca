//! Lines of letters in reading order, by recursive cuts between columns and rows (XY-cut).

use super::letters::{Letter, median};

/// A column of text is at least so many letter heights wide, which are about as many letters. Cells
/// of tables, labels of forms and numbers of lists are mostly narrower; they stay in their row.
const COLUMN: f32 = 18.0;
/// Fewest rows of a column: two rows beside two others are a table as often.
const ROWS: usize = 3;
/// Width times rows of the space between two columns, in letter heights. Spaces between words line
/// up by accident in three rows, hardly in six; the narrowest gutters are one letter height wide.
const GUTTER: f32 = 6.0;
/// The space beside something that has several rows next to it is so many letter heights wide:
/// wider than between words.
const ASIDE: f32 = 2.0;
/// Of the rows that may be columns, so many shorter and shorter parts are tried.
const TRIED: usize = 4;
/// Letters of two lines that touch are at least so many times as high as the usual letter of the
/// lines: 2.2 times where letters of words touch too, 3 times in close lines of lower case.
const TOUCHING: f32 = 1.8;

/// Start and end of a space across, unbounded before the first and after the last letter.
type Gap = [f32; 2];

enum Part {
    Block(Vec<Letter>),
    Row(Vec<Letter>),
}

/// The rows of `letters`, whose usual height is `usual`, in reading order.
pub(super) fn rows_in_order(letters: Vec<Letter>, usual: f32) -> Vec<Vec<Letter>> {
    let mut found = vec![];
    // A stack instead of recursion: depth is that of the page, which comes from outside.
    let mut stack = vec![Part::Block(letters)];
    while let Some(part) = stack.pop() {
        match part {
            Part::Row(row) => found.push(row),
            Part::Block(letters) => {
                let mut parts = cut(split_rows(letters), usual);
                parts.reverse();
                stack.append(&mut parts);
            }
        }
    }
    found
}

/// Cuts rows that have columns in common into columns.
fn cut(mut rows: Vec<Vec<Letter>>, usual: f32) -> Vec<Part> {
    let gaps: Vec<_> = rows.iter().map(|row| gaps(row)).collect();
    let mut parts = vec![];
    let mut start = 0;
    while start < rows.len() {
        let prefixes = runs(gaps[start..].iter());
        // A number below two columns shares other gaps with them than their gutter.
        let columns = prefixes
            .iter()
            .rev()
            .take(TRIED)
            .find_map(|(count, shared)| {
                let end = start + count;
                Some((end, gutter(&rows[start..end], shared, usual)?))
            });
        if let Some((end, at)) = columns {
            let (left, right) = sides(&rows[start..end], at);
            parts.extend([Part::Block(left), Part::Block(right)]);
            start = end;
            continue;
        }
        let end = start + longest(&prefixes);
        // The next columns can begin where rows have a gap in common with the row that ended these.
        let kept = match end < rows.len() {
            true => longest(&runs(gaps[start..=end].iter().rev())) - 1,
            false => 0,
        };
        let next = end.saturating_sub(kept).max(start + 1);
        for (row, gaps) in rows[start..next].iter_mut().zip(&gaps[start..]) {
            match aside(row, gaps, usual) {
                Some(at) => {
                    let (left, right) = sides(std::slice::from_ref(row), at);
                    parts.extend([Part::Block(left), Part::Block(right)]);
                }
                None => parts.push(Part::Row(std::mem::take(row))),
            }
        }
        start = next;
    }
    parts
}

/// How many of the first rows have gaps between letters in common, at least one, and those gaps:
/// all of them, and before that as many as have another number of gaps in common.
fn runs<'a>(mut gaps: impl Iterator<Item = &'a Vec<Gap>>) -> Vec<(usize, Vec<Gap>)> {
    let inner = |gaps: &[Gap]| gaps.iter().filter(|gap| is_inner(gap)).count();
    let mut shared = gaps.next().cloned().unwrap_or_default();
    let mut count = 1;
    let mut found = vec![];
    for row in gaps {
        let narrowed = intersect(&shared, row);
        let (before, after) = (inner(&shared), inner(&narrowed));
        if before == 0 || after == 0 {
            break;
        }
        if before != after {
            found.push((count, shared));
        }
        shared = narrowed;
        count += 1;
    }
    found.push((count, shared));
    for (_, shared) in &mut found {
        shared.retain(is_inner);
    }
    found
}

fn longest(runs: &[(usize, Vec<Gap>)]) -> usize {
    runs.last().map_or(1, |run| run.0)
}

/// The middle of the widest of the `shared` gaps that has a column on either side.
fn gutter(rows: &[Vec<Letter>], shared: &[Gap], usual: f32) -> Option<f32> {
    let mut widest: Vec<&Gap> = shared.iter().collect();
    widest.sort_by(|a, b| width(b).total_cmp(&width(a)));
    let is_gutter = |gap: &&&Gap| {
        let (left, right) = sides(rows, middle(gap));
        let wide = |side: &[Letter]| width(&extent(side)) >= COLUMN * usual;
        wide(&left) && wide(&right) && {
            let count = split_rows(left).len().min(split_rows(right).len());
            count >= ROWS && width(gap) * count as f32 >= GUTTER * usual
        }
    };
    widest.iter().find(is_gutter).map(|gap| middle(gap))
}

/// Where to part a row that has several rows beside something: an initial, a label, a cell.
fn aside(row: &[Letter], gaps: &[Gap], usual: f32) -> Option<f32> {
    let wide = |gap: &&Gap| is_inner(gap) && width(gap) >= ASIDE * usual;
    let widest = gaps.iter().filter(wide);
    let at = middle(widest.max_by(|a, b| width(a).total_cmp(&width(b)))?);
    let (left, right) = row.iter().partition(|letter| letter.centre()[0] < at);
    let has_rows = |side: Vec<Letter>| split_rows(side).len() > 1;
    (has_rows(left) || has_rows(right)).then_some(at)
}

fn width(gap: &Gap) -> f32 {
    gap[1] - gap[0]
}

fn middle(gap: &Gap) -> f32 {
    (gap[0] + gap[1]) / 2.0
}

fn is_inner(gap: &Gap) -> bool {
    gap[0].is_finite() && gap[1].is_finite()
}

/// The letters left and right of a cut.
fn sides(rows: &[Vec<Letter>], at: f32) -> (Vec<Letter>, Vec<Letter>) {
    let letters = rows.iter().flatten();
    letters.partition(|letter| letter.centre()[0] < at)
}

/// Left and right end of the letters.
fn extent(letters: &[Letter]) -> Gap {
    letters.iter().filter(|letter| !letter.is_mark).fold(
        [f32::INFINITY, f32::NEG_INFINITY],
        |[left, right], letter| [left.min(letter.left), right.max(letter.right)],
    )
}

/// Where a row has no letters for at least the height of its letters: spaces between words are
/// narrower. Unbounded before the first and after the last one.
fn gaps(row: &[Letter]) -> Vec<Gap> {
    let letters = || row.iter().filter(|letter| !letter.is_mark);
    let least = median(letters().map(Letter::height)).unwrap_or(0.0);
    let mut spans: Vec<Gap> = letters().map(|l| [l.left, l.right]).collect();
    spans.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut gaps = vec![];
    let mut end = f32::NEG_INFINITY;
    for [left, right] in spans {
        if left - end >= least {
            gaps.push([end, left]);
        }
        end = end.max(right);
    }
    gaps.push([end, f32::INFINITY]);
    gaps
}

/// What two sorted lists of intervals have in common.
fn intersect(a: &[Gap], b: &[Gap]) -> Vec<Gap> {
    let (mut i, mut j) = (0, 0);
    let mut common = vec![];
    while let (Some(one), Some(other)) = (a.get(i), b.get(j)) {
        let both = [one[0].max(other[0]), one[1].min(other[1])];
        if both[0] < both[1] {
            common.push(both);
        }
        match one[1] < other[1] {
            true => i += 1,
            false => j += 1,
        }
    }
    common
}

/// Rows from the top down, parted where no letter has its middle half. Ascenders and descenders of
/// two lines may overlap, the middle halves of their letters do not.
fn split_rows(letters: Vec<Letter>) -> Vec<Vec<Letter>> {
    let rows = split(letters, f32::INFINITY).into_iter();
    rows.flat_map(|row| {
        let heights = row.iter().filter(|letter| !letter.is_mark);
        let usual = median(heights.map(Letter::height)).unwrap_or(0.0);
        split(row, TOUCHING * usual)
    })
    .collect()
}

/// The same by letters up to the height `most`; higher ones are cut where the rows are.
fn split(letters: Vec<Letter>, most: f32) -> Vec<Vec<Letter>> {
    let mut cores: Vec<[f32; 2]> = letters
        .iter()
        .filter(|letter| !letter.is_mark && letter.height() <= most)
        .map(|l| [l.top + l.height() / 4.0, l.bottom - l.height() / 4.0])
        .collect();
    cores.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let Some(&[_, mut end]) = cores.first() else {
        return vec![];
    };
    let mut cuts = vec![];
    for [top, bottom] in cores {
        if top > end {
            cuts.push((top + end) / 2.0);
        }
        end = end.max(bottom);
    }
    let row_of = |y: f32| cuts.partition_point(|&cut| cut < y);
    let mut rows = vec![vec![]; cuts.len() + 1];
    for letter in letters {
        let (first, last) = (row_of(letter.top), row_of(letter.bottom));
        if letter.height() <= most || first == last {
            rows[row_of(letter.centre()[1])].push(letter);
            continue;
        }
        for (row, letters) in rows.iter_mut().enumerate().take(last + 1).skip(first) {
            let above = row.checked_sub(1).map_or(letter.top, |row| cuts[row]);
            let below = cuts.get(row).copied().unwrap_or(letter.bottom);
            letters.push(Letter {
                top: letter.top.max(above),
                bottom: letter.bottom.min(below),
                is_mark: true,
                ..letter
            });
        }
    }
    rows
}
