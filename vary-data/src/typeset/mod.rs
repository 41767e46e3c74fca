//! Pages typeset by [typst](https://typst.app): from text or Markdown to an image of a page with
//! exactly known text, word boxes and Markdown.
//!
//! ```
//! use vary_data::typeset::{PageStyle, Typesetter, parse_markdown};
//!
//! # fn main() -> vary_data::Result<()> {
//! let typesetter = Typesetter::new(&[])?;
//! let blocks = parse_markdown("# Title\n\nText with **bold** words and $x^2$.")?;
//! let pages = typesetter.typeset(&blocks, &PageStyle::default())?;
//! assert_eq!(pages.len(), 1);
//! for page in pages {
//!     println!("{} in {} words", page.text, page.words.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Nothing within the text is ever read as typst's markup: it reaches typst as string literals.
//! Where each word lies comes from the positions of its glyphs in typst's layout, so that text and
//! boxes agree with the image by construction, and a document that the layout did not draw
//! completely is an error.

mod block;
mod code;
mod corpus;
mod document;
mod escape;
mod formula;
mod layout;
mod markdown;
mod pages;
mod scan;
mod slice;
mod style;
#[cfg(test)]
mod tests;
mod typesetter;
mod write;

pub use block::{Block, Inline, plain_text};
pub use corpus::Corpus;
pub use document::document;
pub use formula::Formula;
pub use markdown::parse_markdown;
pub use scan::Scan;
pub use style::{PageStyle, TableLines};
pub use typesetter::Typesetter;
pub use write::to_markdown;
