use anyhow::ensure;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use vary_core::Pipeline;
use vary_core::detection::BoundingBox;
use vary_core::eval::{Evaluation, Truth};
use vary_core::model::{Family, ModelConfig};
use vary_core::pipeline::Answer;
use vary_core::prompt::Task;
use vary_data::Split;
use vary_data::scenes::{Atlas, Scene, SceneConfig, draw};
use vary_data::texts::{TextConfig, TextKind, TextScene, Texts, Written};

use super::{options_for, truths};
use crate::charts::Charts;
use crate::questions::{Objects, Question};
use crate::report::ReportBuilder;

/// Questions for small models about drawn images. Charts and forms are for the second stage.
pub struct Suite {
    atlas: Atlas,
    texts: Texts,
    charts: Charts,
    scenes: SceneConfig,
    text: TextConfig,
    seed: u64,
    images: u64,
    family: Family,
    tasks: Vec<(u64, &'static str, Asked)>,
}

/// Minimum x-height of large letters, in pixels of an image of the model's size.
const LARGE: f32 = 12.0;

/// Distance of the image numbers of two tasks.
const STREAM: u64 = 1 << 32;

/// Images drawn and answered at a time.
const CHUNK: usize = 100;

/// A task of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// All objects of a scene that is a crowd or not.
    Detect { crowd: bool },
    /// The object that a phrase refers to.
    Refer,
    /// The text of an image.
    Read(TextKind),
    /// One line, of large letters or of small ones.
    Line { large: bool },
    /// A part of a text, by its name.
    Part,
    /// A page, a receipt or a table with its markup.
    Markdown,
    /// The number of objects of a class.
    Count,
    /// A description of a scene, in a sentence.
    Describe,
    /// The object that a phrase refers to, after all of them.
    FollowUp,
    /// A question about a chart or a form.
    Chart,
}

const TASKS: [(&str, Asked); 19] = [
    ("detection, 1 to 10 objects", Asked::Detect { crowd: false }),
    ("detection, 11 to 40 objects", Asked::Detect { crowd: true }),
    ("referring expressions", Asked::Refer),
    ("words", Asked::Read(TextKind::Word)),
    (
        "lines, x-height 12 px and more",
        Asked::Line { large: true },
    ),
    ("lines, smaller", Asked::Line { large: false }),
    ("two or three lines", Asked::Read(TextKind::Lines)),
    ("small pages", Asked::Read(TextKind::Page)),
    ("receipts", Asked::Read(TextKind::Receipt)),
    ("tables", Asked::Read(TextKind::Table)),
    ("labels", Asked::Read(TextKind::Label)),
    ("signs", Asked::Read(TextKind::Sign)),
    ("screens", Asked::Read(TextKind::Screen)),
    ("parts of a text by name", Asked::Part),
    ("markdown", Asked::Markdown),
    ("counting", Asked::Count),
    ("descriptions", Asked::Describe),
    ("referring expressions, second turn", Asked::FollowUp),
    ("charts and forms", Asked::Chart),
];

/// An image, a question and its answer.
struct Exercise {
    image: image::RgbImage,
    /// Asked first; its answer is not scored.
    before: Option<String>,
    question: String,
    /// Whether the question is [`Task::Ocr`], which a pipeline may answer line by line.
    ocr: bool,
    truth: Truth,
}

impl Exercise {
    fn answer(&self, pipeline: &Pipeline) -> vary_core::Result<Answer> {
        let options = options_for(&self.truth);
        let task = match self.ocr {
            true => Task::Ocr,
            false => Task::Ask(&self.question),
        };
        let Some(before) = &self.before else {
            return pipeline.answer(&self.image, task, &options);
        };
        let mut chat = pipeline.chat(&self.image)?;
        // An answer that never ends must leave room for the scored question.
        let half = options
            .clone()
            .with_max_new_tokens(pipeline.max_positions() / 2);
        chat.ask(before, &half)?;
        chat.ask(&self.question, &options)
    }
}

impl Suite {
    /// `images` per task, of the size of the model of `config`, of the streams of a seed.
    ///
    /// # Errors
    /// If sprites or fonts are damaged.
    pub fn new(split: Split, seed: u64, images: u64, config: &ModelConfig) -> anyhow::Result<Self> {
        let size = config.info().sam_config.img_size as u32;
        let scenes = SceneConfig {
            split,
            size,
            ..SceneConfig::default()
        };
        let text = TextConfig {
            split,
            // Minimum size of drawn text; the pipeline scales it to the size of the model.
            size: size.max(64),
            ..TextConfig::default()
        };
        scenes.validate()?;
        text.validate()?;
        Ok(Self {
            atlas: Atlas::embedded()?,
            texts: Texts::embedded()?,
            charts: Charts::new(split)?,
            scenes,
            text,
            seed,
            images,
            family: config.family(),
            tasks: (0..)
                .zip(TASKS)
                .map(|(i, (name, asked))| (i, name, asked))
                .collect(),
        })
    }

    /// Only the tasks whose names start with one of `names`, on the same images as in the whole
    /// suite.
    ///
    /// # Errors
    /// If no task starts with a name; the message lists the tasks.
    pub fn only(mut self, names: &[String]) -> anyhow::Result<Self> {
        let begins = |task: &str| names.iter().any(|name| task.starts_with(name.as_str()));
        for name in names {
            ensure!(
                TASKS
                    .iter()
                    .any(|(task, _)| task.starts_with(name.as_str())),
                "no task name starts with `{name}`; the tasks are: {}",
                TASKS.map(|(task, _)| task).join("; ")
            );
        }
        self.tasks.retain(|(_, task, _)| begins(task));
        Ok(self)
    }

    /// All tasks but charts and forms.
    pub fn without_charts(mut self) -> Self {
        self.tasks.retain(|(_, _, asked)| *asked != Asked::Chart);
        self
    }

    /// Asks a model all questions.
    ///
    /// # Errors
    /// Those of the pipeline.
    pub fn run(&self, pipeline: &Pipeline) -> anyhow::Result<ReportBuilder> {
        let evaluation = Evaluation::default()
            .with_classes(self.atlas.names())
            .with_min_score(pipeline.inference_config().min_score());
        let mut builder = ReportBuilder::new(evaluation);
        for &(number, name, asked) in &self.tasks {
            let mut indices = number * STREAM..(number + 1) * STREAM;
            let mut left = self.images as usize;
            while left > 0 && !indices.is_empty() {
                let chunk: Vec<u64> = indices.by_ref().take(left.min(CHUNK)).collect();
                let answered: Vec<_> = chunk
                    .into_par_iter()
                    .filter_map(|index| self.exercise(asked, index))
                    .map(|exercise| {
                        let answer = exercise.answer(pipeline)?;
                        Ok((exercise, answer))
                    })
                    .collect::<vary_core::Result<_>>()?;
                left -= answered.len();
                for (exercise, answer) in answered {
                    let (image, question) = (&exercise.image, &exercise.question);
                    builder.add(name, image, question, &exercise.truth, &answer);
                }
            }
        }
        Ok(builder)
    }

    /// The image number `index`; `None` if it does not suit the task.
    fn exercise(&self, asked: Asked, index: u64) -> Option<Exercise> {
        match asked {
            Asked::Detect { crowd } => {
                let scene = self.scene(crowd, index);
                Some(Exercise {
                    before: None,
                    question: Task::DetectAll.question(self.family),
                    ocr: false,
                    truth: Truth::Objects(truths(&scene, &self.atlas)),
                    image: scene.image,
                })
            }
            Asked::Refer => self.refer(index, None),
            Asked::FollowUp => self.refer(index, Some(Task::DetectAll.question(self.family))),
            Asked::Read(kind) => {
                let text = self.text(kind, index);
                let plain = text.plain.clone();
                Some(read(text, Task::Ocr, &plain))
            }
            Asked::Line { large } => {
                let text = self.text(TextKind::Line, index);
                let plain = text.plain.clone();
                ((text.x_height >= LARGE) == large).then(|| read(text, Task::Ocr, &plain))
            }
            Asked::Part => self.part(index),
            Asked::Markdown => {
                const KINDS: [TextKind; 3] = [TextKind::Page, TextKind::Receipt, TextKind::Table];
                let text = self.text(KINDS[index as usize % KINDS.len()], index);
                let markdown = text.markdown.clone();
                let marked = markdown.text != text.plain.text;
                marked.then(|| read(text, Task::Markdown, &markdown))
            }
            Asked::Count => self.describe(index, |scene, names, rng| {
                Some(Question::count(scene, names, rng))
            }),
            Asked::Describe => {
                self.describe(index, |scene, names, _| Question::describe(scene, names))
            }
            Asked::Chart => self.chart(index),
        }
    }

    /// The object that a phrase refers to, after the question `before`.
    fn refer(&self, index: u64, before: Option<String>) -> Option<Exercise> {
        let (scene, question) = self.ask(index, Question::locate)?;
        let [x1, y1, x2, y2] = scene.objects[*question.objects.first()?].bbox;
        Some(Exercise {
            before,
            question: question.prompt,
            ocr: false,
            truth: Truth::Object(BoundingBox::new(x1, y1, x2, y2)),
            image: scene.image,
        })
    }

    /// A part of a text, by its name.
    fn part(&self, index: u64) -> Option<Exercise> {
        // Without charts, the last kind: the images of this task must stay the same.
        let [kinds @ .., _] = &TextKind::ALL;
        let kind = kinds[index as usize % kinds.len()];
        let text = self.text(kind, index);
        let regions = text.regions.len() as u64;
        let region = (index / kinds.len() as u64).checked_rem(regions)?;
        let region = text.regions[region as usize].clone();
        Some(read(text, Task::OcrOf(&region.name), &region.written))
    }

    /// A question about a scene with a text as its answer.
    fn describe(
        &self,
        index: u64,
        question: impl Fn(Objects<'_>, &[String], &mut ChaCha8Rng) -> Option<Question>,
    ) -> Option<Exercise> {
        let (scene, question) = self.ask(index, question)?;
        Some(Exercise {
            before: None,
            question: question.prompt,
            ocr: false,
            truth: Truth::Text(vec![question.answer]),
            image: scene.image,
        })
    }

    fn chart(&self, index: u64) -> Option<Exercise> {
        let mut rng = self.rng(index);
        let (image, questions) = self.charts.draw(self.seed, index, &mut rng)?;
        let asked = questions.first()?;
        Some(Exercise {
            before: None,
            question: Question::of_chart(asked).prompt,
            ocr: false,
            truth: Truth::Text(asked.answers.clone()),
            image,
        })
    }

    fn rng(&self, index: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index);
        rng
    }

    /// A scene of up to ten objects and a question about it.
    fn ask(
        &self,
        index: u64,
        question: impl Fn(Objects<'_>, &[String], &mut ChaCha8Rng) -> Option<Question>,
    ) -> Option<(Scene, Question)> {
        let scene = self.scene(false, index);
        let question = question(
            Objects::from(&scene),
            self.atlas.names(),
            &mut self.rng(index),
        )?;
        Some((scene, question))
    }

    fn scene(&self, crowd: bool, index: u64) -> Scene {
        let config = SceneConfig {
            crowd: if crowd { 1.0 } else { 0.0 },
            ..self.scenes.clone()
        };
        draw(&config, &self.atlas, self.seed, index)
    }

    fn text(&self, kind: TextKind, index: u64) -> TextScene {
        self.texts.draw(&self.text, Some(kind), self.seed, index)
    }
}

fn read(text: TextScene, task: Task<'_>, written: &Written) -> Exercise {
    Exercise {
        before: None,
        question: task.to_string(),
        ocr: matches!(task, Task::Ocr),
        truth: Truth::Text(vec![written.text.clone()]),
        image: text.image,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use vary_core::model::{VaryTinyConfig, VaryToyConfig};

    #[test]
    fn tasks_by_name_prefix() {
        let config = VaryTinyConfig::nano(100).into();
        let suite = || Suite::new(Split::Test, 5, 1, &config).unwrap();
        let only = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            suite().only(&names)
        };
        let some = only(&["lines", "signs"]).unwrap();
        let numbers: Vec<u64> = some.tasks.iter().map(|task| task.0).collect();
        assert_eq!(numbers, [4, 5, 11]);
        let error = only(&["signs", "poems"]).err().unwrap().to_string();
        assert!(
            error.contains("`poems`") && error.contains("small pages"),
            "{error}"
        );
    }

    #[test]
    fn vary_toy_prompts() {
        let config = VaryToyConfig::nano(100).into();
        let suite = Suite::new(Split::Train, 5, 1, &config).unwrap();
        let asked = |asked| suite.exercise(asked, 0).unwrap().question;
        assert_eq!(
            asked(Asked::Detect { crowd: false }),
            "Detect all objects in this image."
        );
        assert!(asked(Asked::Chart).ends_with("Answer using a single word or phrase."));
        assert!(suite.without_charts().tasks.len() == TASKS.len() - 1);
    }

    #[test]
    fn truths_match_tasks() {
        let config = VaryTinyConfig::nano(100).into();
        let suite = Suite::new(Split::Test, 5, 1, &config).unwrap();
        for (name, asked) in TASKS {
            let mut drawn = 0;
            for exercise in (0..40).filter_map(|index| suite.exercise(asked, index)) {
                drawn += 1;
                match (&exercise.truth, asked) {
                    (Truth::Objects(objects), Asked::Detect { crowd }) => {
                        assert!(crowd || objects.len() <= 10, "{name}: {}", objects.len());
                    }
                    (Truth::Object(_), Asked::Refer | Asked::FollowUp) => {
                        assert!(exercise.question.starts_with("Detect an object: the "));
                    }
                    (Truth::Text(texts), _) => assert!(!texts[0].trim().is_empty(), "{name}"),
                    (truth, _) => panic!("{name}: {truth:?}"),
                }
            }
            assert!(drawn >= 5, "{name}: {drawn} of 40");
        }
    }
}
