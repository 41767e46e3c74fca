#![allow(clippy::unwrap_used)]

use super::values::Date;
use super::*;

fn cents(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    assert!(
        text.starts_with('$') && text.as_bytes()[text.len() - 3] == b'.',
        "{text}"
    );
    digits.parse().unwrap()
}

/// Value of the field whose key starts so.
fn value<'a>(markdown: &'a str, keys: &[&str]) -> Option<(&'a str, &'a str)> {
    let mut fields = markdown
        .lines()
        .filter_map(|l| l.strip_prefix("- **")?.split_once("**: "));
    fields.find(|(key, _)| keys.iter().any(|k| key.starts_with(k)))
}

#[test]
fn amounts_add_up() {
    let config = DrawnConfig::new(512, 512).unwrap();
    let (mut sums, mut changes) = (0, 0);
    for index in 0..150 {
        let drawn = form(2, index, &config).unwrap();
        if !matches!(drawn.kind, "invoice" | "receipt") {
            continue;
        }
        let markdown = drawn.page.markdown.unwrap();
        let rows = markdown
            .lines()
            .filter(|l| l.starts_with("| ") && l.contains('$'));
        let mut sum = 0;
        for row in rows {
            let cells: Vec<_> = row.trim_matches(['|', ' ']).split(" | ").collect();
            let quantity: i64 = cells[1].parse().unwrap();
            assert_eq!(quantity * cents(cells[2]), cents(cells[3]), "{row}");
            sum += cents(cells[3]);
        }
        let subtotal = cents(value(&markdown, &["Subtotal"]).unwrap().1);
        let (key, tax) = value(&markdown, &["Tax", "VAT", "Sales Tax"]).unwrap();
        let total = cents(value(&markdown, &["Total", "TOTAL", "Amount"]).unwrap().1);
        let rate: f64 = key[key.find('(').unwrap() + 1..]
            .trim_end_matches("%)")
            .parse()
            .unwrap();
        assert_eq!(sum, subtotal);
        assert!(
            (cents(tax) as f64 - subtotal as f64 * rate / 100.0).abs() <= 0.5001,
            "{markdown}"
        );
        assert_eq!(subtotal + cents(tax), total);
        sums += 1;
        if let Some((_, cash)) = value(&markdown, &["Cash"]).filter(|v| v.0 == "Cash") {
            let change = cents(value(&markdown, &["Change"]).unwrap().1);
            assert_eq!(cents(cash) - total, change);
            assert!(change > 0);
            changes += 1;
        }
    }
    assert!(sums > 30 && changes > 5, "{sums} {changes}");
}

#[test]
fn answers_are_visible() {
    let config = DrawnConfig::new(400, 400).unwrap();
    for index in 0..200 {
        let drawn = form(4, index, &config).unwrap();
        let words: Vec<_> = drawn.page.text.split_whitespace().collect();
        let text = words.join(" ");
        let markdown = drawn.page.markdown.unwrap();
        for question in drawn.questions {
            let answer = &question.answers[0];
            if question.text.starts_with("How many different items") {
                let rows = markdown
                    .lines()
                    .filter(|l| l.starts_with("| ") && l.contains('$'));
                assert_eq!(*answer, rows.count().to_string());
            } else if question.text.starts_with("Which item") {
                let row = |l: &&str| l.starts_with(&format!("| {answer} |"));
                let amount = |l: &str| cents(l.trim_end_matches(" |").rsplit(' ').next().unwrap());
                let of_answer = amount(markdown.lines().find(row).unwrap());
                let rows = markdown
                    .lines()
                    .filter(|l| l.starts_with("| ") && l.contains('$'));
                assert_eq!(of_answer, rows.map(amount).max().unwrap());
            } else {
                assert!(
                    text.contains(answer),
                    "{index} {}: {question:?}\n{text}",
                    drawn.kind
                );
            }
        }
    }
}

#[test]
fn days_follow_the_calendar() {
    let day = |year, month, day| Date { year, month, day };
    assert_eq!(day(2024, 2, 28).later(1), day(2024, 2, 29));
    assert_eq!(day(2023, 2, 28).later(1), day(2023, 3, 1));
    assert_eq!(day(1999, 12, 31).later(366), day(2000, 12, 31));
    assert_eq!(day(2021, 1, 31).later(30), day(2021, 3, 2));
    let shown: Vec<_> = (0..5).map(|f| day(2021, 3, 4).show(f)).collect();
    assert_eq!(
        shown,
        [
            "03/04/2021",
            "4 March 2021",
            "2021-03-04",
            "Mar 4, 2021",
            "04.03.2021"
        ]
    );
}
