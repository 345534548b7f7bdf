//! Plain numbers of a log.

use serde::{Deserialize, Serialize};
use trueup_calibration::discrepancy::between_share_gap::between_share;
use trueup_calibration::discrepancy::correlation_gap::correlation;
use trueup_calibration::features;
use trueup_calibration::sample::Sample;
use trueup_env::EventLog;

/// Numbers that a person of the trade knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Name of the calibrator, or of the external side.
    pub name: String,
    /// Users; of a calibrator over all evaluation seeds.
    pub users: usize,
    /// Events.
    pub events: usize,
    /// Mean number of events a user.
    pub count_mean: f64,
    /// Standard deviation (n) of the number of events a user.
    pub count_sd: f64,
    /// Share of users without an event.
    pub silent_share: f64,
    /// Median amount of an event; none without events.
    pub amount_median: Option<f64>,
    /// Mean ticks between events of a user; none without two events of one user.
    pub gap_mean: Option<f64>,
    /// Share of the variance of log amounts that lies between users, see [`between_share`]; none
    /// where it is not defined.
    pub between_share: Option<f64>,
    /// Pearson correlation of a log amount with the user's next one; none where it is not defined.
    pub lag_1_correlation: Option<f64>,
}

pub(super) fn facts(name: &str, logs: &[&EventLog]) -> Facts {
    let users: usize = logs.iter().map(|log| log.user_count()).sum();
    let events: usize = logs.iter().map(|log| log.events().len()).sum();
    let counts =
        || logs.iter().flat_map(|log| (0..log.user_count()).map(|u| log.events_of(u).len() as f64));
    let count_mean = counts().sum::<f64>() / users.max(1) as f64;
    let variance =
        counts().map(|c| (c - count_mean) * (c - count_mean)).sum::<f64>() / users.max(1) as f64;
    let mut amounts: Vec<f64> =
        logs.iter().flat_map(|log| log.events().iter().map(|e| e.amount)).collect();
    amounts.sort_by(f64::total_cmp);
    let (mut gap_sum, mut gaps) = (0.0, 0usize);
    for log in logs {
        for user in 0..log.user_count() {
            for pair in log.events_of(user).windows(2) {
                gap_sum += f64::from(pair[1].tick.saturating_sub(pair[0].tick));
                gaps += 1;
            }
        }
    }
    Facts {
        name: name.to_owned(),
        users,
        events,
        count_mean,
        count_sd: variance.sqrt(),
        silent_share: counts().filter(|&c| c == 0.0).count() as f64 / users.max(1) as f64,
        amount_median: amounts.get((amounts.len().max(1) - 1) / 2).copied(),
        gap_mean: (gaps > 0).then(|| gap_sum / gaps as f64),
        between_share: pooled("log_amount", logs).and_then(|s| between_share(&s).ok()),
        lag_1_correlation: pooled("amount_pair", logs).and_then(|s| correlation(&s).ok()),
    }
}

/// One feature over several logs, as if all users were of one.
fn pooled(name: &str, logs: &[&EventLog]) -> Option<Sample> {
    let feature = features::find(name)?;
    let mut logs = logs.iter().map(|log| feature.sample(log));
    let mut pool = logs.next()?;
    for sample in logs {
        let offset = pool.users as u32;
        pool.user.extend(sample.user.iter().map(|user| user + offset));
        pool.values.extend(sample.values);
        pool.users += sample.users;
    }
    Some(pool)
}

#[cfg(test)]
mod tests {
    use super::super::tests::log;

    #[test]
    fn facts_are_those_of_a_log_counted_by_hand() {
        let log = log(&[&[(0, 1.0), (2, 2.0), (5, 4.0)], &[], &[(3, 8.0)]]);
        let facts = super::facts("real", &[&log]);
        assert_eq!((facts.users, facts.events), (3, 4));
        assert!((facts.count_mean - 4.0 / 3.0).abs() < 1e-12);
        assert!((facts.count_sd - (14.0f64 / 9.0).sqrt()).abs() < 1e-12);
        assert!((facts.silent_share - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((facts.amount_median, facts.gap_mean), (Some(2.0), Some(2.5)));
        // Amounts double each time: ln 2 higher each, so that the two pairs lie on a line.
        assert!((facts.lag_1_correlation.unwrap() - 1.0).abs() < 1e-12);
        // Two copies of the log as two evaluation seeds: the same shares and means, more users.
        let logs = [&log, &log];
        let twice = super::facts("real", &logs);
        assert_eq!((twice.users, twice.count_mean), (6, facts.count_mean));
        assert_eq!((facts.between_share, twice.between_share.is_some()), (None, true));
    }
}
