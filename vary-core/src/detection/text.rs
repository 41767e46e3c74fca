use std::fmt::Write;

/// Coordinates in answers run from 0 to this, over the width and height of the image.
pub const COORD_MAX: u16 = 1000;

/// Writes objects in the answer format of the paper (figure 3).
///
/// Boxes are `[x1, y1, x2, y2]` in 0..=1000 with at least three digits; those of one class follow
/// each other after `,` and a line break, classes after `;` and a line break, and a full stop ends
/// the answer. A class without boxes is left out, one with an empty name writes its boxes only.
///
/// ```
/// # use vary_core::detection::format_answer;
/// let text = format_answer(&[("Car", vec![[9, 552, 58, 737], [682, 598, 999, 976]])]);
/// assert_eq!(text, "Car: [009, 552, 058, 737],\n[682, 598, 999, 976].");
/// ```
///
/// [`parse_answer`](super::parse_answer) reads every name back exactly that has no line break,
/// `;` or bracket inside, no separator (`, ; . :`) or blank at its start, and no colon or blank
/// at its end.
pub fn format_answer<S: AsRef<str>>(objects: &[(S, Vec<[u16; 4]>)]) -> String {
    let mut text = String::new();
    for (label, boxes) in objects.iter().filter(|(_, boxes)| !boxes.is_empty()) {
        if !text.is_empty() {
            text.push_str(";\n");
        }
        if !label.as_ref().is_empty() {
            text.push_str(label.as_ref());
            text.push_str(": ");
        }
        for (i, [x1, y1, x2, y2]) in boxes.iter().enumerate() {
            if i > 0 {
                text.push_str(",\n");
            }
            // Writing to a String can't fail.
            let _ = write!(text, "[{x1:03}, {y1:03}, {x2:03}, {y2:03}]");
        }
    }
    if !text.is_empty() {
        text.push('.');
    }
    text
}

/// Groups boxes by class for [`format_answer`], both in order of first appearance.
pub fn group_by_label<'a>(
    boxes: impl IntoIterator<Item = (&'a str, [u16; 4])>,
) -> Vec<(&'a str, Vec<[u16; 4]>)> {
    let mut groups: Vec<(&str, Vec<_>)> = Vec::new();
    for (label, coords) in boxes {
        match groups.iter_mut().find(|(name, _)| *name == label) {
            Some((_, group)) => group.push(coords),
            None => groups.push((label, vec![coords])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_order() {
        let (a, b, c) = ([1; 4], [2; 4], [3; 4]);
        assert_eq!(
            group_by_label([("x", a), ("y", b), ("x", c)]),
            vec![("x", vec![a, c]), ("y", vec![b])]
        );
    }

    #[test]
    fn nothing_is_empty_text() {
        assert_eq!(format_answer::<&str>(&[]), "");
        assert_eq!(format_answer(&[("cat", vec![])]), "");
        assert_eq!(
            format_answer(&[("", vec![[0, 1, 20, 1000]])]),
            "[000, 001, 020, 1000]."
        );
    }
}
