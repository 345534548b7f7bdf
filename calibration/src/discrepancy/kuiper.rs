//! Kuiper's distance: the largest gap upwards plus the largest gap downwards between two
//! distribution functions.
//!
//! `V = max (F - G) + max (G - F)` (Kuiper 1960), from 0 to 1, as sensitive in the tails as in the
//! middle, and the same under any increasing change of scale. Let a be the value where the stretch
//! of the largest gap upwards ends, and b the one where that of the largest gap downwards begins.
//! Witness: mass below a costs 1, mass up to b earns 1, so `1{x <= b} - 1{x < a}`. Where a gap is as
//! large at several places the distance has a kink, and the witness takes the first; a direction
//! without a gap adds nothing.

use super::both::Reading;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::steps::{self, OnSteps, Steps};
use super::{DiscrepancyError, Weighted, Witness};

/// `kuiper`.
pub struct Kuiper;

const NAME: &str = "kuiper";

/// The largest gap in each direction between the distribution functions, added up.
///
/// # Errors
/// Empty sides, values or weights that are not finite.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    steps::on_points(internal, external, |steps| both(steps)[0])
}

#[inline(always)]
fn both<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
    let (mut up, mut down) = ([0.0_f64; L], [0.0_f64; L]);
    steps.each(|_, gaps, width| {
        for lane in 0..L {
            let gap = if width > 0.0 { gaps[lane] } else { 0.0 };
            up[lane] = if gap > up[lane] { gap } else { up[lane] };
            down[lane] = if -gap > down[lane] { -gap } else { down[lane] };
        }
    });
    std::array::from_fn(|lane| up[lane] + down[lane])
}

impl OnSteps for Kuiper {
    #[inline(always)]
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
        both(steps)
    }
}

/// A step at the end of a stretch where the gap is largest.
pub(super) struct Step {
    /// Where it is.
    place: f64,
    /// Whether mass at the place still belongs to the left.
    inclusive: bool,
    /// What mass on the left of it earns.
    pay: f64,
    /// The gap.
    pub(super) gap: f64,
}

/// Where the gap upwards is largest, mass up to the right end of the stretch makes it larger; where
/// the gap downwards is, mass up to the left end makes it smaller.
pub(super) fn largest_gaps(steps: &Steps<'_, 1>) -> [Option<Step>; 2] {
    let (mut up, mut down): (Option<Step>, Option<Step>) = (None, None);
    let (mut open, least) = (false, super::both::ROUNDING);
    steps.each(|left, [gap], width| {
        if let (true, Some(step)) = (open, &mut up) {
            step.place = left;
        }
        open = false;
        if width <= 0.0 {
            return;
        }
        if gap > up.as_ref().map_or(least, |step| step.gap) {
            up = Some(Step { place: left, inclusive: false, pay: -1.0, gap });
            open = true;
        }
        if -gap > down.as_ref().map_or(least, |step| step.gap) {
            down = Some(Step { place: left, inclusive: true, pay: 1.0, gap: -gap });
        }
    });
    [up, down]
}

/// The witness made of steps.
pub(super) fn steps_at(steps: &[Step]) -> Witness {
    let mut knots: Vec<f64> = steps.iter().map(|step| step.place).collect();
    knots.sort_by(f64::total_cmp);
    knots.dedup();
    let sum = |counts: &dyn Fn(&Step) -> bool| -> f64 {
        steps.iter().filter(|step| counts(step)).map(|step| step.pay).sum()
    };
    let beyond = |knot: &f64| sum(&|step| step.place >= *knot);
    let here = |step: &Step, knot: f64| step.place > knot || step.place == knot && step.inclusive;
    let at = knots.iter().map(|knot| sum(&|step| here(step, *knot))).collect();
    let between = knots.iter().map(beyond).chain([0.0]);
    let between = between.map(|pay| [pay, 0.0, 0.0, 0.0, 0.0]).collect();
    Witness::Pieces { knots, at, between, centre: 0.0, scale: 1.0 }
}

impl OnLine for Kuiper {
    const ABOUT: About = About {
        name: NAME,
        title: "Kuiper",
        definition: "max (F - G) + max (G - F)",
        reference: "Kuiper, Tests concerning random points on a circle, Indagationes Mathematicae 22, 1960",
        symmetric: true,
        most: 1.0,
        ..About::USUAL
    };

    fn reading(&self, _line: &Line) -> Reading {
        Ok(steps::reader::<Self>())
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(steps::on_points(internal, external, |steps| {
            let steps: Vec<Step> = largest_gaps(steps).into_iter().flatten().collect();
            steps_at(&steps)
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(distance(internal, external))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;

    #[test]
    fn values_by_hand() {
        let of = |u: &[f64], v: &[f64]| distance(Weighted::equal(u), Weighted::equal(v));
        // F jumps to 1/2 at 0 and to 1 at 3, G jumps to 1 at 1: half a gap in each direction.
        assert_eq!(of(&[0.0, 3.0], &[1.0, 1.0]), Ok(1.0));
        assert_eq!(of(&[0.0, 1.0], &[2.0, 3.0]), Ok(1.0));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0]), Ok(0.5));
        assert_eq!(of(&[5.0, 5.0], &[5.0]), Ok(0.0));
    }

    #[test]
    fn the_witness_draws_mass_between_the_two_places() {
        let (p, q) = ([0.0, 3.0], [1.0, 1.0]);
        let witness = Kuiper.witness(Weighted::equal(&p), Weighted::equal(&q)).unwrap().unwrap();
        let pays = [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0].map(|x| witness.at(x));
        assert_eq!(pays, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }
}
