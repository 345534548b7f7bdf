//! Train and test users.

use trueup_env::{EventLog, Streams};

use super::error::ExternalError;

/// The least number of users on a side. A bootstrap over users, five-fold cross-validation and the
/// noise floor all need some; 20 is where a 95% percentile interval begins to exist (2.5% of
/// fewer is less than half a user) and each fold has four.
pub const MIN_USERS: usize = 20;

/// The two sides of a log; every user is on exactly one.
#[derive(Clone, Debug)]
pub struct Split {
    /// What calibrators see.
    pub train: EventLog,
    /// What only the panel sees.
    pub test: EventLog,
}

/// Splits the users at random: `test_share` of them, rounded, are test users; each subset of that
/// size is equally likely. Both sides keep the order of the users.
///
/// # Errors
/// A share outside (0, 1), fewer than [`MIN_USERS`] users on a side, or a side with nothing to
/// calibrate: no events, or none with an amount above 0. Amounts that are all equal leave when and
/// how often users act.
pub fn split(log: &EventLog, test_share: f64, streams: &Streams) -> Result<Split, ExternalError> {
    if !(test_share > 0.0 && test_share < 1.0) {
        return Err(ExternalError::TestShare(test_share));
    }
    let users = log.user_count();
    let test_count = ((users as f64 * test_share).round() as usize).min(users);
    let train_count = users - test_count;
    if test_count.min(train_count) < MIN_USERS {
        return Err(ExternalError::TooFewUsers {
            users,
            train: train_count,
            test: test_count,
            needed: MIN_USERS,
        });
    }
    // The first `test_count` places of a Fisher-Yates shuffle.
    let mut order: Vec<usize> = (0..users).collect();
    let mut stream = streams.stream("split", 0);
    for i in 0..test_count {
        let other = i + stream.below(users - i);
        order.swap(i, other);
    }
    let (test, train) = order.split_at_mut(test_count);
    test.sort_unstable();
    train.sort_unstable();
    let split = Split { train: log.select(train), test: log.select(test) };
    require_events("train", &split.train)?;
    require_events("test", &split.test)?;
    Ok(split)
}

fn require_events(side: &'static str, log: &EventLog) -> Result<(), ExternalError> {
    let (what, remedy) = match log.events() {
        [] => ("have no events in their windows", "widen the window, or check the filters"),
        events if events.iter().all(|event| event.amount <= 0.0) => {
            ("have no event with an amount above 0", "check which column `columns.amount` names")
        }
        _ => return Ok(()),
    };
    Err(ExternalError::NothingToCalibrate { side, what: what.into(), remedy })
}
