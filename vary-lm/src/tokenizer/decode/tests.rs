#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::tests::{built, tiny_opt};
use super::super::{TokenizerBuilder, synthetic_tiktoken};
use super::*;

/// Text and spans from all bytes at once.
fn at_once(tokenizer: &Tokenizer, ids: &[u32], skip: bool) -> (String, Vec<Range<usize>>) {
    let (mut bytes, mut joiner) = (vec![], Joiner::default());
    let mut push = |&id: &u32| joiner.push(tokenizer.piece(id).unwrap(), skip, &mut bytes);
    let ranges: Vec<_> = ids.iter().map(&mut push).collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // The character of each byte, and behind the last the end.
    let mut chars = vec![];
    let mut start = 0;
    for chunk in bytes.utf8_chunks() {
        let invalid = [chunk.invalid().len()].into_iter().filter(|n| *n > 0);
        let valid = chunk.valid().chars().map(|c| (c.len_utf8(), c.len_utf8()));
        for (len, bytes) in valid.chain(invalid.map(|bytes| (3, bytes))) {
            chars.extend(repeat_n(start..start + len, bytes));
            start += len;
        }
    }
    chars.push(text.len()..text.len());
    let span = |range: Range<usize>| match range.is_empty() {
        true => chars[range.start].start..chars[range.start].start,
        false => chars[range.start].start..chars[range.end - 1].end,
    };
    let spans = ranges.into_iter().map(span).collect();
    (text, spans)
}

#[test]
fn spans_of_an_answer() {
    let text = "car: [123, 045, 678, 900]. ° 😀";
    let tokenizer = built();
    let ids = tokenizer.encode(text, true).unwrap();
    let (decoded, spans) = tokenizer.decode_with_spans(&ids).unwrap();
    assert_eq!(decoded, text);
    let cut: Vec<&str> = spans.iter().map(|s| &decoded[s.clone()]).collect();
    let expected = [
        "", "car: [", "123, ", "045, ", "678, ", "900", "].", " ", "°", "°", " ", "😀", "😀", "😀",
        "😀",
    ];
    assert_eq!(cut, expected);
    let nothing = tokenizer.decode_with_spans(&[]).unwrap();
    assert_eq!(nothing, (String::new(), vec![]));
    // A lone first byte of a character: three bytes of U+FFFD in place of one.
    let ids = [4 + 0xC2, 4 + u32::from(b'a'), 2];
    let (decoded, spans) = tokenizer.decode_with_spans(&ids).unwrap();
    assert_eq!(decoded, "\u{FFFD}a");
    assert_eq!(spans, [0..3, 3..4, 4..4]);
}

#[test]
fn incomplete_characters_are_held_back() {
    let tokenizer = built();
    let mut stream = tokenizer.decode_stream(true);
    let byte = |b: u8| 4 + u32::from(b);
    let mut chunks = vec![];
    for b in "a😀".bytes() {
        chunks.push(stream.push(byte(b)).unwrap());
    }
    let [a, smile] = ["a", "😀"].map(|s| Some(s.to_owned()));
    assert_eq!(chunks, [a, None, None, None, smile]);
    assert_eq!(stream.push(byte(0xF0)).unwrap(), None);
    // A skipped token emits nothing.
    assert_eq!(stream.push(2).unwrap(), None);
    assert_eq!(stream.push(byte(0x9F)).unwrap(), None);
    assert_eq!(stream.spans()[5..], [5..5, 5..5, 5..5]);
    let text = stream.push(byte(b'x')).unwrap();
    assert_eq!(text.unwrap(), "\u{FFFD}x");
    assert_eq!(stream.spans()[5..], [5..8, 5..5, 5..8, 8..9]);
    assert_eq!(stream.push(byte(0xE2)).unwrap(), None);
    assert_eq!(stream.flush(), Some("\u{FFFD}".into()));
    assert_eq!(stream.flush(), None);
    assert_eq!(stream.spans().last(), Some(&(9..12)));
}

#[test]
fn unknown_ids_change_nothing() {
    let tokenizer = built();
    let mut stream = tokenizer.decode_stream(true);
    stream.push(4 + 0xC2).unwrap();
    let size = tokenizer.vocab_size() as u32;
    assert!(matches!(
        stream.push(size),
        Err(Error::UnknownId { id, .. }) if id == size
    ));
    assert_eq!(stream.push(4 + 0xB0).unwrap().unwrap(), "°");
    assert_eq!(stream.spans(), [0..2, 0..2]);
}

/// Decoding everything again at each token, or the tokens that are held back, takes minutes here.
#[test]
fn streaming_is_linear() {
    const TOKENS: usize = 200_000;
    let tokenizer = built();
    // Complete characters, then skipped tokens in the middle of one.
    let text = tokenizer.encode("köttbulle 😀.", false).unwrap();
    let tokens = text.into_iter().cycle().take(TOKENS);
    let held = std::iter::once(4 + 0xF0).chain(repeat_n(2, TOKENS));
    let start = Instant::now();
    let mut stream = tokenizer.decode_stream(true);
    for id in tokens.chain(held) {
        stream.push(id).unwrap();
    }
    stream.flush();
    let taken = start.elapsed();
    assert_eq!(stream.spans().len(), 2 * TOKENS + 1);
    assert!(taken < Duration::from_secs(20), "{taken:?}");
}

/// Tokenizers of all kinds, with the ids of all bytes of each.
fn tokenizers() -> [(Tokenizer, Range<u32>); 4] {
    let builder = TokenizerBuilder::qwen().classes(&["car"]);
    let tiktoken = synthetic_tiktoken(300);
    [
        (built(), 4..260),
        (builder.build().unwrap(), 4..260),
        (tiny_opt().1, 4..260),
        (Tokenizer::from_tiktoken_bytes(tiktoken).unwrap(), 0..256),
    ]
}

proptest! {
    /// Ids of partial characters, of special and of spaced tokens.
    #[test]
    fn streams_equal_decoding_at_once(
        ids in prop::collection::vec((0u8..5, any::<u32>(), any::<u8>()), 0..40),
        kind in 0usize..4,
        skip in any::<bool>(),
    ) {
        static ALL: std::sync::OnceLock<[(Tokenizer, Range<u32>); 4]> = std::sync::OnceLock::new();
        let (tokenizer, bytes) = &ALL.get_or_init(tokenizers)[kind];
        let image = tokenizer.image_tokens().unwrap();
        // The first, middle and last bytes of long characters, among them those of half a
        // surrogate.
        let lead = [0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xFF, 0xC0];
        let ids: Vec<u32> = ids.iter().map(|&(choice, any, byte)| match choice {
            0 => any % tokenizer.vocab_size() as u32,
            1 => bytes.start + lead[usize::from(byte) % lead.len()],
            2 => bytes.start + 0x80 + u32::from(byte % 0x40),
            3 => bytes.start + u32::from(byte),
            _ => [image.patch, image.start, image.end, any % 4][usize::from(byte) % 4],
        }).collect();

        let (expected, expected_spans) = at_once(tokenizer, &ids, skip);
        prop_assert_eq!(&expected, &tokenizer.decode(&ids, skip).unwrap());
        let mut stream = tokenizer.decode_stream(skip);
        let mut text = String::new();
        for (count, id) in (1..).zip(&ids) {
            text.extend(stream.push(*id).unwrap());
            prop_assert!(expected.starts_with(&text));
            // Spans are those of the end, as far as the text goes.
            let len = text.len();
            let so_far = expected_spans[..count].iter();
            let so_far: Vec<_> = so_far.map(|s| s.start.min(len)..s.end.min(len)).collect();
            prop_assert_eq!(stream.spans(), so_far);
        }
        text.extend(stream.flush());
        prop_assert_eq!(&text, &expected);
        prop_assert_eq!(stream.spans(), &expected_spans);
        if skip {
            prop_assert_eq!(tokenizer.decode_with_spans(&ids).unwrap(), (text, expected_spans));
        }
    }
}
