use vary_lm::generate::GeneratedToken;
use vary_lm::tokenizer::CoordinateTokens;

/// How far from the chosen coordinate, in thousandths, others count as the same place: two
/// standard deviations of the soft targets that coordinates are trained with.
const NEAR: usize = 20;

/// Natural logarithm of the confidence in `token`, chosen from `logits`: the token's own
/// probability, but for a coordinate that of its place.
///
/// A coordinate is trained with soft targets over neighbouring values, so the single value that was
/// chosen has little probability even when the model is certain.
pub(super) fn log_confidence(
    coordinates: Option<&CoordinateTokens>,
    logits: &[f32],
    token: GeneratedToken,
) -> f32 {
    let Some((table, coordinate)) = coordinates.and_then(|c| Some((c, c.get(token.id)?))) else {
        return token.logprob;
    };
    let ids = if coordinate.last {
        table.last()
    } else {
        table.inner()
    };
    let value = usize::from(coordinate.value);
    let near = &ids[value.saturating_sub(NEAR)..(value + NEAR + 1).min(ids.len())];
    let logit = |&id: &u32| {
        logits
            .get(id as usize)
            .map_or(f64::NEG_INFINITY, |&x| x.into())
    };
    let chosen = logit(&token.id);
    // Relative to the chosen one, whose probability is known.
    let mass: f64 = near.iter().map(|id| (logit(id) - chosen).exp()).sum();
    ((f64::from(token.logprob) + mass.ln()) as f32).min(0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use vary_lm::tokenizer::nano_tokenizer;

    use super::*;

    /// Probabilities given to some tokens of the nano tokenizer, the rest to `</s>`.
    fn confidence(given: &[(&str, f32)], chosen: &str) -> f32 {
        let tokenizer = nano_tokenizer(&["car"]).unwrap();
        let table = CoordinateTokens::find(&tokenizer).unwrap();
        let mut logits = vec![f32::NEG_INFINITY; tokenizer.vocab_size()];
        let rest = 1.0 - given.iter().map(|(_, p)| p).sum::<f32>();
        logits[tokenizer.require("</s>").unwrap() as usize] = rest.ln() + 3.0;
        for (text, p) in given {
            logits[tokenizer.require(text).unwrap() as usize] = p.ln() + 3.0;
        }
        let id = tokenizer.require(chosen).unwrap();
        let logprob = logits[id as usize] - 3.0;
        log_confidence(Some(&table), &logits, GeneratedToken { id, logprob }).exp()
    }

    fn check(given: &[(&str, f32)], chosen: &str, expected: f32) {
        let found = confidence(given, chosen);
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    }

    #[test]
    fn a_coordinate_counts_its_neighbourhood() {
        let bell = [("480, ", 0.1), ("500, ", 0.2), ("520, ", 0.3)];
        check(&bell, "500, ", 0.6);
        check(&bell, "480, ", 0.3);
        // One too far, and one of the other kind.
        check(
            &[("500, ", 0.2), ("521, ", 0.3), ("501", 0.1)],
            "500, ",
            0.2,
        );
        check(&[("000", 0.2), ("020", 0.3), ("010, ", 0.1)], "000", 0.5);
        check(&[("1000", 0.2), ("980", 0.3), ("979", 0.1)], "1000", 0.5);
        check(&[("999, ", 1.0)], "999, ", 1.0);
    }

    #[test]
    fn any_other_token_counts_alone() {
        check(&[("car: [", 0.4), ("car", 0.3)], "car: [", 0.4);
        let token = GeneratedToken {
            id: 1,
            logprob: -2.0,
        };
        assert_eq!(log_confidence(None, &[0.0; 4], token), -2.0);
    }
}
