//! What leaves features as they are, to the last bit: the order of events within a tick, copies of
//! events, events in parts, and more of the same. Every feature is listed.

use proptest::prelude::*;
use trueup_env::{Clock, Covariates, Event, EventLog, History, Money, Tick};

use super::*;
use crate::statistics::joint::running_vector;
use crate::statistics::{Form, Statistics};

/// What a feature is for a user who pays the same amount in every n-th tick.
#[derive(PartialEq)]
enum Constant {
    /// Exactly this, with three events or more.
    Is(f64),
    /// The same with any number of events that it is defined for.
    Same,
    /// It depends on the number of events, or has no single value.
    Varies,
}
use Constant::{Is, Same, Varies};

/// A feature; whether it stays the same where events of a tick come in another order, where each
/// event comes k times, and where each event is k events of a k-th of its amount; and what it is for
/// users who always do the same. A feature with a row an event stays the same where every value has
/// the same share of its rows.
const KEPT: &[(&str, [bool; 3], Constant)] = &[
    ("log_amount", [true, true, false], Same),
    ("event_tick", [true, true, true], Varies),
    ("kind", [true, true, true], Same),
    ("gap", [true, false, false], Same),
    ("event_count", [true, false, false], Varies),
    ("log_count", [true, false, false], Varies),
    ("active_ticks", [true, true, true], Varies),
    ("first_tick", [true, true, true], Same),
    ("recency", [true, true, true], Varies),
    ("mean_gap", [true, false, false], Same),
    ("sd_gap", [true, false, false], Is(0.0)),
    ("mean_log_amount", [true, true, false], Same),
    ("sd_log_amount", [true, false, false], Is(0.0)),
    ("max_log_amount", [true, true, false], Same),
    ("log_total", [true, false, true], Varies),
    ("kind_entropy", [true, true, true], Is(0.0)),
    ("amount_pair", [false, false, false], Same),
    ("kind_pair", [false, false, false], Same),
    ("weekday", [true, true, true], Varies),
    ("day_of_month", [true, true, true], Varies),
    ("amount_range", [true, true, true], Is(0.0)),
    ("median_log_amount", [true, true, false], Same),
    ("p90_log_amount", [true, false, false], Same),
    ("burstiness", [true, false, false], Is(-1.0)),
    ("time_entropy", [true, true, true], Varies),
    ("retention", [true, true, true], Varies),
    ("net_flow", [true, false, true], Varies),
    ("saving_rate", [true, true, true], Same),
    ("gap_pair", [true, false, false], Same),
    ("daily_count", [true, false, false], Varies),
    ("daily_volume", [true, false, true], Varies),
    ("user_path", [false, false, false], Varies),
    ("amount", [true, true, false], Same),
    ("total_amount", [true, false, true], Varies),
    ("mean_amount", [true, true, false], Same),
    ("top_event_share", [true, false, false], Varies),
];

fn feature(name: &str) -> &'static Feature {
    find(name).unwrap()
}

#[test]
fn every_feature_is_listed() {
    let listed: Vec<&str> = KEPT.iter().map(|(name, ..)| *name).collect();
    assert_eq!(listed, FEATURES.iter().map(|feature| feature.name).collect::<Vec<_>>());
}

fn hundredths(amount: u32) -> f64 {
    f64::from(amount) / 100.0
}

const HORIZON: u32 = 40;

/// (user, tick, kind, amount in hundredths) as a log.
fn log(events: &[(u32, u32, u16, u32)]) -> EventLog {
    let event = |&(user, tick, kind, amount): &(u32, u32, u16, u32)| {
        (user, Event { tick, kind, amount: hundredths(amount), balance: f64::NAN })
    };
    EventLog::new(
        Clock { tick: Tick::Day, horizon: HORIZON, start_day: Some(9862) },
        ["salary", "card", "save"].map(String::from).to_vec(),
        (0..3).map(|user| user.to_string()).collect(),
        events.iter().map(event),
        Covariates::default(),
    )
    .unwrap()
}

/// Bits of the rows of each user: of a series, sums a tick; of a feature with a row an event, sorted.
fn rows(feature: &Feature, log: &EventLog) -> Vec<Vec<Vec<u64>>> {
    let sample = feature.sample(log);
    let mut rows = vec![Vec::new(); log.user_count()];
    for (row, &user) in sample.values.chunks_exact(sample.width).zip(&sample.user) {
        rows[user as usize].push(row.to_vec());
    }
    for rows in &mut rows {
        if sample.shape == Shape::Series {
            let ticks = rows.chunk_by(|a, b| a[0] == b[0]);
            let sum = |of: &[Vec<f64>]| Money::sum(of.iter().map(|row| row[1])).value();
            *rows = ticks.map(|of| vec![of[0][0], sum(of)]).collect();
        } else if sample.shape != Shape::Path {
            rows.sort_by(|a, b| a.iter().map(|x| x.to_bits()).cmp(b.iter().map(|x| x.to_bits())));
        }
    }
    let bits = |row: Vec<f64>| row.into_iter().map(f64::to_bits).collect();
    rows.into_iter().map(|rows| rows.into_iter().map(bits).collect()).collect()
}

/// Whether two sides have the same rows: at features of users the same ones, else `times` as many
/// of each.
fn same(feature: &Feature, a: &EventLog, b: &EventLog, times: usize) -> bool {
    let times = match feature.level {
        Level::User | Level::Population => 1,
        _ => times,
    };
    let repeated = |rows: Vec<Vec<u64>>| -> Vec<Vec<u64>> {
        rows.into_iter().flat_map(|row| std::iter::repeat_n(row, times)).collect()
    };
    let (a, b) = (rows(feature, a), rows(feature, b));
    a.into_iter().map(repeated).eq(b)
}

type Events = Vec<(u32, u32, u16, u32)>;

/// Events and, for each, a k-th of the amount, in hundredths.
fn events() -> impl Strategy<Value = Events> {
    prop::collection::vec((0..3_u32, 0..HORIZON / 2, 0..3_u16, 0..60_000_u32), 0..40)
}

/// Prices of which logs, means and sums are apt to be inexact, many of them equal.
fn few_prices() -> impl Strategy<Value = Events> {
    let price = prop::sample::select(vec![0_u32, 1, 499, 599, 999, 1430, 1999, 2998, 123_457]);
    prop::collection::vec((0..3_u32, 0..HORIZON / 3, 0..3_u16, price), 0..60)
}

fn any_events() -> impl Strategy<Value = Events> {
    prop_oneof![events(), few_prices()]
}

proptest! {
    #[test]
    fn the_order_within_a_tick_changes_nothing(
        (events, shuffled) in any_events().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
    ) {
        let (a, b) = (log(&events), log(&shuffled));
        for (name, [order, ..], _) in KEPT {
            prop_assert!(!order || same(feature(name), &a, &b, 1), "{}", name);
        }
    }

    #[test]
    fn copies_of_every_event_change_nothing(events in any_events(), k in 2..7_usize) {
        let copies: Events =
            events.iter().flat_map(|&event| std::iter::repeat_n(event, k)).collect();
        let (a, b) = (log(&events), log(&copies));
        for (name, [_, copies, _], _) in KEPT {
            prop_assert!(!copies || same(feature(name), &a, &b, k), "{}", name);
        }
    }

    #[test]
    fn events_in_parts_change_nothing(events in any_events(), k in 2..7_u32) {
        let whole: Events = events.iter().map(|&(u, t, kind, part)| (u, t, kind, k * part)).collect();
        let parts: Events =
            events.iter().flat_map(|&event| std::iter::repeat_n(event, k as usize)).collect();
        let (a, b) = (log(&whole), log(&parts));
        for (name, [_, _, parts], _) in KEPT {
            prop_assert!(!parts || same(feature(name), &a, &b, k as usize), "{}", name);
        }
    }

    /// The first user has one event more than the second, and so on; the first two have three or
    /// more.
    #[test]
    fn who_always_does_the_same_has_no_spread(
        amount in 1..10_000_000_u32,
        gap in 1..9_u32,
        kind in 0..3_u16,
        first in 0..4_u32,
    ) {
        let of_user = |user: u32| {
            (0..4 - user).map(move |i| (user, first + i * gap, kind, amount))
        };
        let log = log(&(0..3).flat_map(of_user).collect::<Events>());
        for (name, _, constant) in KEPT {
            let sample = feature(name).sample(&log);
            let rows: Vec<&[f64]> = (0..sample.rows()).map(|i| sample.row(i)).collect();
            match constant {
                Is(x) => {
                    prop_assert!(!rows.is_empty(), "{}", name);
                    prop_assert!(rows.iter().all(|row| row[0] == *x), "{} {:?}", name, rows);
                }
                Same => prop_assert!(rows.iter().all(|row| *row == rows[0]), "{} {:?}", name, rows),
                Varies => {}
            }
        }
        // What is the same for all is told as such.
        let statistics = Statistics::of(&log);
        for (name, ..) in KEPT.iter().filter(|(.., constant)| *constant != Varies) {
            if let Some(Form::Grid(law)) = statistics.feature(name).map(|entry| &entry.form) {
                prop_assert_eq!((law.mean, law.sd), (law.quantiles[0], 0.0), "{}", name);
            }
        }
        for joint in &statistics.joint {
            for (c, column) in joint.columns.iter().enumerate() {
                let constant = KEPT.iter().find(|(name, ..)| name == column);
                if constant.is_some_and(|(.., constant)| *constant == Is(0.0)) && column != "sd_gap" {
                    prop_assert_eq!(joint.sd[c], 0.0, "{}", column);
                }
            }
        }
    }

    /// One value, whoever asks: the history as it grows, the feature over the log, the vectors of
    /// users, the running vectors of rewards.
    #[test]
    fn all_ways_to_a_feature_give_the_same_bits(events in any_events()) {
        let log = log(&events);
        let (vectors, columns) = (user_vectors(&log), user_features().collect::<Vec<_>>());
        for user in 0..log.user_count() {
            let mut history = History::default();
            log.events_of(user).iter().for_each(|event| history.push(event));
            let kept = serde_json::to_string(&history).unwrap();
            prop_assert_eq!(serde_json::from_str::<History>(&kept).unwrap(), history);
            let mut running = Vec::new();
            running_vector(&columns, &history, log.clock(), &mut running);
            for (c, feature) in columns.iter().enumerate() {
                let sample = feature.sample(&log);
                let own = sample.user.iter().position(|&owner| owner as usize == user);
                let own = own.map_or(-1.0, |row| sample.values[row]).to_bits();
                prop_assert_eq!(vectors.row(user)[c].to_bits(), own, "{}", feature.name);
                if matches!(feature.definition, Definition::User(_)) {
                    prop_assert_eq!(running[c].to_bits(), own, "{}", feature.name);
                }
            }
        }
    }
}

/// Two orders of one sum in money, whatever their parts: three of 19.99 are 59.97.
#[test]
fn money_is_what_its_digits_say() {
    let log = log(&[(0, 0, 1, 1999), (0, 1, 1, 1999), (0, 2, 1, 1999), (1, 5, 1, 5997)]);
    let values = |name: &str| feature(name).sample(&log).values;
    assert_eq!(values("total_amount"), [59.97, 59.97, 0.0]);
    assert_eq!(values("mean_amount"), [19.99, 59.97]);
    assert_eq!(values("top_event_share"), [1.0 / 3.0, 1.0]);
    assert_eq!(values("amount"), [19.99, 19.99, 19.99, 59.97]);
    assert_eq!(values("log_total")[..2], [59.97_f64.ln_1p(); 2]);
}

/// Equal in exact arithmetic, though not event by event: 5 and 20 are on average, on a log scale,
/// what two of 10 are, and half, an eighth, an eighth ... is as mixed as a quarter each.
#[test]
fn what_is_equal_after_logs_and_roots_is_equal() {
    let log = log(&[
        (0, 0, 1, 500),
        (0, 1, 1, 2000),
        (1, 0, 1, 1000),
        (1, 1, 1, 1000),
        (2, 2, 1, 999),
        (2, 3, 1, 3996),
    ]);
    let values = |name: &str| feature(name).sample(&log).values;
    assert_eq!(values("mean_log_amount")[0], values("mean_log_amount")[1]);
    assert_eq!(values("median_log_amount")[0], values("median_log_amount")[1]);
    assert_eq!(values("sd_log_amount")[0], values("sd_log_amount")[2]);
    assert_eq!(
        values("amount_range"),
        [4_f64.ln(), 0.0, 4_f64.ln()].map(trueup_env::exact::rounded)
    );
    let mixed = [[4, 1, 1, 1, 1, 0, 0], [2, 2, 2, 2, 0, 0, 0], [0, 30, 30, 0, 30, 30, 0]];
    let [a, b, c] = mixed.map(|counts| entropy::entropy(counts).unwrap());
    assert_eq!((a, b), (b, c));
    assert_eq!(entropy::entropy([6, 1, 1, 1, 1, 1, 1]), entropy::entropy([3, 3, 2, 2, 2, 0, 0]));
}
