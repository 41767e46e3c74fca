//! How images of text look.

use serde::{Deserialize, Serialize};

use super::kind::TextKind;
use crate::error::{Error, Result, within};
use crate::split::Split;

/// How images of text look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextConfig {
    /// Side of the square image in pixels, `64..=2048`. The layout does not depend on it.
    /// Default 192.
    pub size: u32,
    /// Which fonts, papers and colours may show. Default [`Train`](Split::Train).
    pub split: Split,
    /// What images may show, each as often as it stands here. Default all kinds.
    pub kinds: Vec<TextKind>,
    /// Texts are turned and sheared by up to this many degrees either way, `0..=8`. Default 4.
    pub skew: f32,
    /// The image's brightness changes by up to this share, `0..=0.3`. Default 0.1.
    pub brightness: f32,
    /// Greatest weight of a neighbour in the blur of half the images, `0..=0.33`. Default 0.15.
    pub blur: f32,
    /// Greatest standard deviation of the pixel noise, white being 1, `0..=0.2`. Default 0.03.
    pub noise: f32,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            size: 192,
            split: Split::Train,
            kinds: TextKind::ALL.to_vec(),
            skew: 4.0,
            brightness: 0.1,
            blur: 0.15,
            noise: 0.03,
        }
    }
}

impl TextConfig {
    /// Checks that every value is within its range.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first setting that is not.
    pub fn validate(&self) -> Result<()> {
        if self.kinds.is_empty() {
            return Err(Error::Setting {
                field: "kinds",
                problem: "names no kind of text".into(),
            });
        }
        within("size", self.size as f32, 64.0, 2048.0)?;
        within("skew", self.skew, 0.0, 8.0)?;
        within("brightness", self.brightness, 0.0, 0.3)?;
        within("blur", self.blur, 0.0, 0.33)?;
        within("noise", self.noise, 0.0, 0.2)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn default_is_valid() {
        TextConfig::default().validate().unwrap();
    }

    #[test]
    fn out_of_range_names_setting() {
        let refused = |json: &str| {
            let config: TextConfig = serde_json::from_str(json).unwrap();
            config.validate().unwrap_err().to_string()
        };
        assert!(refused(r#"{"size": 20}"#).contains("`size` is 20"));
        assert!(refused(r#"{"kinds": []}"#).contains("`kinds` names no kind"));
        assert!(refused(r#"{"skew": 9}"#).contains("`skew`"));
        assert!(refused(r#"{"brightness": 0.5}"#).contains("`brightness`"));
        assert!(refused(r#"{"blur": -0.1}"#).contains("`blur`"));
        assert!(refused(r#"{"noise": 0.5}"#).contains("`noise`"));
        assert!(serde_json::from_str::<TextConfig>(r#"{"colour": 1}"#).is_err());
    }
}
