use std::ops::Range;

use super::{Tokenizer, bytes};
use crate::{Error, Result};

/// What a token adds to the text.
enum Piece {
    Text(Vec<u8>),
    /// A special token, that may be skipped.
    Special(String),
    /// A token that swallows the white space around it when encoding; decoding sets it off.
    Spaced(String),
}

impl Tokenizer {
    /// The text of `ids`; `skip_special` leaves special tokens such as `</s>` out. Bytes that are
    /// no UTF-8 become U+FFFD, one for every maximal invalid part.
    ///
    /// # Errors
    /// [`Error::UnknownId`] when an id is not in the vocabulary.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let (bytes, _) = self.decode_bytes(ids, skip_special)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// The text of `ids` without special tokens, and for every id the byte range of the text that
    /// it wrote. Ranges lie at character boundaries: tokens that share a character all have it in
    /// their range. Skipped tokens have an empty range.
    ///
    /// # Errors
    /// [`Error::UnknownId`] when an id is not in the vocabulary.
    pub fn decode_with_spans(&self, ids: &[u32]) -> Result<(String, Vec<Range<usize>>)> {
        let (bytes, spans) = self.decode_bytes(ids, true)?;
        let mut text = String::with_capacity(bytes.len());
        // Where the character at each byte starts and ends in `text`.
        let mut starts = Vec::with_capacity(bytes.len());
        let mut ends = Vec::with_capacity(bytes.len());
        let mut push = |c: char, byte_len: usize| {
            let start = text.len();
            text.push(c);
            starts.extend(std::iter::repeat_n(start, byte_len));
            ends.extend(std::iter::repeat_n(text.len(), byte_len));
        };
        for chunk in bytes.utf8_chunks() {
            chunk.valid().chars().for_each(|c| push(c, c.len_utf8()));
            if !chunk.invalid().is_empty() {
                push(char::REPLACEMENT_CHARACTER, chunk.invalid().len());
            }
        }
        let place = |span: Range<usize>| {
            let start = starts.get(span.start).copied().unwrap_or(text.len());
            start..if span.is_empty() {
                start
            } else {
                ends[span.end - 1]
            }
        };
        let spans = spans.into_iter().map(place).collect();
        Ok((text, spans))
    }

    /// Decodes one token after the other, see [`DecodeStream`].
    pub fn decode_stream(&self, skip_special: bool) -> DecodeStream {
        DecodeStream {
            tokenizer: self.clone(),
            skip_special,
            joiner: Joiner::default(),
            pending: vec![],
        }
    }

    fn decode_bytes(&self, ids: &[u32], skip: bool) -> Result<(Vec<u8>, Vec<Range<usize>>)> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        let mut joiner = Joiner::default();
        let mut spans = Vec::with_capacity(ids.len());
        for &id in ids {
            spans.push(joiner.push(self.piece(id)?, skip, &mut bytes));
        }
        Ok((bytes, spans))
    }

    fn piece(&self, id: u32) -> Result<Piece> {
        let vocabulary = self.inner.get_added_vocabulary();
        if let Some(token) = vocabulary.get_added_tokens_decoder().get(&id) {
            let name = token.content.clone();
            return Ok(match token {
                token if token.special => Piece::Special(name),
                token if token.lstrip && token.rstrip => Piece::Spaced(name),
                _ => Piece::Text(name.into_bytes()),
            });
        }
        let name = self.inner.id_to_token(id);
        let name = name.ok_or_else(|| Error::UnknownId {
            id,
            vocab_size: self.vocab_size(),
        })?;
        Ok(Piece::Text(bytes::meaning(&name)))
    }
}

/// Appends pieces, with a blank on each side of a spaced one that has a neighbour.
#[derive(Debug, Clone, Default)]
struct Joiner {
    started: bool,
    after_spaced: bool,
}

impl Joiner {
    /// Returns the range of `out` that the piece has filled, without blanks around it.
    fn push(&mut self, piece: Piece, skip_special: bool, out: &mut Vec<u8>) -> Range<usize> {
        let spaced = matches!(piece, Piece::Spaced(_));
        let content = match piece {
            Piece::Special(_) if skip_special => return out.len()..out.len(),
            Piece::Text(bytes) => bytes,
            Piece::Special(name) | Piece::Spaced(name) => name.into_bytes(),
        };
        if self.after_spaced || (spaced && self.started) {
            out.push(b' ');
        }
        self.started = true;
        self.after_spaced = spaced;
        let start = out.len();
        out.extend(content);
        start..out.len()
    }
}

/// Text that grows by one token at a time and never breaks a character: bytes are held back until
/// the character is whole. All that it returns, joined, is what [`Tokenizer::decode`] returns.
///
/// ```
/// # let tokenizer = vary_lm::tokenizer::nano_tokenizer(&[])?;
/// let mut stream = tokenizer.decode_stream(true);
/// let mut text = String::new();
/// for id in tokenizer.encode("25 °C", false)? {
///     text.extend(stream.push(id)?);
/// }
/// text.extend(stream.flush());
/// assert_eq!(text, "25 °C");
/// # Ok::<(), vary_lm::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    skip_special: bool,
    joiner: Joiner,
    /// Bytes that are not text yet.
    pending: Vec<u8>,
}

impl DecodeStream {
    /// Adds a token; returns the text that is complete now, if any.
    ///
    /// # Errors
    /// [`Error::UnknownId`] when `id` is not in the vocabulary.
    pub fn push(&mut self, id: u32) -> Result<Option<String>> {
        let piece = self.tokenizer.piece(id)?;
        self.joiner
            .push(piece, self.skip_special, &mut self.pending);
        let held = incomplete(&self.pending);
        let rest = self.pending.split_off(self.pending.len() - held);
        Ok(self.take(rest))
    }

    /// Ends the text: an incomplete character becomes U+FFFD.
    pub fn flush(&mut self) -> Option<String> {
        self.take(vec![])
    }

    fn take(&mut self, rest: Vec<u8>) -> Option<String> {
        let whole = std::mem::replace(&mut self.pending, rest);
        (!whole.is_empty()).then(|| String::from_utf8_lossy(&whole).into_owned())
    }
}

/// How many bytes at the end of `bytes` begin a character that more bytes may complete.
fn incomplete(bytes: &[u8]) -> usize {
    // Half a surrogate: three such bytes are no character ever, but the original's decoder, which
    // is Python's, says so only when it has the third.
    if let [.., 0xED, 0xA0..=0xBF] = bytes {
        return 2;
    }
    let Some(last) = bytes.utf8_chunks().last() else {
        return 0;
    };
    let tail = last.invalid();
    match std::str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => tail.len(),
        _ => 0,
    }
}
