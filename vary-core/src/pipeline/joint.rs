use vary_lm::tokenizer::CoordinateTokens;

/// Natural logarithms of the probabilities of the next token of one answer about several
/// [`Frame`](super::frame::Frame)s of a picture, from the logits `[vocab]` after each.
///
/// What is read is the same in all of them: a token has the mean of its probabilities. A coordinate is not, so how
/// likely one comes at all is the mean, and which one it is, the first frame's, the picture as it is. Tokenizers that spell
/// numbers in digits do not tell coordinates from other numbers: then all is the first frame's. So it is, as
/// it stands, of a single frame.
pub(super) fn joint(mut frames: Vec<Vec<f32>>, coordinates: Option<&CoordinateTokens>) -> Vec<f32> {
    let (Some(coordinates), true) = (coordinates, frames.len() > 1) else {
        return frames.into_iter().next().unwrap_or_default();
    };
    let count = frames.len() as f32;
    frames.iter_mut().for_each(|logits| softmax(logits));
    let first = &frames[0];
    let mut joint = vec![0.0; first.len()];
    for frame in &frames {
        for (sum, probability) in joint.iter_mut().zip(frame) {
            *sum += probability / count;
        }
    }
    for ids in [coordinates.inner(), coordinates.last()] {
        let mass = |of: &[f32]| ids.iter().map(|&id| of[id as usize]).sum::<f32>();
        let (any, own) = (mass(&joint), mass(first));
        if own > 0.0 {
            for &id in ids {
                joint[id as usize] = first[id as usize] / own * any;
            }
        }
    }
    joint.iter_mut().for_each(|p| *p = p.ln());
    joint
}

/// Probabilities in the place of logits. Of logits that are no numbers, so are they.
fn softmax(logits: &mut [f32]) {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in &mut *logits {
        *logit = (*logit - max).exp();
        sum += *logit;
    }
    logits.iter_mut().for_each(|p| *p /= sum);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use vary_lm::tokenizer::{Tokenizer, nano_tokenizer};

    use super::*;

    fn tokenizer() -> Tokenizer {
        nano_tokenizer(&["car"]).unwrap()
    }

    /// Logits of probabilities, with a constant of their own.
    fn logits(given: &[(&str, f32)], constant: f32) -> Vec<f32> {
        let tokenizer = tokenizer();
        let mut logits = vec![f32::NEG_INFINITY; tokenizer.vocab_size()];
        for (token, p) in given {
            logits[tokenizer.require(token).unwrap() as usize] = p.ln() + constant;
        }
        logits
    }

    fn check(frames: &[&[(&str, f32)]], expected: &[(&str, f32)]) {
        let tokenizer = tokenizer();
        let frames: Vec<_> = (0..)
            .zip(frames)
            .map(|(i, f)| logits(f, i as f32))
            .collect();
        let table = CoordinateTokens::find(&tokenizer);
        let found: Vec<f32> = joint(frames, table.as_ref())
            .iter()
            .map(|p| p.exp())
            .collect();
        for (token, p) in expected {
            let found = found[tokenizer.require(token).unwrap() as usize];
            assert!((found - p).abs() < 1e-6, "{token}: {found}, not {p}");
        }
        assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn letters_are_agreed_on() {
        check(
            &[&[("a", 0.6), ("b", 0.4)], &[("b", 0.9), ("car", 0.1)]],
            &[("a", 0.3), ("b", 0.65), ("car", 0.05)],
        );
    }

    #[test]
    fn coordinates_are_those_of_the_first_frame() {
        let first = [("100, ", 0.3), ("120, ", 0.5), ("car", 0.2)];
        let other = [("110, ", 0.6), ("car", 0.3), ("100", 0.1)];
        // The other frame alone knows a last coordinate: no frame's own, and yet a mean.
        check(
            &[&first, &other],
            &[
                ("100, ", 0.7 * 0.375),
                ("120, ", 0.7 * 0.625),
                ("110, ", 0.0),
                ("car", 0.25),
                ("100", 0.05),
            ],
        );
    }

    #[test]
    fn one_frame_or_a_tokenizer_without_coordinates_is_left_alone() {
        let (a, b) = (vec![0.5, -1.0], vec![3.0, 2.0]);
        let tokenizer = tokenizer();
        let table = CoordinateTokens::find(&tokenizer);
        assert_eq!(joint(vec![a.clone()], table.as_ref()), a);
        assert_eq!(joint(vec![a.clone(), b], None), a);
    }

    #[test]
    fn what_is_no_number_stays_to_be_found() {
        let good = logits(&[("a", 1.0)], 0.0);
        let mut bad = good.clone();
        bad[0] = f32::NAN;
        let table = CoordinateTokens::find(&tokenizer());
        assert!(joint(vec![good, bad], table.as_ref())[0].is_nan());
    }
}
