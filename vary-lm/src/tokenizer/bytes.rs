//! The byte alphabet of GPT-2: every byte has a printable character, so that vocabularies are text.

/// The character that stands for `byte`. Printable bytes stand for themselves; the others
/// have characters from U+0100 on.
pub(super) fn to_char(byte: u8) -> char {
    match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => char::from(byte),
        0..=b' ' => shifted(u32::from(byte)),
        0x7F..=0xA0 => shifted(u32::from(byte) - 0x7F + 33),
        0xAD => shifted(67),
    }
}

/// The byte that `c` stands for.
fn to_byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) => Some(code as u8),
        code @ 0x100..=0x120 => Some((code - 0x100) as u8),
        code @ 0x121..=0x142 => Some((code - 0x121 + 0x7F) as u8),
        0x143 => Some(0xAD),
        _ => None,
    }
}

fn shifted(index: u32) -> char {
    char::from_u32(0x100 + index).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Name in a byte-level vocabulary of the token with the bytes `text`, which may be part of a
/// character.
pub(super) fn name(text: impl AsRef<[u8]>) -> String {
    text.as_ref().iter().copied().map(to_char).collect()
}

/// The bytes of the token named `name`. A name that is not in the alphabet stands for itself.
pub(super) fn meaning(name: &str) -> Vec<u8> {
    name.chars()
        .map(to_byte)
        .collect::<Option<_>>()
        .unwrap_or_else(|| name.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabet_equals_tokenizers_crate() {
        let chars: Vec<char> = (0..=255).map(to_char).collect();
        for (byte, c) in chars.iter().enumerate() {
            assert_eq!(to_byte(*c), Some(byte as u8));
        }
        let theirs = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet();
        assert_eq!(
            chars
                .iter()
                .copied()
                .collect::<std::collections::HashSet<_>>(),
            theirs.into_iter().collect()
        );
        assert_eq!(name(" é\n"), "ĠÃ©Ċ");
        assert_eq!(meaning("ĠÃ©Ċ"), " é\n".as_bytes());
        assert_eq!(meaning("→"), "→".as_bytes());
    }
}
