//! Features of the events of one kind, by a name with a parameter: `log_amount(kind=purchase)`.
//!
//! Which kinds there are is a matter of the log, so these features stand in no registry; they are
//! made when they are asked for, from the kinds of the log. [`ALL_KINDS`] in the place of a kind
//! stands for each of them. `log_amount` over all kinds cannot tell whether deposits are too large
//! and withdrawals too small; these can.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use trueup_env::{Event, History, MAX_KINDS};

use super::log_amount::FEATURE;
use super::{Definition, Feature, Level, find, relation};

/// Every kind of the log, in the place of a kind.
pub const ALL_KINDS: &str = "*";

/// The feature that can be asked for by kind.
pub const BASE: &str = "log_amount";

/// The name of the feature of one kind, or of all of them.
pub fn name(kind: &str) -> String {
    format!("{BASE}(kind={kind})")
}

/// The kind that a name asks for, [`ALL_KINDS`] included; none where it is no name of this form.
pub fn kind_of(name: &str) -> Option<&str> {
    let rest = name.trim().strip_prefix(BASE)?.trim_start().strip_prefix('(')?;
    let kind = rest.trim_start().strip_prefix("kind")?.trim_start().strip_prefix('=')?;
    kind.strip_suffix(')').map(str::trim).filter(|kind| !kind.is_empty())
}

/// Finds a feature by name in a log of these kinds.
pub fn find_among(name: &str, kinds: &[String]) -> Option<&'static Feature> {
    find(name).or_else(|| {
        let Some(kind) = kind_of(name) else { return relation::find_among(name, Some(kinds)) };
        kinds.iter().position(|own| own == kind).and_then(|place| of(kind, place))
    })
}

/// The features of all kinds of a log; none where it has a single one.
pub fn all(kinds: &[String]) -> impl Iterator<Item = &'static Feature> {
    let several = if kinds.len() > 1 { kinds } else { &[] };
    several.iter().enumerate().filter_map(|(place, kind)| of(kind, place))
}

/// The feature of the kind that has this place among the kinds of its log; none where no log has so
/// many.
pub fn of(kind: &str, place: usize) -> Option<&'static Feature> {
    type Made = Mutex<HashMap<(String, usize), &'static Feature>>;
    static MADE: OnceLock<Made> = OnceLock::new();
    let definition = Definition::Event(*AT.get(place)?);
    let mut made = MADE.get_or_init(Made::default).lock().unwrap_or_else(PoisonError::into_inner);
    // Features are passed around like those of the registry, so each lives as long as the program:
    // a few hundred bytes for each kind that was ever asked for.
    Some(made.entry((kind.to_owned(), place)).or_insert_with(|| {
        Box::leak(Box::new(Feature {
            name: name(kind).leak(),
            title: format!("{}, {kind}", FEATURE.title).leak(),
            unit: FEATURE.unit,
            level: Level::Event,
            definition_text: "Natural log of the amount of an event of this kind.",
            definition,
        }))
    }))
}

/// The log amount of an event, if its kind has the place K. A feature is computed by a plain
/// function, which knows nothing but the event: so there is one function a place.
fn at<const K: u16>(_: &History, event: &Event) -> Option<f64> {
    if event.kind == K { trueup_env::log_amount(event.amount) } else { None }
}

type Of = fn(&History, &Event) -> Option<f64>;

macro_rules! eight {
    ($($first:literal)*) => {
        [$(
            at::<{ $first }>, at::<{ $first + 1 }>, at::<{ $first + 2 }>, at::<{ $first + 3 }>,
            at::<{ $first + 4 }>, at::<{ $first + 5 }>, at::<{ $first + 6 }>, at::<{ $first + 7 }>,
        )*]
    };
}

static AT: [Of; MAX_KINDS] = eight!(0 8);

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Covariates, EventLog, Tick};

    use super::*;

    fn log(kinds: &[&str]) -> EventLog {
        let event = |i: u32| {
            let kind = (i % kinds.len() as u32) as u16;
            let amount = if i == 5 { 0.0 } else { f64::from(1 + i) };
            (i % 7, Event { tick: i % 20, kind, amount, balance: f64::NAN })
        };
        EventLog::new(
            Clock { tick: Tick::Day, horizon: 20, start_day: None },
            kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            (0..7).map(|user| format!("{user}")).collect(),
            (0..200).map(event),
            Covariates::default(),
        )
        .unwrap()
    }

    /// Each kind has the amounts of its events, and all kinds together those of the log.
    #[test]
    fn kinds_share_out_the_amounts_of_a_log() {
        let many: Vec<String> = (0..MAX_KINDS).map(|i| format!("kind {i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for kinds in [&["deposit", "withdrawal"][..], &["a", "b (old)", "c=d"], &many] {
            let log = log(kinds);
            let mut found = Vec::new();
            for (place, feature) in all(log.kinds()).enumerate() {
                assert_eq!(find_among(feature.name, log.kinds()).unwrap().name, feature.name);
                assert_eq!(feature.name, format!("log_amount(kind={})", kinds[place]));
                let sample = feature.sample(&log);
                let own = log.events().iter().filter(|event| usize::from(event.kind) == place);
                let own: Vec<f64> = own.map(|e| e.amount.ln()).filter(|x| x.is_finite()).collect();
                assert_eq!(sample.values.len(), own.len());
                let mut both = [sample.values.clone(), own];
                both.iter_mut().for_each(|values| values.sort_by(f64::total_cmp));
                assert_eq!(both[0], both[1], "{}", feature.name);
                found.extend(sample.values);
            }
            let mut whole = find(BASE).unwrap().sample(&log).values;
            [&mut whole, &mut found].iter_mut().for_each(|all| all.sort_by(f64::total_cmp));
            assert_eq!(whole, found);
        }
    }

    #[test]
    fn names_are_read_with_spaces_and_refused_otherwise() {
        assert_eq!(kind_of("log_amount(kind=purchase)"), Some("purchase"));
        assert_eq!(kind_of(" log_amount ( kind = transfer in ) "), Some("transfer in"));
        assert_eq!(kind_of("log_amount(kind=b (old))"), Some("b (old)"));
        assert_eq!(kind_of("log_amount(kind=*)"), Some(ALL_KINDS));
        for bad in [
            "log_amount",
            "log_amount()",
            "log_amount(kind=)",
            "log_amount(kind=a",
            "log_amount(king=a)",
            "gap(kind=a)",
            "log_amounts(kind=a)",
            "",
        ] {
            assert_eq!(kind_of(bad), None, "{bad}");
        }
        let kinds = ["a".to_owned(), "b".to_owned()];
        assert_eq!(find_among("log_amount(kind=b)", &kinds).unwrap().title, "Amount, b");
        assert!(find_among("log_amount(kind=c)", &kinds).is_none());
        assert!(find_among("gap", &kinds).is_some());
    }

    #[test]
    fn one_kind_needs_no_features_and_too_many_have_none() {
        assert_eq!(all(&["a".to_owned()]).count(), 0);
        let many: Vec<String> = (0..MAX_KINDS + 9).map(|i| i.to_string()).collect();
        assert_eq!(all(&many).count(), MAX_KINDS);
        assert!(of("a", MAX_KINDS).is_none());
        // Asked for twice, made once; at another place, another one.
        assert!(std::ptr::eq(of("a", 1).unwrap(), of("a", 1).unwrap()));
        assert!(!std::ptr::eq(of("a", 1).unwrap(), of("a", 2).unwrap()));
    }
}
