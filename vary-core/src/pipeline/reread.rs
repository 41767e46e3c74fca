use std::sync::Arc;

use vary_lm::generate::{CancellationToken, GenerateOptions};

use super::Inner;
use super::apart::Apart;
use super::frame::Frame;
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
    pub fn read(self, inner: &Inner) -> Result<Option<Vec<Vec<Detection>>>> {
        let mut session = lock(&self.session);
        session.rewind();
        let mut answers = Apart::new(self.first, self.frames.len(), &self.options)?;
        let transcript = |frame: &Frame| Transcript::new(&inner.tokenizer, frame.size(), None);
        let mut transcripts: Vec<_> = self.frames.iter().map(transcript).collect();
        while !answers.ended() {
            if self.cancellation.is_cancelled() {
                return Ok(None);
            }
            let tokens = answers.advance(inner, &mut session)?;
            for (transcript, token) in transcripts.iter_mut().zip(tokens) {
                if let Some((token, confidence)) = token {
                    transcript.push(token.id, confidence)?;
                }
            }
        }
        let boxes = transcripts.into_iter().zip(self.frames.iter());
        let boxes = boxes.map(|(mut transcript, frame)| {
            transcript.flush()?;
            let mut found = nms(transcript.detections, self.nms_iou);
            found
                .iter_mut()
                .for_each(|one| one.bbox = frame.back(one.bbox));
            Ok(found)
        });
        boxes.collect::<Result<_>>().map(Some)
    }
}
