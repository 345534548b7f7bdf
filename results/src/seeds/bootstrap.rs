//! Percentile intervals from the stratified bootstrap: the runs of every task are drawn again with
//! replacement, apart from those of other tasks, and the statistic is taken of each such draw.
//!
//! Source: Efron, *Bootstrap methods: another look at the jackknife*, Annals of Statistics 7, 1979;
//! stratified by task in Agarwal et al. (2021), section 4.1. The interval speaks of other seeds on
//! the same tasks, not of other tasks. It is too narrow for very few runs in all; Student's interval
//! ([`mean_over_seeds`](crate::mean_over_seeds)) is the one for a mean over a handful of seeds.

use trueup_env::{Stream, Streams};

use super::aggregate::Aggregate;
use super::scores::Scores;

/// How intervals are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of draws.
    pub replicates: u64,
    /// Share of draws inside the interval.
    pub level: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { replicates: 2000, level: 0.95 }
    }
}

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value of the runs that there are.
    pub value: f64,
    /// Percentile interval; none where [`Estimate::no_interval`] says why.
    pub ci: Option<[f64; 2]>,
    /// Why there is no interval.
    pub no_interval: Option<NoInterval>,
}

/// Why there is no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInterval {
    /// A task has one run.
    #[error("task {task} has a single run, which says nothing of the spread over seeds; run more")]
    SingleRun {
        /// Place of the first such task.
        task: usize,
    },
    /// So few runs that too many draws are the same: a draw holds nothing but the lowest run of each
    /// task more often than a draw may lie below the interval.
    #[error(
        "so few runs can be drawn again in too few ways; an interval takes at least {least} a task"
    )]
    TooFewRuns {
        /// The least number of runs a task, were it the same for all.
        least: usize,
    },
    /// Nothing was drawn.
    #[error("an interval takes at least one draw and a level between 0 and 1")]
    Settings,
}

impl Bootstrap {
    /// An aggregate with its interval.
    pub fn aggregate(&self, scores: &Scores, what: Aggregate, streams: &Streams) -> Estimate {
        let value = |tasks: &[Vec<f64>]| vec![what.of(tasks)];
        one(self.estimates(&[scores], streams, |sides| value(sides[0])))
    }

    /// Several values at once, of one method or more, whose runs are drawn independently. The
    /// statistic sees scores by task and run, one entry a method, and returns as many values each
    /// time.
    pub(super) fn estimates(
        &self,
        methods: &[&Scores],
        streams: &Streams,
        statistic: impl Fn(&[&[Vec<f64>]]) -> Vec<f64>,
    ) -> Vec<Estimate> {
        let draw = |replicate: u64| {
            let mut stream = streams.stream("seed-bootstrap", replicate);
            methods.iter().map(|scores| drawn(scores, &mut stream)).collect::<Vec<_>>()
        };
        self.estimates_of(methods, draw, statistic)
    }

    /// As [`Bootstrap::estimates`], with draws that are given.
    pub(super) fn estimates_of(
        &self,
        methods: &[&Scores],
        draw: impl Fn(u64) -> Vec<Vec<Vec<f64>>>,
        statistic: impl Fn(&[&[Vec<f64>]]) -> Vec<f64>,
    ) -> Vec<Estimate> {
        let given: Vec<&[Vec<f64>]> = methods.iter().map(|scores| scores.tasks()).collect();
        let values = statistic(&given);
        let why = match methods.iter().find_map(|scores| scores.single_run()) {
            Some(task) => Some(NoInterval::SingleRun { task }),
            None if self.replicates == 0 || !(self.level > 0.0 && self.level < 1.0) => {
                Some(NoInterval::Settings)
            }
            None => self.too_few(methods),
        };
        if why.is_some() {
            let alone = |value| Estimate { value, ci: None, no_interval: why };
            return values.into_iter().map(alone).collect();
        }
        let mut draws = vec![Vec::with_capacity(self.replicates as usize); values.len()];
        for replicate in 0..self.replicates {
            let drawn = draw(replicate);
            let drawn: Vec<&[Vec<f64>]> = drawn.iter().map(Vec::as_slice).collect();
            draws.iter_mut().zip(statistic(&drawn)).for_each(|(all, value)| all.push(value));
        }
        let outside = (1.0 - self.level) / 2.0;
        let with_ends = |(value, mut all): (f64, Vec<f64>)| {
            all.sort_by(f64::total_cmp);
            let ci = Some([quantile(&all, outside), quantile(&all, 1.0 - outside)]);
            Estimate { value, ci, no_interval: None }
        };
        values.into_iter().zip(draws).map(with_ends).collect()
    }
}

impl Bootstrap {
    /// Whether the ends of an interval are nothing but the lowest and the highest runs: of n runs, a
    /// draw is the lowest n times with probability n^-n.
    fn too_few(&self, methods: &[&Scores]) -> Option<NoInterval> {
        let outside = (1.0 - self.level) / 2.0;
        let lowest = |runs: usize| (runs as f64).powi(-(runs as i32));
        let tasks = || methods.iter().flat_map(|scores| scores.tasks());
        let chance: f64 = tasks().map(|runs| lowest(runs.len())).product();
        let of_all = |runs: usize| lowest(runs).powi(tasks().count() as i32);
        let least = (2..).find(|&runs| of_all(runs) < outside)?;
        (chance >= outside).then_some(NoInterval::TooFewRuns { least })
    }
}

/// The fewest seeds that give a 95% interval of one number of one method.
pub const LEAST_SEEDS: usize = 4;

/// The single estimate of a statistic of one value.
pub(super) fn one(estimates: Vec<Estimate>) -> Estimate {
    let nothing = Estimate { value: f64::NAN, ci: None, no_interval: Some(NoInterval::Settings) };
    estimates.into_iter().next().unwrap_or(nothing)
}

/// The runs of every task, drawn again with replacement.
fn drawn(scores: &Scores, stream: &mut Stream) -> Vec<Vec<f64>> {
    let again = |runs: &Vec<f64>| {
        let next = |_: &f64| runs.get(stream.below(runs.len())).copied();
        runs.iter().filter_map(next).collect()
    };
    scores.tasks().iter().map(again).collect()
}

/// The quantile of ascending values, interpolated linearly between neighbours: type 7 of Hyndman
/// and Fan, *Sample quantiles in statistical packages*, The American Statistician 50, 1996.
fn quantile(ascending: &[f64], share: f64) -> f64 {
    let place = share * (ascending.len() as f64 - 1.0);
    let below = place.floor().max(0.0) as usize;
    match (ascending.get(below), ascending.get(below + 1)) {
        (Some(low), Some(high)) => low + (place - below as f64) * (high - low),
        (Some(last), None) => *last,
        _ => f64::NAN,
    }
}
