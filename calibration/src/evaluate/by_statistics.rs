//! Judges simulations by statistics alone, where there is no log of real users to hold them against.
//!
//! Each metric compares the rows of simulated users with the law in the file: a comb of equally
//! likely quantiles in the place of real rows, categories by their shares, and for pairs the
//! correlation. Whatever needs the sequences or vectors of single users is left out.
//!
//! *This is no held-out judgement*: what simulations were fitted to also judges them. The floor is
//! approximate: the mean distance of rows that are drawn from the law itself, as many as tell as much
//! as the users of both sides, n m / (n + m), and each as if it were a user of its own, which is too
//! low for features of events. Intervals are over simulated users alone.

use rayon::prelude::*;
use trueup_env::Streams;

use super::bootstrap::{Measured, Weights, weights};
use super::metrics::{self, Source};
use super::summary::{Entry, against_floor, is_optimised, mean_excess, median_gap};
use super::{Metric, PanelConfig, PanelError, Run, default_panel};
use crate::discrepancy::Named;
use crate::panel::{CalibratorPanel, LeftOut};
use crate::reward::Term;
use crate::sample::{Sample, Shape};
use crate::statistics::{FeatureStatistics, Form, Statistics};

/// Rows of a comb.
const COMB: usize = 2000;
/// The discrepancy of pairs that a file tells enough for.
const CORRELATION: &str = "correlation-gap";
/// Draws behind a floor.
const DRAWS: usize = 40;

/// A metric and the law that it compares with.
struct Judge<'a> {
    source: Source,
    discrepancy: Named,
    entry: &'a FeatureStatistics,
    law: Sample,
}

/// Evaluates the runs on one panel, as [`super::evaluate`] does by a log.
///
/// # Errors
/// Bad settings, no runs, or nothing to measure.
pub fn evaluate_by_statistics(
    runs: &[Run],
    statistics: &Statistics,
    terms: &[Term],
    config: &PanelConfig,
    streams: &Streams,
) -> Result<Vec<CalibratorPanel>, PanelError> {
    config.check().map_err(PanelError::BadConfig)?;
    let (judges, left_out) = judges(statistics, config)?;
    let simulated = runs.iter().flat_map(|run| &run.logs).map(|log| log.user_count()).min();
    let Some(simulated) = simulated.filter(|users| *users > 0) else {
        return Err(PanelError::BadRuns("there is no simulated user to judge".into()));
    };
    let floors: Vec<Option<Measured>> = judges
        .par_iter()
        .enumerate()
        .map(|(i, judge)| judge.floor(simulated, &streams.child("floor", i as u64)))
        .collect();
    if floors.iter().all(Option::is_none) {
        return Err(PanelError::NothingToMeasure("the file holds no feature of the panel".into()));
    }
    let measured: Vec<Vec<Option<Measured>>> =
        runs.iter().map(|run| measure(run, &judges, config, streams)).collect();
    let before = runs.iter().position(|run| run.name == config.before);
    let panel = |(run, own): (&Run, &Vec<Option<Measured>>)| {
        let mut one = CalibratorPanel {
            name: run.name.clone(),
            left_out: left_out.clone(),
            ..CalibratorPanel::default()
        };
        let mut entries = Vec::new();
        for (i, (judge, floor)) in judges.iter().zip(&floors).enumerate() {
            let Some(floor) = floor else { continue };
            let floor_high = floor.interval(0.0, f64::INFINITY)[1];
            let entry = Entry {
                feature: judge.source.name(),
                floor_high,
                at_floor: own[i].as_ref().is_some_and(|own| own.value <= floor_high),
                discrepancy: judge.discrepancy.label(),
                measured: own[i].as_ref(),
                floor: Some(floor),
                alike: None,
                concentrated: false,
                before: before.and_then(|b| measured[b][i].as_ref()),
                optimised: is_optimised(terms, judge.source, &judge.discrepancy),
                feature_rewarded: terms.iter().any(|term| judge.source.contains(&term.feature)),
            };
            match &own[i] {
                Some(value) => one.panel.push(entry.row(judge.source, &judge.discrepancy, value)),
                None => one.left_out.push(LeftOut {
                    feature: judge.source.name().into(),
                    discrepancy: Some(judge.discrepancy.label().into()),
                    reason: "the value is not defined for these users".into(),
                }),
            }
            entries.push(entry);
        }
        one.against_floor = against_floor(entries.iter());
        one.against_floor_unseen = against_floor(entries.iter().filter(|e| !e.feature_rewarded));
        let gap = median_gap(entries.iter().filter(|entry| !entry.optimised));
        one.gap_closed = gap.as_ref().map(|gap| gap.value);
        one.gap_closed_ci = gap.map(|gap| gap.interval(f64::NEG_INFINITY, f64::INFINITY));
        let unseen = median_gap(entries.iter().filter(|entry| !entry.feature_rewarded));
        one.gap_closed_unseen = unseen.map(|gap| gap.value);
        one.mean_excess = mean_excess(&entries);
        one
    };
    Ok(runs.iter().zip(&measured).map(panel).collect())
}

/// The metrics that the statistics can judge, and those that they cannot.
fn judges<'a>(
    statistics: &'a Statistics,
    config: &PanelConfig,
) -> Result<(Vec<Judge<'a>>, Vec<LeftOut>), PanelError> {
    let wanted = match &config.metrics {
        Some(metrics) => metrics.clone(),
        None => default_panel::metrics(config.panel),
    };
    let names: Vec<String> = wanted.iter().map(|metric| metric.discrepancy.clone()).collect();
    let (mut judges, mut left_out) = (Vec::new(), Vec::new());
    for metric in metrics::expand(wanted, &statistics.kinds)? {
        let is_named = names.contains(&metric.discrepancy);
        let (source, discrepancy) = metrics::resolve(&metric, &statistics.kinds, config, is_named)?;
        let entry = statistics.feature(source.name()).ok_or("the statistics do not hold it");
        match entry.and_then(|entry| Ok((entry, law(entry, &discrepancy)?))) {
            Ok((entry, law)) => judges.push(Judge { source, discrepancy, entry, law }),
            Err(reason) => {
                let Metric { feature, discrepancy } = metric;
                let (discrepancy, reason) = (Some(discrepancy), reason.into());
                left_out.push(LeftOut { feature, discrepancy, reason });
            }
        }
    }
    Ok((judges, left_out))
}

/// Rows that stand for the law of a feature, as this discrepancy sees it.
fn law(entry: &FeatureStatistics, discrepancy: &Named) -> Result<Sample, &'static str> {
    const ROWS: &str = "it needs rows of single users, which statistics do not hold";
    if discrepancy.ordered() {
        return Err(ROWS);
    }
    let comb = |values: &[f64], weights: &[f64]| -> Vec<f64> {
        let total: f64 = weights.iter().sum();
        let (mut at, mut below) = (0, 0.0);
        let tooth = |i: usize| {
            let share = (i as f64 + 0.5) / COMB as f64 * total;
            while at + 1 < values.len() && below + weights[at] < share {
                below += weights[at];
                at += 1;
            }
            values[at]
        };
        (0..COMB).map(tooth).collect()
    };
    let sample = match (&entry.form, discrepancy.shape()) {
        (Form::Grid(law), Shape::Real) => {
            let (values, weights) = law.points();
            Sample::real(comb(&values, &weights))
        }
        (Form::Counts { counts }, Shape::Category) => {
            let values: Vec<f64> = (0..counts.len()).map(|c| c as f64).collect();
            let shape = Shape::Category;
            Sample { shape, categories: counts.len(), ..Sample::real(comb(&values, counts)) }
        }
        (Form::Pair { correlation, .. }, Shape::Vector) if discrepancy.name() == CORRELATION => {
            // Pairs of signs, of which so many agree.
            let agree = ((1.0 + correlation) / 2.0 * COMB as f64).round() as usize;
            let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
            let pair = |i: usize| [sign(i), if i < agree { sign(i) } else { -sign(i) }];
            let values = (0..COMB).flat_map(pair).collect();
            let users = Sample::real(vec![0.0; COMB]);
            Sample { shape: Shape::Vector, width: 2, values, ..users }
        }
        _ => return Err(ROWS),
    };
    if discrepancy.shape() != Shape::Vector && sample.values.iter().all(|x| *x == sample.values[0])
    {
        return Err("all of its values are equal among the real users");
    }
    Ok(sample)
}

/// What each judge says of a run, the mean over its evaluation seeds.
fn measure(
    run: &Run,
    judges: &[Judge<'_>],
    config: &PanelConfig,
    streams: &Streams,
) -> Vec<Option<Measured>> {
    let seeds: Vec<Weights> = (0u64..)
        .zip(&run.logs)
        .map(|(seed, log)| {
            let own = streams.child("run", 0).child(&run.name, seed);
            weights(log.user_count(), config.replicates, &own)
        })
        .collect();
    let ones = vec![vec![1.0; COMB]; config.replicates];
    let one = |judge: &Judge<'_>| {
        let values: Vec<Measured> = run
            .logs
            .iter()
            .zip(&seeds)
            .filter_map(|(log, weights)| {
                let sample = judge.source.sample(log);
                let prepared = judge.discrepancy.prepare(&sample, &judge.law).ok()?;
                Measured::of(prepared.as_ref(), weights, &ones)
            })
            .collect();
        Measured::mean(&values.iter().collect::<Vec<_>>()).map(Measured::centred)
    };
    judges.par_iter().map(one).collect()
}

impl Judge<'_> {
    /// The approximate floor for so many simulated users.
    fn floor(&self, simulated: usize, streams: &Streams) -> Option<Measured> {
        let (n, m) = (simulated as f64, self.entry.users as f64);
        let rows = ((n * m / (n + m)).round() as usize).max(2);
        let draw = |draw: usize| {
            let mut stream = streams.stream("draw", draw as u64);
            let picked: Vec<usize> = (0..rows).map(|_| stream.below(COMB)).collect();
            let width = self.law.width;
            let values = picked.iter().flat_map(|&i| self.law.values[i * width..][..width].iter());
            let values = values.copied().collect();
            let user = (0..rows as u32).collect();
            let own = Sample { values, user, users: rows, ..self.law.clone() };
            self.discrepancy.value(&own, &self.law).ok().filter(|value| value.is_finite())
        };
        let replicates: Vec<Option<f64>> = (0..DRAWS).map(draw).collect();
        let defined: Vec<f64> = replicates.iter().flatten().copied().collect();
        let value = defined.iter().sum::<f64>() / defined.len() as f64;
        (!defined.is_empty()).then_some(Measured { value, replicates })
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Covariates, Event, EventLog, Tick};

    use super::*;
    use crate::evaluate::evaluate;
    use crate::panel::PanelRow;

    /// Users with counts and amounts of their own.
    fn log(users: u32, shift: f64, seed: u64) -> EventLog {
        let mut events = Vec::new();
        for user in 0..users {
            let mut stream = Streams::new(seed).stream("user", u64::from(user));
            let level = 1.0 + 20.0 * stream.uniform();
            for _ in 0..1 + stream.below(8) {
                let (tick, kind) = (stream.below(20) as u32, stream.below(2) as u16);
                let amount = shift * level * (1 + stream.below(4)) as f64;
                events.push((user, Event { tick, kind, amount, balance: f64::NAN }));
            }
        }
        let clock = Clock { tick: Tick::Week, horizon: 20, start_day: None };
        let labels = (0..users).map(|user| user.to_string()).collect();
        let kinds = vec!["a".into(), "b".into()];
        EventLog::new(clock, kinds, labels, events, Covariates::default()).unwrap()
    }

    /// Held against the statistics of a log, a simulation has the distances that it has from the log
    /// itself, where the file tells as much; to what a comb of 2,000 rows leaves out.
    #[test]
    fn statistics_judge_as_their_log_does() {
        let real = log(700, 1.0, 1);
        let runs = [("personas", 1.4), ("near", 1.0)]
            .map(|(name, shift)| Run { name: name.into(), logs: vec![log(400, shift, 2)] });
        let config = PanelConfig { replicates: 40, permutations: 0, ..PanelConfig::default() };
        let streams = Streams::new(1);
        let statistics = Statistics::of(&real);
        let by_file = evaluate_by_statistics(&runs, &statistics, &[], &config, &streams).unwrap();
        let by_log = evaluate(&runs, None, &real, &[], &config, &streams).unwrap();
        let mut compared = 0;
        for (file, log) in by_file.iter().zip(&by_log) {
            for row in &file.panel {
                let same = |other: &&PanelRow| {
                    (&other.feature, &other.discrepancy) == (&row.feature, &row.discrepancy)
                };
                let Some(other) = log.panel.iter().find(same) else { continue };
                let close = 0.02 + 0.05 * other.value;
                assert!((row.value - other.value).abs() < close, "{row:?} {other:?}");
                assert!(row.ci[0] <= row.value && row.value <= row.ci[1], "{row:?}");
                compared += 1;
            }
            assert!(file.left_out.iter().any(|out| out.feature == "user_vector"));
        }
        assert!(compared > 100, "{compared}");
        let [far, near] = [&by_file[0], &by_file[1]].map(|one| one.mean_excess.unwrap());
        assert!(far > 0.05 && near.abs() < 0.03, "{far} {near}");
        assert_eq!(by_file[0].gap_closed, Some(0.0));
        // The two differ in amounts alone.
        let of_amounts =
            |row: &&PanelRow| row.feature == "log_amount" && row.discrepancy == "wasserstein-1";
        let closed = by_file[1].panel.iter().find(of_amounts).unwrap().gap_closed.unwrap();
        assert!(closed > 0.5, "{closed}");
        // What a reward moves is marked as by a log: a term of one binned divergence moves them all.
        let feature = "log_amount".into();
        let terms = [Term { feature, discrepancy: "psi".into(), weight: 1.0 }];
        let metrics = ["psi", "hellinger", "wasserstein-1"].map(|discrepancy| Metric {
            feature: "log_amount".into(),
            discrepancy: discrepancy.into(),
        });
        let few = PanelConfig { metrics: Some(metrics.into()), ..config.clone() };
        let marks = |panels: Vec<CalibratorPanel>| {
            panels[0].panel.iter().map(|row| row.optimised).collect::<Vec<_>>()
        };
        let marked =
            marks(evaluate_by_statistics(&runs, &statistics, &terms, &few, &streams).unwrap());
        assert_eq!(marked, [true, true, false]);
        assert_eq!(marked, marks(evaluate(&runs, None, &real, &terms, &few, &streams).unwrap()));
        let again = evaluate_by_statistics(&runs, &statistics, &[], &config, &streams).unwrap();
        assert_eq!(by_file, again);
    }
}
