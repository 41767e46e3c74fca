use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// All tokens of one, two and three bytes.
const MOST: usize = (1 << 8) + (1 << 16) + (1 << 24);

/// The text of a `.tiktoken` file with `ranks` made-up tokens: all of one byte, then of two, then
/// of three, each in ascending order. It replaces the real file where only the size matters, as in
/// measurements with random parameters: Qwen-1 has 151,643 ranks.
///
/// [`Tokenizer::from_tiktoken_bytes`](super::Tokenizer::from_tiktoken_bytes) needs at least the 256
/// bytes. More than 16,843,008 gives that many, all there are.
///
/// ```
/// use vary_lm::tokenizer::{Tokenizer, synthetic_tiktoken};
///
/// let tokenizer = Tokenizer::from_tiktoken_bytes(synthetic_tiktoken(1000))?;
/// assert_eq!(tokenizer.vocab_size(), 1000 + 217);
/// # Ok::<(), vary_lm::Error>(())
/// ```
pub fn synthetic_tiktoken(ranks: usize) -> String {
    let ranks = ranks.min(MOST);
    let mut text = String::with_capacity(ranks.saturating_mul(12));
    for rank in 0..ranks as u32 {
        let (number, len) = match rank {
            0x0000..0x0100 => (rank, 1),
            0x0100..0x1_0100 => (rank - 0x100, 2),
            _ => (rank - 0x1_0100, 3),
        };
        BASE64_STANDARD.encode_string(&number.to_be_bytes()[4 - len..], &mut text);
        // Writing to a string does not fail.
        let _ = writeln!(text, " {rank}");
    }
    text
}
