//! Features against values worked out by hand, and against pandas on the real log
//! (`calibration/tests`).

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
    assert!((values("kind_entropy")[0] - entropy).abs() < 1e-15);
    assert_eq!(values("kind_entropy")[1], 0.0);
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
