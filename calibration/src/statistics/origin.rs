//! Where statistics come from: a digest of the log, and which of its users they describe, so that a
//! run can tell whether the users it judges by were seen.
//!
//! A digest tells whoever has a candidate for the log whether it is the one, to the last user. A
//! public file tells that by its exact counts anyway; in a private file it would undo the privacy,
//! so that there only the split is kept, which follows from no user's data.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trueup_env::EventLog;

use super::file::{BadField, bad};

/// Where statistics come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// SHA-256 of the whole log as it was read ([`digest`]), in hexadecimal digits; none in private
    /// files.
    #[serde(default)]
    pub digest: Option<String>,
    /// Number of users of the whole log; none in private files.
    #[serde(default)]
    pub users: Option<usize>,
    /// Which of them are not in the statistics; none where all are.
    #[serde(default)]
    pub split: Option<HeldOut>,
}

/// Which users of a log are held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Share of the users.
    pub share: f64,
    /// Root of the draw.
    pub seed: u64,
}

impl Origin {
    /// Checks that every field can be.
    pub(super) fn check(&self) -> Result<(), BadField> {
        let digits =
            |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if self.digest.as_ref().is_some_and(|digest| !digits(digest)) {
            return bad("origin.digest", "is no SHA-256 of 64 hexadecimal digits");
        }
        if self.users == Some(0) {
            return bad("origin.users", "is 0; a log has at least one user");
        }
        if self.split.is_some_and(|split| !(split.share > 0.0 && split.share < 1.0)) {
            return bad("origin.split.share", "is not between 0 and 1");
        }
        Ok(())
    }

    /// Whether a log is the one that the statistics come from; none where the file does not tell.
    pub fn is(&self, log: &EventLog) -> Option<bool> {
        self.digest.as_ref().map(|own| own.eq_ignore_ascii_case(&digest(log)))
    }
}

/// SHA-256 of what users did and when: clock, kinds, and each user's events (tick, kind, amount) in
/// the order of the users. Labels, balances and covariates are not in it, so that it is the same
/// under another key of pseudonyms and for a map that reads fewer columns.
pub fn digest(log: &EventLog) -> String {
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    text("trueup log 1");
    text(log.clock().tick.name());
    log.kinds().iter().for_each(|kind| text(kind));
    hash.update(log.clock().horizon.to_le_bytes());
    hash.update(log.clock().start_day.map_or([0; 9], |day| {
        let mut bytes = [1; 9];
        bytes[1..].copy_from_slice(&day.to_le_bytes());
        bytes
    }));
    for user in 0..log.user_count() {
        let events = log.events_of(user);
        hash.update((events.len() as u64).to_le_bytes());
        for event in events {
            hash.update(event.tick.to_le_bytes());
            hash.update(event.kind.to_le_bytes());
            hash.update(event.amount.to_bits().to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Covariates, Event, Tick};

    use super::*;

    fn log(names: [&str; 2], amounts: [f64; 2], balance: f64) -> EventLog {
        let clock = Clock { tick: Tick::Week, horizon: 4, start_day: Some(3) };
        let event = |i: usize| Event { tick: i as u32, kind: 0, amount: amounts[i], balance };
        let names = names.map(String::from).to_vec();
        let events = (0..2).map(|i| (i as u32, event(i)));
        EventLog::new(clock, vec!["a".into()], names, events, Covariates::default()).unwrap()
    }

    #[test]
    fn a_log_is_known_by_what_users_did_and_not_by_their_names() {
        let one = log(["x", "y"], [1.0, 2.0], 5.0);
        let origin = Origin { digest: Some(digest(&one)), ..Origin::default() };
        assert_eq!(origin.is(&log(["p", "q"], [1.0, 2.0], f64::NAN)), Some(true));
        assert_eq!(origin.is(&log(["x", "y"], [1.0, 2.5], 5.0)), Some(false));
        // Another order of users is another log: a split would hold out others.
        assert_eq!(origin.is(&one.select(&[1, 0])), Some(false));
        assert_eq!(Origin::default().is(&one), None);
        origin.check().unwrap();
        assert!(Origin { digest: Some("12".into()), ..Origin::default() }.check().is_err());
        let split = Some(HeldOut { share: 1.0, seed: 1 });
        assert!(Origin { split, ..Origin::default() }.check().is_err());
    }
}
