use std::ops::Range;

use burn::prelude::*;
use vary_lm::LanguageModel;

use crate::{Error, Result};

/// What stands for an image in a prompt: `<img>`, `<imgpad>` for each image token, `</img>`.
///
/// A placeholder may stand for several views of an image: its length is a multiple of `len`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePlaceholder {
    /// Id of `<imgpad>`, whose embedding gives way to an image token.
    pub patch: u32,
    /// Id of `<img>`.
    pub start: u32,
    /// Id of `</img>`.
    pub end: u32,
    /// Image tokens of one view.
    pub len: usize,
}

impl ImagePlaceholder {
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
        for (_, name, id) in self.token_fields() {
            if id as usize >= vocab_size {
                return Err(Error::Config(format!(
                    "`{name}` is {id}, but `vocab_size` is {vocab_size}"
                )));
            }
        }
        Ok(())
    }

    /// The tokens with the names and fields of their ids.
    pub(super) fn token_fields(&self) -> Vec<(&'static str, &'static str, u32)> {
        vec![
            ("<imgpad>", "im_patch_token", self.patch),
            ("<img>", "im_start_token", self.start),
            ("</img>", "im_end_token", self.end),
        ]
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
        let views = image_tokens.as_ref().map_or(0, |tokens| tokens.dims()[0]);
        let rows = self.rows(ids, seq, views)?;

        let device = lm.device();
        let Some(image_tokens) = image_tokens else {
            return Ok(lm.embed(padded(ids, seq, &device)));
        };
        if let Some(at) = self.same_place(ids, views) {
            // As in training, where all conversations begin with the same text. Taking rows out of
            // a table costs GPU backends a serial sum of gradients; this takes none.
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

    /// Where the image tokens begin, if each sequence has one view and all have it there.
    fn same_place(&self, ids: &[Vec<u32>], views: usize) -> Option<usize> {
        let start = |ids: &Vec<u32>| ids.iter().position(|id| *id == self.start);
        let first = ids.first().and_then(start)?;
        // Where there are as many views as sequences and each has one, none has two.
        let same = views == ids.len() && ids.iter().all(|ids| start(ids) == Some(first));
        same.then_some(first + 1)
    }

    /// For every position of a batch padded to `seq`, its row in the table "all text embeddings,
    /// then all image tokens". Views are taken in the order of the placeholders.
    ///
    /// # Errors
    /// [`Error::ImagePlaceholder`] when an `<img>` is not followed by a multiple of `len` of
    /// `<imgpad>` and an `</img>`, or there is place for more or fewer than `views`.
    pub(crate) fn rows(&self, ids: &[Vec<u32>], seq: usize, views: usize) -> Result<Vec<i32>> {
        let text = ids.len() * seq;
        let mut rows: Vec<i32> = (0..text as i32).collect();
        let mut tokens = text as i32..;
        for (sample, ids) in ids.iter().enumerate() {
            let spans = self.spans(ids);
            let spans = spans.map_err(|reason| Error::ImagePlaceholder { sample, reason })?;
            for position in spans.into_iter().flatten() {
                // The range has no end.
                rows[sample * seq + position] = tokens.next().unwrap_or_default();
            }
        }
        let found = (tokens.start as usize - text) / self.len;
        if found != views {
            let reason = format!("the prompts have place for {found} views, but {views} came");
            let sample = ids.len().saturating_sub(1);
            return Err(Error::ImagePlaceholder { sample, reason });
        }
        Ok(rows)
    }

    /// The positions of `<imgpad>` of each placeholder, or what is wrong.
    fn spans(&self, ids: &[u32]) -> Result<Vec<Range<usize>>, String> {
        let mut spans = vec![];
        let mut at = 0;
        while let Some(&id) = ids.get(at) {
            if id == self.patch || id == self.end {
                return Err(format!(
                    "an image token at position {at} without `<img>` before it"
                ));
            }
            at += 1;
            if id != self.start {
                continue;
            }
            let pads = ids[at..].iter().take_while(|&&id| id == self.patch).count();
            let end = ids.get(at + pads);
            if pads == 0 || !pads.is_multiple_of(self.len) || end != Some(&self.end) {
                return Err(format!(
                    "`<img>` at position {} is followed by {pads} `<imgpad>` where the model needs \
                     a multiple of {} and then `</img>`",
                    at - 1,
                    self.len
                ));
            }
            spans.push(at..at + pads);
            at += pads + 1;
        }
        Ok(spans)
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

    const PLACE: ImagePlaceholder = ImagePlaceholder {
        patch: 7,
        start: 8,
        end: 9,
        len: 2,
    };

    #[test]
    fn views_go_in_order() {
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
    fn several_views_in_one_placeholder() {
        let ids = [vec![8, 7, 7, 7, 7, 9, 5], vec![8, 7, 7, 9]];
        let rows = PLACE.rows(&ids, 7, 3).unwrap();
        assert_eq!(rows[..7], [0, 14, 15, 16, 17, 5, 6]);
        assert_eq!(rows[7..], [7, 18, 19, 10, 11, 12, 13]);
    }

    #[test]
    fn placeholder_of_wrong_size() {
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
                matches!(error, Error::ImagePlaceholder { sample: 0, .. }),
                "{ids:?}: {error}"
            );
        }
    }

    #[test]
    fn views_without_placeholder() {
        let error = PLACE.rows(&[vec![8, 7, 7, 9]], 4, 2).unwrap_err();
        assert!(error.to_string().contains("1 views, but 2"), "{error}");
    }
}
