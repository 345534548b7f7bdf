use std::collections::HashSet;

use trueup_calibration::money::Figure;
use trueup_calibration::panel::{CalibratorPanel, PanelRow};
use trueup_calibration::privacy::{Privacy, PrivacyConfig};
use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

use super::verdict;
use super::*;
use crate::run_directory::RunDirectory;
use crate::series::{TickSeries, TickSide};
use crate::summary::{CalibratorPrivacy, Failure, Mode};

pub(super) fn log(users: u32, shift: f64) -> EventLog {
    let clock = Clock { tick: Tick::Week, horizon: 20, start_day: None };
    let events = (0..users).flat_map(|user| {
        (0..user % 5).map(move |i| {
            let amount = (shift + f64::from(i) + f64::from(user % 7) / 3.0).exp();
            let kind = (i % 2) as u16;
            (user, Event { tick: (i * 3) % 20, kind, amount, balance: f64::NAN })
        })
    });
    let names = (0..users).map(|u| format!("u{u}")).collect();
    let kinds = vec!["deposit".to_owned(), "withdrawal".to_owned()];
    EventLog::new(clock, kinds, names, events, Covariates::default()).unwrap()
}

fn calibrator(name: &str, gap: Option<f64>, ci: Option<[f64; 2]>) -> CalibratorPanel {
    let row = |feature: &str, discrepancy: &str| {
        serde_json::json!({
            "feature": feature, "level": "event", "discrepancy": discrepancy, "unit": "",
            "value": 0.1, "ci": [0.05, 0.15], "floor": 0.02, "floor_ci": [0.01, 0.03],
            "before": gap.map(|_| 0.5), "gap_closed": gap, "optimised": false,
            "feature_rewarded": true, "verdict": "near", "p": 0.04, "q": 0.08,
            "users_needed": 1200,
        })
    };
    // The nearer the gap is to closed, the nearer the floor.
    let multiple = |gap: f64| 1.0 + 10.0 * (1.0 - gap);
    let floor = |metrics: usize| {
        let interval = ci.map(|[low, high]| [multiple(high), multiple(low)]);
        let multiple = multiple(gap.unwrap_or(0.6));
        serde_json::json!({
            "metrics": metrics, "at_floor": 1, "multiple": multiple, "interval": interval,
        })
    };
    serde_json::from_value(serde_json::json!({
        "name": name, "gap_closed": gap, "gap_closed_ci": ci, "gap_closed_unseen": gap,
        "against_floor": floor(3), "against_floor_unseen": floor(2),
        "anchor": gap.map(|_| serde_json::json!({
            "name": "personas", "metrics": 3, "left_out": ["mean-gap of gap"],
        })),
        "mean_excess": 0.08, "c2st_auc": 0.57, "c2st_auc_ci": [0.55, 0.6], "c2st_auc_floor": 0.5,
        "c2st_importance": [["event_count", 0.1]],
        "panel": [row("log_amount", "kolmogorov-smirnov"), row("gap", "kolmogorov-smirnov"),
            row("amount_pair", "correlation-gap")],
        "left_out": [{"feature": "kind", "discrepancy": null, "reason": "one kind only"}],
        "notes": [],
    }))
    .unwrap()
}

/// A series over 60 ticks, another one a side.
fn volume(sides: &[&str]) -> TickSeries {
    let side = |(i, name): (usize, &&str)| TickSide {
        name: (*name).to_owned(),
        values: (0..60).map(|t| 2.0 + (f64::from(t) * 0.9 + i as f64).sin()).collect(),
    };
    TickSeries {
        name: "daily_volume".into(),
        title: "Volume".into(),
        unit: "amount".into(),
        definition: "Sum of amounts.".into(),
        sides: sides.iter().enumerate().map(side).collect(),
    }
}

pub(super) fn input(name: &str) -> ReportInput {
    let (external, internal) = (log(60, 0.0), log(60, 1.0));
    ReportInput {
        summary: Summary {
            name: name.to_owned(),
            calibrators: vec![
                calibrator("personas", Some(0.0), Some([0.0, 0.0])),
                calibrator("ppo", Some(0.94), Some([0.9, 0.97])),
            ],
            ..Summary::default()
        },
        series: Series {
            ticks: vec![volume(&["real users", "personas", "ppo"])],
            ..Series::of(
                "real users",
                &external,
                &[("personas", vec![&internal]), ("ppo", vec![&external, &external])],
            )
        },
        ..ReportInput::default()
    }
}

/// All plots can be drawn of it; `name` is in every name.
pub(crate) fn made_up(name: &str) -> ReportInput {
    let mut input = input(name);
    let long = |old: &str| format!("{old} {name}");
    input.summary.calibrators.iter_mut().for_each(|c| c.name = long(&c.name));
    for feature in &mut input.series.features {
        feature.title = long(&feature.title);
        feature.sides.iter_mut().for_each(|side| side.name = long(&side.name));
    }
    input.series.kinds.iter_mut().for_each(|kind| *kind = long(kind));
    for feature in &mut input.series.features {
        feature.classes.iter_mut().for_each(|class| *class = long(class));
    }
    input.series.transitions.iter_mut().for_each(|side| side.name = long(&side.name));
    for ticks in &mut input.series.ticks {
        (ticks.title, ticks.unit) = (long(&ticks.title), long(&ticks.unit));
        ticks.sides.iter_mut().for_each(|side| side.name = long(&side.name));
    }
    input.metrics = (0..3u32)
        .map(|i| crate::Metric {
            calibrator: long("ppo"),
            seed: None,
            iteration: u64::from(i),
            total: 3,
            values: [(metrics::DISCREPANCY.to_owned(), f64::from(3 - i))].into(),
        })
        .collect();
    input
}

pub(super) fn written(input: &ReportInput) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = write_report(folder.path(), input).unwrap();
    let html = std::fs::read_to_string(path).unwrap();
    (folder, html)
}

#[test]
fn the_page_stands_alone_and_names_its_parts() {
    let (folder, html) = written(&input("quick"));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    for outside in ["src=\"", "<link", "@import", "<script", "url(http"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert_eq!(html.matches("<h1").count(), 1);
    let pictures = html.matches("<svg ").count();
    assert_eq!(pictures, html.matches("role=\"img\" aria-labelledby=").count());
    assert!(pictures > 35, "{pictures}");
    let ids = || html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let unique: HashSet<_> = ids().collect();
    assert_eq!(unique.len(), ids().count(), "ids are unique");
    assert_eq!(html.matches("<th ").count(), html.matches("<th scope=").count());
    assert_eq!(html.matches("<table").count(), html.matches("<caption").count());
    assert!(!html.contains("NaN") && !html.contains(">inf"));
    // Every picture is there as a file of both kinds, and no temporary one is left.
    let files = std::fs::read_dir(folder.path().join("plots")).unwrap();
    let names: Vec<_> = files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    let ending = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
    // The overview and what gives the best simulation away are for other pages.
    assert_eq!((ending(".svg"), ending(".png")), (pictures + 2, pictures + 2));
    assert!(names.iter().any(|name| name == "overview.png"));
    assert!(!names.iter().any(|name| name.starts_with('.')));
}

#[test]
fn names_are_escaped_and_the_korean_font_comes_only_when_needed() {
    let (_folder, html) = written(&input("<b>&\"quick\""));
    assert!(!html.contains("<b>") && html.contains("&#60;b&#62;"));
    assert!(!html.contains("@font-face"));
    let (_folder, html) = written(&input("빠른 시작"));
    assert!(html.contains("@font-face") && html.contains("data:font/woff2;base64,d09GMg"));
    assert!(html.len() < 2_000_000);
}

#[test]
fn what_is_missing_is_said() {
    let (_folder, html) = written(&ReportInput::default());
    for why in [
        "There is no verdict: no calibrator gave a result.",
        "No ranking by multiples of the noise floor",
        "The run stored no numbers of money.",
        "No curves of money",
        "No learning curve",
        "No classifier test",
        "The run stored no distributions.",
        "The run stored no plain numbers.",
        "No picture of kinds",
        "No picture of all metrics",
        "No matrix of kinds",
        "No series over time",
        "The run stored no account of its data",
        "The run stored no provenance.",
        "The run stored no config.",
    ] {
        assert!(html.contains(why), "{why}");
    }
}

#[test]
fn a_report_repeats_byte_for_byte_from_its_directory() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "repeat", 1).unwrap();
    let input = input("repeat");
    run.write_json("summary.json", &input.summary).unwrap();
    run.write_series(&input.series).unwrap();
    run.write("account.txt", b"10 rows read, 9 kept\n  1 dropped: amount missing").unwrap();
    run.write("config.toml", b"name = \"repeat\"").unwrap();
    let path = run.path().to_owned();
    let report = write_report(&path, &ReportInput::read(&path).unwrap()).unwrap();
    let first = std::fs::read(&report).unwrap();
    run.finish(State::Done, None).unwrap();
    write_report(&path, &ReportInput::read(&path).unwrap()).unwrap();
    assert!(first == std::fs::read(&report).unwrap());
    let html = String::from_utf8(first).unwrap();
    assert!(html.contains("1 dropped: amount missing") && html.contains("repeat-1/config.toml"));
}

#[test]
fn a_run_that_did_not_end_well_says_so() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "stopped", 1).unwrap();
    run.write_json("summary.json", &Summary::default()).unwrap();
    run.write_series(&Series::default()).unwrap();
    let path = run.path().to_owned();
    run.finish(State::Interrupted, Some("stopped by Ctrl-C")).unwrap();
    let (_folder, html) = written(&ReportInput::read(&path).unwrap());
    assert!(html.contains("This run was interrupted: stopped by Ctrl-C."));
}

#[test]
fn features_of_a_single_value_are_named_and_not_drawn() {
    let mut input = input("constant");
    let title = "Events per user";
    let why = "Left out, because real and simulated users all have one value: ";
    let named = |html: &str| -> Vec<bool> {
        let lines = html.split(why).skip(1).map(|rest| rest.split("</p>").next().unwrap());
        lines.map(|line| line.contains(&format!("{title} (0)"))).collect()
    };
    let (_folder, whole) = written(&input);
    let feature = input.series.features.iter_mut().find(|f| f.name == "event_count").unwrap();
    feature.title = title.to_owned();
    for side in &mut feature.sides {
        side.distribution = trueup_calibration::statistics::Distribution::of(&[0.0; 4]);
    }
    let (folder, html) = written(&input);
    // Once in each of the four sections of distributions.
    assert!(named(&whole).iter().all(|named| !named));
    assert_eq!(named(&html), [true; 4]);
    assert_eq!(whole.matches("<svg ").count(), html.matches("<svg ").count() + 4);
    assert!(!folder.path().join("plots/ecdf-event_count.svg").exists());
}

fn judged(summary: &Summary) -> (String, String) {
    let verdict = verdict(summary);
    (verdict.sentences.join(" "), verdict.caveats.join(" "))
}

#[test]
fn verdicts_say_what_the_numbers_say() {
    let mut summary = input("a").summary;
    let (sentences, caveats) = judged(&summary);
    assert!(
        sentences.starts_with(
            "ppo comes nearest to the held-out real users. On features that no reward saw, it lies \
             at 1.6 times the noise floor, which is what two groups of real users differ by (median \
             of 2 metrics, 95% interval 1.3 to 2), and 1 of them is at it."
        ),
        "{sentences}"
    );
    // The interval of the AUC, 0.55 to 0.6, lies above the floor of 0.5.
    assert!(sentences.ends_with("they can still be told apart, if barely."), "{sentences}");
    assert!(!sentences.contains("other measures") && !sentences.contains("gap"), "{sentences}");
    assert!(!caveats.contains("farther"), "{caveats}");
    // The gap closed comes last, with its start and with what it leaves out.
    let gap = "From the uncalibrated “personas”, ppo closes 94.0% of the gap (median of 3 metrics \
               that no reward optimised, 90.0% to 97.0%; 1 have no gap, because the start is at the \
               floor: mean-gap of gap).";
    assert!(caveats.ends_with(gap), "{caveats}");

    summary.failed.push(Failure { name: "scaling".into(), reason: "no amounts".into() });
    summary.calibrators[1].c2st_auc_ci = Some([0.49, 0.6]);
    summary.notes.push("the world is flat".into());
    summary.calibrators[1].notes.push("untrained weights were shipped".into());
    let (sentences, caveats) = judged(&summary);
    assert!(sentences.contains("it cannot be shown to tell them apart"), "{sentences}");
    for told in ["scaling failed: no amounts", "the world is flat", "ppo: untrained weights"] {
        assert!(caveats.contains(told), "{told}: {caveats}");
    }

    let worse =
        Summary { calibrators: vec![calibrator("ppo", Some(-0.2), None)], ..Summary::default() };
    assert!(judged(&worse).0.starts_with("On features that no reward saw, ppo lies at 13 times"));
    assert!(judged(&worse).1.contains("ppo widens the gap by 20.0%"));
    let mut compare = Summary {
        mode: Mode::Compare,
        calibrators: vec![calibrator("mine.csv", None, None)],
        ..Summary::default()
    };
    compare.calibrators[0].against_floor_unseen = None;
    compare.calibrators[0].against_floor.as_mut().unwrap().multiple = None;
    let sentence = judged(&compare).0;
    assert!(sentence.contains("users lie at no finite number of times the noise"), "{sentence}");
    compare.calibrators[0].against_floor = None;
    let sentence = judged(&compare).0;
    assert!(sentence.starts_with("The simulated users differ from the real users by 0.08 more"));
    assert_eq!(verdict::percent(0.9999), "99.9%");
}

/// A figure of real and simulated users, 0.1 wide to either side.
fn figure(quantity: &str, real: f64, simulated: f64) -> Figure {
    let estimate =
        |value: f64| serde_json::json!({ "value": value, "interval": [value - 0.1, value + 0.1] });
    serde_json::from_value(serde_json::json!({
        "quantity": quantity, "real": estimate(real), "simulated": estimate(simulated),
        "differs": (real - simulated).abs() > 0.2,
    }))
    .unwrap()
}

#[test]
fn what_is_lost_stands_in_the_first_lines() {
    let mut summary = input("lost").summary;
    summary.calibrators[1].figures = vec![
        figure("mean_amount", 39.09, 41.53),
        figure("events_per_user", 2.0, 2.1),
        figure("between_share", 0.65, -0.17),
        figure("amount_correlation", 0.4, 0.35),
    ];
    let (sentences, caveats) = judged(&summary);
    let lost = "How the users of ppo differ from each other is lost: between-user share of the \
                variance of log amounts −17.0% (real 65.0%, 55.0% to 75.0%).";
    assert!(sentences.contains(lost), "{sentences}");
    let money = "Money and events of ppo differ beyond chance: mean amount 41.5 (real 39.1, 39 to \
                 39.2).";
    assert!(caveats.starts_with(money), "{caveats}");
    let mut input = input("lost");
    input.summary = summary;
    let (_folder, html) = written(&input);
    assert!(html.contains("<td>lost</td>") && html.contains("<td>≠ 41.5 (41.4 to 41.6)</td>"));

    let kept = vec![figure("between_share", 0.65, 0.6), figure("mean_amount", 39.0, 39.1)];
    input.summary.calibrators[1].figures = kept;
    let (sentences, caveats) = judged(&input.summary);
    assert!(sentences.contains("is kept: between-user share"), "{sentences}");
    assert!(caveats.contains("none of 1 plain numbers differs beyond chance"), "{caveats}");
}

#[test]
fn a_calibrator_that_repeats_training_users_is_never_first() {
    let mut input = input("copies");
    let (train, holdout) = (log(60, 0.0), log(50, 0.2));
    let own = |name: &str, simulated: &EventLog| {
        let config = PrivacyConfig { replicates: 20, relabellings: 499 };
        let streams = Streams::new(1);
        let privacy = Privacy::of_logs(simulated, &train, &holdout, &config, &streams).unwrap();
        CalibratorPrivacy { name: name.into(), privacy }
    };
    input.summary.privacy = vec![own("personas", &log(60, 0.4)), own("ppo", &train)];
    let names: Vec<&str> = input.summary.ranked().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["personas", "ppo"]);
    let (sentences, _) = judged(&input.summary);
    assert!(sentences.starts_with("personas comes nearest"), "{sentences}");
    let told = "ppo repeats training users (see privacy): being near says nothing of it, and it \
                comes last.";
    assert!(sentences.contains(told), "{sentences}");
    let (_folder, html) = written(&input);
    assert!(html.contains("<td>repeats them</td>") && html.contains("<td>no copies seen</td>"));
    input.summary.privacy = vec![own("personas", &train), own("ppo", &train)];
    let told =
        "personas, ppo repeat training users (see privacy): being near says nothing of them.";
    assert!(judged(&input.summary).0.contains(told));
    assert_eq!(input.summary.best().unwrap().name, "ppo");
}

/// What is said of `a`, which is nearer to the floor, and `b`, whose interval overlaps.
fn of_two(auc: [Option<(f64, f64)>; 2], excess: [Option<f64>; 2]) -> String {
    let mut a = calibrator("a", Some(0.98), Some([0.94, 1.0]));
    let mut b = calibrator("b", Some(0.95), Some([0.93, 0.97]));
    for (i, c) in [&mut a, &mut b].into_iter().enumerate() {
        c.c2st_auc = auc[i].map(|(value, _)| value);
        c.c2st_auc_ci = auc[i].map(|(value, half)| [value - half, value + half]);
        c.mean_excess = excess[i];
    }
    let personas = calibrator("personas", Some(0.0), Some([0.0, 0.0]));
    judged(&Summary { calibrators: vec![personas, b, a], ..Summary::default() }).0
}

#[test]
fn calibrators_within_the_intervals_are_not_ranked_by_the_floor_alone() {
    let (low, high, wide) = (Some((0.57, 0.005)), Some((0.6, 0.005)), Some((0.6, 0.05)));
    let excess = [Some(0.055), Some(0.033)];
    let a_leads = "a and b come nearest to the held-out real users, and the noise floor does not tell \
                   the two apart. On features that no reward saw, a lies at 1.2 times the noise floor, \
                   which is what two groups of real users differ by (median of 2 metrics, 95% interval \
                   1 to 1.6), and 1 of them is at it; b at 1.5 times the noise floor (median";
    // The others favour b: it is the one that the report looks at first.
    let said = of_two([high, low], excess);
    assert!(said.starts_with("b and a come nearest"), "{said}");
    let favour = "The other measures favour b: AUC of the classifier 0.570 against 0.600, mean \
                  excess over the floor 0.033 against 0.055.";
    assert!(said.contains(favour), "{said}");
    assert!(said.contains("tells the users of b from real ones with an AUC of 0.570"), "{said}");
    let cases = [
        ([low, high], [Some(0.03), Some(0.05)], "The other measures favour a: AUC of the"),
        (
            [low, high],
            excess,
            "disagree: one favours a (AUC of the classifier 0.570 against 0.600)",
        ),
        ([low, high], excess, "one b (mean excess over the floor 0.033 against 0.055)."),
        ([wide, low], excess, "(AUC of the classifier 0.570 against 0.600, within the intervals)"),
        ([wide, low], excess, "the mean favours b (mean excess over the floor 0.033 against"),
        ([high, low], [None, Some(0.1)], "The classifier favours b (AUC of the classifier 0.570"),
        ([wide, low], [None, None], "Nor does the classifier tell which is nearer (AUC of the"),
        ([None, low], excess, "The mean favours b (mean excess"),
    ];
    for (auc, excess, wanted) in cases {
        let said = of_two(auc, excess);
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(said.starts_with(a_leads), "{said}");
    }
    let silent = of_two([None, None], [None, None]);
    assert!(silent.ends_with("and 1 of them is at it."), "{silent}");
}

/// What is said of the metrics of one calibrator: value, floor, upper end of its interval, before.
fn of_metrics(metrics: &[[f64; 4]]) -> String {
    let mut only = calibrator("ppo", Some(0.9), Some([0.9, 0.9]));
    let row = only.panel[0].clone();
    let rows = metrics.iter().map(|&[value, floor, high, before]| {
        let gap = (before > floor).then(|| 1.0 - (value - floor) / (before - floor));
        let floor_ci = [0.0, high];
        let before = Some(before);
        PanelRow { value, floor, floor_ci, before, gap_closed: gap, ..row.clone() }
    });
    only.panel = rows.collect();
    judged(&Summary { calibrators: vec![only], ..Summary::default() }).1
}

#[test]
fn the_worst_metric_is_told_in_numbers_that_can_be_read() {
    let good = [0.11, 0.1, 0.15, 0.9];
    let said = of_metrics(&[good]);
    assert!(!said.contains("worst") && !said.contains("farther"), "{said}");
    let said = of_metrics(&[good, [0.5, 0.1, 0.15, 0.9], [0.7, 0.1, 0.15, 0.9]]);
    let worst = "0.7, where two groups of real users differ by 0.1 (7×).";
    assert!(said.contains("The worst metric of ppo is") && said.contains(worst), "{said}");
    let said = of_metrics(&[good, [0.316, 0.0415, 0.085, 0.109], [0.5, 0.2, 0.6, 0.1]]);
    assert!(said.contains("2 of 3 metrics lie farther from the real users than at the"), "{said}");
}

#[test]
fn a_comparison_has_no_columns_of_before() {
    let mut input = input("compare");
    input.summary.mode = Mode::Compare;
    input.summary.calibrators = vec![calibrator("mine.csv", None, None)];
    let (_folder, html) = written(&input);
    assert!(!html.contains(">Before</th>") && !html.contains(">Gap closed</th>"));
    assert!(html.contains("two random halves of the real users"));
}
