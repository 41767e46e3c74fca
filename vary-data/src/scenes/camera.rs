//! Light that falls on a scene and the camera that takes it.

use super::canvas::Canvas;
use super::config::SceneConfig;
use crate::random::Random;

/// Lights and blurs the image as the configuration allows.
pub(super) fn expose(canvas: &mut Canvas, config: &SceneConfig, rng: &mut Random) {
    tone(canvas, config, rng);
    if rng.chance(0.5) {
        canvas.blur(rng.unit() * config.blur);
    }
    let motion = rng.unit() * config.motion * canvas.size as f32;
    if rng.chance(0.2) && motion >= 1.0 {
        smear(canvas, motion as usize, rng);
    }
}

/// Light from one side, dark corners, a colour cast and a curve of contrast and brightness.
fn tone(canvas: &mut Canvas, config: &SceneConfig, rng: &mut Random) {
    let half = canvas.size as f32 / 2.0;
    let [dx, dy] = rng.direction().map(|d| d / half);
    let light = rng.unit() * config.light;
    let corner = rng.unit() * config.vignette / (2.0 * half * half);
    let cast: [f32; 3] = std::array::from_fn(|_| 1.0 + rng.around(config.cast));
    let (lift, contrast) = (rng.around(config.curve), rng.around(config.curve));
    let size = canvas.size;
    for (y, row) in canvas.pixels.chunks_exact_mut(size).enumerate() {
        let y = y as f32 + 0.5 - half;
        for (x, pixel) in row.iter_mut().enumerate() {
            let x = x as f32 + 0.5 - half;
            let gain = (1.0 + light * (x * dx + y * dy)) * (1.0 - corner * (x * x + y * y));
            for c in 0..3 {
                pixel[c] = curve(gain.max(0.0) * cast[c] * pixel[c], lift, contrast);
            }
        }
    }
}

/// A curve through black and white: `lift` moves the greys like a gamma, `contrast` spreads them.
/// It rises everywhere while both lie in `-0.5..=0.5`.
fn curve(value: f32, lift: f32, contrast: f32) -> f32 {
    let v = value.clamp(0.0, 1.0);
    v + v * (1.0 - v) * (lift + contrast * (2.0 * v - 1.0))
}

/// Averages `length + 1` pixels in a row or a column, as a moving camera does.
fn smear(canvas: &mut Canvas, length: usize, rng: &mut Random) {
    let (size, before) = (canvas.size, canvas.pixels.clone());
    let across = rng.chance(0.5);
    let share = 1.0 / (length + 1) as f32;
    for (at, pixel) in canvas.pixels.iter_mut().enumerate() {
        let (x, y) = (at % size, at / size);
        let mut sum = [0.0; 3];
        for step in 0..=length {
            // Half of the way back and half forth, so that boxes stay where they are.
            let along = |p: usize| (p + step).saturating_sub(length / 2).min(size - 1);
            let from = if across {
                y * size + along(x)
            } else {
                along(y) * size + x
            };
            for c in 0..3 {
                sum[c] += share * before[from][c];
            }
        }
        *pixel = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curve_is_monotonic() {
        for (lift, contrast) in [
            (0.5, 0.5),
            (-0.5, 0.5),
            (0.5, -0.5),
            (-0.5, -0.5),
            (0.0, 0.0),
        ] {
            let values: Vec<f32> = (0..=100)
                .map(|v| curve(v as f32 / 100.0, lift, contrast))
                .collect();
            assert_eq!((values[0], values[100]), (0.0, 1.0));
            assert!(values.windows(2).all(|w| w[0] <= w[1]), "{lift} {contrast}");
        }
    }

    #[test]
    fn smear_keeps_an_even_image() {
        let mut canvas = Canvas::new(16);
        canvas.fill(|_, _| [0.25, 0.5, 0.75]);
        smear(
            &mut canvas,
            3,
            &mut Random::new(crate::random::SCENES, 1, 1),
        );
        assert!(canvas.pixels.iter().all(|&p| p == [0.25, 0.5, 0.75]));
    }

    #[test]
    fn zero_settings_change_nothing() {
        let config = SceneConfig {
            light: 0.0,
            vignette: 0.0,
            cast: 0.0,
            curve: 0.0,
            blur: 0.0,
            motion: 0.0,
            ..SceneConfig::default()
        };
        let mut canvas = Canvas::new(16);
        canvas.fill(|x, y| [x / 16.0, y / 16.0, 0.5]);
        let before = canvas.pixels.clone();
        expose(
            &mut canvas,
            &config,
            &mut Random::new(crate::random::SCENES, 2, 1),
        );
        assert_eq!(canvas.pixels, before);
    }
}
