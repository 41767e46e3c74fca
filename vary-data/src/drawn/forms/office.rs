//! Cards, registrations, shipping labels and memos.

use super::super::random::Random;
use super::content::{Block, Form, amount, field};
use super::trade::head;
use super::values::{self, Date, pick};
use super::words::{DEPARTMENTS, EVENTS, MEETINGS, ROOMS, SERVICES, SUBJECTS, TRADE};
use crate::question::Question;

/// An identity card of a firm, a library or a club.
pub(super) fn card(room: usize, rng: &mut Random) -> Form {
    let format = rng.below(5);
    let issued = Date::random(2015, 2025, rng);
    let mut fields = vec![
        field(
            "Name",
            values::person(rng),
            &["What is the name on the card?", "Whose card is this?"],
        ),
        field(
            pick(&["ID No.", "Card No.", "Member No."], rng),
            values::code(pick(&["E", "M", "A-", ""], rng), 6, rng),
            &[
                "What is the number of the card?",
                "Which ID number is shown?",
            ],
        ),
        field(
            pick(&["Date of Birth", "Born"], rng),
            Date::random(1950, 2004, rng).show(format),
            &["What is the date of birth?", "When was the holder born?"],
        ),
        field(
            "Issued",
            issued.show(format),
            &["When was the card issued?"],
        ),
        field(
            pick(&["Expires", "Valid until"], rng),
            issued.later(365 * rng.whole(1, 9)).show(format),
            &[
                "When does the card expire?",
                "Until when is the card valid?",
            ],
        ),
    ];
    if room > 3 {
        let department = pick(DEPARTMENTS, rng);
        fields.push(field(
            "Department",
            department,
            &["Which department is the holder in?"],
        ));
    }
    let mut blocks = vec![Block::Photo, Block::Fields(fields)];
    if rng.chance(0.4) {
        blocks.push(Block::Signature("Signature"));
    }
    Form {
        kind: "card",
        head: vec![values::company(TRADE, rng)],
        title: pick(
            &[
                "IDENTITY CARD",
                "Employee Card",
                "Membership Card",
                "Access Card",
            ],
            rng,
        )
        .into(),
        blocks,
        questions: Vec::new(),
    }
}

/// A form to register for an event.
pub(super) fn registration(room: usize, rng: &mut Random) -> Form {
    let format = rng.below(5);
    let person = values::person(rng);
    let mail = values::email(&person);
    let personal = vec![
        field(
            pick(&["Full Name", "Name", "Participant"], rng),
            person,
            &["What is the name of the participant?", "Who registers?"],
        ),
        field(
            "Date of Birth",
            Date::random(1950, 2012, rng).show(format),
            &["What is the date of birth?"],
        ),
        field(
            pick(&["Address", "Street"], rng),
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
            pick(&["Phone", "Telephone"], rng),
            values::phone(rng),
            &["What is the phone number?"],
        ),
        field("E-mail", mail, &["What is the e-mail address?"]),
    ];
    let event = vec![
        field(
            pick(&["Event", "Course"], rng),
            pick(EVENTS, rng),
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
    ];
    let kept = if room > 3 { event.len() } else { 2 };
    let event: Vec<_> = event.into_iter().take(kept).collect();
    let title = pick(
        &[
            "Registration Form",
            "REGISTRATION",
            "Application Form",
            "Enrollment Form",
        ],
        rng,
    );
    let mut blocks = if room > 3 {
        vec![
            Block::Heading("Personal Details".into()),
            Block::Fields(personal),
            Block::Heading(pick(&["Event", "Registration For"], rng).into()),
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

/// A label on a parcel.
pub(super) fn label(room: usize, rng: &mut Random) -> Form {
    let weight = rng.whole(3, 480);
    let from = vec![
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
    ];
    let to = vec![
        field(
            pick(&["To", "Ship To", "Deliver To"], rng),
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
    ];
    let mut parcel = vec![
        field(
            "Weight",
            format!(
                "{}.{} {}",
                weight / 10,
                weight % 10,
                pick(&["kg", "lb"], rng)
            ),
            &[
                "What is the weight of the parcel?",
                "How heavy is the parcel?",
            ],
        ),
        field("Service", pick(SERVICES, rng), &["Which service is used?"]),
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
    let code = values::code(pick(&["1Z", "TRK", "VX"], rng), 10, rng);
    let text = rng.pick(&[
        "What is the tracking number?",
        "Which code is below the bars?",
    ]);
    Form {
        kind: "label",
        head: Vec::new(),
        title: pick(&["SHIPPING LABEL", "Parcel Label", "PRIORITY PARCEL"], rng).into(),
        questions: vec![Question::new(text, [code.as_str()])],
        blocks: vec![
            Block::Fields(from),
            Block::Fields(to),
            Block::Fields(parcel),
            Block::Barcode(code),
        ],
    }
}

/// A memo on a firm's paper with at most `room` sentences.
pub(super) fn memo(room: usize, rng: &mut Random) -> Form {
    let format = rng.below(5);
    let date = Date::random(1995, 2025, rng);
    let sender = values::person(rng);
    let fields = vec![
        field(
            pick(&["To", "TO"], rng),
            format!("{} Department", pick(DEPARTMENTS, rng)),
            &["Who is the memo addressed to?", "To whom is the memo?"],
        ),
        field(
            pick(&["From", "FROM"], rng),
            sender.as_str(),
            &["Who is the memo from?", "Who wrote the memo?"],
        ),
        field(
            pick(&["Date", "DATE"], rng),
            date.show(format),
            &[
                "What is the date of the memo?",
                "When was the memo written?",
            ],
        ),
        field(
            pick(&["Subject", "Re"], rng),
            pick(SUBJECTS, rng),
            &[
                "What is the subject of the memo?",
                "What is the memo about?",
            ],
        ),
    ];
    let (meeting, place) = (pick(MEETINGS, rng), pick(ROOMS, rng));
    let (day, time) = (date.later(rng.whole(3, 40)).show(format), values::time(rng));
    let (reader, until) = (
        values::person(rng),
        date.later(rng.whole(41, 80)).show(format),
    );
    let (phone, cents) = (values::phone(rng), rng.whole(2, 400) * 5000);
    let facts = [
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
    ];
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
        title: pick(
            &[
                "MEMORANDUM",
                "Memo",
                "Internal Memo",
                "INTEROFFICE MEMORANDUM",
            ],
            rng,
        )
        .into(),
        blocks,
        questions: asked.into_iter().flatten().collect(),
    }
}
