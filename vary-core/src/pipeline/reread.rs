use std::sync::Arc;

use vary_lm::generate::{CancellationToken, GenerateOptions, Sequence};

use super::Inner;
use super::frame::Frame;
use super::score::log_confidence;
use super::session::{SharedSession, lock};
use super::transcript::Transcript;
use crate::Result;
use crate::detection::{Detection, nms};

/// What it takes to answer a prompt in each reading on its own: places differ from one to the other.
pub(super) struct Rereading {
    pub session: SharedSession,
    /// How each reading sees the picture that boxes are in.
    pub frames: Arc<[Frame]>,
    /// Logits after the prompt in each.
    pub first: Vec<Vec<f32>>,
    /// How answers are generated.
    pub options: GenerateOptions,
    pub nms_iou: f32,
    pub cancellation: CancellationToken,
}

impl Rereading {
    /// The boxes of each reading in pixels of the picture, with raw scores; `None` if it was cancelled.
    ///
    /// A token of all of them is read at a time.
    pub fn read(self, inner: &Inner) -> Result<Option<Vec<Vec<Detection>>>> {
        let mut session = lock(&self.session);
        session.rewind();
        let mut answers = (0..)
            .zip(self.frames.iter())
            .map(|(number, frame)| {
                let sequence = Sequence::new(self.answer(number))?;
                let transcript = Transcript::new(&inner.tokenizer, frame.size(), None);
                Ok((sequence, transcript))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut logits = self.first;
        loop {
            if self.cancellation.is_cancelled() {
                return Ok(None);
            }
            for ((sequence, transcript), logits) in answers.iter_mut().zip(&logits) {
                if let Some(token) = sequence.choose(logits)? {
                    let confidence = log_confidence(inner.coordinates.as_ref(), logits, token);
                    transcript.push(token.id, confidence)?;
                }
            }
            if answers
                .iter()
                .all(|(sequence, _)| sequence.finish_reason().is_some())
            {
                break;
            }
            // An answer that has ended is fed its last token on; nobody looks at what follows.
            let last = |sequence: &Sequence| sequence.ids().last().copied().unwrap_or_default();
            let ids: Vec<u32> = answers.iter().map(|(sequence, _)| last(sequence)).collect();
            logits = session.step_apart(inner, &ids);
        }
        let boxes = answers.into_iter().zip(self.frames.iter());
        let boxes = boxes.map(|((_, mut transcript), frame)| {
            transcript.flush()?;
            let mut found = nms(transcript.detections, self.nms_iou);
            found
                .iter_mut()
                .for_each(|one| one.bbox = frame.back(one.bbox));
            Ok(found)
        });
        boxes.collect::<Result<_>>().map(Some)
    }

    /// How the answer `number` is generated; one at random from a seed of its own.
    fn answer(&self, number: u64) -> GenerateOptions {
        let mut options = self.options.clone();
        if let Some(sampling) = &mut options.sampling {
            sampling.seed = sampling.seed.wrapping_add(number);
        }
        options
    }
}
