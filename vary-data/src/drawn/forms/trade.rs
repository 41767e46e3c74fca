//! Invoices and receipts.

use super::content::{Block, Field, Form, Item, amount, field};
use super::values::{self, Date};
use super::words::{GOODS, GROCERIES, SHOP, TRADE};
use crate::random::Random;

/// An invoice with at most `room` items.
pub(super) fn invoice(room: usize, rng: &mut Random) -> Form {
    let fields = invoice_fields(room, rng);
    let items = items(GOODS, rng.whole(2, room.max(2) as i64) as usize, 24, rng);
    let (totals, _) = totals(&items, rng);
    Form {
        kind: "invoice",
        head: head(values::company(TRADE, rng), room, rng),
        title: rng.pick(&["INVOICE", "Invoice", "TAX INVOICE"]).into(),
        blocks: vec![
            Block::Fields(fields),
            Block::Items(items),
            Block::Totals(totals),
        ],
        questions: Vec::new(),
    }
}

fn invoice_fields(room: usize, rng: &mut Random) -> Vec<Field> {
    let format = rng.below(5);
    let date = Date::random(2008, 2025, rng);
    let days = *rng.pick(&[&14, &30, &45, &60]);
    let number = match rng.below(3) {
        0 => values::code("INV-", 5, rng),
        1 => values::code("", 6, rng),
        _ => values::code(&format!("{}/", date.year), 4, rng),
    };
    let mut fields = vec![
        field(
            rng.pick(&["Invoice No.", "Invoice Number", "Invoice #"]),
            number,
            &[
                "What is the invoice number?",
                "Which number does the invoice have?",
            ],
        ),
        field(
            rng.pick(&["Invoice Date", "Date", "Date of Issue"]),
            date.show(format),
            &[
                "What is the date of the invoice?",
                "When was the invoice issued?",
            ],
        ),
        field(
            rng.pick(&["Due Date", "Payment Due"]),
            date.later(days).show(format),
            &["What is the due date?", "By when must the invoice be paid?"],
        ),
        field(
            rng.pick(&["Bill To", "Customer", "Sold To"]),
            values::company(TRADE, rng),
            &[
                "Who is the invoice billed to?",
                "What is the name of the customer?",
            ],
        ),
    ];
    let optional = [
        field(
            rng.pick(&["PO Number", "Order No."]),
            values::code("PO", 5, rng),
            &["What is the order number?"],
        ),
        field(
            "Terms",
            format!("{days} days net"),
            &["What are the terms of payment?"],
        ),
        field(
            "Contact",
            values::person(rng),
            &["Who is the contact person?"],
        ),
    ];
    fields.extend(optional.into_iter().filter(|_| room > 3 && rng.chance(0.6)));
    fields
}

/// A receipt of a shop with at most `room` items.
pub(super) fn receipt(room: usize, rng: &mut Random) -> Form {
    let fields = receipt_fields(rng);
    let items = items(GROCERIES, rng.whole(2, room.max(2) as i64) as usize, 4, rng);
    let (mut totals, total) = totals(&items, rng);
    if rng.chance(0.6) {
        // Paid in whole notes of five.
        let paid = (total / 500 + rng.whole(1, 4)) * 500;
        totals.push(amount(
            "Cash",
            paid,
            &["How much cash was given?", "What amount was paid in cash?"],
        ));
        totals.push(amount(
            "Change",
            paid - total,
            &["How much change was given back?", "What is the change?"],
        ));
    } else {
        let card = values::code("XXXX-", 4, rng);
        totals.push(field(
            "Card",
            card,
            &["Which card number is on the receipt?"],
        ));
    }
    let thanks = rng.pick(&[
        "Thank you!",
        "Please come again",
        "Keep this receipt for returns.",
    ]);
    Form {
        kind: "receipt",
        head: head(values::company(SHOP, rng), room, rng),
        title: rng.pick(&["RECEIPT", "Receipt", "Sales Receipt"]).into(),
        blocks: vec![
            Block::Fields(fields),
            Block::Items(items),
            Block::Totals(totals),
            Block::Paragraph(thanks.into()),
        ],
        questions: Vec::new(),
    }
}

fn receipt_fields(rng: &mut Random) -> Vec<Field> {
    let date = Date::random(2010, 2025, rng);
    let mut fields = vec![
        field(
            "Date",
            date.show(rng.below(5)),
            &["What is the date on the receipt?", "When was this bought?"],
        ),
        field(
            "Time",
            values::time(rng),
            &["What is the time on the receipt?"],
        ),
        field(
            rng.pick(&["Receipt No.", "Receipt #", "Transaction"]),
            values::code("", 6, rng),
            &[
                "What is the receipt number?",
                "What is the number of the transaction?",
            ],
        ),
    ];
    if rng.chance(0.6) {
        let person = values::person(rng);
        fields.push(field("Cashier", person, &["Who is the cashier?"]));
    }
    fields
}

/// A name with its address, shorter where there is less room.
pub(super) fn head(name: String, room: usize, rng: &mut Random) -> Vec<String> {
    let mut head = vec![name];
    if room > 3 {
        head.extend([values::street(rng), values::city(rng)]);
    }
    if room > 2 && rng.chance(0.6) {
        head.push(format!("Tel. {}", values::phone(rng)));
    }
    head
}

fn items(
    goods: &[(&'static str, i64, i64)],
    count: usize,
    most: i64,
    rng: &mut Random,
) -> Vec<Item> {
    let chosen = rng.some(goods, count).into_iter();
    chosen
        .map(|(name, low, high)| Item {
            name,
            quantity: rng.whole(1, most),
            price: rng.whole(low, high),
        })
        .collect()
}

/// Subtotal, tax and total, and the total in cents.
fn totals(items: &[Item], rng: &mut Random) -> (Vec<Field>, i64) {
    let subtotal: i64 = items.iter().map(Item::total).sum();
    // In thousandths.
    let rate = *rng.pick(&[&50, &60, &75, &80, &85, &100, &190, &200]);
    let tax = (subtotal * rate + 500) / 1000;
    let percent = format!("{}%", rate as f32 / 10.0);
    let name = rng.pick(&["Tax", "VAT", "Sales Tax"]);
    let fields = vec![
        amount(
            "Subtotal",
            subtotal,
            &["What is the subtotal?", "What is the total before tax?"],
        ),
        amount(
            format!("{name} ({percent})"),
            tax,
            &["How much tax is charged?", "What is the amount of tax?"],
        ),
        amount(
            rng.pick(&["Total", "TOTAL", "Amount Due", "Total Due"]),
            subtotal + tax,
            &[
                "What is the total?",
                "What is the total amount?",
                "How much is to be paid in total?",
            ],
        ),
    ];
    (fields, subtotal + tax)
}
