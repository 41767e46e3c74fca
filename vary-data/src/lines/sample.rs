use std::collections::{HashMap, HashSet};

use image::GrayImage;
use image::imageops::crop_imm;

use super::degrade::degrade;
use super::shards::Record;
use super::{Line, LineWord, Lines};
use crate::random::Random;
use crate::{Error, Result};

const DOMAIN: &[u8; 16] = b"vary-lines-v1...";
/// Share of runs that are cut out as close as a layout does it; the rest by the font's height.
const CLOSE: f32 = 0.7;
/// Lines of a source whose characters are counted.
const COUNTED: usize = 10_000;
/// A character in fewer lines than this share is rare: lines with one are drawn as often as they
/// are there.
const RARE: f32 = 0.005;
/// Lines that the longest is taken of where none fills the width.
const CHOICE: usize = 8;
/// Attempts at a run before giving up.
const ATTEMPTS: usize = 10_000;

/// Words of a line that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Their image.
    pub image: GrayImage,
    /// Their text, words separated by a blank.
    pub text: String,
}

impl Line {
    /// All of the line with a little paper around it, as a layout cuts it out.
    pub fn whole(&self) -> Option<Run> {
        let [top, bottom] = ink_rows(self).unwrap_or(self.rows);
        let pad = 0.12 * (self.rows[1] - self.rows[0]);
        let (first, last) = (self.words.first()?, self.words.last()?);
        let (left, right) = (first.columns[0] - pad, last.columns[1] + pad);
        let text: Vec<&str> = self.words.iter().map(|w| w.text.as_str()).collect();
        Some(Run {
            image: part(&self.image, [left, top - pad, right, bottom + pad])?,
            text: text.join(" "),
        })
    }
}

/// Draws runs of words from lines.
///
/// Of lines whose rarest character is in a share `p` of the lines, a part `sqrt(0.005 / p)` is
/// drawn: letters with accents, brackets and signs become more frequent than they are, and lines of
/// the commonest letters alone rarer by up to 14 times.
pub struct LineSampler {
    sources: Vec<(Lines, f32)>,
    /// Each character, and the part of lines with it that are drawn if it is their rarest.
    alphabet: HashMap<char, f32>,
    seed: u64,
}

impl LineSampler {
    /// A sampler of the sources, at least one, each drawn from in proportion to its weight. Runs
    /// have characters of `alphabet` only.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) or [`Error::Json`](crate::Error::Json) if a shard can't be
    /// read.
    pub fn new(sources: Vec<(Lines, f32)>, alphabet: &str, seed: u64) -> Result<Self> {
        let mut shares: HashMap<char, f32> = alphabet.chars().map(|c| (c, 0.0)).collect();
        let total: f32 = sources.iter().map(|(_, weight)| weight).sum();
        for (lines, weight) in &sources {
            let step = lines.len().div_ceil(COUNTED);
            let share = weight / total / lines.len().div_ceil(step) as f32;
            for index in (0..lines.len()).step_by(step) {
                for c in characters(&lines.record(index)?.words) {
                    if let Some(found) = shares.get_mut(&c) {
                        *found += share;
                    }
                }
            }
        }
        let part = |share: f32| (RARE / share.max(RARE)).sqrt();
        Ok(Self {
            sources,
            alphabet: shares
                .into_iter()
                .map(|(c, share)| (c, part(share)))
                .collect(),
            seed,
        })
    }

    /// A run whose width is at most `aspect` times its height, and often near it.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a shard can't be read; [`Error::Setting`] if no word is
    /// found that is narrow enough and written in the alphabet.
    pub fn run(&self, index: u64, aspect: f32) -> Result<Run> {
        let mut rng = Random::new(DOMAIN, self.seed, index);
        for _ in 0..ATTEMPTS {
            let (lines, index) = self.long_line(&mut rng, aspect)?;
            if let Some(run) = self.of_line(&lines.get(index)?, aspect, &mut rng) {
                return Ok(Run {
                    image: degrade(&run.image, &mut rng),
                    text: run.text,
                });
            }
        }
        Err(Error::Setting {
            field: "alphabet",
            problem: format!("has no word of the lines, at most {aspect} times as wide as high"),
        })
    }

    /// The first of some lines that fills most of `aspect`, or the longest of them.
    fn long_line(&self, rng: &mut Random, aspect: f32) -> Result<(&Lines, usize)> {
        let (mut longest, mut most) = self.line(rng)?;
        for _ in 1..CHOICE {
            if most > 0.6 * aspect {
                break;
            }
            let (line, length) = self.line(rng)?;
            if length > most {
                (longest, most) = (line, length);
            }
        }
        Ok(longest)
    }

    /// A line, and how many times as long as high it is.
    fn line(&self, rng: &mut Random) -> Result<((&Lines, usize), f32)> {
        loop {
            let lines = self.source(rng);
            let index = rng.below(lines.len());
            let Record { rows, words } = lines.record(index)?;
            let parts = characters(&words).into_iter();
            let parts = parts.filter_map(|c| self.alphabet.get(&c).copied());
            // A line without a known character has no run; taking it ends the search.
            if parts.reduce(f32::max).is_none_or(|part| rng.chance(part)) {
                let left = words.first().map_or(0.0, |word| word.columns[0]);
                let right = words.last().map_or(0.0, |word| word.columns[1]);
                return Ok(((lines, index), (right - left) / (rows[1] - rows[0])));
            }
        }
    }

    fn source(&self, rng: &mut Random) -> &Lines {
        let total: f32 = self.sources.iter().map(|(_, weight)| weight).sum();
        let mut at = rng.range(0.0, total);
        let source = self.sources.iter().find(|(_, weight)| {
            at -= weight;
            at < 0.0
        });
        &source.unwrap_or(&self.sources[0]).0
    }

    fn of_line(&self, line: &Line, aspect: f32, rng: &mut Random) -> Option<Run> {
        let [top, bottom] = rows(line, rng);
        let room = aspect * (bottom - top);
        let known = |word: &LineWord| word.text.chars().all(|c| self.alphabet.contains_key(&c));
        let words = &line.words;
        let width = |from: usize, to: usize| words[to].columns[1] - words[from].columns[0];
        let mut first = rng.below(words.len());
        let mut last = first;
        let room_for_words = room * rng.range(0.75, 0.97);
        if !words.get(first).is_some_and(known) || width(first, last) > room_for_words {
            return None;
        }
        let fits = |from, to, next: usize| known(&words[next]) && width(from, to) <= room_for_words;
        while last + 1 < words.len() && fits(first, last + 1, last + 1) {
            last += 1;
        }
        while first > 0 && fits(first - 1, last, first - 1) {
            first -= 1;
        }
        let height = bottom - top;
        // Half the gap to the words that are left out, a part of the page otherwise.
        let beside = |inside: f32, outside: Option<f32>, rng: &mut Random| match outside {
            Some(outside) => 0.5 * (outside - inside).abs(),
            None => rng.range(0.0, 0.4) * height,
        };
        let outer = first.checked_sub(1).map(|before| words[before].columns[1]);
        let left = words[first].columns[0] - beside(words[first].columns[0], outer, rng);
        let outer = words.get(last + 1).map(|after| after.columns[0]);
        let right = words[last].columns[1] + beside(words[last].columns[1], outer, rng);
        let text: Vec<&str> = words[first..=last]
            .iter()
            .map(|w| w.text.as_str())
            .collect();
        Some(Run {
            image: part(&line.image, [left, top, right, bottom])?,
            text: text.join(" "),
        })
    }
}

fn characters(words: &[LineWord]) -> HashSet<char> {
    words.iter().flat_map(|word| word.text.chars()).collect()
}

/// Top and bottom of the cut-out: near to the ink with a little paper, or by the font.
fn rows(line: &Line, rng: &mut Random) -> [f32; 2] {
    let [top, bottom] = line.rows;
    let height = bottom - top;
    if rng.chance(CLOSE)
        && let Some([above, below]) = ink_rows(line)
        && below - above > 0.4 * height
    {
        return [
            above - rng.range(0.0, 0.25) * height,
            below + rng.range(0.0, 0.25) * height,
        ];
    }
    [
        top - rng.range(-0.1, 0.25) * height,
        bottom + rng.range(-0.1, 0.25) * height,
    ]
}

/// First and last row with ink within the line.
fn ink_rows(line: &Line) -> Option<[f32; 2]> {
    let (image, [top, bottom]) = (&line.image, line.rows);
    let rows = top.max(0.0) as u32..(bottom.ceil() as u32).min(image.height());
    let values = || {
        rows.clone()
            .flat_map(|y| (0..image.width()).map(move |x| (x, y)))
    };
    let mut counts = [0usize; 256];
    values().for_each(|(x, y)| counts[usize::from(image.get_pixel(x, y).0[0])] += 1);
    let total: usize = counts.iter().sum();
    let mut seen = 0;
    let paper = counts.iter().position(|count| {
        seen += count;
        2 * seen >= total
    })? as i32;
    let far = |x: u32, y: u32| (i32::from(image.get_pixel(x, y).0[0]) - paper).abs();
    let most = values().map(|(x, y)| far(x, y)).max()?;
    let inked = |y: &u32| (0..image.width()).any(|x| 3 * far(x, *y) > most);
    let first = rows.clone().find(inked)?;
    let last = rows.rev().find(inked)?;
    Some([first as f32, last as f32 + 1.0])
}

fn part(image: &GrayImage, [left, top, right, bottom]: [f32; 4]) -> Option<GrayImage> {
    let (x, y) = (left.max(0.0).round() as u32, top.max(0.0).round() as u32);
    let (right, bottom) = (
        right.max(0.0).round() as u32,
        bottom.max(0.0).round() as u32,
    );
    let (right, bottom) = (right.min(image.width()), bottom.min(image.height()));
    let (w, h) = (right.checked_sub(x)?, bottom.checked_sub(y)?);
    (w >= 3 && h >= 5).then(|| crop_imm(image, x, y, w, h).to_image())
}
