//! Shortfall of the external range.
//!
//! `D = min(1, ((min_P - min_Q)+ + (max_Q - max_P)+) / (max_Q - min_Q))`: the share of the range of
//! the real users that the simulated ones do not reach, 1 - RangeCoverage of SDMetrics. It has no
//! witness: only the outermost rows count.

use super::both::{self, Both, OnBoth, Reading};
use super::cost;
use super::line::Line;
use super::on_line::{About, OnLine};

/// `range-shortfall`.
#[derive(Clone, Copy)]
pub struct RangeShortfall;

const NAME: &str = "range-shortfall";

/// The smallest and the largest value that has weight.
fn range<const L: usize>(both: &Both<'_, L>, side: usize, lane: usize) -> (f64, f64) {
    let (sum, total) = (|sums: &[[f64; L]; 2]| sums[side][lane], both.totals[side][lane]);
    let low = both.sums.partition_point(|sums| sum(sums) <= 0.0);
    let high = both.sums.partition_point(|sums| sum(sums) < total);
    let value = |at: usize| both.line.values().get(at).copied().unwrap_or(f64::NAN);
    (value(low), value(high))
}

impl OnBoth for RangeShortfall {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        std::array::from_fn(|lane| {
            let [p, q] = [0, 1].map(|side| range(both, side, lane));
            let missed = (p.0 - q.0).max(0.0) + (q.1 - p.1).max(0.0);
            if q.1 > q.0 { (missed / (q.1 - q.0)).min(1.0) } else { f64::NAN }
        })
    }
}

impl OnLine for RangeShortfall {
    const ABOUT: About = About {
        name: NAME,
        title: "Shortfall of the range",
        definition: "min(1, ((min_P - min_Q)+ + (max_Q - max_P)+) / (max_Q - min_Q))",
        reference: "SDMetrics, RangeCoverage; DataCebo, Synthetic Data Metrics, 2023",
        cost: cost::PASS,
        most: 1.0,
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        both::with_spread(NAME, line, *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

    #[test]
    fn values_by_hand() {
        let value = |p: &[f64]| {
            let external = Sample::real(vec![0.0, 4.0, 10.0]);
            RangeShortfall.value(&Sample::real(p.to_vec()), &external).unwrap()
        };
        assert_eq!([value(&[-3.0, 12.0]), value(&[1.0, 8.0])], [0.0, 0.3]);
        assert_eq!([value(&[5.0, 5.0]), value(&[30.0, 31.0])], [1.0, 1.0]);
    }
}
