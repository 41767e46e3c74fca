use std::collections::HashMap;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use super::{CoordinateTokens, END_OF_TEXT, EOS, IM_END, IM_START, PAD, Tokenizer, bytes};
use crate::{Error, Result};

/// Text of the template that Vary-tiny+ is asked in.
const VICUNA: [&str; 6] = [
    "A chat between a curious user and an artificial intelligence assistant.",
    " The assistant gives helpful, detailed, and polite answers to the user's questions.",
    " USER:",
    "USER:",
    " ASSISTANT:",
    "ASSISTANT:",
];

/// Text of the template that Vary-toy is asked in, and of questions that only it is asked.
const CHAT: [&str; 8] = [
    "system\nYou should follow the instructions carefully and explain your answers in detail.",
    "user\n",
    "assistant\n",
    "How many ",
    " are in this image?",
    "What is ",
    "What was ",
    "Which ",
];

/// Text that questions and answers are made of.
const PIECES: [&str; 62] = [
    "Detect all objects",
    "Detect an object: ",
    "Detect objects",
    "Detect the ",
    "Detect ",
    "Provide the OCR results",
    "Provide the ocr results",
    "Convert the image to markdown format",
    "Describe the content",
    "Describe the image",
    "Describe this image",
    " of this image",
    " of the ",
    "title",
    "first line",
    "second line",
    "last line",
    "first word",
    "last word",
    "first column",
    "last column",
    "first item",
    "total",
    "button",
    " in this image",
    " in a sentence",
    " with one saying",
    " and ",
    " or ",
    " the ",
    "the ",
    " a ",
    "left ",
    "right ",
    "top ",
    "bottom ",
    "middle ",
    "small ",
    "large ",
    "red ",
    "orange ",
    "yellow ",
    "green ",
    "blue ",
    "purple ",
    "pink ",
    ", ",
    ": [",
    ": ",
    "].",
    "];\n",
    "],\n[",
    "], [",
    ".\n",
    "\n\n",
    "# ",
    "- ",
    "| ",
    " | ",
    " |\n| ",
    "--- | ",
    "--- |\n| ",
];

/// Tokenizer of Vary-nano's first stage, that finds the objects `classes`: made for answers of few
/// tokens. The opening `car: [` is one token, every coordinate is one (`123, ` inside a box, `900`
/// at its end), and so is what separates boxes; anything else is spelt in bytes, so no text is
/// lost. Three digits are a coordinate only as in a box: before a comma, a blank and three more, or
/// after a blank and before `]`. Any other number that is read from a page is spelt in digits, as there
/// are ten of those to learn and a thousand coordinates.
///
/// Ids: `<s>`, `<pad>`, `</s>`, `<unk>`; 256 bytes; 1001 coordinates that end a box; 1001 inside a
/// box; pieces of prompts and answers; for every class its name and its opening; `<imgpad>`,
/// `<img>`, `</img>`.
///
/// # Errors
/// [`Error::Tokenizer`] for a class name that is empty, has blanks at an end, or holds a line
/// break or one of `[]<>`.
pub fn nano_tokenizer(classes: &[&str]) -> Result<Tokenizer> {
    let pieces = [&VICUNA[..], &PIECES].concat();
    let specials = ["<s>", PAD, EOS, "<unk>"];
    Tokenizer::finish(assemble(classes, &pieces, specials)?, &specials)
}

/// Tokenizer of the embedded model: [`nano_tokenizer`] with the tokens of Qwen's chats in the place of
/// OPT's, and nothing put in front of texts.
///
/// Ids: in the order of there, the first four being `<|endoftext|>`, `<pad>`, `<|im_start|>`, `<|im_end|>`;
/// its pieces are others, so the ids after those of coordinates are others too.
///
/// # Errors
/// As there.
pub fn nano_chat_tokenizer(classes: &[&str]) -> Result<Tokenizer> {
    let pieces = [&CHAT[..], &PIECES].concat();
    let specials = [END_OF_TEXT, PAD, IM_START, IM_END];
    Tokenizer::with_tokens(assemble(classes, &pieces, specials)?, &specials)
}

fn assemble(
    classes: &[&str],
    pieces: &[&str],
    specials: [&str; 4],
) -> Result<tokenizers::Tokenizer> {
    let failed = |e: tokenizers::Error| Error::tokenizer("of the embedded model", e);
    let vocab = vocabulary(classes, pieces, specials)?;
    // Without merges the model knows whole pre-tokens and single bytes only.
    let model = BPE::builder()
        .vocab_and_merges(
            vocab
                .into_iter()
                .collect::<tokenizers::models::bpe::Vocab>(),
            vec![],
        )
        .ignore_merges(true)
        .build()
        .map_err(failed)?;
    let pattern = SplitPattern::Regex(pattern(classes, pieces));
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(failed)?;
    let to_bytes = ByteLevel::default()
        .add_prefix_space(false)
        .use_regex(false);
    let mut inner = tokenizers::Tokenizer::new(model);
    inner.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
        split.into(),
        to_bytes.into(),
    ]))));
    Ok(inner)
}

/// The token that begins the boxes of a class.
fn opening(class: &str) -> String {
    format!("{class}: [")
}

fn vocabulary(
    classes: &[&str],
    pieces: &[&str],
    specials: [&str; 4],
) -> Result<HashMap<String, u32>> {
    let mut names: Vec<String> = specials.map(String::from).to_vec();
    names.extend((0..=255).map(|byte| bytes::to_char(byte).to_string()));
    for end in ["", ", "] {
        let coordinates = 0..CoordinateTokens::VALUES;
        names.extend(coordinates.map(|v| bytes::name(format!("{v:03}{end}"))));
    }
    names.extend(pieces.iter().map(bytes::name));
    for class in classes {
        if class.is_empty() || class.trim() != *class || class.contains(['\n', '[', ']', '<', '>'])
        {
            let reason = format!("`{}` cannot be a class name", class.escape_debug());
            return Err(Error::tokenizer("of the embedded model", reason));
        }
        names.extend([bytes::name(class), bytes::name(opening(class))]);
    }
    let mut vocab = HashMap::with_capacity(names.len());
    for name in names {
        let next = vocab.len() as u32;
        vocab.entry(name).or_insert(next);
    }
    Ok(vocab)
}

/// Matches what is one token, the longest first: the first alternative that fits wins.
fn pattern(classes: &[&str], pieces: &[&str]) -> String {
    let openings = classes.iter().map(|class| opening(class));
    let mut texts: Vec<String> = openings
        .chain(classes.iter().map(|c| c.to_string()))
        .collect();
    texts.extend(pieces.iter().map(|piece| piece.to_string()));
    texts.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    texts.dedup();
    let texts: Vec<String> = texts.iter().map(|text| whole_words(text)).collect();
    let value = "(?:1000|[0-9]{3})";
    let inner = format!(r"(?<=[\[ ]){value}, (?={value})");
    let last = format!(r"(?<= ){value}(?=\])");
    // A digit on its own last: else the three between two pieces would be a coordinate by name.
    format!("{inner}|{last}|{}|[0-9]", texts.join("|"))
}

/// A pattern for `text` that does not match inside a longer word: `car` is no part of `cartoon`.
fn whole_words(text: &str) -> String {
    let edge = |c: Option<char>| {
        if c.is_some_and(char::is_alphanumeric) {
            r"\b"
        } else {
            ""
        }
    };
    let (left, right) = (edge(text.chars().next()), edge(text.chars().next_back()));
    let mut pattern = String::from(left);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + right
}
