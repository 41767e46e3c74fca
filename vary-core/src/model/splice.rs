use burn::prelude::*;
use vary_lm::LanguageModel;

use crate::{Error, Result};

/// Ids and length of a picture's place in a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePlace {
    /// Id of `<imgpad>`, whose embedding gives way to an image token.
    pub patch: u32,
    /// Id of `<img>`.
    pub start: u32,
    /// Id of `</img>`.
    pub end: u32,
    /// Tokens of one picture.
    pub len: usize,
}

impl ImagePlace {
    /// Checks the ids against the rows of the token table, and the length against the tokens that
    /// the towers make.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub(super) fn validate(&self, vocab_size: usize, tokens: usize) -> Result<()> {
        if self.len != tokens {
            return Err(Error::Config(format!(
                "`image_token_len` is {}, but `sam_config` makes {tokens} tokens",
                self.len
            )));
        }
        for (name, id) in [
            ("im_patch_token", self.patch),
            ("im_start_token", self.start),
            ("im_end_token", self.end),
        ] {
            if id as usize >= vocab_size {
                return Err(Error::Config(format!(
                    "`{name}` is {id}, but `vocab_size` is {vocab_size}"
                )));
            }
        }
        Ok(())
    }

    /// Embeds a batch of prompts; see [`VaryModel::embed`](super::VaryModel::embed).
    pub(super) fn embed(
        &self,
        lm: &dyn LanguageModel,
        ids: &[Vec<u32>],
        image_tokens: Option<Tensor<3>>,
    ) -> Result<Tensor<3>> {
        let [vocab, d_model] = lm.embedding_shape();
        let seq = ids.iter().map(Vec::len).max().unwrap_or(0);
        if let Some(&id) = ids.iter().flatten().find(|&&id| id as usize >= vocab) {
            return Err(Error::TokenId { id, vocab });
        }
        let images = image_tokens.as_ref().map_or(0, |tokens| tokens.dims()[0]);
        let rows = self.rows(ids, seq, images)?;

        let device = lm.device();
        let Some(image_tokens) = image_tokens else {
            return Ok(lm.embed(padded(ids, seq, &device)));
        };
        if let Some(at) = self.same_place(ids, images) {
            // So it is where all conversations begin alike. burn's GPU backends add the gradients of rows that are taken
            // out of a table one after the other; this takes none.
            let without = |ids: &Vec<u32>| [&ids[..at], &ids[at + self.len..]].concat();
            let text: Vec<Vec<u32>> = ids.iter().map(without).collect();
            let text = lm.embed(padded(&text, seq - self.len, &device));
            let before = text.clone().narrow(1, 0, at);
            let after = text.narrow(1, at, seq - self.len - at);
            return Ok(Tensor::cat(vec![before, image_tokens, after], 1));
        }
        let text = lm.embed(padded(ids, seq, &device));
        let table = Tensor::cat(
            vec![
                text.reshape([-1, d_model as i32]),
                image_tokens.reshape([-1, d_model as i32]),
            ],
            0,
        );
        let rows = Tensor::from_data(TensorData::new(rows, [ids.len() * seq]), &device);
        Ok(table.select(0, rows).reshape([ids.len(), seq, d_model]))
    }

    /// Where the picture's tokens begin, if each sequence has one picture and all have it there.
    fn same_place(&self, ids: &[Vec<u32>], images: usize) -> Option<usize> {
        let start = |ids: &Vec<u32>| ids.iter().position(|id| *id == self.start);
        let first = ids.first().and_then(start)?;
        // Where there are as many pictures as sequences and each has one, none has two.
        let same = images == ids.len() && ids.iter().all(|ids| start(ids) == Some(first));
        same.then_some(first + 1)
    }

    /// For every position of a batch padded to `seq`, its row in the table "all text embeddings,
    /// then all image tokens": the i-th `<img>` of the batch takes the i-th picture.
    ///
    /// # Errors
    /// [`Error::ImagePlace`] when an `<img>` is not followed by exactly `len` `<imgpad>` and an
    /// `</img>`, or their number is not `images`.
    pub(crate) fn rows(&self, ids: &[Vec<u32>], seq: usize, images: usize) -> Result<Vec<i32>> {
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

/// A batch of sequences, filled up with zeros to `seq`.
fn padded(ids: &[Vec<u32>], seq: usize, device: &Device) -> Tensor<2, Int> {
    let mut padded = vec![0i32; ids.len() * seq];
    for (row, ids) in padded.chunks_exact_mut(seq.max(1)).zip(ids) {
        for (to, &id) in row.iter_mut().zip(ids) {
            *to = id as i32;
        }
    }
    Tensor::from_data(TensorData::new(padded, [ids.len(), seq]), device)
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
