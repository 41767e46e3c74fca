use super::VaryTinyConfig;
use crate::{Error, Result};

/// Ids and length of a picture's place in a prompt.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImagePlace {
    pub patch: u32,
    pub start: u32,
    pub end: u32,
    pub len: usize,
}

impl From<&VaryTinyConfig> for ImagePlace {
    fn from(config: &VaryTinyConfig) -> Self {
        Self {
            patch: config.im_patch_token,
            start: config.im_start_token,
            end: config.im_end_token,
            len: config.image_token_len,
        }
    }
}

impl ImagePlace {
    /// For every position of a batch padded to `seq`, its row in the table "all text embeddings,
    /// then all image tokens": the i-th `<img>` of the batch takes the i-th picture.
    ///
    /// # Errors
    /// [`Error::ImagePlace`] when an `<img>` is not followed by exactly `len` `<imgpad>` and an
    /// `</img>`, or their number is not `images`.
    pub fn rows(&self, ids: &[Vec<u32>], seq: usize, images: usize) -> Result<Vec<i32>> {
        let text = ids.len() * seq;
        let mut rows: Vec<i32> = (0..text as i32).collect();
        let mut found = 0;
        for (sample, ids) in ids.iter().enumerate() {
            let fail = |reason: String| Err(Error::ImagePlace { sample, reason });
            let mut at = 0;
            while at < ids.len() {
                if ids[at] == self.patch || ids[at] == self.end {
                    return fail(format!(
                        "an image token at position {at} without `<img>` before it"
                    ));
                }
                if ids[at] != self.start {
                    at += 1;
                    continue;
                }
                let pads = ids[at + 1..]
                    .iter()
                    .take_while(|&&id| id == self.patch)
                    .count();
                if pads != self.len || ids.get(at + 1 + pads) != Some(&self.end) {
                    return fail(format!(
                        "`<img>` at position {at} is followed by {pads} `<imgpad>` where the model \
                         needs {} and then `</img>`",
                        self.len
                    ));
                }
                for i in 0..self.len {
                    rows[sample * seq + at + 1 + i] = (text + found * self.len + i) as i32;
                }
                found += 1;
                at += pads + 2;
            }
        }
        if found != images {
            let reason = format!("the prompts have place for {found} pictures, but {images} came");
            return Err(Error::ImagePlace {
                sample: ids.len().saturating_sub(1),
                reason,
            });
        }
        Ok(rows)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PLACE: ImagePlace = ImagePlace {
        patch: 7,
        start: 8,
        end: 9,
        len: 2,
    };

    #[test]
    fn pictures_go_in_order() {
        let ids = [
            vec![2, 8, 7, 7, 9, 5],
            vec![2, 5],
            vec![8, 7, 7, 9, 8, 7, 7, 9],
        ];
        let rows = PLACE.rows(&ids, 8, 3).unwrap();
        assert_eq!(rows[..8], [0, 1, 24, 25, 4, 5, 6, 7]);
        assert_eq!(rows[8..16], [8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(rows[16..], [16, 26, 27, 19, 20, 28, 29, 23]);
    }

    #[test]
    fn a_place_of_the_wrong_size_is_an_error() {
        for ids in [
            vec![8, 7, 9],
            vec![8, 7, 7, 7, 9],
            vec![8, 7, 7],
            vec![7, 7],
            vec![8],
            vec![9],
        ] {
            let error = PLACE.rows(std::slice::from_ref(&ids), 8, 1).unwrap_err();
            assert!(
                matches!(error, Error::ImagePlace { sample: 0, .. }),
                "{ids:?}: {error}"
            );
        }
    }

    #[test]
    fn pictures_without_a_place_are_an_error() {
        let error = PLACE.rows(&[vec![8, 7, 7, 9]], 4, 2).unwrap_err();
        assert!(error.to_string().contains("1 pictures, but 2"), "{error}");
    }
}
