//! Cards, registrations, shipping labels and memos.

use super::content::{Block, Field, Form, amount, field};
use super::trade::head;
use super::values::{self, Date};
use super::words::{DEPARTMENTS, EVENTS, MEETINGS, ROOMS, SERVICES, SUBJECTS, TRADE};
use crate::question::Question;
use crate::random::Random;

/// An identity card of a firm, a library or a club.
pub(super) fn card(room: usize, rng: &mut Random) -> Form {
    let fields = card_fields(room, rng);
    let mut blocks = vec![Block::Photo, Block::Fields(fields)];
    if rng.chance(0.4) {
        blocks.push(Block::Signature("Signature"));
    }
    Form {
        kind: "card",
        head: vec![values::company(TRADE, rng)],
        title: rng
            .pick(&[
                "IDENTITY CARD",
                "Employee Card",
                "Membership Card",
                "Access Card",
            ])
            .into(),
        blocks,
        questions: Vec::new(),
    }
}

fn card_fields(room: usize, rng: &mut Random) -> Vec<Field> {
    let format = rng.below(5);
    let issued = Date::random(2015, 2025, rng);
    let mut fields = vec![
        field(
            "Name",
            values::person(rng),
            &["What is the name on the card?", "Whose card is this?"],
        ),
        field(
            rng.pick(&["ID No.", "Card No.", "Member No."]),
            values::code(rng.pick(&["E", "M", "A-", ""]), 6, rng),
            &[
                "What is the number of the card?",
                "Which ID number is shown?",
            ],
        ),
        field(
            rng.pick(&["Date of Birth", "Born"]),
            Date::random(1950, 2004, rng).show(format),
            &["What is the date of birth?", "When was the holder born?"],
        ),
        field(
            "Issued",
            issued.show(format),
            &["When was the card issued?"],
        ),
        field(
            rng.pick(&["Expires", "Valid until"]),
            issued.later(365 * rng.whole(1, 9)).show(format),
            &[
                "When does the card expire?",
                "Until when is the card valid?",
            ],
        ),
    ];
    if room > 3 {
        let department = rng.pick(DEPARTMENTS);
        fields.push(field(
            "Department",
            department,
            &["Which department is the holder in?"],
        ));
    }
    fields
}

/// A form to register for an event.
pub(super) fn registration(room: usize, rng: &mut Random) -> Form {
    let format = rng.below(5);
    let (personal, event) = (participant(format, rng), event(format, rng));
    let kept = if room > 3 { event.len() } else { 2 };
    let event: Vec<_> = event.into_iter().take(kept).collect();
    let title = rng.pick(&[
        "Registration Form",
        "REGISTRATION",
        "Application Form",
        "Enrollment Form",
    ]);
    let mut blocks = if room > 3 {
        vec![
            Block::Heading("Personal Details".into()),
            Block::Fields(personal),
            Block::Heading(rng.pick(&["Event", "Registration For"]).into()),
            Block::Fields(event),
        ]
    } else {
        vec![Block::Fields(personal), Block::Fields(event)]
    };
    blocks.push(Block::Signature("Signature"));
    Form {
        kind: "registration",
        head: head(values::company(TRADE, rng), room, rng),
        title: title.into(),
        blocks,
        questions: Vec::new(),
    }
}

fn participant(format: usize, rng: &mut Random) -> Vec<Field> {
    let person = values::person(rng);
    let mail = values::email(&person);
    vec![
        field(
            rng.pick(&["Full Name", "Name", "Participant"]),
            person,
            &["What is the name of the participant?", "Who registers?"],
        ),
        field(
            "Date of Birth",
            Date::random(1950, 2012, rng).show(format),
            &["What is the date of birth?"],
        ),
        field(
            rng.pick(&["Address", "Street"]),
            values::street(rng),
            &[
                "What is the street address?",
                "In which street does the participant live?",
            ],
        ),
        field(
            "City",
            values::city(rng),
            &["What is the city and postal code?"],
        ),
        field(
            rng.pick(&["Phone", "Telephone"]),
            values::phone(rng),
            &["What is the phone number?"],
        ),
        field("E-mail", mail, &["What is the e-mail address?"]),
    ]
}

fn event(format: usize, rng: &mut Random) -> Vec<Field> {
    vec![
        field(
            rng.pick(&["Event", "Course"]),
            rng.pick(EVENTS),
            &["What does the participant register for?"],
        ),
        field(
            "Start Date",
            Date::random(2012, 2025, rng).show(format),
            &["When does it start?", "What is the start date?"],
        ),
        amount(
            "Fee",
            rng.whole(4, 90) * 500,
            &["What is the fee?", "How much does it cost?"],
        ),
        field(
            "Emergency Contact",
            values::person(rng),
            &["Who is the emergency contact?"],
        ),
    ]
}

/// A label on a parcel.
pub(super) fn label(room: usize, rng: &mut Random) -> Form {
    let weight = rng.whole(3, 480);
    let (from, to) = (sender(rng), recipient(rng));
    let parcel = parcel(weight, room, rng);
    let code = values::code(rng.pick(&["1Z", "TRK", "VX"]), 10, rng);
    let text = rng.pick(&[
        "What is the tracking number?",
        "Which code is below the bars?",
    ]);
    Form {
        kind: "label",
        head: Vec::new(),
        title: rng
            .pick(&["SHIPPING LABEL", "Parcel Label", "PRIORITY PARCEL"])
            .into(),
        questions: vec![Question::new(text, [code.as_str()])],
        blocks: vec![
            Block::Fields(from),
            Block::Fields(to),
            Block::Fields(parcel),
            Block::Barcode(code),
        ],
    }
}

fn sender(rng: &mut Random) -> Vec<Field> {
    vec![
        field(
            "From",
            values::company(TRADE, rng),
            &["Who is the sender?", "Who sent the parcel?"],
        ),
        field(
            "Sender Address",
            format!("{}, {}", values::street(rng), values::city(rng)),
            &["What is the address of the sender?"],
        ),
    ]
}

fn recipient(rng: &mut Random) -> Vec<Field> {
    vec![
        field(
            rng.pick(&["To", "Ship To", "Deliver To"]),
            values::person(rng),
            &["Who is the recipient?", "Who is the parcel for?"],
        ),
        field(
            "Address",
            format!("{}, {}", values::street(rng), values::city(rng)),
            &[
                "What is the address of the recipient?",
                "Where is the parcel sent to?",
            ],
        ),
    ]
}

/// `weight` is in tenths.
fn parcel(weight: i64, room: usize, rng: &mut Random) -> Vec<Field> {
    let mut parcel = vec![
        field(
            "Weight",
            format!(
                "{}.{} {}",
                weight / 10,
                weight % 10,
                rng.pick(&["kg", "lb"])
            ),
            &[
                "What is the weight of the parcel?",
                "How heavy is the parcel?",
            ],
        ),
        field("Service", rng.pick(SERVICES), &["Which service is used?"]),
        field(
            "Ship Date",
            Date::random(2012, 2025, rng).show(rng.below(5)),
            &["When was the parcel shipped?", "What is the ship date?"],
        ),
    ];
    if room > 3 {
        parcel.push(field(
            "Order No.",
            values::code("#", 6, rng),
            &["What is the order number?"],
        ));
        parcel.push(field("Packages", format!("1 of {}", rng.whole(1, 5)), &[]));
    }
    parcel
}

/// A memo on a firm's paper with at most `room` sentences.
pub(super) fn memo(room: usize, rng: &mut Random) -> Form {
    let format = rng.below(5);
    let date = Date::random(1995, 2025, rng);
    let fields = memo_fields(&date.show(format), rng);
    let facts = facts(format, date, rng);
    let most = facts.len().min(room.max(2));
    let count = rng.whole(2, most as i64) as usize;
    let (texts, asked): (Vec<_>, Vec<_>) = rng.some(&facts, count).into_iter().unzip();
    let mut blocks = vec![Block::Fields(fields)];
    blocks.extend(texts.chunks(2).map(|part| Block::Paragraph(part.join(" "))));
    if rng.chance(0.4) {
        blocks.push(Block::Signature("Signed"));
    }
    Form {
        kind: "memo",
        head: head(values::company(TRADE, rng), room, rng),
        title: rng
            .pick(&[
                "MEMORANDUM",
                "Memo",
                "Internal Memo",
                "INTEROFFICE MEMORANDUM",
            ])
            .into(),
        blocks,
        questions: asked.into_iter().flatten().collect(),
    }
}

fn memo_fields(date: &str, rng: &mut Random) -> Vec<Field> {
    let sender = values::person(rng);
    vec![
        field(
            rng.pick(&["To", "TO"]),
            format!("{} Department", rng.pick(DEPARTMENTS)),
            &["Who is the memo addressed to?", "To whom is the memo?"],
        ),
        field(
            rng.pick(&["From", "FROM"]),
            sender.as_str(),
            &["Who is the memo from?", "Who wrote the memo?"],
        ),
        field(
            rng.pick(&["Date", "DATE"]),
            date,
            &[
                "What is the date of the memo?",
                "When was the memo written?",
            ],
        ),
        field(
            rng.pick(&["Subject", "Re"]),
            rng.pick(SUBJECTS),
            &[
                "What is the subject of the memo?",
                "What is the memo about?",
            ],
        ),
    ]
}

/// Sentences of a memo, each with questions that it answers.
fn facts(format: usize, date: Date, rng: &mut Random) -> [(String, Vec<Question>); 4] {
    let (meeting, place) = (rng.pick(MEETINGS), rng.pick(ROOMS));
    let (day, time) = (date.later(rng.whole(3, 40)).show(format), values::time(rng));
    let (reader, until) = (
        values::person(rng),
        date.later(rng.whole(41, 80)).show(format),
    );
    let (phone, cents) = (values::phone(rng), rng.whole(2, 400) * 5000);
    [
        (
            format!("The {meeting} will take place on {day} at {time} in {place}."),
            vec![
                Question::new(
                    format!("When will the {meeting} take place?"),
                    [day.clone(), format!("{day} at {time}")],
                ),
                Question::new(format!("At what time is the {meeting}?"), [time.clone()]),
                Question::new(format!("Where will the {meeting} take place?"), [place]),
            ],
        ),
        (
            format!("Please send your comments to {reader} by {until}."),
            vec![
                Question::new("To whom should comments be sent?", [reader.clone()]),
                Question::new("By when should comments be sent?", [until.clone()]),
            ],
        ),
        (
            format!("The approved budget is {}.", values::money(cents)),
            vec![Question::new(
                "What is the approved budget?",
                values::amounts(cents),
            )],
        ),
        (
            format!("Questions will be answered by phone at {phone}."),
            vec![Question::new(
                "Which phone number answers questions?",
                [phone.clone()],
            )],
        ),
    ]
}
