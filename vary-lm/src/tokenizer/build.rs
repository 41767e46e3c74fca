//! Tokenizers for small models that are trained from scratch.

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use super::{CoordinateTokens, END_OF_TEXT, EOS, IM_END, IM_START, PAD, Tokenizer, bytes};
use crate::{Error, Result};

/// Text between the boxes of an answer.
const SEPARATORS: [&str; 6] = [", ", ": [", "].", "];\n", "],\n[", "], ["];

/// Builds a tokenizer for a small model that is trained from scratch, so that answers with boxes
/// take few tokens. The opening of a class (`car: [`), a coordinate (`123, ` inside a box, `900` at
/// its end), a separator of boxes and each text given to [`pieces`](Self::pieces) are one token.
/// All other text is spelled in bytes, so none is lost.
///
/// Three digits are a coordinate only where a box has one: before a comma, a blank and three more
/// digits, or after a blank and before `]`. All other numbers are spelled in digits.
///
/// Ids: four special tokens; 256 bytes; 1001 coordinates that end a box; 1001 inside a box; the
/// pieces; the separators; each class and its opening; `<imgpad>`, `<img>`, `</img>`. A text that
/// is given twice has one id. The same input gives the same ids.
///
/// ```
/// use vary_lm::tokenizer::TokenizerBuilder;
///
/// let tokenizer = TokenizerBuilder::opt()
///     .pieces(&["Detect all objects"])
///     .classes(&["car"])
///     .build()?;
/// assert_eq!(tokenizer.encode("car: [001, 002, 003, 004].", false)?.len(), 6);
/// # Ok::<(), vary_lm::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenizerBuilder {
    specials: [&'static str; 4],
    /// Whether `</s>` is put in front of texts.
    add_eos: bool,
    pieces: Vec<String>,
    classes: Vec<String>,
}

impl TokenizerBuilder {
    /// For an OPT decoder: `<s>`, `<pad>`, `</s>`, `<unk>` are ids 0 to 3, and encoding puts `</s>`
    /// in front of texts.
    pub fn opt() -> Self {
        Self::new(["<s>", PAD, EOS, "<unk>"], true)
    }

    /// For a Qwen decoder: `<|endoftext|>`, `<pad>`, `<|im_start|>`, `<|im_end|>` are ids 0 to 3,
    /// and encoding adds nothing.
    pub fn qwen() -> Self {
        Self::new([END_OF_TEXT, PAD, IM_START, IM_END], false)
    }

    fn new(specials: [&'static str; 4], add_eos: bool) -> Self {
        Self {
            specials,
            add_eos,
            pieces: vec![],
            classes: vec![],
        }
    }

    /// Adds texts that are one token each, such as the fixed parts of prompts. Where several match,
    /// the longest wins. Default: none.
    pub fn pieces(mut self, texts: &[&str]) -> Self {
        self.pieces.extend(texts.iter().map(|t| t.to_string()));
        self
    }

    /// Adds classes of objects. A class name matches as a whole word only. Default: none.
    pub fn classes(mut self, names: &[&str]) -> Self {
        self.classes.extend(names.iter().map(|n| n.to_string()));
        self
    }

    /// Builds the tokenizer.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] for an empty piece, and for a class name that is empty, has white space
    /// at an end, or contains a line break or one of `[]<>`.
    pub fn build(&self) -> Result<Tokenizer> {
        let failed = |e: tokenizers::Error| Error::tokenizer("assembly", e);
        self.check()?;
        // Without merges the model knows whole pre-tokens and single bytes only.
        let vocab: Vocab = self.vocabulary().into_iter().collect();
        let model = BPE::builder()
            .vocab_and_merges(vocab, vec![])
            .ignore_merges(true)
            .build()
            .map_err(failed)?;
        let pattern = SplitPattern::Regex(self.pattern());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(failed)?;
        let to_bytes = ByteLevel::default()
            .add_prefix_space(false)
            .use_regex(false);
        let mut inner = tokenizers::Tokenizer::new(model);
        inner.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
            split.into(),
            to_bytes.into(),
        ]))));
        if self.add_eos {
            Tokenizer::finish(inner, &self.specials)
        } else {
            Tokenizer::with_tokens(inner, &self.specials)
        }
    }

    fn check(&self) -> Result<()> {
        if self.pieces.iter().any(String::is_empty) {
            return Err(Error::tokenizer("assembly", "a piece of text is empty"));
        }
        for class in &self.classes {
            let trimmed = class.trim() == class;
            if class.is_empty() || !trimmed || class.contains(['\n', '[', ']', '<', '>']) {
                let reason = format!(
                    "`{}` is not a class name: it must not be empty, start or end with white \
                     space, or contain a line break or one of `[]<>`",
                    class.escape_debug()
                );
                return Err(Error::tokenizer("assembly", reason));
            }
        }
        Ok(())
    }

    fn vocabulary(&self) -> HashMap<String, u32> {
        let mut names: Vec<String> = self.specials.map(String::from).to_vec();
        names.extend((0..=255).map(|byte| bytes::to_char(byte).to_string()));
        for end in ["", ", "] {
            let coordinates = 0..CoordinateTokens::VALUES;
            names.extend(coordinates.map(|v| bytes::name(format!("{v:03}{end}"))));
        }
        names.extend(self.pieces.iter().map(bytes::name));
        names.extend(SEPARATORS.iter().map(bytes::name));
        for class in &self.classes {
            names.extend([bytes::name(class), bytes::name(opening(class))]);
        }
        let mut vocab = HashMap::with_capacity(names.len());
        for name in names {
            let next = vocab.len() as u32;
            vocab.entry(name).or_insert(next);
        }
        vocab
    }

    /// Matches what is one token, the longest first: the first alternative that fits wins.
    fn pattern(&self) -> String {
        let mut texts: Vec<String> = self.classes.iter().map(|class| opening(class)).collect();
        texts.extend(self.classes.iter().chain(&self.pieces).cloned());
        texts.extend(SEPARATORS.map(String::from));
        texts.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        let texts: Vec<String> = texts.iter().map(|text| whole_words(text)).collect();
        let value = "(?:1000|[0-9]{3})";
        let inner = format!(r"(?<=[\[ ]){value}, (?={value})");
        let last = format!(r"(?<= ){value}(?=\])");
        // Single digits last: otherwise three digits between two pieces would be looked up whole
        // and found as a coordinate.
        format!("{inner}|{last}|{}|[0-9]", texts.join("|"))
    }
}

/// The token that begins the boxes of a class.
fn opening(class: &str) -> String {
    format!("{class}: [")
}

/// A pattern for `text` that does not match inside a longer word: no `car` in `cartoon`.
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
