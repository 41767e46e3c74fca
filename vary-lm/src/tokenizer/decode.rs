use std::collections::VecDeque;
use std::iter::repeat_n;
use std::ops::Range;

use super::{Tokenizer, bytes};
use crate::{Error, Result};

/// The contribution of a token to the text.
enum Piece {
    Text(Vec<u8>),
    /// A special token, that may be skipped.
    Special(String),
    /// A token that absorbs the white space around it in encoding; decoding puts blanks there.
    Spaced(String),
}

impl Tokenizer {
    /// The text of `ids`; `skip_special` leaves out special tokens such as `</s>`. Bytes that are
    /// not UTF-8 become U+FFFD, one for each maximal invalid part.
    ///
    /// # Errors
    /// [`Error::UnknownId`] when an id is not in the vocabulary.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        let mut joiner = Joiner::default();
        for &id in ids {
            joiner.push(self.piece(id)?, skip_special, &mut bytes);
        }
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// The text of `ids` without special tokens, and for each id the byte range of the text that
    /// it has produced; see [`DecodeStream::spans`].
    ///
    /// # Errors
    /// [`Error::UnknownId`] when an id is not in the vocabulary.
    pub fn decode_with_spans(&self, ids: &[u32]) -> Result<(String, Vec<Range<usize>>)> {
        let mut stream = self.decode_stream(true);
        let mut text = String::with_capacity(ids.len() * 4);
        for &id in ids {
            text.extend(stream.push(id)?);
        }
        text.extend(stream.flush());
        Ok((text, stream.spans))
    }

    /// Decodes token by token; see [`DecodeStream`].
    pub fn decode_stream(&self, skip_special: bool) -> DecodeStream {
        DecodeStream {
            tokenizer: self.clone(),
            skip_special,
            joiner: Joiner::default(),
            pending: vec![],
            emitted_bytes: 0,
            text_len: 0,
            spans: vec![],
            unsettled: VecDeque::new(),
        }
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

/// Appends pieces, with a blank between a spaced one and each of its neighbours.
#[derive(Debug, Clone, Default)]
struct Joiner {
    started: bool,
    after_spaced: bool,
}

impl Joiner {
    /// Returns the range of `out` that the piece fills, without blanks around it.
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

/// Decodes token by token and never splits a character: bytes are held back until the character is
/// complete. The emitted texts, joined, are what [`Tokenizer::decode`] returns, and the cost of
/// all of them is linear in the number of tokens.
///
/// ```
/// # let tokenizer = vary_lm::tokenizer::TokenizerBuilder::opt().build()?;
/// let mut stream = tokenizer.decode_stream(true);
/// let mut text = String::new();
/// for id in tokenizer.encode("25 °C", false)? {
///     text.extend(stream.push(id)?);
/// }
/// text.extend(stream.flush());
/// assert_eq!(text, "25 °C");
/// // The two bytes of the degree sign are two tokens that share a character.
/// assert_eq!(stream.spans()[3..], [3..5, 3..5, 5..6]);
/// # Ok::<(), vary_lm::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    skip_special: bool,
    joiner: Joiner,
    /// Bytes of tokens that are not emitted yet.
    pending: Vec<u8>,
    /// Number of bytes of tokens before `pending`.
    emitted_bytes: usize,
    /// Length of the emitted text: other than `emitted_bytes` where U+FFFD stands for bytes.
    text_len: usize,
    spans: Vec<Range<usize>>,
    /// Byte ranges of the last tokens, those whose spans may still change.
    unsettled: VecDeque<Range<usize>>,
}

impl DecodeStream {
    /// Adds a token and returns the text that is complete now, if any.
    ///
    /// # Errors
    /// [`Error::UnknownId`] when `id` is not in the vocabulary; the stream is as before then.
    pub fn push(&mut self, id: u32) -> Result<Option<String>> {
        let piece = self.tokenizer.piece(id)?;
        let range = self
            .joiner
            .push(piece, self.skip_special, &mut self.pending);
        self.spans.push(self.text_len..self.text_len);
        let base = self.emitted_bytes;
        self.unsettled
            .push_back(base + range.start..base + range.end);
        Ok(self.emit(self.pending.len() - incomplete(&self.pending)))
    }

    /// Ends the text: an incomplete character becomes U+FFFD.
    pub fn flush(&mut self) -> Option<String> {
        self.emit(self.pending.len())
    }

    /// For each pushed id the byte range of the emitted text that it has produced. Ranges lie at
    /// character boundaries: tokens that share a character all have it in their range. Skipped
    /// tokens have an empty range.
    ///
    /// The range of a token whose bytes are all emitted is final. Of the others, at most the last
    /// few, it ends with the emitted text until more is emitted; [`flush`](Self::flush) settles
    /// them.
    pub fn spans(&self) -> &[Range<usize>] {
        &self.spans
    }

    /// Emits the first `count` pending bytes, which end at a character boundary.
    fn emit(&mut self, count: usize) -> Option<String> {
        let mut text = String::with_capacity(count);
        // For each byte the range of its character in the text.
        let mut chars = Vec::with_capacity(count);
        let mut push = |c: char, len: usize| {
            let start = self.text_len + text.len();
            text.push(c);
            chars.extend(repeat_n(start..start + c.len_utf8(), len));
        };
        for chunk in self.pending[..count].utf8_chunks() {
            chunk.valid().chars().for_each(|c| push(c, c.len_utf8()));
            if !chunk.invalid().is_empty() {
                push(char::REPLACEMENT_CHARACTER, chunk.invalid().len());
            }
        }
        self.pending.drain(..count);
        self.text_len += text.len();
        if count > 0 {
            self.update_spans(&chars);
        }
        self.emitted_bytes += count;
        let emitted = self.emitted_bytes;
        let settled = |bytes: &Range<usize>| bytes.end <= emitted;
        while self.unsettled.front().is_some_and(settled) {
            self.unsettled.pop_front();
        }
        (!text.is_empty()).then_some(text)
    }

    /// Updates unsettled spans after bytes were emitted, given the character of each.
    fn update_spans(&mut self, chars: &[Range<usize>]) {
        let settled = self.spans.len() - self.unsettled.len();
        // The character of a byte; where it is not emitted yet, the end of the text.
        let char_at = |byte: usize| {
            let emitted = chars.get(byte - self.emitted_bytes).cloned();
            emitted.unwrap_or(self.text_len..self.text_len)
        };
        for (span, bytes) in self.spans[settled..].iter_mut().zip(&self.unsettled) {
            if bytes.start >= self.emitted_bytes {
                span.start = char_at(bytes.start).start;
            }
            span.end = if bytes.is_empty() {
                span.start
            } else {
                char_at(bytes.end - 1).end
            };
        }
    }
}

/// Number of bytes at the end of `bytes` that begin a character which more bytes may complete.
fn incomplete(bytes: &[u8]) -> usize {
    // Half a surrogate: three such bytes are never a character, but Python's decoder, the
    // original's, replaces them only when it has the third.
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

#[cfg(test)]
mod tests;
