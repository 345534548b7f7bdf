//! Panels of small simulated worlds, whose truth is known.

use trueup_env::{Clock, Covariates, Event, Tick};

use super::*;
use crate::discrepancy;
use crate::panel::{PanelRow, USER_VECTOR, Verdict};
use crate::sample::Shape;

/// A world of `users` users: event times by a rate, log amounts normal by user (mean `shift`).
pub(super) fn world(seed: u64, users: usize, rate: f64, shift: f64, kinds: usize) -> EventLog {
    let names = ["purchase", "refund", "fee"][..kinds].iter().map(|k| k.to_string()).collect();
    let mut events = Vec::new();
    for user in 0..users {
        let mut stream = Streams::new(seed).stream("world", user as u64);
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let mean = shift + normal();
        let own_rate = rate * (0.5 * normal()).exp();
        for tick in 0..30 {
            let (amount, dice) = ((mean + 0.7 * normal()).exp(), normal());
            if dice < own_rate - 2.0 {
                let kind = (user + tick as usize) % kinds;
                let event = Event { tick, kind: kind as u16, amount, balance: f64::NAN };
                events.push((user as u32, event));
            }
        }
    }
    let clock = Clock { tick: Tick::Week, horizon: 30, start_day: None };
    let labels = (0..users).map(|user| format!("{seed}-{user}")).collect();
    EventLog::new(clock, names, labels, events, Covariates::default()).unwrap()
}

pub(super) fn run(name: &str, logs: Vec<EventLog>) -> Run {
    Run { name: name.into(), logs }
}

/// Personas that are far off, a calibrator that is half way, and one of the true law.
fn runs(kinds: usize) -> Vec<Run> {
    vec![
        run("personas", vec![world(10, 120, 1.4, 1.0, kinds), world(11, 120, 1.4, 1.0, kinds)]),
        run("half", vec![world(20, 120, 1.2, 0.5, kinds), world(21, 120, 1.2, 0.5, kinds)]),
        run("true", vec![world(30, 120, 1.0, 0.0, kinds), world(31, 120, 1.0, 0.0, kinds)]),
    ]
}

pub(super) fn quick() -> PanelConfig {
    PanelConfig { replicates: 40, permutations: 0, joint_users: 60, ..PanelConfig::default() }
}

fn term(feature: &str, discrepancy: &str) -> Term {
    Term { feature: feature.into(), discrepancy: discrepancy.into(), weight: 1.0 }
}

pub(super) fn panels(config: &PanelConfig, terms: &[Term], train: bool) -> Vec<CalibratorPanel> {
    let (left, right) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let train = train.then_some(&left);
    evaluate(&runs(1), train, &right, terms, config, &Streams::new(4)).unwrap()
}

pub(super) fn row<'a>(
    panel: &'a CalibratorPanel,
    feature: &str,
    discrepancy: &str,
) -> &'a PanelRow {
    let mut rows = panel.panel.iter();
    rows.find(|row| row.feature == feature && row.discrepancy == discrepancy).unwrap()
}

#[test]
fn calibrators_are_ranked_by_how_true_they_are() {
    let panels = panels(&quick(), &[], true);
    let names: Vec<&str> = panels.iter().map(|panel| panel.name.as_str()).collect();
    assert_eq!(names, ["personas", "half", "true"]);
    assert_eq!(panels[0].gap_closed, Some(0.0));
    assert_eq!(panels[0].gap_closed_ci, Some([0.0, 0.0]));
    let [half, truth] = [1, 2].map(|i| panels[i].gap_closed.unwrap());
    assert!((0.1..0.9).contains(&half) && truth > 0.8, "{half} {truth}");
    assert!(panels[0].mean_excess > panels[1].mean_excess);
    assert!(panels[1].mean_excess > panels[2].mean_excess);
    assert!(panels[0].c2st_auc > panels[2].c2st_auc);
    for panel in &panels {
        let [low, high] = panel.gap_closed_ci.unwrap();
        let gap = panel.gap_closed.unwrap();
        assert!(low <= gap && gap <= high, "{} {low} {gap} {high}", panel.name);
        let [low, high] = panel.c2st_auc_ci.unwrap();
        assert!(low < panel.c2st_auc.unwrap() && panel.c2st_auc.unwrap() < high);
        assert_eq!(panel.c2st_importance.len(), features::user_features().count());
        assert!(panel.c2st_importance.is_sorted_by(|a, b| a.1 >= b.1));
        let examination = panel.examination.as_ref().unwrap();
        assert_eq!(examination.trees.auc_floor, panel.c2st_auc_floor);
        assert!(examination.logistic.auc_floor.is_some());
        assert_eq!(examination.trees.p_value, None);
        let is_of_rows = |note: &String| note.contains("it compares fewer rows");
        assert!(panel.notes.iter().all(is_of_rows), "{:?}", panel.notes);
    }
}

/// Each number of a row from its definition.
#[test]
fn rows_hold_what_they_say() {
    let panels = panels(&quick(), &[], true);
    let (train, test) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    for (feature, name) in
        [("log_amount", "kolmogorov-smirnov"), ("amount_pair", "correlation-gap")]
    {
        let feature = features::find(feature).unwrap();
        let distance = |log: &EventLog| {
            let distance = discrepancy::find(name).unwrap();
            distance.value(&feature.sample(log), &feature.sample(&test)).unwrap()
        };
        let runs = runs(1);
        let mean = |run: &Run| run.logs.iter().map(distance).sum::<f64>() / run.logs.len() as f64;
        let half = row(&panels[1], feature.name, name);
        assert_eq!(half.value, mean(&runs[1]));
        assert_eq!(half.floor, distance(&train));
        assert_eq!(half.before, Some(mean(&runs[0])));
        assert_eq!(half.gap_closed, gap_closed(half.value, half.floor, mean(&runs[0])));
        assert!(half.ci[0] <= half.value && half.value <= half.ci[1]);
        assert!(half.ci[0] >= 0.0 && half.floor_ci[0] >= 0.0);
    }
}

#[test]
fn the_default_panel_leaves_nothing_out_in_silence() {
    let of = |kinds: usize| {
        let (train, test) = (world(1, 130, 1.0, 0.0, kinds), world(2, 140, 1.0, 0.0, kinds));
        let runs = runs(kinds);
        evaluate(&runs, Some(&train), &test, &[], &quick(), &Streams::new(4)).unwrap().remove(2)
    };
    let one_kind = of(1);
    let left_out: Vec<&str> = one_kind.left_out.iter().map(|e| e.feature.as_str()).collect();
    // Weeks without a date, and one kind that only spends.
    let days = ["weekday", "day_of_month", "time_entropy"];
    let (kinds, flows) = (["kind", "kind_entropy", "kind_pair"], ["net_flow", "saving_rate"]);
    let expected: Vec<&str> = features::FEATURES
        .iter()
        .map(|f| f.name)
        .filter(|f| [&kinds[..], &days, &flows].concat().contains(f))
        .collect();
    assert_eq!(left_out, expected);
    let three_kinds = of(3);
    let left_out: Vec<&str> = three_kinds.left_out.iter().map(|e| e.feature.as_str()).collect();
    assert_eq!(left_out, days);
    let shown = |f: &&features::Feature| !matches!(f.shape(), Shape::Series | Shape::Path);
    for panel in [one_kind, three_kinds] {
        for feature in features::FEATURES.iter().filter(shown).map(|f| f.name).chain([USER_VECTOR])
        {
            let left_out = panel.left_out.iter().any(|entry| entry.feature == feature);
            assert_ne!(left_out, panel.panel.iter().any(|row| row.feature == feature), "{feature}");
        }
    }
}

#[test]
fn optimised_metrics_are_marked_for_all_and_do_not_count() {
    let terms = [term("log_amount", "kolmogorov-smirnov"), term("log_count", "moments")];
    let (plain, marked) = (panels(&quick(), &[], true), panels(&quick(), &terms, true));
    for (plain, marked) in plain.iter().zip(&marked) {
        for (a, b) in plain.panel.iter().zip(&marked.panel) {
            // Moments are functions of the mean and the standard deviation.
            let metric = (b.feature.as_str(), b.discrepancy.as_str());
            let optimised = [
                ("log_amount", "kolmogorov-smirnov"),
                ("log_count", "mean-gap"),
                ("log_count", "sd-gap"),
            ]
            .contains(&metric);
            let rewarded = ["log_amount", "log_count", USER_VECTOR].contains(&b.feature.as_str());
            assert_eq!((b.optimised, b.feature_rewarded), (optimised, rewarded));
            assert_eq!((a.value, a.ci, a.gap_closed), (b.value, b.ci, b.gap_closed));
        }
        let median_of = |keep: &dyn Fn(&PanelRow) -> bool| {
            let rows = marked.panel.iter().filter(|row| keep(row));
            bootstrap::median(&rows.filter_map(|row| row.gap_closed).collect::<Vec<_>>())
        };
        assert_eq!(marked.gap_closed, median_of(&|row| !row.optimised));
        assert_eq!(marked.gap_closed_unseen, median_of(&|row| !row.feature_rewarded));
        // What needs no before: its median is that of the rows, and its interval is about it.
        let unseen = || marked.panel.iter().filter(|row| !row.feature_rewarded);
        let multiples: Vec<f64> = unseen().filter_map(PanelRow::floor_multiple).collect();
        let against = marked.against_floor_unseen.as_ref().unwrap();
        assert_eq!(against.multiple, bootstrap::median(&multiples));
        assert_eq!(against.metrics, multiples.len());
        let at_floor = unseen().filter(|row| row.verdict == Some(Verdict::AtFloor)).count();
        assert_eq!(against.at_floor, at_floor);
        let ([low, high], middle) = (against.interval.unwrap(), against.multiple.unwrap());
        assert!(low < middle && middle < high, "{low} {middle} {high}");
        // What gap closed leaves out is named.
        let anchor = marked.anchor.as_ref().unwrap();
        let without = |row: &&PanelRow| !row.optimised && row.gap_closed.is_none();
        assert_eq!(anchor.left_out.len(), marked.panel.iter().filter(without).count());
        let counted = marked.panel.iter().filter(|row| !row.optimised).count();
        assert_eq!(anchor.metrics + anchor.left_out.len(), counted);
        assert_eq!((anchor.name.as_str(), marked.figures.len()), ("personas", plain.figures.len()));
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let panels = pool.install(|| panels(&quick(), &[], true));
        serde_json::to_string(&panels).unwrap()
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(5));
}

/// A calibrator more or less changes nothing for the others.
#[test]
fn calibrators_are_judged_one_by_one() {
    let (train, test) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let all = panels(&quick(), &[], true);
    let mut fewer = runs(1);
    fewer.remove(1);
    let two = evaluate(&fewer, Some(&train), &test, &[], &quick(), &Streams::new(4)).unwrap();
    assert_eq!(two[1], all[2]);
}

#[test]
fn two_logs_alone_are_compared_with_a_floor_of_halves() {
    let only = PanelConfig { before: "nobody".into(), ..quick() };
    let panels = panels(&only, &[], false);
    for panel in &panels {
        assert!(panel.gap_closed.is_none() && panel.gap_closed_ci.is_none());
        assert!(panel.panel.iter().all(|row| row.before.is_none() && row.gap_closed.is_none()));
        assert!(panel.notes.iter().any(|note| note.contains("two halves")));
    }
    let ks = row(&panels[2], "event_count", "kolmogorov-smirnov");
    assert!(ks.floor > 0.0 && ks.floor < 0.4);
}

/// Users who do nothing leave event features undefined: the rows go, with a reason, and count as no
/// better than before.
#[test]
fn a_simulation_without_events_cannot_win_by_silence() {
    let (train, test) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let clock = *test.clock();
    let labels = (0..50).map(|u| u.to_string()).collect();
    let kinds = test.kinds().to_vec();
    let silent = EventLog::new(clock, kinds, labels, [], Covariates::default()).unwrap();
    let mut runs = runs(1);
    runs.push(run("silent", vec![silent]));
    let panels = evaluate(&runs, Some(&train), &test, &[], &quick(), &Streams::new(4)).unwrap();
    let silent = &panels[3];
    assert!(silent.panel.iter().all(|row| row.feature != "log_amount"));
    assert!(silent.left_out.iter().any(|e| e.feature == "log_amount" && e.discrepancy.is_some()));
    assert!(silent.gap_closed.unwrap() <= 0.0);
    assert!(silent.c2st_auc.unwrap() > 0.9);
}

#[test]
fn named_metrics_are_measured_alone() {
    let metric = |feature: &str, discrepancy: &str| Metric {
        feature: feature.into(),
        discrepancy: discrepancy.into(),
    };
    let with = |metrics: Vec<Metric>| PanelConfig { metrics: Some(metrics), ..quick() };
    let one = panels(&with(vec![metric("gap", "energy")]), &[], true);
    assert_eq!(one[0].panel.len(), 1);
    let (train, test) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let error = |config: PanelConfig| {
        evaluate(&runs(1), Some(&train), &test, &[], &config, &Streams::new(4)).err().unwrap()
    };
    let unknown = error(with(vec![metric("log_amont", "energy")]));
    assert!(unknown.to_string().contains("log_amount"), "{unknown}");
    let unknown = error(with(vec![metric("gap", "enrgy")]));
    assert!(unknown.to_string().contains("wasserstein-1"), "{unknown}");
    let shape = error(with(vec![metric("kind", "energy")]));
    assert!(matches!(shape, PanelError::DoesNotSuit { .. }));
    let none = error(with(vec![metric("kind", "total-variation")]));
    assert!(none.to_string().contains("single kind"), "{none}");
    let twice = error(with(vec![metric("gap", "energy"), metric("gap", "energy")]));
    assert!(matches!(twice, PanelError::BadConfig(_)));
    assert!(matches!(error(PanelConfig { replicates: 3, ..quick() }), PanelError::BadConfig(_)));
}

/// `log_amount(kind=*)` stands for every kind; a metric on one kind is that of its amounts alone, and
/// a reward on all amounts has seen it.
#[test]
fn amounts_of_kinds_are_metrics() {
    let (train, test) = (world(1, 130, 1.0, 0.0, 3), world(2, 140, 1.0, 0.0, 3));
    let metric = |kind: &str| Metric {
        feature: format!("log_amount(kind={kind})"),
        discrepancy: "kolmogorov-smirnov".into(),
    };
    let measured = |kind: &str, terms: &[Term]| {
        let config = PanelConfig { metrics: Some(vec![metric(kind)]), ..quick() };
        evaluate(&runs(3), Some(&train), &test, terms, &config, &Streams::new(4))
    };
    let panels = measured("*", &[term("log_amount", "energy")]).unwrap();
    let names: Vec<&str> = panels[0].panel.iter().map(|row| row.feature.as_str()).collect();
    let all = ["purchase", "refund", "fee"].map(|kind| format!("log_amount(kind={kind})"));
    assert_eq!(names, all);
    assert!(panels[0].panel.iter().all(|row| row.feature_rewarded && !row.optimised));
    assert!(panels[0].panel.iter().all(|row| row.value > row.floor));
    let by_hand = |log: &EventLog| {
        let own = log.events().iter().filter(|event| event.kind == 1);
        crate::sample::Sample::real(own.map(|event| event.amount.ln()).collect())
    };
    let distance = discrepancy::find("kolmogorov-smirnov").unwrap();
    let personas = &runs(3)[0];
    let values = personas.logs.iter().map(|log| distance.value(&by_hand(log), &by_hand(&test)));
    let mean = values.map(Result::unwrap).sum::<f64>() / 2.0;
    assert!((panels[0].panel[1].value - mean).abs() < 1e-12, "{mean}");
    let one =
        measured("refund", &[term("log_amount( kind=refund )", "kolmogorov-smirnov")]).unwrap();
    assert_eq!(one[0].panel[0].value, panels[0].panel[1].value);
    assert!(one[0].panel[0].optimised && one[0].gap_closed.is_none());
    let unknown = measured("refunt", &[]).unwrap_err().to_string();
    assert!(unknown.contains("log_amount(kind=refund)"), "{unknown}");
    let config = PanelConfig { metrics: Some(vec![metric("*")]), ..quick() };
    let (left, right) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let single = evaluate(&runs(1), Some(&left), &right, &[], &config, &Streams::new(4));
    assert!(single.unwrap_err().to_string().contains("single kind"));
}

#[test]
fn logs_of_different_worlds_are_refused() {
    let (train, test) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let error = |runs: &[Run], train: &EventLog, test: &EventLog| {
        evaluate(runs, Some(train), test, &[], &quick(), &Streams::new(4)).err().unwrap()
    };
    assert!(matches!(error(&[], &train, &test), PanelError::BadRuns(_)));
    assert!(matches!(error(&[run("a", vec![])], &train, &test), PanelError::BadRuns(_)));
    let twins = [run("a", vec![train.clone()]), run("a", vec![train.clone()])];
    assert!(matches!(error(&twins, &train, &test), PanelError::BadRuns(_)));
    let mut clock = *train.clock();
    clock.horizon += 1;
    let (kinds, users) = (train.kinds().to_vec(), train.users().to_vec());
    let longer = EventLog::new(clock, kinds, users, [], Covariates::default()).unwrap();
    let longer = [run("a", vec![longer])];
    assert!(matches!(error(&longer, &train, &test), PanelError::Mismatch { .. }));
    let few = world(4, 3, 1.0, 0.0, 1);
    assert!(matches!(error(&runs(1), &train, &few), PanelError::TooFewUsers { users: 3, .. }));
}

#[test]
fn a_config_is_read_from_its_words() {
    let config: PanelConfig = serde_json::from_str("{}").unwrap();
    assert_eq!(config, PanelConfig::default());
    let text = r#"{"metrics": [{"feature": "gap", "discrepancy": "energy"}], "replicates": 99}"#;
    let config: PanelConfig = serde_json::from_str(text).unwrap();
    assert_eq!((config.replicates, config.metrics.map(|m| m.len())), (99, Some(1)));
    assert!(serde_json::from_str::<PanelConfig>(r#"{"replicate": 99}"#).is_err());
}
