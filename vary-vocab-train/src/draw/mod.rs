mod scenes;
mod sheet;
mod texts;

pub use scenes::{SceneArgs, scenes};
pub use texts::{TextArgs, texts};
