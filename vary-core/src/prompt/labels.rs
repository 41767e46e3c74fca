//! Tokenised conversations with the labels that training learns from.
//!
//! The tokenizer comes in as a closure from text to ids. It recognises special tokens in the text,
//! and adds a BOS where the model has one (OPT does, Qwen does not).

use super::{Message, Speaker, Template, image_tokens};
use crate::{Error, Result};

/// Label of a position that is not learned.
pub const IGNORE_INDEX: i64 = -100;

/// Token ids of a conversation and a label for each: its own id, or [`IGNORE_INDEX`]. They are not
/// shifted: position `i` of the logits is compared with label `i + 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// Token ids.
    pub ids: Vec<u32>,
    /// One label per id.
    pub labels: Vec<i64>,
    /// Token counts (of the turns, of the text) that should agree but do not, because the turns do
    /// not tokenise alone as they do together. Nothing of such a conversation is learned.
    pub mismatch: Option<(usize, usize)>,
}

impl Labelled {
    fn new(ids: Vec<u32>) -> Self {
        let labels = ids.iter().map(|&id| i64::from(id)).collect();
        Self {
            ids,
            labels,
            mismatch: None,
        }
    }

    fn ignore(&mut self, from: usize, to: usize) {
        let to = to.min(self.labels.len());
        if from < to {
            self.labels[from..to].fill(IGNORE_INDEX);
        }
    }

    fn truncate(&mut self, max_len: Option<usize>) {
        let len = max_len.unwrap_or(usize::MAX);
        self.ids.truncate(len);
        self.labels.truncate(len);
    }

    fn discard(mut self, turns: usize, text: usize) -> Self {
        self.mismatch = Some((turns, text));
        self.labels.fill(IGNORE_INDEX);
        self
    }

    /// Positions that are learned. The first position counts too, though nothing predicts it.
    pub fn learned(&self) -> usize {
        self.labels.iter().filter(|&&l| l != IGNORE_INDEX).count()
    }
}

/// Every answer is learned with the end that stops a generation (`</s>` in [`Template::V1`]), and
/// nothing else is: each turn is masked up to and including "ASSISTANT:". Used for Vary-tiny+,
/// whose training code was never published; the released masks are [`mpt`]'s and [`caption`]'s.
///
/// `image_len` tokens take the place of `<image>`; ids beyond `max_len` are cut off.
///
/// # Errors
/// Those of `encode`, and [`Error::Conversation`] unless questions and answers alternate.
pub fn answers(
    template: &Template,
    messages: &[Message],
    image_len: usize,
    max_len: Option<usize>,
    encode: impl Fn(&str) -> Result<Vec<u32>>,
) -> Result<Labelled> {
    let messages = from_question(messages)?;
    let image = image_tokens(image_len);
    let mut sample = Labelled::new(encode(&template.render(messages, &image))?);
    let mut text = template.header.to_string();
    let mut done = 0;
    for message in messages {
        if message.from == Speaker::Human {
            template.push(&mut text, message.from, &message.text(&image));
            let question = text.clone() + template.assistant.open;
            let prefix = encode(&question)?;
            if !sample.ids.starts_with(&prefix) {
                let len = sample.ids.len();
                return Ok(sample.discard(prefix.len(), len));
            }
            sample.ignore(done, prefix.len());
        } else {
            template.push(&mut text, message.from, &message.text(&image));
            done = encode(&text)?.len();
        }
    }
    sample.truncate(max_len);
    Ok(sample)
}

/// The masks of Vary-toy's training code: as [`answers`], in [`Template::MPT`].
///
/// A conversation whose counts disagree is not learned at all ([`Labelled::mismatch`]): one with an
/// empty question or answer, one that ends with a question, and one that writes `<|im_end|>`
/// itself. The counts are not compared where the turns reach `max_len`.
///
/// # Errors
/// As [`answers`].
pub fn mpt(
    messages: &[Message],
    image_len: usize,
    max_len: Option<usize>,
    encode: impl Fn(&str) -> Result<Vec<u32>>,
) -> Result<Labelled> {
    let template = Template::MPT;
    let end = template.assistant.end;
    let answer_open = [end, template.assistant.open].concat();
    let text = template.render(from_question(messages)?, &image_tokens(image_len));
    let mut sample = Labelled::new(encode(&text)?);
    sample.truncate(max_len);

    let end_len = encode(end)?.len();
    let sections: Vec<&str> = text.split(end).collect();
    // The system text belongs to the first round.
    let (first, rest) = sections.split_at(sections.len().min(3));
    let mut at = 0;
    for round in std::iter::once(first).chain(rest.chunks(2)) {
        let round = round.join(end);
        let Some((question, answer)) = round.split_once(&answer_open) else {
            break;
        };
        if answer.contains(&answer_open) {
            break;
        }
        let question_len = encode(&[question, &answer_open].concat())?.len();
        sample.ignore(at, at + question_len);
        at += encode(&round)?.len() + end_len;
    }
    sample.ignore(at, usize::MAX);
    let len = sample.ids.len();
    Ok(if at < max_len.unwrap_or(usize::MAX) && at != len {
        sample.discard(at, len)
    } else {
        sample
    })
}

/// The masks of Vary-tiny's training code (`caption_opt`): an image and its text, without template.
///
/// The first message is replaced by the image's tokens, each message ends with a line break and the
/// whole with `</s>`, whose id is `eos`; where `max_len` cuts it off, the last id becomes `eos`.
///
/// The original ends the mask of a user's message at that message's length instead of start plus
/// length. So the first message is masked as meant, but a later one is learned, unless it is longer
/// than all before it. Repeated here, since these labels are what the released weights learned.
///
/// # Errors
/// Those of `encode`, and [`Error::Conversation`] without messages.
pub fn caption(
    messages: &[Message],
    image_len: usize,
    max_len: Option<usize>,
    eos: u32,
    encode: impl Fn(&str) -> Result<Vec<u32>>,
) -> Result<Labelled> {
    let image = image_tokens(image_len);
    let max_len = max_len.unwrap_or(usize::MAX);
    let mut texts: Vec<String> = messages.iter().map(|m| m.text(&image) + "\n").collect();
    match texts.first_mut() {
        Some(first) => *first = image + "\n",
        None => {
            return Err(Error::Conversation {
                reason: "it has no messages".into(),
            });
        }
    }
    let mut ids = encode(&(texts.concat() + "</s>"))?;
    ids.truncate(max_len);
    if let Some(last) = ids.last_mut() {
        *last = eos;
    }
    let mut sample = Labelled::new(ids);
    let mut at = encode("")?.len();
    sample.ignore(0, at);
    for (message, text) in messages.iter().zip(&texts) {
        let len = encode(text)?.len().min(max_len);
        if message.from == Speaker::Human {
            sample.ignore(at, len);
        }
        at += len;
    }
    Ok(sample)
}

/// The messages from the first question on; an answer before it is skipped, as in the original.
fn from_question(messages: &[Message]) -> Result<&[Message]> {
    let messages = match messages.split_first() {
        Some((first, rest)) if first.from == Speaker::Gpt => rest,
        _ => messages,
    };
    let fail = |reason: String| Err(Error::Conversation { reason });
    if messages.is_empty() {
        return fail("it has no question".into());
    }
    for (i, message) in messages.iter().enumerate() {
        if (message.from == Speaker::Human) != (i % 2 == 0) {
            return fail(format!(
                "message {i} from its first question on is by {:?}, as is the one before",
                message.from
            ));
        }
    }
    Ok(messages)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// One token per byte after a BOS: every boundary is a token's.
    fn bytes(text: &str) -> Result<Vec<u32>> {
        Ok(std::iter::once(1000)
            .chain(text.bytes().map(u32::from))
            .collect())
    }

    fn learned_text(sample: &Labelled) -> String {
        let ids = sample.labels.iter().filter(|&&l| l != IGNORE_INDEX);
        ids.map(|&id| u8::try_from(id).unwrap() as char).collect()
    }

    fn chat() -> Vec<Message> {
        vec![
            Message::human("<image>\nWhat?"),
            Message::gpt("A cat."),
            Message::human("Colour?"),
            Message::gpt("Red."),
        ]
    }

    #[test]
    fn answers_include_their_end() {
        let sample = answers(&Template::V1, &chat(), 3, None, bytes).unwrap();
        assert_eq!(learned_text(&sample), " A cat.</s> Red.</s>");
        assert_eq!(sample.ids.len(), sample.labels.len());
        assert_eq!(sample.learned(), 20);
        let text: Vec<u8> = sample.ids[1..].iter().map(|&i| i as u8).collect();
        assert!(
            String::from_utf8(text)
                .unwrap()
                .contains("<imgpad><imgpad><imgpad></img>\nWhat?")
        );
    }

    #[test]
    fn truncation_keeps_the_rest() {
        let all = answers(&Template::V1, &chat(), 3, None, bytes).unwrap();
        let cut = answers(&Template::V1, &chat(), 3, Some(all.ids.len() - 6), bytes).unwrap();
        assert_eq!(learned_text(&cut), " A cat.</s> Re");
    }

    #[test]
    fn merges_across_turns_are_detected() {
        // Whole text as one token: no prefix of it is a prefix of the ids.
        let whole = |t: &str| Ok(vec![t.len() as u32]);
        let sample = answers(&Template::V1, &chat(), 1, None, whole).unwrap();
        assert_eq!((sample.learned(), sample.mismatch), (0, Some((1, 1))));
    }

    #[test]
    fn turns_must_alternate() {
        let twice = [Message::human("a"), Message::human("b")];
        let error = answers(&Template::V1, &twice, 1, None, bytes).unwrap_err();
        assert!(error.to_string().contains("message 1"), "{error}");
        for empty in [&[][..], &[Message::gpt("a")]] {
            assert!(
                mpt(empty, 1, None, bytes)
                    .unwrap_err()
                    .to_string()
                    .contains("no question")
            );
        }
        assert!(caption(&[], 1, None, 2, bytes).is_err());
    }

    #[test]
    fn later_caption_question_mask() {
        let long = "q".repeat(40);
        let turns = [
            Message::human("x"),
            Message::gpt("a"),
            Message::human(&*long),
        ];
        let sample = caption(&turns, 0, None, 9, bytes).unwrap();
        // BOS + "<img></img>\n" + "a\n" + question + "\n" + "</s>"; starts count a BOS per turn.
        let image = 1 + "<img></img>\n".len();
        let start = 1 + image + 3;
        assert_eq!(sample.labels[..image], vec![IGNORE_INDEX; image]);
        assert!(
            sample.labels[image..start]
                .iter()
                .all(|&l| l != IGNORE_INDEX)
        );
        assert!(sample.labels[start..42].iter().all(|&l| l == IGNORE_INDEX));
        assert!(sample.labels[42..].iter().all(|&l| l != IGNORE_INDEX));
    }
}
