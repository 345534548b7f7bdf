//! The report of a sweep, from its folder alone.

#![allow(clippy::unwrap_used, clippy::panic)]

mod made_up_sweep;

use std::path::Path;

use trueup_results::sweep::{Direction, Objective, Phase, Plan, SweepSummary};
use trueup_results::{
    RunDirectory, SeedResult, State, TrainingSummary, write_atomically, write_sweep_report,
};

/// Headings in the order in which a reader meets them.
const HEADINGS: [&str; 10] = [
    "## Verdict",
    "## Trials",
    "## Trained on one thing, measured on another",
    "## Learning",
    "## Trial against trial",
    "## What a result costs",
    "## Axis by axis",
    "## Failures and pruned runs",
    "## Plan",
    "## Repeat it",
];

fn read(folder: &Path) -> (String, String) {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (text("report.html"), text("report.md"))
}

fn in_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let at = text[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part} is missing, or too early"));
    }
}

/// Pictures that a Markdown file names.
fn pictures(text: &str) -> Vec<&str> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.filter(|link| link.starts_with("plots/")).collect()
}

#[test]
fn a_sweep_is_told_from_its_verdict_to_its_failures() {
    let folder = tempfile::tempdir().unwrap();
    made_up_sweep::write(folder.path(), 4).unwrap();
    let path = write_sweep_report(folder.path()).unwrap();
    assert_eq!(path, folder.path().join("report.html"));
    let (html, text) = read(folder.path());
    in_order(&text, &HEADINGS);
    let ids = ["verdict", "trials", "measured", "learning", "compare", "cost", "axes", "lost"];
    let sections: Vec<String> = ids.iter().map(|id| format!("<section id=\"{id}\"")).collect();
    in_order(&html, &sections.iter().map(String::as_str).collect::<Vec<_>>());
    // Offline, and no number that is none.
    let (before, font) = html.split_once("base64,").unwrap();
    let letters = format!("{before}{}", font.split_once(')').unwrap().1);
    for page in [&letters, &text] {
        assert!(!page.contains("NaN") && !page.contains("inf%"), "a number is missing");
    }
    assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("url(http"));
    let names = pictures(&text);
    assert!(names.len() >= 9, "{names:?}");
    for name in &names {
        assert!(folder.path().join(name).exists(), "{name}");
    }
    assert_eq!(html.matches("<svg ").count(), names.len());
    // A run that failed, with its reason on one line and harmless, and its log.
    assert!(html.contains("iteration 41 | lower &#60;learning_rate&#62;"));
    assert!(text.contains("iteration 41 \\| lower &lt;learning\\_rate&gt;"));
    assert!(text.contains("/2.log |") && text.contains("worst third of its rung"));
    assert!(text.contains("46 of 48 done, 1 pruned, 1 failed"), "{text}");
    // Written again, it is the same to the byte.
    write_sweep_report(folder.path()).unwrap();
    assert!(read(folder.path()) == (html, text));
}

#[test]
fn numbers_are_those_of_the_runs() {
    let folder = tempfile::tempdir().unwrap();
    made_up_sweep::write(folder.path(), 8).unwrap();
    write_sweep_report(folder.path()).unwrap();
    let (_, text) = read(folder.path());
    let summary = SweepSummary::read(folder.path()).unwrap();
    let ranked = summary.ranked();
    let values = |place: usize| {
        let mut values: Vec<f64> =
            ranked[place].runs.iter().filter_map(|run| run.objective).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (best, second) = (values(0), values(1));
    assert_eq!((best.len(), second.len()), (8, 8));
    // The middle half of eight, by hand.
    let middle = best[2..6].iter().sum::<f64>() / 4.0;
    let shown = format!("{middle:.4}");
    let shown = shown.trim_end_matches('0');
    let verdict = text.lines().find(|line| line.starts_with("**")).unwrap();
    let name: Vec<&str> = ranked[0].values.iter().map(|value| value.label.as_str()).collect();
    let wanted = format!(
        "**Of 12 trials of ppo on builtin:cdnow, {} has the smallest mean excess over the noise \
         floor: {shown} (interquartile mean over 8 seeds",
        name.join(" · ")
    );
    assert!(verdict.starts_with(&wanted), "{verdict}");
    let wins = best.iter().flat_map(|a| second.iter().map(move |b| f64::from(u8::from(a < b))));
    let share = wins.sum::<f64>() / 64.0;
    let against = format!("{:.1}% (95% interval", share * 100.0);
    let sure = text.lines().find(|line| line.contains("runner-up")).unwrap();
    assert!(sure.contains(&against), "{share}: {sure}");
}

#[test]
fn a_sweep_that_has_not_begun_says_why_everything_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    made_up_sweep::write(folder.path(), 1).unwrap();
    std::fs::remove_dir_all(folder.path().join("runs")).unwrap();
    std::fs::remove_dir_all(folder.path().join("failures")).unwrap_or_default();
    write_sweep_report(folder.path()).unwrap();
    let (html, text) = read(folder.path());
    in_order(&text, &HEADINGS);
    assert!(pictures(&text).is_empty());
    assert!(text.contains("There is no verdict: no run has a result."));
    assert!(html.contains("This sweep is not over (0 of 12 done, 12 waiting)"));
    // Trials, measured, axes, learning, profiles, matrix, two costs, slices.
    assert!(html.matches("class=\"empty\"").count() >= 9);
}

#[test]
fn one_seed_has_no_interval_and_nothing_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    made_up_sweep::write(folder.path(), 1).unwrap();
    write_sweep_report(folder.path()).unwrap();
    let (_, text) = read(folder.path());
    assert!(text.contains("one seed says nothing of the spread over seeds"), "{text}");
    assert!(text.contains("No comparison of trials: each has one seed."));
    assert!(!text.contains("(95% interval 0"));
}

#[test]
fn training_on_a_task_is_compared_by_its_return() {
    let folder = tempfile::tempdir().unwrap();
    made_up_sweep::write(folder.path(), 3).unwrap();
    std::fs::remove_dir_all(folder.path().join("runs")).unwrap();
    let mut plan = Plan::read(folder.path()).unwrap();
    plan.trials.truncate(2);
    plan.header.objective = Objective {
        calibrator: None,
        metric: "evaluation_return".into(),
        direction: Direction::Maximize,
    };
    plan.write(folder.path(), &[String::new(), String::new()]).unwrap();
    for (i, run) in plan.runs().enumerate() {
        let value = 100.0 + 10.0 * i as f64;
        let seed = SeedResult {
            seed: run.seed,
            steps: 1000 + i as u64,
            evaluation_return: Some(value),
            ..SeedResult::default()
        };
        let directory = RunDirectory::create_at(&run.folder(folder.path())).unwrap();
        let summary = TrainingSummary {
            task: "CartPole-v1".into(),
            solved_at: Some(475.0),
            seeds: vec![seed],
            ..TrainingSummary::default()
        };
        directory.write_json("summary.json", &summary).unwrap();
        directory.finish(State::Done, None).unwrap();
    }
    write_sweep_report(folder.path()).unwrap();
    let (_, text) = read(folder.path());
    // Runs come seed by seed: the second trial has 110, 130 and 150.
    let wanted = "has the largest mean return of the evaluation episodes: 130 (";
    assert!(text.contains("Of 2 trials on CartPole-v1") && text.contains(wanted), "{text}");
    assert!(text.contains("Training on a task has no panel of metrics."));
    // A run whose summary is broken is named.
    let first = plan.runs().next().unwrap().folder(folder.path()).join("summary.json");
    write_atomically(&first, b"{").unwrap();
    let error = write_sweep_report(folder.path()).unwrap_err().to_string();
    assert!(error.contains("summary.json"), "{error}");
}

#[test]
fn numbers_are_an_axis_and_a_search_is_judged_by_its_own_users() {
    let folder = tempfile::tempdir().unwrap();
    made_up_sweep::write(folder.path(), 2).unwrap();
    let mut plan = Plan::read(folder.path()).unwrap();
    plan.header.axes = vec!["reward.kind".into(), "ppo.learning_rate".into()];
    for trial in &mut plan.trials {
        // 0.0001, 0.001, 0.01 and 0.1 with each reward.
        let exponent = trial.index as i32 % 4 - 4;
        let set = &mut trial.values[1];
        set.path = "ppo.learning_rate".into();
        set.value = 10f64.powi(exponent).into();
        set.label = set.value.to_string();
        if trial.index > 3 {
            trial.phase = Phase::Search;
        }
    }
    plan.write(folder.path(), &vec![String::new(); plan.trials.len()]).unwrap();
    write_sweep_report(folder.path()).unwrap();
    let (_, text) = read(folder.path());
    assert!(pictures(&text).contains(&"plots/sweep-slice-ppo.learning_rate.png"), "{text}");
    let svg = folder.path().join("plots/sweep-slice-ppo.learning_rate.svg");
    let svg = std::fs::read_to_string(svg).unwrap();
    for label in ["ppo.learning_rate (log scale)", "0.0001", "0.1"] {
        assert!(svg.contains(&format!("\n{label}</text>")), "{label}");
    }
    // Four trials are judged on test users, eight were searched on validation users.
    assert!(text.contains("**Of 4 trials of ppo on builtin:cdnow"), "{text}");
    assert!(text.contains("on validation users, whatever the other axes are"));
    assert!(text.contains("rate=0.001") && !text.contains("| 5. "));
}
