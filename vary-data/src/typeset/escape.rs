//! Escapes of Markdown: as few as keep the text what it is.

/// What a line of text is part of.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Within {
    Text,
    Heading,
    Table,
}

/// Text within a line, after `before` and in front of `after`, with what would be markup escaped.
pub(super) fn inline(
    text: &str,
    before: Option<char>,
    after: Option<char>,
    within: Within,
) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut previous = before;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let next = rest.chars().next().or(after);
        let alphanumeric = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let escaped = match c {
            '\\' => next.is_none_or(|c| c.is_ascii_punctuation()),
            '`' | '$' => true,
            '*' => !(blank(previous) && blank(next)),
            '_' => !(alphanumeric(previous) && alphanumeric(next)),
            '<' => next.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c)),
            ']' => matches!(next, Some('(' | ':' | '[')),
            '&' => entity(rest),
            '|' => within == Within::Table,
            // At the end of a heading it would be taken for the heading's own.
            '#' => within == Within::Heading && blank(previous),
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(c);
        previous = Some(c);
    }
    out
}

/// A line whose beginning would be a heading, list, quote, rule or fence, with that escaped.
pub(super) fn line_start(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && line[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    let next = line.chars().nth(1);
    let list = next.is_none_or(|c| c == ' ');
    let marked = match line.chars().next() {
        Some('#' | '>') => true,
        Some('~') => line.starts_with("~~~"),
        Some('*' | '+') => list,
        Some('-') => list || next == Some('-'),
        _ => false,
    };
    if marked {
        format!("\\{line}")
    } else {
        line.into()
    }
}

/// Whether `&` before `rest` begins an entity such as `&amp;`.
fn entity(rest: &str) -> bool {
    rest.split_once(';').is_some_and(|(name, _)| {
        let name = name.strip_prefix('#').unwrap_or(name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())
    })
}
