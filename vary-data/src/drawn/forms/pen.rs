use crate::drawn::raster::Shape;
use crate::drawn::sheet::Sheet;
use crate::drawn::text::{Colour, Label, Style};

/// What is left of the page, in pixels.
pub(super) struct Pen<'a> {
    pub sheet: &'a mut Sheet,
    pub left: f32,
    pub right: f32,
    /// Top of what comes next.
    pub y: f32,
    pub bottom: f32,
}

impl Pen<'_> {
    /// A line of text between left (`align` 0) and right (1); moves down by 1.3 em.
    pub(super) fn line(&mut self, style: &Style, text: &str, align: f32) -> Option<()> {
        let label = Label::new(style, text);
        if label.area.width() as f32 > self.right - self.left {
            return None;
        }
        let x = self.left + align * (self.right - self.left);
        self.sheet.line(label.at(x, self.y + style.em, align))?;
        self.down(style.em * 1.3)
    }

    /// Moves down, or `None` if the page ends before.
    pub(super) fn down(&mut self, distance: f32) -> Option<()> {
        self.y += distance;
        (self.y <= self.bottom).then_some(())
    }

    /// A rule from left to right.
    pub(super) fn rule(&mut self, width: f32, colour: Colour) {
        let ends = vec![(self.left, self.y), (self.right, self.y)];
        self.sheet.shapes.push(Shape::Line(ends, width, colour));
    }
}
