//! Drawing actions from a network's outputs, with the log probability of what was drawn.

use rand_distr::{Distribution, StandardNormal};
use trueup_env::Stream;

use crate::architecture::{Head, LOG_SD_RANGE};

/// ln sqrt(2 pi).
const LOG_ROOT_TWO_PI: f32 = 0.918_938_5;

/// Turns logits into log probabilities in place; `feasible` says which choices are left (empty: all
/// are). A choice that is not gets -infinity.
pub fn log_softmax(logits: &mut [f32], feasible: &[bool]) {
    for (logit, &feasible) in logits.iter_mut().zip(feasible) {
        if !feasible {
            *logit = f32::NEG_INFINITY;
        }
    }
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let shift = largest + sum.ln();
    logits.iter_mut().for_each(|logit| *logit -= shift);
}

/// Draws from log probabilities by inversion; rounding leaves the last possible choice.
pub fn draw(log_probabilities: &[f32], stream: &mut Stream) -> usize {
    let mut left = stream.uniform() as f32;
    let mut last = 0;
    for (choice, log) in log_probabilities.iter().enumerate() {
        let p = log.exp();
        if p > 0.0 {
            last = choice;
            left -= p;
            if left < 0.0 {
                break;
            }
        }
    }
    last
}

/// The likeliest choice; the first of equals.
pub fn likeliest(log_probabilities: &[f32]) -> usize {
    let better = |best: usize, (i, &log): (usize, &f32)| {
        if log > log_probabilities[best] { i } else { best }
    };
    log_probabilities.iter().enumerate().fold(0, better)
}

/// Acts on one row of outputs of a discrete or Gaussian head (a hybrid head's second layer depends
/// on the first draw: [`crate::finance`]). Appends the action to `whole` or `real` and returns its
/// log probability. With a stream the action is drawn, without one it is the mode. `outputs` is
/// overwritten.
pub fn act(
    head: &Head,
    outputs: &mut [f32],
    log_sd: &[f32],
    mut stream: Option<&mut Stream>,
    whole: &mut Vec<u16>,
    real: &mut Vec<f32>,
) -> f32 {
    match head {
        Head::Gaussian { size, .. } => {
            let (mean, own) = outputs.split_at(*size);
            let log_sd = if own.is_empty() { log_sd } else { own };
            let mut log_probability = 0.0;
            for (mean, log_sd) in mean.iter().zip(log_sd) {
                let log_sd = log_sd.clamp(LOG_SD_RANGE.0, LOG_SD_RANGE.1);
                let z: f32 = match &mut stream {
                    Some(stream) => Distribution::<f64>::sample(&StandardNormal, *stream) as f32,
                    None => 0.0,
                };
                real.push(mean + log_sd.exp() * z);
                log_probability -= 0.5 * z * z + log_sd + LOG_ROOT_TWO_PI;
            }
            log_probability
        }
        Head::Discrete { choices } => {
            let (mut rest, mut log_probability) = (outputs, 0.0);
            for &n in choices {
                let (logits, others) = rest.split_at_mut(n);
                log_softmax(logits, &[]);
                let choice = match &mut stream {
                    Some(stream) => draw(logits, stream),
                    None => likeliest(logits),
                };
                whole.push(choice as u16);
                log_probability += logits[choice];
                rest = others;
            }
            log_probability
        }
        Head::Hybrid { .. } => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    /// Frequencies of 40,000 draws: within 4.5 standard errors (false alarm 1e-5 a choice); a
    /// choice without probability never comes.
    #[test]
    fn draws_follow_the_probabilities() {
        let p = [0.5_f32, 0.0, 0.3, 0.2];
        let logs = p.map(f32::ln);
        let mut stream = Streams::new(5).stream("draw", 0);
        let mut counts = [0_u32; 4];
        let n = 40_000;
        for _ in 0..n {
            counts[draw(&logs, &mut stream)] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, p) in counts.iter().zip(p) {
            let p = f64::from(p);
            let share = f64::from(*count) / f64::from(n);
            assert!((share - p).abs() <= 4.5 * (p * (1.0 - p) / f64::from(n)).sqrt());
        }
        assert_eq!(likeliest(&logs), 0);
    }

    #[test]
    fn infeasible_choices_have_no_probability() {
        let mut logits = [3.0, 1.0, 2.0];
        log_softmax(&mut logits, &[false, true, true]);
        assert_eq!(logits[0], f32::NEG_INFINITY);
        let expected = -(1.0_f32 + 1.0_f32.exp()).ln();
        assert!((logits[1] - expected).abs() < 1e-6 && (logits[2] - expected - 1.0).abs() < 1e-6);
    }

    /// The density of the normal law at its mean with standard deviation 1/2 is 2 / sqrt(2 pi); the
    /// mean of 20,000 draws lies within 4.5 standard errors of it (false alarm 1e-5).
    #[test]
    fn a_gaussian_draws_around_its_mean() {
        let head = Head::Gaussian { size: 1, state_dependent: false };
        let log_sd = [0.5_f32.ln()];
        let (mut whole, mut real) = (Vec::new(), Vec::new());
        let log = act(&head, &mut [3.0], &log_sd, None, &mut whole, &mut real);
        assert_eq!(real, [3.0]);
        assert!((log - (2.0_f32.ln() - LOG_ROOT_TWO_PI)).abs() < 1e-6);
        let mut stream = Streams::new(5).stream("draw", 0);
        let n = 20_000;
        real.clear();
        for _ in 0..n {
            let stream = Some(&mut stream);
            let log = act(&head, &mut [3.0], &log_sd, stream, &mut whole, &mut real);
            let z = (real[real.len() - 1] - 3.0) / 0.5;
            assert!((log - (-0.5 * z * z + 2.0_f32.ln() - LOG_ROOT_TWO_PI)).abs() < 1e-4);
        }
        let mean = real.iter().map(|&x| f64::from(x)).sum::<f64>() / f64::from(n);
        assert!((mean - 3.0).abs() < 4.5 * 0.5 / f64::from(n).sqrt());
    }

    #[test]
    fn several_choices_are_independent() {
        let head = Head::Discrete { choices: vec![2, 3] };
        let (mut whole, mut real) = (Vec::new(), Vec::new());
        let log = act(&head, &mut [0.0, 0.0, 5.0, 0.0, 0.0], &[], None, &mut whole, &mut real);
        assert_eq!(whole, [0, 0]);
        let second = -(1.0 + 2.0 * (-5.0_f32).exp()).ln();
        assert!((log - (0.5_f32.ln() + second)).abs() < 1e-6);
    }
}
