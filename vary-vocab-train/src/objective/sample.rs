//! From drawn pictures to samples.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vary_core::prompt::labels::{Labelled, answers};
use vary_core::prompt::{Message, Template};
use vary_vision::preprocess::ImageProcessor;

use super::SceneObjective;
use crate::dense::{DenseTargets, Letter, Shown, token_of};
use crate::questions::Question;
use crate::scenes::{SceneObject, draw};

/// A picture, questions about it, and what the helper heads are told of it.
pub(super) struct Drawn {
    image: image::RgbImage,
    pub(super) questions: Vec<Question>,
    objects: Vec<SceneObject>,
    letters: Vec<Letter>,
}

/// A picture made ready for batching.
#[derive(Debug)]
pub struct SceneSample {
    pub(super) pixels: Vec<f32>,
    pub(super) dense: DenseTargets,
    pub(super) asked: Vec<Asked>,
    /// Whether the picture is one of text.
    pub(super) reads: bool,
}

/// A question about a picture and its answer, a sequence of its own.
#[derive(Debug)]
pub(super) struct Asked {
    pub ids: Vec<u32>,
    pub labels: Vec<i64>,
    /// Boxes in the order of the answer, 0 to 1, and the position before each one's first
    /// coordinate.
    pub boxes: Vec<Place>,
    /// Where on the picture a token of the answer is read, 0 to 1, and the position before it.
    pub letters: Vec<Place>,
    /// Positions whose next token is told by one image token, and that token.
    pub looks: Vec<(usize, usize)>,
}

/// A position of the sequence and a box, 0 to 1.
pub(super) type Place = (usize, [f32; 4]);

impl SceneObjective {
    /// Pictures of text and scenes take turns pass by pass: those that share one are alike in length.
    fn reads(&self, index: u64) -> bool {
        let period = self.text_every * self.micro_batch_size;
        period > 0 && index % period >= period - self.micro_batch_size
    }

    pub(super) fn draw(&self, index: u64) -> Drawn {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5_eed0_fa5c);
        rng.set_stream(index);
        if self.reads(index) {
            let text = self.texts.draw(&self.text_config, None, self.seed, index);
            let questions = self.ask(|| Question::read(&text, &mut rng));
            let written = text.plain.text.chars().zip(&text.plain.places);
            let letters = written.filter_map(|(c, place)| Letter::new(c, (*place)?));
            return Drawn {
                questions,
                objects: vec![],
                letters: letters.collect(),
                image: text.image,
            };
        }
        let scene = draw(&self.scenes, &self.atlas, self.seed, index);
        Drawn {
            questions: self.ask(|| Question::draw(&scene, self.atlas.names(), &mut rng)),
            objects: scene.objects,
            letters: vec![],
            image: scene.image,
        }
    }

    /// Up to [`questions`](SceneObjective::questions) that differ.
    fn ask(&self, mut question: impl FnMut() -> Question) -> Vec<Question> {
        let mut asked: Vec<Question> = vec![];
        for _ in 0..self.questions {
            let new = question();
            if asked.iter().all(|old| old.prompt != new.prompt) {
                asked.push(new);
            }
        }
        asked
    }

    pub(super) fn make(&self, index: u64) -> vary_core::Result<SceneSample> {
        let drawn = self.draw(index);
        let sam = &self.model.sam_config;
        let shown = Shown {
            size: drawn.image.dimensions(),
            objects: &drawn.objects,
            letters: &drawn.letters,
        };
        let classes = self.atlas.names().len();
        let asked = drawn
            .questions
            .iter()
            .map(|question| self.tokens(&drawn, question));
        Ok(SceneSample {
            pixels: ImageProcessor::vary(sam.img_size).pixels(&drawn.image)?,
            dense: DenseTargets::new(shown, classes, sam.grid_size(), sam.token_grid_size()),
            asked: asked.collect::<vary_core::Result<_>>()?,
            reads: self.reads(index),
        })
    }

    fn tokens(&self, drawn: &Drawn, question: &Question) -> vary_core::Result<Asked> {
        let messages = [
            Message::human(format!("<image>\n{}", question.prompt)),
            Message::gpt(question.answer.clone()),
        ];
        let labelled = answers(
            &Template::V1,
            &messages,
            self.model.image_token_len,
            Some(self.model.opt.max_position_embeddings),
            |text| Ok(self.tokenizer.encode(text, true)?),
        )?;
        let boxes = self.boxes(&labelled, drawn, question);
        let letters = self.letters(&labelled, drawn, question)?;
        Ok(Asked {
            looks: looks(
                &labelled,
                &boxes,
                &letters,
                self.model.sam_config.token_grid_size(),
            ),
            boxes,
            letters,
            ids: labelled.ids,
            labels: labelled.labels,
        })
    }

    /// A box begins where a coordinate follows a token that is none.
    fn boxes(&self, labelled: &Labelled, drawn: &Drawn, question: &Question) -> Vec<Place> {
        let Some(coordinates) = &self.coordinates else {
            return vec![];
        };
        if drawn.objects.is_empty() {
            return vec![];
        }
        let learned = |i: usize| labelled.labels[i] >= 0;
        let coordinate = |i: usize| coordinates.get(labelled.ids[i]).is_some();
        let starts =
            (1..labelled.ids.len()).filter(|&i| learned(i) && coordinate(i) && !coordinate(i - 1));
        let size = drawn.image.dimensions();
        starts
            .zip(&question.objects)
            .map(|(start, &object)| (start - 1, share(drawn.objects[object].bbox, size)))
            .collect()
    }

    /// The place of a token is that of its first character with ink.
    fn letters(
        &self,
        labelled: &Labelled,
        drawn: &Drawn,
        question: &Question,
    ) -> vary_core::Result<Vec<Place>> {
        let places = &question.places;
        let Some(first) = labelled.labels.iter().position(|&label| label >= 0) else {
            return Ok(vec![]);
        };
        let (text, spans) = self.tokenizer.decode_with_spans(&labelled.ids[first..])?;
        // A template may put a blank before the answer.
        let before = text.find(&question.answer).unwrap_or(0);
        let answer: Vec<(usize, char)> = question.answer.char_indices().collect();
        let inked = answer.iter().zip(places).filter_map(|((at, c), place)| {
            let place = place.filter(|_| !c.is_whitespace())?;
            Some((before + at, place))
        });
        let mut inked = inked.peekable();
        let mut letters = vec![];
        for (i, span) in spans.iter().enumerate() {
            let mut of_token = None;
            while let Some((_, place)) = inked.next_if(|(at, _)| *at < span.end) {
                of_token.get_or_insert(place);
            }
            if let Some(place) = of_token {
                letters.push((first + i - 1, share(place, drawn.image.dimensions())));
            }
        }
        Ok(letters)
    }
}

/// The image token that each position of an answer has to look at: the one that holds the centre of the
/// object whose label and box are being spelt, or of the letter about to be read.
fn looks(
    labelled: &Labelled,
    boxes: &[Place],
    letters: &[Place],
    token_grid: usize,
) -> Vec<(usize, usize)> {
    let Some(first) = labelled.labels.iter().position(|&label| label >= 0) else {
        return vec![];
    };
    let mut looks = vec![];
    // The end of one box says what comes next.
    let mut from = first.saturating_sub(1);
    for (at, bbox) in boxes {
        let token = token_of(*bbox, token_grid);
        let end = (at + 4).min(labelled.ids.len() - 1);
        looks.extend((from..end).map(|position| (position, token)));
        from = end;
    }
    looks.extend(
        letters
            .iter()
            .map(|(at, bbox)| (*at, token_of(*bbox, token_grid))),
    );
    looks
}

/// From pixels to shares of the picture's sides.
fn share(bbox: [f32; 4], (width, height): (u32, u32)) -> [f32; 4] {
    let sides = [width, height, width, height].map(|n| n as f32);
    std::array::from_fn(|i| bbox[i] / sides[i])
}
