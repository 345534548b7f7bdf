//! What users do next: kind to next kind.

use serde::{Deserialize, Serialize};
use trueup_calibration::features;
use trueup_env::EventLog;

/// Pairs of consecutive events of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transitions {
    /// Name of the calibrator; that of the external side first.
    pub name: String,
    /// Number of pairs, earlier kind by later kind, row by row.
    pub counts: Vec<u64>,
}

impl Transitions {
    /// Share of each next kind after kind `from`, among `kinds`; none where nothing follows it.
    pub fn shares(&self, from: usize, kinds: usize) -> Option<Vec<f64>> {
        let row =
            self.counts.get(from.checked_mul(kinds)?..from.checked_add(1)?.checked_mul(kinds)?)?;
        let total: u64 = row.iter().sum();
        (total > 0).then(|| row.iter().map(|&count| count as f64 / total as f64).collect())
    }
}

/// Pairs of every side over all of its logs; none for one kind. Logs with another number of kinds
/// are left out.
pub(super) fn of(kinds: usize, sides: &[(&str, Vec<&EventLog>)]) -> Vec<Transitions> {
    let Some(feature) = features::find("kind_pair").filter(|_| kinds > 1) else {
        return Vec::new();
    };
    let side = |(name, logs): &(&str, Vec<&EventLog>)| {
        let mut counts = vec![0; kinds * kinds];
        for sample in logs.iter().filter(|l| l.kinds().len() == kinds).map(|l| feature.sample(l)) {
            for &pair in &sample.values {
                if let Some(count) = counts.get_mut(pair as usize) {
                    *count += 1;
                }
            }
        }
        Transitions { name: (*name).to_owned(), counts }
    };
    sides.iter().map(side).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_env::{Clock, Covariates, Event, Tick};

    #[test]
    fn pairs_are_those_of_a_log_counted_by_hand() {
        let clock = Clock { tick: Tick::Day, horizon: 9, start_day: None };
        let users: [&[u16]; 3] = [&[0, 1, 1, 0], &[1], &[0, 1]];
        let events = users.iter().enumerate().flat_map(|(user, kinds)| {
            kinds.iter().enumerate().map(move |(tick, &kind)| {
                let tick = tick as u32;
                (user as u32, Event { tick, kind, amount: 1.0, balance: f64::NAN })
            })
        });
        let kinds = ["in", "out", "other"].map(str::to_owned).to_vec();
        let names = (0..3).map(|u| u.to_string()).collect();
        let log = EventLog::new(clock, kinds, names, events, Covariates::default()).unwrap();
        let found = of(3, &[("real", vec![&log]), ("twice", vec![&log, &log])]);
        assert_eq!(found[0].counts, [0, 2, 0, 1, 1, 0, 0, 0, 0]);
        assert_eq!(found[1].counts, [0, 4, 0, 2, 2, 0, 0, 0, 0]);
        assert_eq!(found[0].shares(1, 3), Some(vec![0.5, 0.5, 0.0]));
        assert_eq!((found[0].shares(2, 3), found[0].shares(3, 3)), (None, None));
        assert!(of(1, &[("real", vec![&log])]).is_empty());
    }
}
