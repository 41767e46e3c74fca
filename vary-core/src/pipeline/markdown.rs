//! Markdown that is read band by band, put together.

/// What stands between the Markdown of a page so far and that of its next lines; `apart` are these where there is more room above
/// them than between the lines of a paragraph.
pub(super) fn joint(before: &str, after: &str, apart: bool) -> String {
    let (Some(last), Some(first)) = (before.lines().last(), after.lines().next()) else {
        return String::new();
    };
    if is_row(last) && is_row(first) {
        // The first row of a table is its head.
        let rows = before.lines().rev().take_while(|line| is_row(line));
        return match rows.count() {
            1 => format!("\n{}\n", rule(last)),
            _ => "\n".into(),
        };
    }
    let alone = |line: &str| is_row(line) || line.starts_with('#');
    let joint = match () {
        () if alone(last) || alone(first) => "\n\n",
        () if is_item(first) && is_item(last) => "\n",
        () if is_item(first) || apart => "\n\n",
        () => " ",
    };
    joint.into()
}

/// The Markdown of some lines as the model wrote it, with the rule below the head of each table and nowhere else: a model that
/// sees a few rows cannot tell whether they are the first ones. `inside` are those that go on with a table.
pub(super) fn mend(text: &str, inside: bool) -> String {
    let mut mended: Vec<String> = vec![];
    // Rows of the table so far; what is above is one, or none.
    let mut rows = usize::from(inside) * 2;
    let mut lines = text.lines().filter(|line| !is_rule(line)).peekable();
    while let Some(line) = lines.next() {
        mended.push(line.into());
        rows = if is_row(line) { rows + 1 } else { 0 };
        if rows == 1 && lines.peek().is_some_and(|next| is_row(next)) {
            mended.push(rule(line));
        }
    }
    mended.join("\n")
}

/// Whether a line is a row of a table.
pub(super) fn is_row(line: &str) -> bool {
    line.starts_with('|')
}

/// Whether a line is the rule below the head of a table.
fn is_rule(line: &str) -> bool {
    let marks = line.chars().filter(|c| *c == '-').count();
    is_row(line) && marks > 0 && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// Whether a line begins an item of a list.
fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (number.len() < line.len() && number.starts_with(". "))
}

/// The rule below a head.
fn rule(head: &str) -> String {
    let cells = head.trim_end().trim_end_matches('|').matches('|').count();
    format!("|{}", " --- |".repeat(cells))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_with_what_they_belong_to() {
        let is = |before: &str, after: &str, apart: bool, expected: &str| {
            assert_eq!(
                joint(before, after, apart),
                expected,
                "{before:?} and {after:?}"
            );
        };
        is("", "text", true, "");
        is("# Title", "text", false, "\n\n");
        is("text", "# Title", false, "\n\n");
        is("some", "text", false, " ");
        is("some", "text", true, "\n\n");
        is("text:", "- one", false, "\n\n");
        is("text\n\n- one", "- two", true, "\n");
        is("12. twelve", "13. more", false, "\n");
        is("- one", "of many", false, " ");
        is("- one", "text", true, "\n\n");
        is("text", "| a | b |", false, "\n\n");
        is(
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
            "| 3 | 4 |",
            true,
            "\n",
        );
        is("text\n\n| a | b |", "| 3 | 4 |", false, "\n| --- | --- |\n");
        is("| a |\n| --- |", "text", false, "\n\n");
        // No items.
        is("text", "3.5 kg", false, " ");
        is("text", "-12", false, " ");
    }

    #[test]
    fn a_table_has_one_rule() {
        let table = "| a | b |\n| --- | --- |\n| 1 | 2 |";
        assert_eq!(mend(table, false), table);
        assert_eq!(mend("| a | b |\n| 1 | 2 |", false), table);
        assert_eq!(mend(table, true), "| a | b |\n| 1 | 2 |");
        assert_eq!(mend("| a | b |", false), "| a | b |");
        let text = format!("# Bill\n\n{}", &table);
        assert_eq!(mend(&text.replace("| --- | --- |\n", ""), false), text);
        assert_eq!(mend("text\n\n- one\n- two", true), "text\n\n- one\n- two");
    }
}
