//! A covariate of users against a fact about what they did, by a name of both: `age~log_count`.
//!
//! Which covariates there are is a matter of the log, so these features stand in no registry; they
//! are made when they are asked for. The fact is a running feature of users (`log_count`), or the
//! share of a kind among the events of a user (`share(kind=deposit)`). A row is a user: (covariate,
//! fact), the covariate as its number where it is a category.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use trueup_env::{Clock, Covariates, EventLog, History, MAX_KINDS};

use super::{Definition, Feature, Level, find};

/// Between the covariate and the fact.
pub const MARK: char = '~';
/// The most relations that are looked at without being asked for.
pub const MOST: usize = 60;

/// Facts that are looked at without being asked for, beside shares of kinds.
const FACTS: [&str; 2] = ["log_count", "mean_log_amount"];
/// A fact that statistics hold too.
const ALSO: &str = "event_count";

/// A fact about what a user did.
#[derive(Clone, Copy)]
enum Fact {
    User(fn(&History, &Clock) -> Option<f64>),
    /// Share of the kind of this place among the events.
    Share(usize),
}

/// A covariate and a fact.
#[derive(Clone, Copy)]
pub struct Relation {
    /// Name of the covariate.
    pub covariate: &'static str,
    fact: Fact,
}

impl Relation {
    /// The fact about a user with this history; none where it is not defined.
    #[inline]
    pub fn fact(&self, history: &History, clock: &Clock) -> Option<f64> {
        match self.fact {
            Fact::User(f) => f(history, clock),
            Fact::Share(place) => {
                let own = history.kind_counts.get(place)?;
                (history.count > 0).then(|| f64::from(*own) / f64::from(history.count))
            }
        }
    }

    /// The row of a user; none where a log has no such covariate or the fact is not defined.
    pub(super) fn row(&self, log: &EventLog, user: usize, history: &History) -> Option<[f64; 2]> {
        let place = log.covariates().place(self.covariate)?;
        let x = *log.covariates().row(user).get(place)?;
        Some([x, self.fact(history, log.clock())?])
    }

    /// Number of categories of the covariate; 0 for numbers.
    pub(super) fn categories(&self, log: &EventLog) -> usize {
        let covariates = log.covariates();
        covariates.place(self.covariate).map_or(0, |place| covariates.categories_of(place).len())
    }
}

/// The covariate and the fact that a name asks for, each as it is written; none where it is no name
/// of this form.
pub fn parts(name: &str) -> Option<(&str, &str)> {
    let marks = name.match_indices(MARK).map(|(at, mark)| (&name[..at], &name[at + mark.len()..]));
    let parts = marks.map(|(covariate, fact)| (covariate.trim(), fact.trim()));
    parts.into_iter().find(|(covariate, fact)| !covariate.is_empty() && is_fact(fact))
}

fn is_fact(fact: &str) -> bool {
    shared_kind(fact).is_some()
        || find(fact).is_some_and(|feature| matches!(feature.definition, Definition::User(_)))
}

/// The kind whose share a fact is.
pub fn shared_kind(fact: &str) -> Option<&str> {
    let kind = fact.strip_prefix("share(kind=")?.strip_suffix(')')?.trim();
    (!kind.is_empty()).then_some(kind)
}

/// A fact in words: what a sentence calls it.
pub fn words(fact: &str) -> String {
    match (fact, shared_kind(fact)) {
        (_, Some(kind)) => format!("share of {kind}"),
        ("log_count" | "event_count", _) => "number of events".into(),
        ("mean_log_amount", _) => "size of amounts (mean log)".into(),
        _ => find(fact).map_or_else(|| fact.replace('_', " "), |f| f.title.to_lowercase()),
    }
}

/// Finds a relation by name in a log of these kinds; of any kinds where they are not known.
pub fn find_among(name: &str, kinds: Option<&[String]>) -> Option<&'static Feature> {
    let (covariate, fact) = parts(name)?;
    let found = match shared_kind(fact) {
        Some(kind) => {
            let place = |kinds: &[String]| kinds.iter().position(|own| own == kind);
            Fact::Share(kinds.map_or(Some(0), place).filter(|&place| place < MAX_KINDS)?)
        }
        None => match find(fact)?.definition {
            Definition::User(f) => Fact::User(f),
            _ => return None,
        },
    };
    Some(of(covariate, fact, found))
}

fn of(covariate: &str, fact: &str, found: Fact) -> &'static Feature {
    type Made = Mutex<HashMap<(String, usize), &'static Feature>>;
    static MADE: OnceLock<Made> = OnceLock::new();
    let name = format!("{covariate}{MARK}{fact}");
    let place = if let Fact::Share(place) = found { place } else { 0 };
    let mut made = MADE.get_or_init(Made::default).lock().unwrap_or_else(PoisonError::into_inner);
    // As features of kinds do, each lives as long as the program.
    made.entry((name.clone(), place)).or_insert_with(|| {
        let covariate: &'static str = covariate.to_owned().leak();
        Box::leak(Box::new(Feature {
            name: name.leak(),
            title: format!("{covariate} against {}", words(fact)).leak(),
            unit: "",
            level: Level::User,
            definition_text: "A covariate of a user, and a fact about what the user did.",
            definition: Definition::Relation(Relation { covariate, fact: found }),
        }))
    })
}

/// The relations of a log that are looked at without being asked for: each covariate against
/// the number of events, the size of amounts and the share of each kind, at most [`MOST`].
pub fn all(covariates: &Covariates, kinds: &[String]) -> Vec<&'static Feature> {
    named(&covariates.names, &FACTS, kinds)
}

/// The relations that statistics hold.
pub fn measured(covariates: &Covariates, kinds: &[String]) -> Vec<&'static Feature> {
    let facts: Vec<&str> = FACTS.into_iter().chain([ALSO]).collect();
    named(&covariates.names, &facts, kinds)
}

fn named(covariates: &[String], facts: &[&str], kinds: &[String]) -> Vec<&'static Feature> {
    let covariates = &covariates[..covariates.len().min(MOST / FACTS.len())];
    // The shares of two kinds are one number.
    let shares = if kinds.len() > 2 { kinds.len() } else { kinds.len() / 2 };
    let shares = shares.min((MOST / covariates.len().max(1)).saturating_sub(FACTS.len()));
    let shares = kinds[..shares].iter().map(|kind| format!("share(kind={kind})"));
    let facts: Vec<String> = facts.iter().map(|fact| (*fact).to_owned()).chain(shares).collect();
    let of_one = |covariate: &String| -> Vec<&'static Feature> {
        let names = facts.iter().map(|fact| format!("{covariate}{MARK}{fact}"));
        names.filter_map(|name| find_among(&name, Some(kinds))).collect()
    };
    covariates.iter().flat_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use trueup_env::{Event, Tick};

    use super::*;

    fn log() -> EventLog {
        let event =
            |user: u32, kind| (user, Event { tick: 1, kind, amount: 2.0, balance: f64::NAN });
        EventLog::new(
            Clock { tick: Tick::Day, horizon: 5, start_day: None },
            ["pay", "a~b"].map(String::from).to_vec(),
            ["u", "v", "w"].map(String::from).to_vec(),
            [event(0, 0), event(0, 1), event(0, 1), event(2, 0)],
            Covariates {
                names: ["age", "x~log_count"].map(String::from).to_vec(),
                values: vec![30.0, 1.0, 40.0, 0.0, 50.0, 1.0],
                categories: vec![vec![], ["f", "m"].map(String::from).to_vec()],
            },
        )
        .unwrap()
    }

    #[test]
    fn rows_are_users_with_a_fact() {
        let log = log();
        let sample = |name: &str| find_among(name, Some(log.kinds())).unwrap().sample(&log);
        let counts = sample("age~event_count");
        assert_eq!(counts.values, [30.0, 3.0, 40.0, 0.0, 50.0, 1.0]);
        assert_eq!((counts.width, counts.categories, counts.users), (2, 0, 3));
        let shares = sample(" age ~ share(kind=a~b)");
        assert_eq!(shares.values, [30.0, 2.0 / 3.0, 50.0, 0.0]);
        assert_eq!(shares.user, [0, 2]);
        let odd = sample("x~log_count~recency");
        assert_eq!((odd.categories, odd.rows()), (2, 3));
        assert_eq!(sample("height~event_count").rows(), 0);
    }

    #[test]
    fn names_are_read_or_refused() {
        assert_eq!(parts("age~log_count"), Some(("age", "log_count")));
        assert_eq!(parts("x~log_count~gap"), None);
        assert_eq!(parts("x~log_count~recency"), Some(("x~log_count", "recency")));
        for bad in ["age", "~log_count", "age~", "age~log_amount", "age~share(kind=)"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
        assert!(find_among("age~share(kind=no)", Some(log().kinds())).is_none());
        assert!(find_among("age~share(kind=no)", None).is_some());
        assert_eq!(words("share(kind=pay)"), "share of pay");
        let covariates = log().covariates().clone();
        let names: Vec<&str> =
            all(&covariates, log().kinds()).iter().map(|feature| feature.name).collect();
        assert_eq!(names[..3], ["age~log_count", "age~mean_log_amount", "age~share(kind=pay)"]);
        assert_eq!(names.len(), 6);
        let many =
            Covariates { names: (0..99).map(|i| i.to_string()).collect(), ..Covariates::default() };
        let kinds: Vec<String> = (0..16).map(|i| i.to_string()).collect();
        assert_eq!(all(&many, &kinds).len(), MOST);
    }
}
