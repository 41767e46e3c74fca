//! The content of a form, before it is laid out.

use super::values;
use crate::question::Question;
use crate::random::Random;

/// A key with its value.
pub(super) struct Field {
    pub key: String,
    pub value: String,
    /// Ways to ask for the value.
    asks: &'static [&'static str],
    answers: Vec<String>,
}

/// A field whose value is the answer.
pub(super) fn field(
    key: impl Into<String>,
    value: impl Into<String>,
    asks: &'static [&'static str],
) -> Field {
    let value = value.into();
    Field {
        key: key.into(),
        answers: vec![value.clone()],
        value,
        asks,
    }
}

/// A field with an amount of cents.
pub(super) fn amount(key: impl Into<String>, cents: i64, asks: &'static [&'static str]) -> Field {
    Field {
        answers: values::amounts(cents),
        ..field(key, values::money(cents), asks)
    }
}

/// A line of a table of goods.
pub(super) struct Item {
    pub name: &'static str,
    pub quantity: i64,
    /// In cents.
    pub price: i64,
}

/// A part of a form, from side to side.
pub(super) enum Block {
    Heading(String),
    Fields(Vec<Field>),
    Items(Vec<Item>),
    /// Sums below the items.
    Totals(Vec<Field>),
    Paragraph(String),
    /// Bars with the code below them.
    Barcode(String),
    /// A portrait beside the blocks that follow.
    Photo,
    /// A line to sign on.
    Signature(&'static str),
}

/// The content of a form.
pub(super) struct Form {
    pub kind: &'static str,
    /// Who issued it, then lines of its address.
    pub head: Vec<String>,
    pub title: String,
    pub blocks: Vec<Block>,
    /// Questions that no field asks.
    pub questions: Vec<Question>,
}

impl Form {
    /// All questions about it, in random order.
    pub(super) fn ask(&self, rng: &mut Random) -> Vec<Question> {
        let mut asked = self.questions.clone();
        let title = rng.pick(&[
            "What is the title of the document?",
            "What is the heading of this document?",
        ]);
        asked.push(Question::new(title, [self.title.as_str()]));
        if let Some(issuer) = self.head.first() {
            let text = rng.pick(&[
                "Who issued this document?",
                "Which organization's name is at the top of the document?",
            ]);
            asked.push(Question::new(text, [issuer.as_str()]));
        }
        for block in &self.blocks {
            match block {
                Block::Fields(fields) | Block::Totals(fields) => {
                    asked.extend(fields.iter().filter_map(|f| f.ask(rng)));
                }
                Block::Items(items) => ask_items(items, &mut asked, rng),
                _ => {}
            }
        }
        let count = asked.len();
        rng.some(&asked, count)
    }

    /// Its content as Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = self.head.join("  \n");
        text += &format!("\n\n# {}\n", self.title);
        for block in &self.blocks {
            text.push('\n');
            match block {
                Block::Heading(heading) => text += &format!("## {heading}\n"),
                Block::Fields(fields) | Block::Totals(fields) => {
                    for field in fields {
                        text += &format!("- **{}**: {}\n", field.key, field.value);
                    }
                }
                Block::Items(items) => {
                    text +=
                        "| Description | Qty | Unit Price | Amount |\n| --- | --- | --- | --- |\n";
                    for item in items {
                        text += &format!("| {} |\n", item.cells().join(" | "));
                    }
                }
                Block::Paragraph(paragraph) => text += &format!("{paragraph}\n"),
                Block::Barcode(code) => text += &format!("{code}\n"),
                Block::Signature(key) => text += &format!("{key}: ____\n"),
                Block::Photo => {}
            }
        }
        text.trim_end().into()
    }
}

impl Field {
    fn ask(&self, rng: &mut Random) -> Option<Question> {
        if self.asks.is_empty() {
            return None;
        }
        let text = if rng.chance(0.25) {
            format!("What is written next to \"{}\"?", self.key)
        } else {
            rng.pick(self.asks).into()
        };
        Some(Question::new(text, self.answers.clone()))
    }
}

impl Item {
    pub(super) fn total(&self) -> i64 {
        self.quantity * self.price
    }

    /// Name, quantity, price, amount as they are printed.
    pub(super) fn cells(&self) -> [String; 4] {
        [
            self.name.into(),
            self.quantity.to_string(),
            values::money(self.price),
            values::money(self.total()),
        ]
    }
}

fn ask_items(items: &[Item], asked: &mut Vec<Question>, rng: &mut Random) {
    let count = items.len().to_string();
    asked.push(Question::new(
        "How many different items are listed?",
        [count],
    ));
    let Some(item) = items.get(rng.below(items.len())) else {
        return;
    };
    let name = item.name;
    asked.push(Question::new(
        format!("What is the unit price of \"{name}\"?"),
        values::amounts(item.price),
    ));
    asked.push(Question::new(
        format!("What is the quantity of \"{name}\"?"),
        [item.quantity.to_string()],
    ));
    asked.push(Question::new(
        format!("What is the amount for \"{name}\"?"),
        values::amounts(item.total()),
    ));
    // Only where one item is dearest.
    let most = items.iter().map(Item::total).max();
    let mut dearest = items.iter().filter(|i| Some(i.total()) == most);
    if let (Some(one), None) = (dearest.next(), dearest.next()) {
        asked.push(Question::new(
            "Which item has the highest amount?",
            [one.name],
        ));
    }
}
