use super::{Drawn, DrawnConfig};
use crate::error::Result;
/// TODO
pub fn form(_seed: u64, _index: u64, config: &DrawnConfig) -> Result<Drawn> {
    Err(config.no_room("form"))
}
