//! The weights of a reward's terms.
//!
//! - `fixed`: as the config gives them.
//! - `floor`: divided by the noise floor of the term, the distance that two samples of one law have
//!   by chance: a term then counts by how significant its distance is. A floor counts as at least a
//!   hundredth of the largest.
//! - `adaptive`: multiplicative weights (Freund and Schapire, *A decision-theoretic generalization
//!   of on-line learning and an application to boosting*, Journal of Computer and System Sciences
//!   55, 1997). At each refit the log weight of a term moves by
//!   `rate (gain - mean gain)` with `gain = ln(distance / floor) / ln 20`, cut to [0, 1]: terms
//!   that are farthest above their floor gain, terms at it lose. It stays within `ln 10` of the
//!   given weight either way. A term without rows stays where it is.
//!
//! The weights are scaled so that their sum is that of the given ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RewardError;
use super::check;
use super::state::{Reader, StateError, Writer};

/// How the weights of the terms are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MixWeights {
    /// As the config gives them.
    #[default]
    Fixed,
    /// Divided by the noise floor of the term.
    Floor,
    /// More for the terms that are farthest above their noise floor.
    Adaptive,
}

/// How far above its floor a term gains most, in floors.
const FAR: f64 = 20.0;
/// The most that adapting multiplies or divides a weight by, before scaling.
const BOUND: f64 = 10.0;
/// The smallest share of the largest floor that a floor counts as.
const LEAST_FLOOR: f64 = 0.01;

/// The learning rate of a config that names none.
pub(super) const RATE: f64 = 0.1;

/// The weights of so many terms.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    weights: MixWeights,
    rate: f64,
    /// What adapting has added to the log of each weight.
    logs: Vec<f64>,
}

impl Mix {
    /// Weights that have not adapted yet.
    ///
    /// # Errors
    /// A learning rate outside (0, 10].
    pub fn new(weights: MixWeights, rate: f64, terms: usize) -> Result<Self, RewardError> {
        check::rate(rate)?;
        Ok(Self { weights, rate, logs: vec![0.0; terms] })
    }

    /// Whether weights depend on noise floors.
    pub fn needs_floors(&self) -> bool {
        self.weights != MixWeights::Fixed
    }

    /// The weights at these distances; floors are of no account where they are fixed.
    pub fn weights(
        &mut self,
        given: &[f64],
        distances: &[Option<f64>],
        floors: &[f64],
    ) -> Vec<f64> {
        let largest = floors.iter().copied().fold(0.0, f64::max);
        let floor = |floor: f64| if largest > 0.0 { floor.max(LEAST_FLOOR * largest) } else { 1.0 };
        let raw: Vec<f64> = match self.weights {
            MixWeights::Fixed => return given.to_vec(),
            MixWeights::Floor => given.iter().zip(floors).map(|(w, f)| w / floor(*f)).collect(),
            MixWeights::Adaptive => {
                let gain = |(distance, f): (&Option<f64>, &f64)| {
                    let floors = distance.as_ref().map(|distance| distance / floor(*f));
                    let gain = floors.map(|floors| (floors.ln() / FAR.ln()).clamp(0.0, 1.0));
                    gain.filter(|gain| !gain.is_nan())
                };
                self.adapt(&distances.iter().zip(floors).map(gain).collect::<Vec<_>>());
                given.iter().zip(&self.logs).map(|(w, log)| w * log.exp()).collect()
            }
        };
        let scale = given.iter().sum::<f64>() / raw.iter().sum::<f64>();
        raw.into_iter().map(|weight| weight * scale).collect()
    }

    fn adapt(&mut self, gains: &[Option<f64>]) {
        let found: Vec<f64> = gains.iter().flatten().copied().collect();
        let mean = found.iter().sum::<f64>() / found.len().max(1) as f64;
        let bound = BOUND.ln();
        for (log, gain) in self.logs.iter_mut().zip(gains) {
            let step = gain.map_or(0.0, |gain| self.rate * (gain - mean));
            *log = (*log + step).clamp(-bound, bound);
        }
    }

    /// Writes what adapting has added, if there is such a thing.
    pub fn save(&self, writer: &mut Writer) {
        if self.weights == MixWeights::Adaptive {
            writer.text("adaptive weights");
            writer.doubles(&self.logs);
        }
    }

    /// Reads it back.
    ///
    /// # Errors
    /// A state without it, of other terms, or with numbers out of bounds.
    pub fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        if self.weights != MixWeights::Adaptive {
            return Ok(());
        }
        reader.expect("adaptive weights")?;
        let logs = reader.doubles("the adaptive weights")?;
        let bound = BOUND.ln();
        if logs.len() != self.logs.len() || logs.iter().any(|log| !(-bound..=bound).contains(log)) {
            return Err(StateError("its adaptive weights are out of bounds".into()));
        }
        self.logs = logs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(weights: MixWeights) -> Mix {
        Mix::new(weights, 0.5, 3).unwrap()
    }

    fn close(found: &[f64], wanted: &[f64]) {
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn fixed_weights_are_those_given_and_floors_divide() {
        let (given, far) = ([1.0, 2.0, 1.0], [Some(0.5), None, Some(0.1)]);
        assert_eq!(mix(MixWeights::Fixed).weights(&given, &far, &[]), given);
        // 1 / 0.1, 2 / 0.2, 1 / 0.2 are 10, 10, 5; the sum is to be 4. Three calls give the same.
        let mut floor = mix(MixWeights::Floor);
        for _ in 0..3 {
            close(&floor.weights(&given, &far, &[0.1, 0.2, 0.2]), &[1.6, 1.6, 0.8]);
        }
        // A floor of 0 counts as a hundredth of the largest, and no floors at all as equal ones.
        close(
            &floor.weights(&given, &far, &[0.0, 2.0, 1.0]),
            &[50.0 / 13.0, 1.0 / 13.0, 1.0 / 13.0],
        );
        close(&floor.weights(&given, &far, &[0.0; 3]), &given);
    }

    /// One step by hand: gains 1 (twenty floors off), 0 (at the floor) and none.
    #[test]
    fn terms_far_above_their_floor_gain() {
        let mut adaptive = mix(MixWeights::Adaptive);
        let (given, far) = ([1.0; 3], [Some(2.0), Some(0.1), None]);
        let found = adaptive.weights(&given, &far, &[0.1; 3]);
        let raw = [0.25_f64.exp(), (-0.25_f64).exp(), 1.0];
        let sum: f64 = raw.iter().sum();
        close(&found, &raw.map(|w| 3.0 * w / sum));
        // However long, no weight leaves the bounds, and the sum stays.
        for _ in 0..1000 {
            adaptive.weights(&given, &far, &[0.1; 3]);
        }
        let found = adaptive.weights(&given, &far, &[0.1; 3]);
        assert!(
            (found[0] / found[2] - 10.0).abs() < 1e-9 && (found[2] / found[1] - 10.0).abs() < 1e-9
        );
        assert!((found.iter().sum::<f64>() - 3.0).abs() < 1e-12);
        let mut writer = Writer::default();
        adaptive.save(&mut writer);
        let state = writer.finish();
        let mut other = mix(MixWeights::Adaptive);
        other.load(&mut Reader::new(&state)).unwrap();
        let next = |mix: &mut Mix| mix.weights(&given, &[Some(0.3), None, Some(0.4)], &[0.1; 3]);
        assert_eq!(next(&mut other), next(&mut adaptive));
        let mut few = Mix::new(MixWeights::Adaptive, 0.5, 2).unwrap();
        assert!(few.load(&mut Reader::new(&state)).is_err());
    }

    #[test]
    fn rates_are_positive_numbers() {
        for rate in [0.0, -1.0, 11.0, f64::NAN] {
            assert!(Mix::new(MixWeights::Adaptive, rate, 1).is_err());
        }
    }
}
