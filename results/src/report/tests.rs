use std::collections::HashSet;

use trueup_calibration::panel::{CalibratorPanel, PanelRow};
use trueup_env::{Clock, Covariates, Event, EventLog, Tick};

use super::verdict;
use super::*;
use crate::run_directory::RunDirectory;
use crate::series::{TickSeries, TickSide};
use crate::summary::{Failure, Mode};

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
    serde_json::from_value(serde_json::json!({
        "name": name, "gap_closed": gap, "gap_closed_ci": ci, "gap_closed_unseen": gap,
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
        "No ranking by gap closed",
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
    let verdict = verdict::of(summary);
    (verdict.sentences.join(" "), verdict.caveats.join(" "))
}

#[test]
fn verdicts_say_what_the_numbers_say() {
    let mut summary = input("a").summary;
    let (sentences, caveats) = judged(&summary);
    assert!(
        sentences.starts_with(
            "ppo comes nearest to the held-out real users: it closes 94.0% (95% interval 90.0% to \
             97.0%) of the gap"
        ),
        "{sentences}"
    );
    // The interval of the AUC, 0.55 to 0.6, lies above the floor of 0.5.
    assert!(sentences.ends_with("they can still be told apart, if barely."), "{sentences}");
    assert!(!sentences.contains("other measures"), "{sentences}");
    assert!(!caveats.contains("farther"), "{caveats}");

    summary.failed.push(Failure { name: "scaling".into(), reason: "no amounts".into() });
    summary.calibrators[1].c2st_auc_ci = Some([0.49, 0.6]);
    let (sentences, caveats) = judged(&summary);
    assert!(sentences.contains("it cannot be shown to tell them apart"), "{sentences}");
    assert!(caveats.contains("scaling failed: no amounts"), "{caveats}");

    let worse =
        Summary { calibrators: vec![calibrator("ppo", Some(-0.2), None)], ..Summary::default() };
    assert!(judged(&worse).0.starts_with("ppo widens the gap by 20.0%"));
    let compare = Summary {
        mode: Mode::Compare,
        calibrators: vec![calibrator("mine.csv", None, None)],
        ..Summary::default()
    };
    let sentence = judged(&compare).0;
    assert!(sentence.starts_with("The simulated users differ from the real ones by 0.08 more"));
    assert_eq!(verdict::percent(0.9999), "99.9%");
}

/// What is said of `a`, with the larger gap closed, and `b`, whose interval overlaps.
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
fn calibrators_within_the_intervals_are_not_ranked_by_the_gap_alone() {
    let (low, high, wide) = (Some((0.57, 0.005)), Some((0.6, 0.005)), Some((0.6, 0.05)));
    let excess = [Some(0.055), Some(0.033)];
    let a_leads = "a and b come nearest to the held-out real users, and the gap closed does not \
                   tell the two apart: 98.0% (95% interval 94.0% to 100.0%) and 95.0% (93.0% to \
                   97.0%) of the gap";
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
    assert!(silent.ends_with("two groups of real users differ by."), "{silent}");
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
    assert!(said.contains("25.0% of the gap closed, 0.7 where it was 0.9 before and is 0.1"));
    let said = of_metrics(&[good, [0.15, 0.1, 0.15, 0.18]]);
    assert!(said.contains("0.15, where there was little to gain: 0.18 before, 0.1 between two"));
    let said = of_metrics(&[good, [0.316, 0.0415, 0.085, 0.109]]);
    assert!(
        said.contains("0.316, farther than the 0.109 of the uncalibrated simulation"),
        "{said}"
    );
    assert!(said.contains("1 of 2 metrics lies farther from the real users with ppo"), "{said}");
    assert!(!said.contains('%') || !said.contains("−"), "{said}");
    // No gap beyond chance: not the worst metric, yet counted.
    let said = of_metrics(&[good, [0.5, 0.1, 0.15, 0.12], [0.5, 0.2, 0.3, 0.1]]);
    assert!(!said.contains("worst"), "{said}");
    assert!(said.contains("2 of 3 metrics lie farther"), "{said}");
}

#[test]
fn a_comparison_has_no_columns_of_before() {
    let mut input = input("compare");
    input.summary.mode = Mode::Compare;
    input.summary.calibrators = vec![calibrator("mine.csv", None, None)];
    let (_folder, html) = written(&input);
    assert!(!html.contains(">Before</th>") && !html.contains(">Gap closed (95% interval)</th>"));
    assert!(html.contains("two random halves of the real users"));
}
