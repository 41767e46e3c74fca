//! Columns: where a page is read down a column before going right.
//!
//! A gutter is a white strip with lines of running text on both sides. It is looked for first over
//! the whole region, and the region is cut into what is above it, left, right and below; each part
//! is looked at again. Tables and lists have white strips too, but no running text beside them, and
//! are read line by line.

use hayro::kurbo::Rect;

use super::words::Piece;

/// The least width of a gutter, in sizes of the text.
const GUTTER: f64 = 0.6;
/// The least lines on each side of a gutter.
const MIN_LINES: usize = 4;
/// How far apart the dots of a leader may be, in sizes of the text.
const LEADER: f64 = 1.6;
/// Columns are similar if the narrower has more than this share of the other's width; the other may
/// still hold two columns.
const SIMILAR: f64 = 0.4;
/// The least width of a column, in sizes of the text.
const MIN_COLUMN: f64 = 8.0;
/// The least share of a column's width that its lines fill, blanks not counted. Text fills about
/// 0.8 of it.
const MIN_FILL: f64 = 0.5;
/// The same where most lines have one on the same baseline in the other column, as in a table.
const MIN_FILL_ROWS: f64 = 0.56;
/// The same for columns of many lines that are no rows and as wide as each other: lists and code
/// fill less.
const MIN_FILL_TALL: f64 = 0.2;
/// The least lines of such columns.
const TALL: usize = 8;
/// Columns within columns end here.
const MAX_DEPTH: usize = 8;

/// The regions of a page in reading order, each of which is read line by line.
pub(crate) fn regions(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut out = Vec::new();
    cut(pieces, 0, &mut out);
    out
}

fn cut(pieces: Vec<Piece>, depth: usize, out: &mut Vec<Vec<Piece>>) {
    let gutter = if depth < MAX_DEPTH {
        gutter(&pieces)
    } else {
        None
    };
    let Some(gutter) = gutter else {
        if !pieces.is_empty() {
            out.push(pieces);
        }
        return;
    };
    let mut parts = [const { Vec::new() }; 4];
    for piece in pieces {
        let middle = piece.place.center();
        let part = if middle.y < gutter.y0 {
            0
        } else if middle.y > gutter.y1 {
            3
        } else {
            usize::from(middle.x > gutter.center().x) + 1
        };
        parts[part].push(piece);
    }
    for part in parts {
        cut(part, depth + 1, out);
    }
}

/// The size of most of the text.
pub(crate) fn common_size(pieces: &[Piece]) -> f64 {
    let mut sizes: Vec<(f64, usize)> = pieces.iter().map(|p| (p.size, p.text.len())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = sizes.iter().map(|s| s.1).sum::<usize>() / 2;
    let mut seen = 0;
    for (size, letters) in sizes {
        seen += letters;
        if seen > half {
            return size;
        }
    }
    0.0
}

/// The tallest white strip between columns of text, as high as the lines beside it.
fn gutter(pieces: &[Piece]) -> Option<Rect> {
    let size = common_size(pieces);
    let top = pieces
        .iter()
        .map(|p| p.place.y0)
        .fold(f64::INFINITY, f64::min);
    let bottom = pieces
        .iter()
        .map(|p| p.place.y1)
        .fold(f64::NEG_INFINITY, f64::max);
    let mut by_height: Vec<&Piece> = pieces.iter().collect();
    by_height.sort_by(|a, b| a.place.y0.total_cmp(&b.place.y0));
    // A gutter ends where lines of the right column start.
    let mut ends: Vec<f64> = pieces.iter().map(|p| p.place.x0).collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup_by(|a, b| (*a - *b).abs() < 0.1 * size);

    let mut strips = Vec::new();
    for end in ends {
        let (x0, x1) = (end - GUTTER * size, end - 0.05 * size);
        let mut from = top;
        let blockers = by_height.iter().filter(|p| {
            // The dots of a leader are one line, although there is white between them.
            let is_dot = p.text.chars().all(|c| c == '.');
            let reach = if is_dot { LEADER / 2.0 * size } else { 0.0 };
            p.place.x0 - reach < x1 && p.place.x1 + reach > x0
        });
        let spans = blockers.map(|p| (p.place.y0, p.place.y1));
        for (y0, y1) in spans.chain([(bottom, bottom)]) {
            if y0 - from > MIN_LINES as f64 * size {
                strips.push(Rect::new(x0, from, x1, y0));
            }
            from = from.max(y1);
        }
    }
    // Of strips as tall as each other the leftmost, so that columns come out one by one.
    strips.sort_by(|a, b| {
        b.height()
            .total_cmp(&a.height())
            .then(a.x0.total_cmp(&b.x0))
    });
    strips.truncate(200);
    strips
        .into_iter()
        .find_map(|strip| accept(&by_height, strip, size))
}

/// The strip without a headline or page number at its ends, if it parts columns of text.
fn accept(pieces: &[&Piece], strip: Rect, size: f64) -> Option<Rect> {
    let inside = |p: &&&Piece| (strip.y0..=strip.y1).contains(&p.place.center().y);
    let beside: Vec<&Piece> = pieces.iter().filter(inside).copied().collect();
    let strip = trim(&beside, strip, size);
    let inside = |p: &&&Piece| (strip.y0..=strip.y1).contains(&p.place.center().y);
    let (left, right): (Vec<&Piece>, Vec<&Piece>) = beside
        .iter()
        .filter(inside)
        .partition(|p| p.place.center().x < strip.center().x);
    let (left, right) = (Column::new(&left, size), Column::new(&right, size));
    let similar = left.width.min(right.width) > SIMILAR * left.width.max(right.width);
    let least = if !left.is_apart_from(&right, size) {
        MIN_FILL_ROWS
    } else if left.is_tall() && right.is_tall() && similar {
        MIN_FILL_TALL
    } else {
        MIN_FILL
    };
    (left.is_text(size, least) && right.is_text(size, least)).then_some(strip)
}

/// Takes single lines off the ends of a strip where white space parts them from all other text.
fn trim(beside: &[&Piece], strip: Rect, size: f64) -> Rect {
    // Spans of text without white space between them, from top to bottom.
    let mut spans: Vec<(f64, f64)> = Vec::new();
    for piece in beside {
        let (y0, y1) = (piece.place.y0, piece.place.y1);
        match spans.last_mut() {
            Some(last) if y0 < last.1 + 0.8 * size => last.1 = last.1.max(y1),
            _ => spans.push((y0, y1)),
        }
    }
    let mut trimmed = strip;
    let is_line = |span: &(f64, f64)| span.1 - span.0 < 1.9 * size;
    if let [first, next, ..] = spans[..]
        && is_line(&first)
    {
        trimmed.y0 = (first.1 + next.0) / 2.0;
    }
    if let [.., next, last] = spans[..]
        && is_line(&last)
    {
        trimmed.y1 = (next.1 + last.0) / 2.0;
    }
    trimmed
}

/// What is on one side of a gutter.
struct Column {
    baselines: Vec<f64>,
    width: f64,
    /// The sum of the widths of its words.
    filled: f64,
}

impl Column {
    fn new(pieces: &[&Piece], size: f64) -> Self {
        // Raised and lowered signs are no lines of their own.
        let lines = pieces.iter().filter(|p| p.size > 0.85 * size);
        let mut baselines: Vec<f64> = lines.map(|p| p.baseline).collect();
        baselines.sort_by(f64::total_cmp);
        baselines.dedup_by(|a, b| (*a - *b).abs() < 0.5 * size);
        let left = pieces
            .iter()
            .map(|p| p.place.x0)
            .fold(f64::INFINITY, f64::min);
        let right = pieces
            .iter()
            .map(|p| p.place.x1)
            .fold(f64::NEG_INFINITY, f64::max);
        Self {
            baselines,
            width: right - left,
            filled: pieces.iter().map(|p| p.place.width()).sum(),
        }
    }

    fn is_tall(&self) -> bool {
        self.baselines.len() >= TALL
    }

    /// Whether most of its lines are not rows that go on in the other column.
    fn is_apart_from(&self, other: &Self, size: f64) -> bool {
        let goes_on = |line: &&f64| {
            let i = other.baselines.partition_point(|y| *y < *line - 0.1 * size);
            other
                .baselines
                .get(i)
                .is_some_and(|y| *y < *line + 0.1 * size)
        };
        self.baselines.iter().filter(goes_on).count() * 2 < self.baselines.len()
    }

    /// Whether it has lines of running text, which fill at least the given share of its width.
    fn is_text(&self, size: f64, least: f64) -> bool {
        let lines = self.baselines.len();
        lines >= MIN_LINES
            && self.width > MIN_COLUMN * size
            && self.filled > least * self.width * lines as f64
    }
}
