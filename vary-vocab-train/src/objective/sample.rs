//! From drawn images to samples.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vary_core::prompt::Message;
use vary_core::prompt::labels::{Labelled, answers};
use vary_data::scenes::{SceneObject, draw};

use super::scenes::SceneObjective;
use crate::dense::{DenseTargets, Letter, Shown, token_of};
use crate::questions::Question;

/// An image, questions about it, and the targets of the helper heads.
pub(super) struct Drawn {
    image: image::RgbImage,
    pub(super) questions: Vec<Question>,
    /// Whether the questions are the turns of one conversation.
    together: bool,
    objects: Vec<SceneObject>,
    letters: Vec<Letter>,
}

/// An image made ready for batching.
#[derive(Debug)]
pub struct SceneSample {
    /// For each tower.
    pub(super) pixels: Vec<Vec<f32>>,
    pub(super) dense: DenseTargets,
    pub(super) asked: Vec<Asked>,
    /// Whether the image is one of text.
    pub(super) reads: bool,
}

/// A question about an image and its answer, or several in turn: a sequence of its own.
#[derive(Debug)]
pub(super) struct Asked {
    pub ids: Vec<u32>,
    pub labels: Vec<i64>,
    /// Boxes in the order of the answer, 0 to 1, and the position before each one's first
    /// coordinate.
    pub boxes: Vec<Place>,
    /// Where on the image a token of the answer is read, 0 to 1, and the position before it.
    pub letters: Vec<Place>,
    /// Attention targets: positions, and the image token that shows what each of them predicts.
    pub attention: Vec<(usize, usize)>,
}

/// Questions that go through the language model as one batch.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// Each question with the index of its sample in the pass, sorted by length.
    pub asked: &'a [(usize, &'a Asked)],
    /// The samples of the pass.
    pub micro: &'a [SceneSample],
    /// The samples of the step, over which losses are means.
    pub step: &'a [SceneSample],
}

/// A position of the sequence and a box, 0 to 1.
pub(super) type Place = (usize, [f32; 4]);

impl<M> SceneObjective<M> {
    /// Images of text and scenes take turns pass by pass: those of a pass have similar lengths.
    fn reads(&self, index: u64) -> bool {
        let pass = index / self.micro_batch_size;
        let texts_before = |pass: u64| (pass as f64 * self.text_share).floor();
        texts_before(pass + 1) > texts_before(pass)
    }

    pub(super) fn draw(&self, index: u64) -> Drawn {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5_eed0_fa5c);
        rng.set_stream(index);
        let mut drawn = match self.reads(index) {
            true => match self.chart(index, &mut rng) {
                Some(chart) => chart,
                None => self.text(index, &mut rng),
            },
            false => self.scene(index, &mut rng),
        };
        drawn.together = rng.random_bool(self.follow_ups);
        drawn
    }

    /// A chart or form, with the configured probability, where one fits.
    fn chart(&self, index: u64, rng: &mut ChaCha8Rng) -> Option<Drawn> {
        let (charts, share) = self.charts.as_ref()?;
        if !rng.random_bool(*share) {
            return None;
        }
        let (image, questions) = charts.draw(self.seed, index, rng)?;
        let asked = questions.iter().take(self.questions);
        Some(Drawn {
            questions: asked.map(Question::of_chart).collect(),
            together: false,
            objects: vec![],
            letters: vec![],
            image,
        })
    }

    fn text(&self, index: u64, rng: &mut ChaCha8Rng) -> Drawn {
        let text = self.texts.draw(&self.text_config, None, self.seed, index);
        let written = text.plain.text.chars().zip(&text.plain.places);
        let letters = written.filter_map(|(c, place)| Letter::new(c, (*place)?));
        Drawn {
            questions: self.ask(|| Question::read(&text, rng)),
            together: false,
            objects: vec![],
            letters: letters.collect(),
            image: text.image,
        }
    }

    fn scene(&self, index: u64, rng: &mut ChaCha8Rng) -> Drawn {
        let (names, family) = (self.atlas.names(), self.model.family());
        let scene = draw(&self.scenes, &self.atlas, self.seed, index);
        Drawn {
            questions: self.ask(|| Question::draw(&scene, names, family, rng)),
            together: false,
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
        let sam = self.model.info().sam_config;
        let shown = Shown {
            size: drawn.image.dimensions(),
            objects: &drawn.objects,
            letters: &drawn.letters,
        };
        let classes = self.atlas.names().len();
        let together = match drawn.together {
            true => self.tokens(&drawn, &drawn.questions)?,
            false => None,
        };
        let asked = match together {
            Some(asked) => vec![asked],
            None => {
                let alone = drawn.questions.chunks(1);
                let alone = alone.map(|question| self.tokens(&drawn, question));
                alone
                    .filter_map(Result::transpose)
                    .collect::<vary_core::Result<_>>()?
            }
        };
        let processors = self.model.info().processors;
        let pixels: Result<_, _> = processors.iter().map(|p| p.pixels(&drawn.image)).collect();
        Ok(SceneSample {
            pixels: pixels?,
            dense: DenseTargets::new(shown, classes, sam.grid_size(), sam.token_grid_size()),
            asked,
            reads: self.reads(index),
        })
    }

    /// The sequence of some questions in turn; `None` where several are too long for the model. A
    /// single one is truncated instead.
    fn tokens(&self, drawn: &Drawn, questions: &[Question]) -> vary_core::Result<Option<Asked>> {
        let turn = |(i, question): (usize, &Question)| {
            let image = if i == 0 { "<image>\n" } else { "" };
            [
                Message::human(format!("{image}{}", question.prompt)),
                Message::gpt(question.answer.clone()),
            ]
        };
        let messages: Vec<Message> = questions.iter().enumerate().flat_map(turn).collect();
        let max_len = self.model.info().max_positions;
        let several = questions.len() > 1;
        let labelled = answers(
            &self.model.family().prompt_style().template,
            &messages,
            self.model.info().image_placeholder.len,
            (!several).then_some(max_len),
            |text| Ok(self.tokenizer.encode(text, true)?),
        )?;
        if several && labelled.ids.len() > max_len {
            return Ok(None);
        }
        let grid = self.model.info().sam_config.token_grid_size();
        let (mut boxes, mut letters, mut attention) = (vec![], vec![], vec![]);
        for (question, answer) in questions.iter().zip(learned(&labelled.labels)) {
            let of_boxes = self.boxes(&labelled, answer.clone(), drawn, question);
            let of_letters = self.letters(&labelled, answer.clone(), drawn, question)?;
            attention.extend(attention_targets(answer, &of_boxes, &of_letters, grid));
            boxes.extend(of_boxes);
            letters.extend(of_letters);
        }
        Ok(Some(Asked {
            ids: labelled.ids,
            labels: labelled.labels,
            boxes,
            letters,
            attention,
        }))
    }

    /// A box begins where a coordinate follows a token that is none.
    fn boxes(
        &self,
        labelled: &Labelled,
        answer: Range<usize>,
        drawn: &Drawn,
        question: &Question,
    ) -> Vec<Place> {
        let Some(coordinates) = &self.coordinates else {
            return vec![];
        };
        if drawn.objects.is_empty() {
            return vec![];
        }
        let coordinate = |i: usize| coordinates.get(labelled.ids[i]).is_some();
        let starts = answer.filter(|&i| i > 0 && coordinate(i) && !coordinate(i - 1));
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
        answer: Range<usize>,
        drawn: &Drawn,
        question: &Question,
    ) -> vary_core::Result<Vec<Place>> {
        let places = &question.places;
        let first = answer.start;
        let (text, spans) = self.tokenizer.decode_with_spans(&labelled.ids[answer])?;
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

/// The image token that each position of an answer attends to: the one that holds the centre of the
/// object whose label and box are being spelt, or of the letter about to be read.
fn attention_targets(
    answer: Range<usize>,
    boxes: &[Place],
    letters: &[Place],
    token_grid: usize,
) -> Vec<(usize, usize)> {
    let mut targets = vec![];
    // The end of one box predicts what comes next.
    let mut from = answer.start.saturating_sub(1);
    for (at, bbox) in boxes {
        let token = token_of(*bbox, token_grid);
        let end = (at + 4).min(answer.end - 1);
        targets.extend((from..end).map(|position| (position, token)));
        from = end;
    }
    targets.extend(
        letters
            .iter()
            .map(|(at, bbox)| (*at, token_of(*bbox, token_grid))),
    );
    targets
}

/// The stretches of positions that are learned: one for each answer.
fn learned(labels: &[i64]) -> Vec<Range<usize>> {
    let mut answers: Vec<Range<usize>> = vec![];
    for (i, _) in labels.iter().enumerate().filter(|(_, label)| **label >= 0) {
        match answers.last_mut() {
            Some(last) if last.end == i => last.end += 1,
            _ => answers.push(i..i + 1),
        }
    }
    answers
}

/// From pixels to shares of the image's sides.
fn share(bbox: [f32; 4], (width, height): (u32, u32)) -> [f32; 4] {
    let sides = [width, height, width, height].map(|n| n as f32);
    std::array::from_fn(|i| bbox[i] / sides[i])
}
