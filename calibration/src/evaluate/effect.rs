//! How large a difference is, against the noise floor.
//!
//! A p-value says whether a difference can be seen with these users; with enough of them every
//! difference can. So a verdict is by size:
//!
//! ```text
//! effect = sqrt((S(value) - S(floor)) / (noise n)),
//! ```
//!
//! with S the squared scale of [`power`](super::power) (`D^2`, or D itself where it is a squared
//! distance), `n = a b / (a + b)` of the a and b users behind the floor, and `noise` what chance alone
//! adds to S there: the mean of S over bootstrap replicates of the floor less S of the floor. `noise
//! n` does not depend on n: it is what users differ by among each other. So `effect` is the difference
//! in units of the difference between users; for a gap of means it is Cohen's `d = gap / sd` (Cohen,
//! *Statistical power analysis for the behavioral sciences*, 1988). It means the same for every
//! discrepancy, in numbers of users: a gap of means is visible (power 0.8 at level 0.05) from
//! `15.7 / effect^2` users a side on, and other discrepancies are in the same range.
//!
//! | verdict | where | what it means |
//! |---|---|---|
//! | `at-floor` | value - floor is at most 2 sd of the floor | as far from the test users as real users are |
//! | `near` | effect below 0.1 | it takes some 1,600 users a side or more to see it |
//! | `apart` | effect below 0.5 | it takes hundreds of users a side |
//! | `far` | effect from 0.5 | some 60 users a side are enough |
//!
//! Where real users are all alike the floor has no noise; the effect of a distance that ends at 1, a
//! share of users or rows, is then the distance itself.
//!
//! The spread of the floor is that of its bootstrap replicates. It shrinks as the real users grow in
//! number, so a small difference leaves `at-floor` for `near` with more data, but never moves on to
//! `apart`.

use super::bootstrap::Measured;
use super::power::Order;
use crate::panel::Verdict;

/// Differences up to so many standard deviations of the floor are the floor.
pub const FLOOR_SPREADS: f64 = 2.0;
/// Effects below this are `near`.
pub const NEAR: f64 = 0.1;
/// Effects from this on are `far`.
pub const FAR: f64 = 0.5;

/// The noise floor of a metric, as differences are measured against it.
pub struct Scale {
    order: Order,
    floor: f64,
    sd: f64,
    /// What chance adds to the squared scale, times the effective number of users.
    noise: f64,
    /// The largest value.
    most: f64,
}

impl Scale {
    /// From the floor with its replicates as they were drawn, not centred, and the
    /// [`effective`](super::power::effective) number of users behind it. `most` is the largest value
    /// that there is.
    pub fn of(order: Order, floor: &Measured, users: f64, most: f64) -> Self {
        let replicates: Vec<f64> = floor.replicates.iter().flatten().copied().collect();
        let mean = |values: &dyn Fn(f64) -> f64| {
            replicates.iter().map(|&r| values(r)).sum::<f64>() / replicates.len().max(1) as f64
        };
        let centre = mean(&|r| r);
        let variance = mean(&|r| (r - centre) * (r - centre));
        let added = mean(&|r| order.square(r)) - order.square(floor.value);
        // A distance at the end of its range has nowhere to go: take its spread for the noise.
        let spread = if order == Order::Root { variance } else { variance.sqrt() };
        let noise = if added > 0.0 { added } else { spread };
        Self { order, floor: floor.value, sd: variance.sqrt(), noise: noise * users, most }
    }

    /// The effect; 0 at or below the floor. None where the floor has no noise to compare with, and the
    /// distance no end.
    pub fn effect(&self, value: f64) -> Option<f64> {
        if self.noise == 0.0 && self.most <= 1.0 {
            return Some((value - self.floor).max(0.0));
        }
        let excess = self.order.square(value) - self.order.square(self.floor);
        let effect = (excess.max(0.0) / self.noise).sqrt();
        (self.noise > 0.0 && effect.is_finite()).then_some(effect)
    }

    /// The verdict. None where the value is above a floor without noise.
    pub fn verdict(&self, value: f64) -> Option<Verdict> {
        if value - self.floor <= FLOOR_SPREADS * self.sd {
            return Some(Verdict::AtFloor);
        }
        self.effect(value).map(|effect| match effect {
            effect if effect < NEAR => Verdict::Near,
            effect if effect < FAR => Verdict::Apart,
            _ => Verdict::Far,
        })
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::super::bootstrap::weights;
    use super::super::power::effective;
    use super::*;
    use crate::discrepancy;
    use crate::sample::Sample;

    fn users(count: usize, seed: u64) -> Sample {
        let mut stream = Streams::new(91).stream("users", seed);
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        Sample::real((0..count).map(|_| normal()).collect())
    }

    /// The scale of a metric between `count` and twice as many users of one law.
    fn scale(name: &str, order: Order, count: usize) -> Scale {
        let (left, right) = (users(count, 1), users(2 * count, 2));
        let prepared = discrepancy::find(name).unwrap().prepare(&left, &right).unwrap();
        let p = weights(count, 200, &Streams::new(1));
        let q = weights(2 * count, 200, &Streams::new(2));
        let floor = Measured::of(prepared.as_ref(), &p, &q).unwrap();
        Scale::of(order, &floor, effective([count, 2 * count], None), f64::INFINITY)
    }

    /// The variance of the bootstrap of a mean is that of the users, with a relative error of
    /// sqrt(2 / 200) = 0.1, half of it on the scale of the effect: within 4 of these.
    #[test]
    fn the_effect_of_a_gap_of_means_is_the_gap_whatever_the_number_of_users() {
        for count in [100, 1000] {
            let scale = scale("mean-gap", Order::Root, count);
            let floor = scale.floor;
            for gap in [0.3_f64, 0.5, 1.0] {
                let value = gap.hypot(floor);
                let effect = scale.effect(value).unwrap();
                assert!((effect / gap - 1.0).abs() < 0.2, "{count} users, {gap}: {effect}");
            }
            assert_eq!(scale.effect(floor), Some(0.0));
            assert_eq!(scale.effect(0.0), Some(0.0));
        }
    }

    /// Under equality, 12 E sup|B|^2 = pi^2 for the Brownian bridge B: an effect of 1 is a
    /// Kolmogorov-Smirnov distance of 0.91 above a floor of many users; 15% for the error of the
    /// bootstrap.
    #[test]
    fn the_effect_of_kolmogorov_smirnov_has_its_closed_form() {
        let scale = scale("kolmogorov-smirnov", Order::Root, 3000);
        let unit = std::f64::consts::PI / 12.0_f64.sqrt();
        let effect = scale.effect(0.5).unwrap();
        assert!((effect * unit / 0.5 - 1.0).abs() < 0.15, "{effect}");
    }

    #[test]
    fn verdicts_go_by_size() {
        let of = |order, value: f64| {
            let floor = Measured { value: 0.02, replicates: vec![Some(0.02), Some(0.04)] };
            // Noise: mean square 0.001 less 0.0004 = 0.0006 at 400 users: 0.24; sd 0.01.
            Scale::of(order, &floor, 400.0, f64::INFINITY).verdict(value)
        };
        let unit = 0.24_f64.sqrt();
        assert_eq!(of(Order::Root, 0.0), Some(Verdict::AtFloor));
        assert_eq!(of(Order::Root, 0.0399), Some(Verdict::AtFloor));
        assert_eq!(of(Order::Root, 0.0401), Some(Verdict::Near));
        assert_eq!(of(Order::Root, 0.11 * unit), Some(Verdict::Apart));
        assert_eq!(of(Order::Root, 0.49 * unit), Some(Verdict::Apart));
        assert_eq!(of(Order::Root, 0.51 * unit), Some(Verdict::Far));
        assert_eq!(of(Order::Squared, 0.0401), Some(Verdict::Near));
        assert_eq!(of(Order::Squared, 1.5), Some(Verdict::Far));
        let flat = Measured { value: 0.0, replicates: vec![Some(0.0), None] };
        let share = Scale::of(Order::Root, &flat, 10.0, 1.0);
        let verdicts = [0.0, 0.09, 0.4, 1.0].map(|value| share.verdict(value).unwrap());
        assert_eq!(verdicts, [Verdict::AtFloor, Verdict::Near, Verdict::Apart, Verdict::Far]);
        let flat = Scale::of(Order::Root, &flat, 10.0, f64::INFINITY);
        assert_eq!((flat.verdict(0.0), flat.verdict(0.1)), (Some(Verdict::AtFloor), None));
        let nothing = Measured { value: 0.1, replicates: vec![] };
        let nothing = Scale::of(Order::Root, &nothing, 0.0, f64::INFINITY);
        assert_eq!((nothing.effect(0.5), nothing.verdict(0.5)), (None, None));
    }
}
