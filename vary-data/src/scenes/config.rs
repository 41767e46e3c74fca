//! How scenes look.

use serde::{Deserialize, Serialize};

use crate::error::{Result, within};
use crate::split::Split;

/// How scenes look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SceneConfig {
    /// Which backgrounds scenes may show. Default [`Train`](Split::Train).
    pub split: Split,
    /// Side of the square image in pixels, `16..=4096`. Default 192.
    pub size: u32,
    /// Minimum number of objects of a scene, at least 1. Default 1.
    pub min_objects: usize,
    /// Maximum number of objects of a scene, at most 200. Default 40.
    pub max_objects: usize,
    /// Maximum number of objects of a scene that is no crowd, `1..=200`. Default 10.
    pub few_objects: usize,
    /// Probability that a scene is a crowd of more than `few_objects` objects, `0..=1`; only
    /// crowds hold more. Default 0.25.
    pub crowd: f32,
    /// Minimum longest side of an object of a crowd as share of the image's side, `0.02..=1`.
    /// Default 0.07.
    pub crowd_min_share: f32,
    /// Maximum longest side of an object of a crowd as share of the image's side, `0.02..=1`.
    /// Default 0.2.
    pub crowd_max_share: f32,
    /// Minimum longest side of an object as share of the image's side, `0.02..=1`. Default 0.12.
    pub min_share: f32,
    /// Maximum longest side of an object as share of the image's side, `0.02..=1`. Default 0.5.
    pub max_share: f32,
    /// Objects are turned by up to this many degrees either way, `0..=180`. Default 20.
    pub rotation: f32,
    /// Width over height changes by up to this share either way, `0..=0.5`. Default 0.15.
    pub aspect_jitter: f32,
    /// Share of an object that all others together may hide, `0..=1`. Default 0.3.
    pub max_overlap: f32,
    /// Probability that a further object is of a class that the scene has already, `0..=1`.
    /// Default 0.25.
    pub repeat: f32,
    /// Probability that an object whose colour may change gets a colour, `0..=1`. Default 0.7.
    pub recolour: f32,
    /// Probability that the background has many small distractors, `0..=1`. Default 0.3.
    pub clutter: f32,
    /// Probability that the objects of a scene throw soft shadows, `0..=1`. Default 0.4.
    pub shadow: f32,
    /// Mirror every other object left to right. Default false.
    pub flip: bool,
    /// Brightness of each object and of the image changes by up to this share, `0..=1`.
    /// Default 0.15.
    pub brightness: f32,
    /// Saturation of each object changes by up to this share, `0..=1`. Default 0.25.
    pub saturation: f32,
    /// Greatest change of brightness from the middle to a side by light from there, `0..=1`.
    /// Default 0.25.
    pub light: f32,
    /// Greatest share of brightness that the corners lose, `0..=1`. Default 0.3.
    pub vignette: f32,
    /// Greatest bend of the curves of brightness and of contrast, `0..=0.5`. Default 0.25.
    pub curve: f32,
    /// Each channel changes by up to this share over the whole image, `0..=0.5`. Default 0.06.
    pub cast: f32,
    /// Greatest length of the motion blur of every fifth scene as share of the image's side,
    /// `0..=0.1`. Default 0.012.
    pub motion: f32,
    /// Greatest weight of a neighbour in the blur of half the scenes, `0..=0.33`. Default 0.2.
    pub blur: f32,
    /// Greatest standard deviation of the pixel noise, white being 1, `0..=1`. Default 0.04.
    pub noise: f32,
}

impl Default for SceneConfig {
    fn default() -> Self {
        Self {
            split: Split::Train,
            size: 192,
            min_objects: 1,
            max_objects: 40,
            few_objects: 10,
            crowd: 0.25,
            crowd_min_share: 0.07,
            crowd_max_share: 0.2,
            min_share: 0.12,
            max_share: 0.5,
            rotation: 20.0,
            aspect_jitter: 0.15,
            max_overlap: 0.3,
            repeat: 0.25,
            recolour: 0.7,
            clutter: 0.3,
            shadow: 0.4,
            flip: false,
            brightness: 0.15,
            saturation: 0.25,
            light: 0.25,
            vignette: 0.3,
            curve: 0.25,
            cast: 0.06,
            motion: 0.012,
            blur: 0.2,
            noise: 0.04,
        }
    }
}

impl SceneConfig {
    /// Checks that every value is within its range.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) with the first setting that is not.
    pub fn validate(&self) -> Result<()> {
        let (min_objects, max_objects) = (self.min_objects as f32, self.max_objects as f32);
        within("size", self.size as f32, 16.0, 4096.0)?;
        within("min_objects", min_objects, 1.0, 200.0)?;
        within("max_objects", max_objects, min_objects, 200.0)?;
        within("few_objects", self.few_objects as f32, 1.0, 200.0)?;
        within("crowd", self.crowd, 0.0, 1.0)?;
        within("crowd_min_share", self.crowd_min_share, 0.02, 1.0)?;
        let (least, most) = (self.crowd_min_share, self.crowd_max_share);
        within("crowd_max_share", most, least, 1.0)?;
        within("min_share", self.min_share, 0.02, 1.0)?;
        within("max_share", self.max_share, self.min_share, 1.0)?;
        within("rotation", self.rotation, 0.0, 180.0)?;
        within("aspect_jitter", self.aspect_jitter, 0.0, 0.5)?;
        within("max_overlap", self.max_overlap, 0.0, 1.0)?;
        within("repeat", self.repeat, 0.0, 1.0)?;
        within("recolour", self.recolour, 0.0, 1.0)?;
        within("clutter", self.clutter, 0.0, 1.0)?;
        within("shadow", self.shadow, 0.0, 1.0)?;
        within("light", self.light, 0.0, 1.0)?;
        within("vignette", self.vignette, 0.0, 1.0)?;
        within("curve", self.curve, 0.0, 0.5)?;
        within("cast", self.cast, 0.0, 0.5)?;
        within("motion", self.motion, 0.0, 0.1)?;
        within("brightness", self.brightness, 0.0, 1.0)?;
        within("saturation", self.saturation, 0.0, 1.0)?;
        within("blur", self.blur, 0.0, 0.33)?;
        within("noise", self.noise, 0.0, 1.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn default_is_valid() {
        SceneConfig::default().validate().unwrap();
    }

    #[test]
    fn out_of_range_names_setting() {
        let refused = |json: &str| {
            let config: SceneConfig = serde_json::from_str(json).unwrap();
            config.validate().unwrap_err().to_string()
        };
        assert!(refused(r#"{"size": 0}"#).contains("`size` is 0"));
        assert!(refused(r#"{"min_objects": 4, "max_objects": 3}"#).contains("`max_objects`"));
        assert!(refused(r#"{"min_share": 0.9}"#).contains("`max_share`"));
        let noise = f32::NAN;
        assert!(
            SceneConfig {
                noise,
                ..SceneConfig::default()
            }
            .validate()
            .is_err()
        );
    }

    #[test]
    fn refuses_unknown_settings() {
        let error = serde_json::from_str::<SceneConfig>(r#"{"colour": 1}"#).unwrap_err();
        assert!(error.to_string().contains("colour"));
    }
}
