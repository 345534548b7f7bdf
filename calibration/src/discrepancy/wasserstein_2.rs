//! Wasserstein-2 on the line.
//!
//! `W2^2 = integral over u from 0 to 1 of (F^-1(u) - G^-1(u))^2` (Santambrogio 2015, chapter 2): the
//! mean squared distance that mass must move, to the value of equal rank. As a metric it is divided
//! by the external standard deviation. Next to equality the root has an infinite slope, so the
//! witness is that of the square: the potential with the slope `-2 (x - T(x)) / var_Q`, where
//! `T(x) = G^-1(F(x))` is where mass at x goes: parabolas about the targets T. Where F and G
//! reach the same level the target is anywhere between two external values, a kink, and the
//! witness takes their middle.

use super::both::{self, Both, OnBoth, ROUNDING, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::{DiscrepancyError, Weighted, Witness};

/// `wasserstein-2`.
#[derive(Clone, Copy)]
pub struct Wasserstein2;

const NAME: &str = "wasserstein-2";

/// Values of a side in ascending order, with the distribution function there.
type Levels = Vec<(f64, f64)>;

/// Distinct values that have weight in a lane.
fn levels<const L: usize>(both: &Both<'_, L>, lane: usize) -> [Levels; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    both.each(|place| {
        let [p, q] = &mut sides;
        if place.p[lane] > 0.0 {
            p.push((place.value, place.f[lane]));
        }
        if place.q[lane] > 0.0 {
            q.push((place.value, place.g[lane]));
        }
    });
    sides
}

/// `integral (F^-1 - G^-1)^2 du` in squared units of `scale`. The order of equal values is of no
/// account.
fn cost([p, q]: &[Levels; 2], scale: f64) -> f64 {
    let (mut i, mut j, mut below, mut sum) = (0, 0, 0.0_f64, 0.0);
    while let (Some(&(x, f)), Some(&(y, g))) = (p.get(i), q.get(j)) {
        let to = f.min(g);
        sum += (to - below).max(0.0) * (x - y) * (x - y);
        below = to;
        i += usize::from(f <= g);
        j += usize::from(g <= f);
    }
    sum / (scale * scale)
}

/// `T` between the internal values, and left and right of them.
fn targets([p, q]: &[Levels; 2]) -> Vec<f64> {
    let external = |j: usize| q.get(j).or(q.last()).map_or(0.0, |level| level.0);
    let mut targets = vec![external(0)];
    let mut j = 0;
    for &(_, f) in p {
        while q.get(j).is_some_and(|level| level.1 < f - ROUNDING) {
            j += 1;
        }
        let met = q.get(j).is_some_and(|level| level.1 <= f + ROUNDING);
        let next = if met { external(j + 1) } else { external(j) };
        targets.push(external(j) / 2.0 + next / 2.0);
    }
    targets
}

impl OnBoth for Wasserstein2 {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        std::array::from_fn(|lane| cost(&levels(both, lane), both.sd[lane]).sqrt())
    }
}

fn potential(both: &Both<'_, 1>, centre: f64) -> Witness {
    let sides = levels(both, 0);
    let scale = both.sd[0];
    let knots: Vec<f64> = sides[0].iter().map(|level| level.0).collect();
    let targets = targets(&sides).into_iter().map(|target| (target - centre) / scale);
    // Each parabola meets the one before at the knot between them.
    let (mut at, mut between, mut top) = (Vec::new(), Vec::new(), 0.0);
    for (i, t) in targets.enumerate() {
        if let Some(value) = at.last() {
            let z = (knots[i - 1] - centre) / scale;
            top = value + (z - t) * (z - t);
        }
        between.push([top - t * t, 2.0 * t, -1.0, 0.0, 0.0]);
        if let Some(knot) = knots.get(i) {
            let z = (knot - centre) / scale;
            at.push(top - (z - t) * (z - t));
        }
    }
    Witness::Pieces { knots, at, between, centre, scale }
}

impl OnLine for Wasserstein2 {
    const ABOUT: About = About {
        name: NAME,
        title: "Wasserstein-2",
        definition: "sqrt(integral (F^-1(u) - G^-1(u))^2 du) / external sd",
        reference: "Santambrogio, Optimal transport for applied mathematicians, 2015, chapter 2",
        unit: "external sd",
        squared: true,
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        both::with_spread(NAME, line, *self)
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(both::on_spread_points(NAME, internal, external, |both| {
            potential(both, both.centre())
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(both::on_spread_points(NAME, internal, external, |both| {
            cost(&levels(both, 0), both.sd[0])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

    #[test]
    fn values_by_hand() {
        let value = |p: &[f64], q: &[f64]| {
            Wasserstein2.value(&Sample::real(p.to_vec()), &Sample::real(q.to_vec())).unwrap()
        };
        // The external sd is 1; a shift by 3, and the halves of (0, 2) moved by 1 each.
        assert_eq!(value(&[3.0, 5.0], &[0.0, 2.0]), 3.0);
        assert_eq!(value(&[1.0], &[0.0, 2.0]), 1.0);
        // Ranks, not neighbours: 0 goes to 2 and 5 to 4.
        assert_eq!(value(&[5.0, 0.0], &[2.0, 4.0]), 2.5_f64.sqrt());
    }

    #[test]
    fn the_witness_is_a_parabola_about_each_target() {
        let (p, q) = ([1.0], [0.0, 2.0]);
        let witness = Wasserstein2.witness(Weighted::equal(&p), Weighted::equal(&q));
        let witness = witness.unwrap().unwrap();
        // Left of 1 mass is drawn to 0, right of it to 2.
        assert_eq!([-1.0, 0.0, 1.0, 2.0, 3.0].map(|x| witness.at(x)), [-1.0, 0.0, -1.0, 0.0, -1.0]);
    }
}
