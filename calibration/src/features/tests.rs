//! Features against values worked out by hand, and against pandas on the real log
//! (`calibration/tests`).

use trueup_env::exact::rounded;
use trueup_env::{Clock, Covariates, Event, EventLog, LogError, Tick};

use super::*;

fn log() -> Result<EventLog, LogError> {
    let e = std::f64::consts::E;
    let event = |tick, kind, amount| Event { tick, kind, amount, balance: f64::NAN };
    EventLog::new(
        Clock { tick: Tick::Week, horizon: 10, start_day: None },
        vec!["purchase".into(), "refund".into()],
        vec!["a".into(), "b".into(), "c".into()],
        vec![
            (0, event(1, 0, 1.0)),
            (0, event(3, 1, e)),
            (0, event(7, 0, e * e)),
            (2, event(9, 0, 0.0)),
        ],
        Covariates::default(),
    )
}

fn values(name: &str) -> Vec<f64> {
    find(name).map(|f| f.sample(&log().unwrap()).values).unwrap()
}

#[test]
fn values_by_hand() {
    assert_eq!(values("log_amount"), [0.0, 1.0, 2.0]);
    assert_eq!(values("event_tick"), [1.0, 3.0, 7.0, 9.0]);
    assert_eq!(values("kind"), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(values("gap"), [2.0, 4.0]);
    assert_eq!(values("event_count"), [3.0, 0.0, 1.0]);
    assert_eq!(values("active_ticks"), [3.0, 0.0, 1.0]);
    assert_eq!(values("first_tick"), [1.0, 9.0]);
    assert_eq!(values("recency"), [3.0, 10.0, 1.0]);
    assert_eq!(values("mean_gap"), [3.0]);
    assert!((values("sd_gap")[0] - 2f64.sqrt()).abs() < 1e-15);
    assert_eq!(values("mean_log_amount"), [1.0]);
    assert_eq!(values("sd_log_amount"), [1.0]);
    assert_eq!(values("max_log_amount"), [2.0]);
    assert_eq!(values("amount_pair"), [0.0, 1.0, 1.0, 2.0]);
    assert_eq!(values("kind_pair"), [1.0, 2.0]);
    // Shares 2/3 and 1/3; one event has entropy 0.
    let entropy = -(2.0 / 3.0) * (2.0_f64 / 3.0).ln() - (1.0 / 3.0) * (1.0_f64 / 3.0).ln();
    assert_eq!(values("kind_entropy"), [rounded(entropy), 0.0]);
    assert_eq!(values("gap_pair"), [2.0, 4.0]);
    assert_eq!(values("amount_range"), [2.0]);
    assert_eq!(values("median_log_amount"), [1.0]);
    assert_eq!(values("p90_log_amount"), [rounded(1.8)]);
    // Gaps 2 and 4: mean 3, standard deviation 1.
    assert_eq!(values("burstiness"), [-0.5]);
    // The last quarter of ten ticks begins at tick 7.
    assert_eq!(values("retention"), [1.0, 0.0, 1.0]);
    let e = std::f64::consts::E;
    let net: f64 = e - 1.0 - e * e;
    assert!((values("net_flow")[0] + (-net).ln_1p()).abs() < 1e-15);
    assert_eq!(values("net_flow")[1..], [0.0, 0.0]);
    assert_eq!(values("saving_rate"), [-1.0]);
    assert_eq!(values("daily_count"), [1.0, 1.0, 3.0, 1.0, 7.0, 1.0, 9.0, 1.0]);
    assert_eq!(values("daily_volume"), [1.0, 1.0, 3.0, e, 7.0, e * e, 9.0, 0.0]);
    let total = 1.0 + e + e * e;
    assert_eq!(values("amount"), [1.0, e, e * e, 0.0]);
    assert_eq!(values("total_amount"), [total, 0.0, 0.0]);
    assert_eq!(values("mean_amount"), [total / 3.0, 0.0]);
    assert!((values("top_event_share")[0] - e * e / total).abs() < 1e-15);
    assert_eq!(values("top_event_share").len(), 1);
    // Ticks are weeks.
    for unknown in ["weekday", "day_of_month", "time_entropy"] {
        assert!(values(unknown).is_empty(), "{unknown}");
    }
}

/// A user from the start of the window to its end.
#[test]
fn paths_by_hand() {
    let sample = find("user_path").unwrap().sample(&log().unwrap());
    assert_eq!(sample.user, [0, 0, 0, 0, 0, 1, 1, 2, 2, 2]);
    let count = |n: f64| (1.0 + n).ln() / 11_f64.ln();
    let amounts = 1.0 + std::f64::consts::E;
    assert_eq!(sample.row(0), [0.0; 3]);
    assert_eq!(sample.row(1), [0.1, count(1.0), 2_f64.ln() / 10.0]);
    let expected = [0.3, count(2.0), (1.0 + amounts).ln() / 10.0];
    assert!(sample.row(2).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    assert_eq!(sample.row(6), [1.0, 0.0, 0.0]);
    assert_eq!(sample.row(9), [1.0, count(1.0), 0.0]);
}

/// 1997-01-01 was a Wednesday.
#[test]
fn days_of_the_calendar() {
    let event = |tick| Event { tick, kind: 0, amount: 1.0, balance: f64::NAN };
    let on = |start_day: Option<i64>, ticks: &[u32]| {
        EventLog::new(
            Clock { tick: Tick::Day, horizon: 400, start_day },
            vec!["purchase".into()],
            vec!["a".into()],
            ticks.iter().map(|&tick| (0, event(tick))),
            Covariates::default(),
        )
        .unwrap()
    };
    let values = |name: &str, log: &EventLog| find(name).unwrap().sample(log).values;
    let dated = on(Some(9862), &[0, 5, 30, 31, 59, 365]);
    assert_eq!(values("weekday", &dated), [2.0, 0.0, 4.0, 5.0, 5.0, 3.0]);
    assert_eq!(values("day_of_month", &dated), [0.0, 5.0, 30.0, 0.0, 0.0, 0.0]);
    // Shares 1/6, 1/6, 1/6, 2/6 and 1/6.
    let entropy = 4.0 / 6.0 * 6_f64.ln() + 3_f64.ln() / 3.0;
    assert_eq!(values("time_entropy", &dated), [rounded(entropy)]);
    let undated = on(None, &[1, 8, 15]);
    assert!(values("weekday", &undated).is_empty() && values("day_of_month", &undated).is_empty());
    assert_eq!(values("time_entropy", &undated), [0.0]);
    for start in [i64::MAX, i64::MIN, 1 << 40] {
        assert!(values("day_of_month", &on(Some(start), &[1])).is_empty());
    }
}

/// Only where the kinds tell what came in and what was spent.
#[test]
fn flows_need_kinds_that_say_so() {
    let event = |kind, amount| Event { tick: 0, kind, amount, balance: f64::NAN };
    let on = |kinds: [&str; 3]| {
        let events = [(0, event(0, 10.0)), (0, event(1, 4.0)), (0, event(2, 5.0))];
        EventLog::new(
            Clock { tick: Tick::Month, horizon: 3, start_day: None },
            kinds.map(String::from).to_vec(),
            vec!["a".into()],
            events,
            Covariates::default(),
        )
        .unwrap()
    };
    let values = |name: &str, log: &EventLog| find(name).unwrap().sample(log).values;
    let bank = on(["salary", "card", "save"]);
    assert_eq!(values("net_flow", &bank), [7_f64.ln()]);
    assert_eq!(values("saving_rate", &bank), [0.6]);
    let silent = on(["a", "card", "b"]);
    assert!(values("net_flow", &silent).is_empty() && values("saving_rate", &silent).is_empty());
    // Whoever knows the effects says them: 10 in, 4 + 5 out.
    let known = [Effect::Receive, Effect::Spend, Effect::Spend].map(KindEffect::given);
    let told = silent.with_effects(&known);
    assert_eq!(values("net_flow", &told), [2_f64.ln()]);
    assert_eq!(values("saving_rate", &told), [0.1]);
}

#[test]
fn every_row_knows_its_user() {
    for feature in FEATURES {
        let sample = feature.sample(&log().unwrap());
        assert_eq!(sample.values.len(), sample.rows() * sample.width, "{}", feature.name);
        assert!(sample.user.is_sorted(), "{}", feature.name);
        assert!(sample.user.iter().all(|&u| (u as usize) < sample.users), "{}", feature.name);
        assert!(sample.values.iter().all(|v| v.is_finite()), "{}", feature.name);
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = FEATURES.iter().map(|f| f.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FEATURES.len());
}

#[test]
fn user_vectors_hold_one_finite_row_a_user() {
    let vectors = user_vectors(&log().unwrap());
    assert_eq!(vectors.rows(), 3);
    assert!(vectors.values.iter().all(|v| v.is_finite()));
}
