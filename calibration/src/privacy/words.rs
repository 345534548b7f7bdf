//! What follows, in plain words.

use serde::{Deserialize, Serialize};

use super::{Closeness, Privacy};

/// Chance of calling a simulation that copies nobody a copy: three tests share it.
const FALSE_ALARM: f64 = 0.01;

/// What the numbers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Simulated users are no closer to training users than chance explains.
    NoSignOfCopying,
    /// They are closer than chance explains (at most one false alarm in a hundred).
    Copies,
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// `61.2% (58.9% to 63.5%) where 50.0% is to be expected`.
fn found(closeness: &Closeness) -> String {
    let [low, high] = closeness.share.interval.map(percent);
    let (value, expected) = (percent(closeness.share.value), percent(closeness.expected));
    format!("{value} ({low} to {high}) where {expected} is to be expected")
}

impl Privacy {
    /// Sets the verdict and its words.
    pub(super) fn judge(&mut self) {
        let tests = [
            ("Of all simulated users", &self.all),
            ("Of the simulated users that come nearest to any real user", &self.nearest),
            ("Of the simulated users that equal a real user", &self.equal),
        ];
        let caught =
            tests.iter().find(|(_, test)| test.p_value <= FALSE_ALARM / tests.len() as f64);
        let (verdict, first) = match caught {
            Some((who, test)) => (
                Verdict::Copies,
                format!(
                    "The simulation repeats training users. {who}, the share closer to a training \
                     user than to any held-out one is {}, more than chance explains (p = {:.4}).",
                    found(test),
                    test.p_value
                ),
            ),
            None => (
                Verdict::NoSignOfCopying,
                format!(
                    "No sign of copied training users: the share of simulated users closer to a \
                     training user than to any held-out one is {}. This is no proof of anonymity.",
                    found(&self.all)
                ),
            ),
        };
        let [own, other] = [self.simulated.equal.value, self.holdout.equal.value].map(percent);
        let second = format!(
            "{own} of the simulated users equal a training user; of held-out users {other}."
        );
        self.verdict = verdict;
        self.words = format!("{first} {second}");
    }
}
