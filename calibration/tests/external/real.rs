//! Real logs: what is loaded of them is what others count in the same files.

use std::collections::BTreeSet;

use serde_json::Value;
use trueup_calibration::external::{self, Filter, Map};
use trueup_env::finance::{Effect, Found};
use trueup_env::{Clock, Event, EventLog, History, Tick};

use super::{assert_balanced, count, load};

fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, (square / (n - 1.0)).sqrt())
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let ((ma, sa), (mb, sb)) = (mean_sd(&a), mean_sd(&b));
    let cross: f64 = pairs.iter().map(|(x, y)| (x - ma) * (y - mb)).sum();
    cross / (pairs.len() as f64 - 1.0) / sa / sb
}

/// `fixtures/external_cdnow.py` computes the same numbers with pandas from the same file.
#[test]
fn cdnow_is_what_pandas_sees() {
    let fixture = include_str!("../fixtures/external_cdnow.json");
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let number = |name: &str| fixture[name].as_f64().unwrap();
    let whole = |name: &str| fixture[name].as_u64().unwrap();
    let close = |value: f64, name: &str| {
        let wanted = number(name);
        assert!((value - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name}: {value} {wanted}");
    };
    let loaded = external::load("builtin:cdnow", None, "key").unwrap();
    let (log, account) = (&loaded.log, &loaded.account);
    assert_balanced(account);
    assert_eq!(*log.clock(), Clock { tick: Tick::Week, horizon: 52, start_day: None });
    assert_eq!(account.rows_read, whole("rows"));
    assert_eq!(account.rows_kept, whole("rows_inside"));
    assert_eq!(count(account, "on the day of the user's first event"), whole("rows_first_day"));
    assert_eq!(count(account, "after the user's window"), whole("rows_after"));
    assert_eq!(account.duplicates, whole("duplicates"));
    assert_eq!(account.users_kept, whole("users"));
    assert_eq!(log.events().len() as u64, whole("events"));
    assert_eq!(loaded.days, Some(("1997-01-01".into(), "1998-06-30".into())));

    let users = 0..log.user_count();
    let counts: Vec<f64> = users.clone().map(|u| log.events_of(u).len() as f64).collect();
    close(mean_sd(&counts).0, "count_mean");
    close(mean_sd(&counts).1, "count_sd");
    assert_eq!(counts.iter().filter(|n| **n == 0.0).count() as u64, whole("idle"));
    assert_eq!(counts.iter().copied().fold(0.0, f64::max) as u64, whole("count_max"));
    let amounts: Vec<f64> = log.events().iter().map(|event| event.amount).collect();
    close(amounts.iter().sum(), "amount_sum");
    let logs: Vec<f64> = amounts.iter().filter(|a| **a > 0.0).map(|a| a.ln()).collect();
    close(mean_sd(&logs).0, "log_amount_mean");
    close(mean_sd(&logs).1, "log_amount_sd");
    let ticks: Vec<f64> = log.events().iter().map(|event| f64::from(event.tick)).collect();
    close(mean_sd(&ticks).0, "tick_mean");
    let pairs: Vec<&[Event]> = users.flat_map(|u| log.events_of(u).windows(2)).collect();
    let gaps: Vec<f64> = pairs.iter().map(|p| f64::from(p[1].tick - p[0].tick)).collect();
    close(mean_sd(&gaps).0, "gap_mean");
    close(mean_sd(&gaps).1, "gap_sd");
    let positive = pairs.iter().filter(|p| p[0].amount > 0.0 && p[1].amount > 0.0);
    let pairs: Vec<_> = positive.map(|p| (p[0].amount.ln(), p[1].amount.ln())).collect();
    assert_eq!(pairs.len() as u64, whole("pairs"));
    close(correlation(&pairs), "lag1_correlation");
}

/// Mean and standard deviation (n - 1) of the event counts, as first computed on days 1 to 364.
#[test]
fn cdnow_has_the_stated_event_counts() {
    let log = external::load("builtin:cdnow", None, "").unwrap().log;
    let counts: Vec<f64> = (0..log.user_count()).map(|u| log.events_of(u).len() as f64).collect();
    let (mean, sd) = mean_sd(&counts);
    assert_eq!(log.user_count(), 23_570);
    assert!((mean - 1.469_495).abs() < 5e-7 && (sd - 3.230_733).abs() < 5e-7, "{mean} {sd}");
}

#[test]
fn pseudonyms_hide_the_identifiers_and_depend_on_the_key() {
    let a = external::load("builtin:cdnow", None, "one").unwrap().log;
    let b = external::load("builtin:cdnow", None, "two").unwrap().log;
    let labels: BTreeSet<&String> = a.users().iter().collect();
    assert_eq!(labels.len(), 23_570);
    assert!(labels.iter().all(|l| l.len() == 16 && l.chars().all(|c| c.is_ascii_hexdigit())));
    assert!(b.users().iter().all(|label| !labels.contains(label)));
    assert_eq!(a.users()[0], external::pseudonym("one", "1").unwrap());
}

/// `printf 'user,time,amount\na,2024-01-01,5\n' | sha256sum`
#[test]
fn the_sum_is_that_of_the_file() {
    let loaded = load(b"user,time,amount\na,2024-01-01,5\n", "");
    assert_eq!(loaded.sha256, "b86faaa8c91add8e462a27783416cdd812c4f2098be1b65cec8499c4d3485609");
    let cdnow = external::load("builtin:cdnow", None, "").unwrap();
    assert_eq!(cdnow.sha256, "6d6f6517f9d53fab4bb53506736c5739aab20924f4870c187e12d7ba1800f834");
}

#[test]
fn a_subset_of_users_is_always_the_same() {
    let map = Map { max_users: Some(500), ..Map::builtin("builtin:cdnow").unwrap() };
    let loaded = external::load("builtin:cdnow", Some(&map), "key").unwrap();
    let again = external::load("builtin:cdnow", Some(&map), "key").unwrap();
    assert_balanced(&loaded.account);
    assert_eq!(loaded.log.users(), again.log.users());
    assert_eq!(count(&loaded.account, "max_users"), 23_070);
    let whole = external::load("builtin:cdnow", None, "key").unwrap().log;
    let kept: BTreeSet<&String> = loaded.log.users().iter().collect();
    let order: Vec<&String> = whole.users().iter().filter(|user| kept.contains(user)).collect();
    assert!(order.into_iter().eq(loaded.log.users()));
}

/// The history of every user can be built from what was loaded (events are in time order).
#[test]
fn loaded_events_are_in_time_order() {
    let log = external::load("builtin:cdnow", None, "key").unwrap().log;
    for user in 0..log.user_count() {
        let mut history = History::default();
        for event in log.events_of(user) {
            assert!(history.count == 0 || history.last_tick <= event.tick);
            history.push(event);
        }
        assert_eq!(history.count as usize, log.events_of(user).len());
    }
}

/// A bank's accounts by calendar month, against counts made with pandas (`reference.json` of the
/// data set, table `trans_1993_only`).
#[test]
fn bank_accounts_fall_into_calendar_months() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/berka_1993");
    let Ok(reference) = std::fs::read_to_string(format!("{folder}/reference.json")) else {
        println!("skipped: {folder} is not there");
        return;
    };
    let reference: Value = serde_json::from_str(&reference).unwrap();
    let map: Map = toml::from_str(
        r#"
        columns = { user = "account_id", time = "date", amount = "amount", kind = "type", balance = "balance" }
        kinds = { PRIJEM = "deposit", VYDAJ = "withdrawal", VYBER = "withdrawal" }
        clock = "month"
        window = { start = "1993-01-01", horizon = 12 }
        "#,
    )
    .unwrap();
    let path = format!("{folder}/trans_1993_01_to_1994_03.csv.gz");
    let loaded = external::load(&path, Some(&map), "key").unwrap();
    assert_balanced(&loaded.account);
    let months = &reference["tables"]["trans_all"]["month_rows"];
    for tick in 0..12 {
        let rows = loaded.log.events().iter().filter(|event| event.tick == tick).count();
        let month = format!("1993-{:02}", tick + 1);
        assert_eq!(rows as u64, months[&month].as_u64().unwrap(), "{month}");
    }
    let year = &reference["tables"]["trans_1993_only"];
    assert_eq!(loaded.log.user_count() as u64, year["users"].as_u64().unwrap());
    let sum: f64 = loaded.log.events().iter().map(|event| event.amount).sum();
    assert!((sum - year["amount"]["sum"].as_f64().unwrap()).abs() < 0.01, "{sum}");
    assert_eq!(loaded.log.kinds(), ["deposit", "withdrawal"]);
    assert!(loaded.log.events().iter().all(|event| event.balance.is_finite()));
    let found = |log: &EventLog| -> Vec<_> {
        let effects = log.effects().iter().map(|kind| (kind.effect, kind.found));
        log.kinds().iter().cloned().zip(effects).collect()
    };
    // Balances say what the names in Czech mean, and what the names in English say.
    let [into, out] = [Effect::Receive, Effect::Spend].map(|effect| (effect, Found::Balance));
    assert_eq!(found(&loaded.log), [("deposit".into(), into), ("withdrawal".into(), out)]);
    let plain = Map { kinds: Default::default(), ..map.clone() };
    let log = external::load(&path, Some(&plain), "key").unwrap().log;
    let named = |name: &str, effect| (name.to_string(), effect);
    assert_eq!(found(&log), [named("PRIJEM", into), named("VYBER", out), named("VYDAJ", out)]);
    // Most rows left out by a filter: those that are left are links of the same chains.
    let filter =
        Filter { column: "k_symbol".into(), equals: Some("SIPO".into()), ..Filter::default() };
    let few = Map { filters: vec![filter], ..plain };
    assert_eq!(
        found(&external::load(&path, Some(&few), "key").unwrap().log),
        [named("VYDAJ", out)]
    );
}
