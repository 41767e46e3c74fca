//! Random documents.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::block::Block;
use super::block::Inline;
use super::corpus::Corpus;
use super::corpus::capital;
use super::formula::Formula;
use super::style::PageStyle;

/// A random document of about one page and its style, the same for the same arguments: `index`
/// counts the documents of a `seed`. `families` are the fonts to choose from, such as
/// [`Typesetter::families`](super::Typesetter::families).
///
/// Few documents hold a word that is too long for their narrow columns: `typeset` reports it, take
/// the next one.
pub fn document(
    seed: u64,
    index: u64,
    corpus: &Corpus,
    families: &[String],
) -> (Vec<Block>, PageStyle) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index);
    let mut style = PageStyle::draw(&mut rng, families);
    if rng.random_bool(0.4) {
        let count = rng.random_range(2..=5);
        style.header = corpus.words(&mut rng, count);
    }
    // Characters that the page has room for; some pages stay partly empty.
    let [left, top, right, bottom] = style.margins;
    let area = (style.width as f32 - left - right) * (style.height as f32 - top - bottom);
    let room = area / (style.size * style.size * 0.5 * style.line_spacing);
    let filled = if rng.random_bool(0.3) {
        0.2..0.7
    } else {
        0.7..1.0
    };
    let mut left = room * rng.random_range(filled);
    // Paper such as letters, articles, lists of facts: some have tables or formulas, some don't.
    let weights = Weights {
        heading: rng.random_range(0.05..0.2),
        list: rng.random_range(0.0..0.2),
        table: rng.random_range(0.0..0.15),
        formula: if rng.random_bool(0.4) { 0.2 } else { 0.0 },
        code: if rng.random_bool(0.15) { 0.15 } else { 0.0 },
    };
    let mut blocks = Vec::new();
    if rng.random_bool(0.6) {
        blocks.push(heading(&mut rng, corpus, 1));
    }
    while left > 0.0 {
        let block = weights.draw(&mut rng, corpus, &style, &blocks);
        left -= cost(&block, &style);
        blocks.push(block);
    }
    // A heading belongs to what follows it.
    if matches!(blocks.last(), Some(Block::Heading { .. })) {
        let count = rng.random_range(8..20);
        blocks.push(Block::Paragraph(prose(&mut rng, corpus, count, false)));
    }
    (blocks, style)
}

/// How often each kind of block is drawn; what remains are paragraphs.
struct Weights {
    heading: f64,
    list: f64,
    table: f64,
    formula: f64,
    code: f64,
}

impl Weights {
    fn draw(
        &self,
        rng: &mut impl Rng,
        corpus: &Corpus,
        style: &PageStyle,
        blocks: &[Block],
    ) -> Block {
        let mut at = rng.random_range(0.0..1.0);
        let mut hit = |weight: f64| {
            at -= weight;
            at < 0.0
        };
        let after_heading = matches!(blocks.last(), Some(Block::Heading { .. }));
        if hit(self.heading) && !after_heading {
            let level = rng.random_range(2..=3);
            return heading(rng, corpus, level);
        }
        if hit(self.list) {
            return list(rng, corpus);
        }
        if hit(self.table) && style.columns < 3 {
            return table(rng, corpus, style);
        }
        if hit(self.formula)
            && style.columns < 3
            && let Some(formula) = formula(rng)
        {
            return Block::Formula(formula);
        }
        if hit(self.code) && style.columns == 1 {
            return code(rng);
        }
        let count = rng.random_range(15..=90);
        Block::Paragraph(prose(rng, corpus, count, self.formula > 0.0))
    }
}

/// Characters of running text that take as much of the page as a block.
fn cost(block: &Block, style: &PageStyle) -> f32 {
    let sides = style.column_sides();
    let line = (sides[0][1] - sides[0][0]) / (0.5 * style.size);
    let lines = |text: &[Inline]| (length(text) / line).ceil();
    let lines = match block {
        Block::Heading { text, .. } => 2.0 + 1.5 * lines(text),
        Block::Paragraph(text) => 0.5 + lines(text),
        Block::List { items, .. } => items.iter().map(|item| 0.5 + lines(item)).sum(),
        Block::Table(rows) => 2.0 * rows.len() as f32,
        Block::Formula(_) => 3.0,
        Block::Code(lines) => lines.len() as f32,
    };
    lines * line
}

fn length(text: &[Inline]) -> f32 {
    let length = |inline: &Inline| match inline {
        Inline::Text { text, .. } | Inline::Code(text) => text.len(),
        Inline::Formula(_) => 8,
    };
    text.iter().map(length).sum::<usize>() as f32
}

fn heading(rng: &mut impl Rng, corpus: &Corpus, level: u8) -> Block {
    let count = rng.random_range(1..=6);
    let mut text = capital(&corpus.words(rng, count));
    if level > 1 && rng.random_bool(0.3) {
        text = format!(
            "{}.{} {text}",
            rng.random_range(1..8),
            rng.random_range(1..6)
        );
    }
    Block::Heading {
        level,
        text: vec![Inline::plain(text)],
    }
}

/// Sentences, some words of which are bold, italic, code or formulas.
fn prose(rng: &mut impl Rng, corpus: &Corpus, count: usize, formulas: bool) -> Vec<Inline> {
    let styled = rng.random_bool(0.4);
    let text = corpus.sentences(rng, count);
    if !styled && !formulas {
        return vec![Inline::plain(text)];
    }
    let mut inlines = Vec::new();
    for word in text.split_inclusive(' ') {
        let kind = if styled { rng.random_range(0..60) } else { 60 };
        let (word, blank) = word.split_at(word.trim_end().len());
        inlines.push(match kind {
            0 | 1 => Inline::Text {
                text: word.into(),
                strong: true,
                emphasis: false,
            },
            2 | 3 => Inline::Text {
                text: word.into(),
                strong: false,
                emphasis: true,
            },
            4 => Inline::Code(word.into()),
            _ => Inline::plain(word),
        });
        inlines.push(Inline::plain(blank));
        if formulas
            && !blank.is_empty()
            && rng.random_bool(0.04)
            && let Some(formula) = short_formula(rng)
        {
            inlines.push(Inline::Formula(formula));
            inlines.push(Inline::plain(" "));
        }
    }
    inlines
}

fn list(rng: &mut impl Rng, corpus: &Corpus) -> Block {
    let start = rng.random_bool(0.4).then_some(1);
    let items = (0..rng.random_range(2..=6))
        .map(|_| {
            let count = rng.random_range(2..=18);
            vec![Inline::plain(corpus.sentences(rng, count))]
        })
        .collect();
    Block::List { start, items }
}

fn table(rng: &mut impl Rng, corpus: &Corpus, style: &PageStyle) -> Block {
    let most = if style.columns == 1 { 5 } else { 3 };
    let columns = rng.random_range(2..=most);
    let numeric: Vec<bool> = (0..columns)
        .map(|i| i > 0 && rng.random_bool(0.6))
        .collect();
    let rows = (0..rng.random_range(3..=9))
        .map(|row| {
            let cell = |numeric: &bool| {
                let text = match (row, numeric) {
                    (0, _) => capital(&corpus.words(rng, 1)),
                    (_, true) if rng.random_bool(0.5) => rng.random_range(0..5000).to_string(),
                    (_, true) => format!("{:.2}", rng.random_range(-10.0..100.0)),
                    (_, false) => {
                        let count = rng.random_range(1..=3);
                        corpus.words(rng, count)
                    }
                };
                vec![Inline::plain(text)]
            };
            numeric.iter().map(cell).collect()
        })
        .collect();
    Block::Table(rows)
}

/// A formula with letters of its own; `?` stands for one.
fn filled(rng: &mut impl Rng, template: &str) -> Option<Formula> {
    let letters = [
        "a", "b", "c", "f", "g", "k", "m", "n", "p", "q", "r", "s", "t", "u", "v", "w",
    ];
    let greek = [
        "\\alpha ",
        "\\beta ",
        "\\lambda ",
        "\\mu ",
        "\\sigma ",
        "\\theta ",
        "\\omega ",
    ];
    let mut latex = String::new();
    for c in template.chars() {
        match c {
            '?' if rng.random_bool(0.3) => latex += greek[rng.random_range(0..greek.len())],
            '?' => latex += letters[rng.random_range(0..letters.len())],
            '9' => latex += &rng.random_range(2..20).to_string(),
            c => latex.push(c),
        }
    }
    Formula::parse(&latex).ok()
}

fn formula(rng: &mut impl Rng) -> Option<Formula> {
    let templates = [
        "?^2 + ?^2 = ?^2",
        "\\frac{? + 9}{9?} = \\sqrt{? - ?}",
        "\\sum_{i=1}^{n} ?_i = \\frac{n(n+1)}{2}",
        "\\int_0^{\\infty} e^{-? x^2} dx = \\frac{1}{2}\\sqrt{\\frac{\\pi}{?}}",
        "x_{1,2} = \\frac{-? \\pm \\sqrt{?^2 - 4??}}{2?}",
        "\\lim_{x \\to 0} \\frac{\\sin ?x}{x} = ?",
        "f'(x) = \\lim_{h \\to 0} \\frac{f(x+h) - f(x)}{h}",
        "\\hat{?} = \\left( \\frac{?}{?} \\right)^{9} + ?_{max}",
        "\\nabla \\cdot \\vec{?} = \\frac{\\partial ?}{\\partial t}",
        "\\prod_{k=1}^{9} \\left( 1 + \\frac{?}{k} \\right) \\le ?",
        "p(x) = \\frac{1}{\\sigma\\sqrt{2\\pi}} \
         \\exp\\left(-\\frac{(x-\\mu)^2}{2\\sigma^2}\\right)",
        "\\log_{9} ? = \\frac{\\ln ?}{\\ln 9}",
        "? \\in \\mathbb{R}, \\forall ? > 0",
    ];
    let template = templates[rng.random_range(0..templates.len())];
    filled(rng, template)
}

fn short_formula(rng: &mut impl Rng) -> Option<Formula> {
    let templates = [
        "?",
        "?_i",
        "?^2",
        "? = 9",
        "? \\ge 0",
        "\\sqrt{?}",
        "f(?)",
        "? + ?",
        "\\frac{1}{9}",
    ];
    let template = templates[rng.random_range(0..templates.len())];
    filled(rng, template)
}

fn code(rng: &mut impl Rng) -> Block {
    let names = ["count", "total", "i", "width", "rate", "buffer", "item"];
    let mut name = || names[rng.random_range(0..names.len())].to_owned();
    let (a, b, c) = (name(), name(), name());
    let number = rng.random_range(1..100);
    let lines = [
        format!("fn {a}_of({b}: &[f32]) -> f32 {{"),
        format!("    let mut {c} = {number}.0;"),
        format!("    for x in {b}.iter() {{"),
        format!("        {c} += x * x; // {a}"),
        "    }".into(),
        String::new(),
        format!("    {c} / {b}.len() as f32"),
        "}".into(),
    ];
    Block::Code(lines.into())
}
