//! Gaps between two series over the ticks of the window: daily events, daily volume, returns.
//!
//! A series is the sum of what the users add to each tick, divided by their number, so that user
//! weights act on it linearly. Each discrepancy of this folder measures a fact of a series, one
//! number or a few, and is the mean absolute gap of these numbers. They have no witness: what one
//! user adds to a tick moves a fact only together with what the others add.

use super::lanes::InLanes;
use super::user_sums::UserSums;
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, check};
use crate::sample::{Sample, Shape};
use crate::stylised;

pub mod absolute_autocorrelation_gap;
pub mod aggregational_gaussianity_gap;
pub mod autocorrelation_gap;
pub mod growth_gap;
pub mod hill_gap;
pub mod kurtosis_gap;
pub mod leverage_gap;
pub mod weekday_profile_gap;

/// No window has more ticks.
const MOST_TICKS: usize = 1 << 20;
const WHY: &str = "its series over the ticks does not vary, or has too few ticks";

/// The mean absolute gap of a fact between two series. A simulated series of which the fact is not
/// defined, because nothing varies, counts as one whose numbers are all 0.
#[derive(Clone, Copy)]
pub struct SeriesGap {
    name: &'static str,
    title: &'static str,
    definition: &'static str,
    reference: &'static str,
    parameters: &'static [Parameter],
    /// The largest value.
    most: f64,
    /// One value a parameter.
    values: [f64; 2],
    /// The numbers of a series, as many for every series of that length; none where they are not
    /// defined.
    fact: fn(&[f64], &[f64; 2]) -> Option<Vec<f64>>,
}

/// Whether a fact of returns is measured on the series or on its changes.
const CHANGES: Parameter = Parameter {
    name: "changes",
    meaning: "1: on changes from tick to tick; 0: on the series as it is, when it holds returns",
    default: 1.0,
    low: 0.0,
    high: 1.0,
    whole: true,
};

const fn lags(default: f64) -> Parameter {
    let meaning = "the largest lag, in ticks";
    Parameter { name: "lags", meaning, default, low: 1.0, high: 366.0, whole: true }
}

/// The series that a fact of returns is measured on.
fn returns(series: &[f64], changes: f64) -> Vec<f64> {
    if changes == 0.0 { series.to_vec() } else { stylised::changes(series) }
}

impl Discrepancy for SeriesGap {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn definition(&self) -> &'static str {
        self.definition
    }

    fn reference(&self) -> &'static str {
        self.reference
    }

    fn cost(&self) -> &'static str {
        "O(n + m) time a value, and ticks x lags; memory of the rows"
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.parameters
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let mut own = *self;
        own.values.iter_mut().zip(values).for_each(|(own, value)| *own = *value);
        (!self.parameters.is_empty()).then(|| Box::new(own) as Box<dyn Discrepancy>)
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        self.most
    }

    fn shape(&self) -> Shape {
        Shape::Series
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(self.name, Shape::Series, 2, internal, external)?;
        let pair = PreparedGap {
            internal: Side::of("internal", internal)?,
            external: Side::of("external", external)?,
            gap: *self,
        };
        let series = pair.external.under([&vec![1.0; external.users]]);
        let known = series.and_then(|[series]| (self.fact)(&series, &self.values));
        match known {
            Some(_) => Ok(Box::new(pair)),
            None => Err(DiscrepancyError::Undefined {
                discrepancy: self.name,
                side: "external",
                why: WHY,
            }),
        }
    }
}

struct PreparedGap {
    internal: Side,
    external: Side,
    gap: SeriesGap,
}

/// What each user adds to each tick.
struct Side {
    /// (user, tick, what is added).
    rows: Vec<(u32, u32, f64)>,
    ticks: usize,
    /// Rows and users.
    counts: UserSums<2>,
}

impl Side {
    fn of(side: &'static str, sample: &Sample) -> Result<Self, DiscrepancyError> {
        let ticks = sample.categories;
        let bad = |row: usize, tick: f64| {
            DiscrepancyError::Mismatch(format!(
                "{side} row {row} is at tick {tick}; the ticks of the window are numbered from 0, \
                 and there are {ticks}"
            ))
        };
        if ticks == 0 || ticks > MOST_TICKS {
            return Err(DiscrepancyError::Mismatch(format!(
                "the {side} window has {ticks} ticks; 1 to {MOST_TICKS} are possible"
            )));
        }
        let mut rows = Vec::with_capacity(sample.rows());
        for (i, (row, &user)) in sample.values.chunks_exact(2).zip(&sample.user).enumerate() {
            let (tick, value) = (row[0], row[1]);
            if !(tick >= 0.0 && tick < ticks as f64 && tick.fract() == 0.0) {
                return Err(bad(i, tick));
            }
            rows.push((user, tick as u32, value));
        }
        let of_rows = sample.user.iter().map(|&user| (user as usize, [1.0, 0.0]));
        let of_users = (0..sample.users).map(|user| (user, [0.0, 1.0]));
        let counts = UserSums::of(sample.users, of_rows.chain(of_users));
        Ok(Self { rows, ticks, counts })
    }

    /// The series under each weighting; none where one leaves no rows.
    fn under<const L: usize>(&self, weights: [&[f64]; L]) -> Option<[Vec<f64>; L]> {
        let users = self.counts.under_each(weights)?.map(|[_, users]| users);
        let mut sums = vec![[0.0; L]; self.ticks];
        for &(user, tick, value) in &self.rows {
            let sum = &mut sums[tick as usize];
            for lane in 0..L {
                sum[lane] += weights[lane][user as usize] * value;
            }
        }
        let series = |lane: usize| sums.iter().map(|sum| sum[lane] / users[lane]).collect();
        Some(std::array::from_fn(series))
    }
}

impl InLanes for PreparedGap {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        let fact = |series: &[f64]| (self.gap.fact)(series, &self.gap.values);
        Some(std::array::from_fn(|lane| {
            let q = fact(&q[lane])?;
            let p = fact(&p[lane]).unwrap_or_else(|| vec![0.0; q.len()]);
            let sum: f64 = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum();
            let mean = sum / q.len() as f64;
            mean.is_finite().then_some(mean)
        }))
    }
}
