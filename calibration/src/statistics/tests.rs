//! Statistics against numpy, and files that go wrong.

use serde::Deserialize;
use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

use super::*;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    values: Vec<f64>,
    quantiles: Vec<f64>,
    mean: f64,
    sd: f64,
}

/// `tests/fixtures/quantiles.py`: numpy's `quantile(..., method="inverted_cdf")`.
#[test]
fn quantile_grids_equal_numpys() {
    let text = include_str!("../../tests/fixtures/quantiles.json");
    for case in serde_json::from_str::<Fixture>(text).unwrap().cases {
        let found = Distribution::of(&case.values).unwrap();
        assert_eq!(found.quantiles, case.quantiles, "{}", case.name);
        assert!((found.mean - case.mean).abs() < 1e-12 * (1.0 + case.mean.abs()), "{}", case.name);
        assert!((found.sd - case.sd).abs() < 1e-12 * (1.0 + case.sd), "{}", case.name);
    }
}

/// Points of a heavy tail: mass 1, the mean of the sample, and close to it in W1; without the
/// correction of the outer intervals the mean is 0.02 off.
#[test]
fn points_keep_the_mean_of_a_heavy_tail() {
    let mut stream = Streams::new(4).stream("points", 0);
    // Pareto with index 1.5 on the right, and its mirror image.
    let right: Vec<f64> = (0..20_000).map(|_| (1.0 - stream.uniform()).powf(-1.0 / 1.5)).collect();
    let left: Vec<f64> = right.iter().map(|x| -x).collect();
    for values in [right, left] {
        let distribution = Distribution::of(&values).unwrap();
        let (points, weights) = distribution.points();
        assert!(points.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(weights.iter().all(|w| *w >= 0.0));
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mean: f64 = points.iter().zip(&weights).map(|(x, w)| x * w).sum();
        assert!((mean - distribution.mean).abs() < 1e-9, "{mean} {}", distribution.mean);
    }
    assert_eq!(Distribution::of(&[2.0, 2.0]).unwrap().points().0, [2.0]);
}

pub(super) fn statistics() -> Statistics {
    let event = |tick, kind, amount| Event { tick, kind, amount, balance: f64::NAN };
    let events = [
        (0, event(1, 0, 3.5)),
        (0, event(3, 1, 10.1)),
        (0, event(3, 0, 0.1 + 0.2)),
        (1, event(4, 0, 0.0)),
        (1, event(4, 0, 1e-3)),
    ];
    let log = EventLog::new(
        Clock { tick: Tick::Day, horizon: 5, start_day: Some(9862) },
        vec!["buy".into(), "sell".into(), "never".into()],
        vec!["a".into(), "b".into(), "c".into()],
        events,
        Covariates {
            names: vec!["age".into()],
            values: vec![20.0, 30.5, 70.0],
            ..Covariates::default()
        },
    );
    Statistics::of(&log.unwrap())
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("trueup-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_file_gives_back_what_was_saved_bit_by_bit() {
    let folder = folder("saved");
    let path = folder.join("statistics.json");
    statistics().save(&path).unwrap();
    assert_eq!(Statistics::load(&path).unwrap(), statistics());
    // Nothing but the file is left behind.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn bad_files_are_refused_with_file_field_and_remedy() {
    let folder = folder("refused");
    let path = folder.join("statistics.json");
    let good = serde_json::to_string(&statistics()).unwrap();
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let error = Statistics::load(&path).unwrap_err().to_string();
        assert!(error.contains("statistics.json"), "{error}");
        error
    };
    assert!(refused("user,date\n1,2\n").contains("not a statistics file"));
    assert!(refused("").contains("trueup describe"));
    for (from, to, says) in [
        (r#""version":3"#, r#""version":7"#, "version: is 7"),
        (r#""format":"trueup-statistics""#, r#""format":"x""#, "format: is `x`"),
        (r#""users":3,"events":5"#, r#""users":0,"events":5"#, "users: is 0"),
        (r#""events":5"#, r#""events":6"#, "kind_events: does not add up"),
        (r#""horizon":5"#, r#""horizon":0"#, "clock.horizon"),
        (r#""feature":"gap""#, r#""feature":"gop""#, "(gop): is no feature"),
        (r#""feature":"gap""#, r#""feature":"event_tick""#, "(event_tick): stands twice"),
        (r#""level":"gap""#, r#""level":"user""#, ".level: is not `gap`"),
        (r#"["buy","sell","never"]"#, r#"["buy","buy","never"]"#, "kinds[1]: stands twice"),
        (r#"["buy","sell","never"]"#, r#"["buy","sell"]"#, "kind_events: has 3 entries"),
        (r#"{"effect":"divest","found":"name"},"#, "", "effects: has 2 entries"),
        (r#""amount_laws":["#, r#""amount_laws":[null,"#, "amount_laws: has 4 entries"),
        (r#""decimals":1"#, r#""decimals":99"#, "amount law: decimals"),
        (r#""counts":[4.0,"#, r#""counts":[-4.0,"#, ".counts: holds -4"),
        (r#""quantiles":[20.0,"#, r#""quantiles":[99.0,"#, "(age).quantiles[1]: is 20, below"),
        (r#""quantiles":[20.0,"#, r#""quantiles":[1e999,"#, "line 1 column"),
        (r#""quantiles":[20.0,"#, r#""quantiles":[null,"#, "line 1 column"),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from}");
        let error = refused(&broken);
        assert!(error.contains(says), "{says}: {error}");
    }
    let missing = Statistics::load(&folder.join("nothing.json")).unwrap_err().to_string();
    assert!(missing.contains("nothing.json"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_unsound_is_not_written() {
    let folder = folder("unsound");
    let mut statistics = statistics();
    statistics.covariates[0].1.sd = f64::NAN;
    let error = statistics.save(&folder.join("statistics.json")).unwrap_err().to_string();
    assert!(error.contains("(age).sd"), "{error}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir_all(folder).unwrap();
}
