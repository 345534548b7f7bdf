//! Gap of the correlation between one event and the next.
//!
//! `D = |rho_P - rho_Q|`, rho being Pearson's correlation over all (earlier, later) pairs of all
//! users: on the feature `amount_pair`, the lag-1 correlation of log amounts. It has no witness:
//! the reward of a single number cannot see the pair.

use super::measure::{Gap, Measure};
use super::user_sums::{UserSums, mean_and_sd, variance};
use super::{Discrepancy, DiscrepancyError, Prepared, check};
use crate::sample::{Sample, Shape};

/// `correlation-gap`.
pub struct CorrelationGap;

const NAME: &str = "correlation-gap";
const FEW: &str = "it has no pairs";

/// Pearson's correlation over the pairs of a sample, every user counted once.
///
/// # Errors
/// No pairs, rows that are no pairs of finite numbers, or a coordinate without spread.
pub fn correlation(pairs: &Sample) -> Result<f64, DiscrepancyError> {
    check::samples(NAME, Shape::Vector, 2, pairs, pairs)?;
    measured(&sums(pairs), pairs.users).required(NAME, "given", FEW)
}

/// The correlation as a function of user weights; none where it is not defined.
pub(crate) fn weighted(pairs: &Sample) -> impl Fn(&[f64]) -> Option<f64> + Sync + use<> {
    let valid = check::samples(NAME, Shape::Vector, 2, pairs, pairs).is_ok();
    let sums = valid.then(|| sums(pairs));
    move |weights| sums.as_ref()?.under(weights).and_then(|sums| pearson(sums).value())
}

/// Per user `[n, x, y, x^2, y^2, x y]` of the standardised coordinates.
fn sums(pairs: &Sample) -> UserSums<6> {
    let coordinate = |offset: usize| -> Vec<f64> {
        let values: Vec<f64> = pairs.values.iter().skip(offset).step_by(2).copied().collect();
        let (mean, sd) = mean_and_sd(&values, None);
        let scale = if sd > 0.0 { sd } else { 1.0 };
        values.into_iter().map(|value| (value - mean) / scale).collect()
    };
    let coordinates = coordinate(0).into_iter().zip(coordinate(1));
    let terms = coordinates.map(|(x, y)| [1.0, x, y, x * x, y * y, x * y]);
    UserSums::of(pairs.users, pairs.user.iter().map(|&user| user as usize).zip(terms))
}

fn pearson([n, x, y, xx, yy, xy]: [f64; 6]) -> Measure {
    let spread = variance([n, x, xx]).sqrt() * variance([n, y, yy]).sqrt();
    if spread <= 0.0 {
        return Measure::NoSpread;
    }
    Measure::Value(((xy / n - (x / n) * (y / n)) / spread).clamp(-1.0, 1.0))
}

fn measured(sums: &UserSums<6>, users: usize) -> Measure {
    sums.under(&vec![1.0; users]).map_or(Measure::TooFew, pearson)
}

impl Discrepancy for CorrelationGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gap of lag-1 correlations"
    }

    fn definition(&self) -> &'static str {
        "|rho_P - rho_Q|, Pearson over (earlier, later) pairs; rho_P = 0 without spread"
    }

    fn reference(&self) -> &'static str {
        "Pearson, Notes on regression and inheritance in the case of two parents, Proceedings of the Royal Society 58, 1895"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        2.0
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Vector, 2, internal, external)?;
        Ok(Box::new(gap(NAME, FEW, internal, external)?))
    }
}

/// The gap of checked pairs, for the discrepancy of this name.
pub(super) fn gap(
    name: &'static str,
    few: &'static str,
    internal: &Sample,
    external: &Sample,
) -> Result<Gap<6>, DiscrepancyError> {
    let (p, q) = (sums(internal), sums(external));
    measured(&p, internal.users).or_nothing().required(name, "internal", few)?;
    measured(&q, external.users).required(name, "external", few)?;
    Ok(Gap { internal: p, external: q, measure: pearson })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(values: &[f64]) -> Sample {
        let rows = values.len() / 2;
        let shape = Shape::Vector;
        let user = (0..rows as u32).collect();
        Sample { shape, width: 2, values: values.to_vec(), user, users: rows, categories: 0 }
    }

    #[test]
    fn values_by_hand() {
        assert_eq!(correlation(&pairs(&[0.0, 1.0, 1.0, 3.0, 2.0, 5.0])), Ok(1.0));
        // Deviations (-1, 0, 1) and (0, -1, 1) of sd sqrt(2/3): 1/2.
        let half = pairs(&[1.0, 5.0, 2.0, 4.0, 3.0, 6.0]);
        assert!((correlation(&half).unwrap() - 0.5).abs() < 1e-15);
        let flat = pairs(&[1.0, 1.0, 1.0, 2.0]);
        assert!((CorrelationGap.value(&flat, &half).unwrap() - 0.5).abs() < 1e-15);
        assert!(matches!(correlation(&flat), Err(DiscrepancyError::Undefined { .. })));
        let error = CorrelationGap.value(&half, &flat);
        assert!(matches!(error, Err(DiscrepancyError::Undefined { side: "external", .. })));
    }
}
