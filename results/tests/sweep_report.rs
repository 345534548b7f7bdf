//! The report of a sweep, from its folder alone.

#![allow(clippy::unwrap_used, clippy::panic)]

mod made_up_sweep;

use std::path::Path;

use made_up_sweep::{rewards, search};

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
    rewards::write(folder.path(), 4).unwrap();
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
    assert!(text.contains("/2.log |"), "{text}");
    assert!(text.contains("39 of 48 done, 8 pruned, 1 failed"), "{text}");
    // Written again, it is the same to the byte.
    write_sweep_report(folder.path()).unwrap();
    assert!(read(folder.path()) == (html, text));
}

/// Points of all dashed lines, in units of the drawing.
fn dashed(svg: &str) -> Vec<Vec<[f64; 2]>> {
    let lines = svg.split('<').filter(|element| element.contains("stroke-dasharray"));
    let points = |line: &str| {
        let points = line.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        let point = |text: &str| {
            let (x, y) = text.split_once(',').unwrap();
            [x.parse().unwrap(), y.parse().unwrap()]
        };
        points.split_whitespace().map(point).collect()
    };
    lines.map(points).collect()
}

/// Two of twelve trials were stopped: they have a rung and a rank, and no part in anything else.
#[test]
fn pruned_trials_are_told_apart_from_failures_and_from_results() {
    let folder = tempfile::tempdir().unwrap();
    rewards::write(folder.path(), 4).unwrap();
    write_sweep_report(folder.path()).unwrap();
    let (html, text) = read(folder.path());
    assert!(text.contains("2 trials were pruned: they were stopped early"), "{text}");
    let rows = [
        "| shared scalar · cramer-von-mises | 32 | 11 of 11 | 0.12 | 4 of 4 |",
        "| shared scalar · 에너지 거리 | 16 | 12 of 12 | 0.13 | 4 of 4 |",
        // Of 60 iterations each; the run that failed is none that was planned to be cut.
        "| pruned at 16 | 4 | 240 | 64 | 176 (73.3%) |",
        "| pruned at 32 | 4 | 240 | 128 | 112 (46.7%) |",
        "| went to the end | 39 | 2 340 | 2 340 | 0 (0.0%) |",
        "| **together** | **47** | **2 820** | **2 532** | **288 (10.2%)** |",
    ];
    in_order(&text, &rows);
    // In the ranking there are ten.
    assert!(text.contains("\n| 10. ") && !text.contains("\n| 11. "), "{text}");
    assert!(html.contains("pruned, to their rung"));
    let summary = SweepSummary::read(folder.path()).unwrap();
    let last: Vec<_> = summary.ranked()[10..].iter().map(|t| t.stopped.unwrap().rung).collect();
    assert_eq!(last, [32, 16]);
    // The learning curves end at iterations 32 and 16, of which each is 2000 steps: along the axis
    // they reach from 1 to 32 and from 1 to 16 of them.
    let svg = std::fs::read_to_string(folder.path().join("plots/sweep-learning.svg")).unwrap();
    let curves = dashed(&svg);
    assert_eq!(curves.len(), 3);
    let reach: Vec<f64> = curves[1..].iter().map(|c| c[c.len() - 1][0] - c[0][0]).collect();
    assert!((reach[0] / reach[1] - 31.0 / 15.0).abs() < 0.02, "{reach:?}");
}

/// A run that was pruned without a decision on file, while others of its trial came to the end.
#[test]
fn a_trial_with_a_pruned_run_has_no_value() {
    let folder = tempfile::tempdir().unwrap();
    rewards::write(folder.path(), 3).unwrap();
    std::fs::remove_file(folder.path().join("rungs.jsonl")).unwrap();
    let plan = Plan::read(folder.path()).unwrap();
    let first = plan.runs().next().unwrap().folder(folder.path());
    std::fs::write(first.join("pruned.txt"), "others did better | at 8").unwrap();
    let status = std::fs::read_to_string(first.join("status.json")).unwrap();
    std::fs::write(first.join("status.json"), status.replace("done", "interrupted")).unwrap();
    write_sweep_report(folder.path()).unwrap();
    let (_, text) = read(folder.path());
    assert!(text.contains("**Of 9 trials of ppo"), "{text}");
    let row = "| witness · wasserstein-1 | – | – | – | 1 of 3 | others did better \\| at 8 |";
    assert!(text.contains(row), "{text}");
}

#[test]
fn a_search_over_many_axes_is_drawn_along_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    search::write(folder.path(), 60).unwrap();
    let path = write_sweep_report(folder.path()).unwrap();
    let (html, text) = read(folder.path());
    assert!(std::fs::metadata(path).unwrap().len() < 5_000_000);
    assert!(pictures(&text).contains(&"plots/sweep-parallel.png"));
    assert!(html.contains("<summary>The same as a table</summary>"));
    let svg = std::fs::read_to_string(folder.path().join("plots/sweep-parallel.svg")).unwrap();
    for label in ["learning_rate, log scale", "not set", "공유 스칼라", "true", "best: witness"]
    {
        let there = svg.contains(&format!("\n{label}</text>"));
        assert_eq!(there, label != "best: witness", "{label}");
    }
    // One line a trial that was proposed and has a value, and a dashed one for each of the others.
    let summary = SweepSummary::read(folder.path()).unwrap();
    let searched = || summary.trials.iter().filter(|trial| trial.phase == Phase::Search);
    let valued = searched().filter(|trial| trial.objective.is_some()).count();
    let pruned = searched().filter(|trial| trial.is_pruned()).count();
    assert!(valued > 20 && pruned > 10 && searched().count() > valued + pruned);
    assert_eq!(dashed(&svg).len(), 1 + searched().count() - valued);
    // The table has the same trials, 60 in all.
    let table = html.split("Trials by rank, with what they set").nth(2).unwrap();
    let table = table.split("</table>").next().unwrap();
    assert_eq!(table.matches("<tr").count(), 61);
    assert_eq!(table.matches("pruned at").count(), pruned);
    // With two axes, slices say more.
    rewards::write(&folder.path().join("two"), 2).unwrap();
    write_sweep_report(&folder.path().join("two")).unwrap();
    let (html, text) = read(&folder.path().join("two"));
    assert!(!html.contains("sweep-parallel") && !text.contains("sweep-parallel"));
}

#[test]
fn a_page_of_360_runs_is_no_larger_than_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    rewards::write(folder.path(), 30).unwrap();
    let path = write_sweep_report(folder.path()).unwrap();
    let bytes = std::fs::metadata(path).unwrap().len();
    assert!(bytes < 5_000_000, "{bytes}");
}

#[test]
fn numbers_are_those_of_the_runs() {
    let folder = tempfile::tempdir().unwrap();
    rewards::write(folder.path(), 8).unwrap();
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
        "**Of 10 trials of ppo on builtin:cdnow, {} has the smallest mean excess over the noise \
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
    rewards::write(folder.path(), 1).unwrap();
    std::fs::remove_dir_all(folder.path().join("runs")).unwrap();
    std::fs::remove_dir_all(folder.path().join("failures")).unwrap_or_default();
    std::fs::remove_file(folder.path().join("rungs.jsonl")).unwrap();
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
    rewards::write(folder.path(), 1).unwrap();
    write_sweep_report(folder.path()).unwrap();
    let (_, text) = read(folder.path());
    assert!(text.contains("one seed says nothing of the spread over seeds"), "{text}");
    assert!(text.contains("No comparison of trials: each has one seed."));
    assert!(!text.contains("(95% interval 0"));
}

#[test]
fn training_on_a_task_is_compared_by_its_return() {
    let folder = tempfile::tempdir().unwrap();
    rewards::write(folder.path(), 3).unwrap();
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
    rewards::write(folder.path(), 2).unwrap();
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
