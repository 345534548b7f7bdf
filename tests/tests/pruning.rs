//! Trials that are stopped early: the same decisions however a sweep goes on, and the same results of
//! those that stay.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use trueup_tests::Folder;
use trueup_tests::data::{CONFIG, purchases};

/// Nine trials of two seeds on a task, 27 iterations each; rungs at 3 and 9.
const SWEEP: &str = concat!(
    trueup_tests::tiny_task!("864"),
    r#"
[sweep]
seeds = 2
[sweep.prune]
first = 3
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = { low = 1e-5, high = 1e-1, scale = "log", points = 9 }
[launch]
jobs = 2
"#
);

fn folder(config: &str) -> Folder {
    let folder = Folder::new();
    folder.write("tiny.toml", config);
    folder
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Rung, trial, and whether it went on.
fn decisions(folder: &Folder) -> Vec<(u64, String, bool)> {
    let text = folder.read("runs/tiny/rungs.jsonl");
    let one = |line: &str| {
        let line = json(line);
        let trial = line["trial"].as_str().unwrap().to_owned();
        (line["rung"].as_u64().unwrap(), trial, line["kept"].as_bool().unwrap())
    };
    text.lines().map(one).collect()
}

/// Iterations of each run, by its folder.
fn iterations(folder: &Folder, trial: &str) -> Vec<u64> {
    let last = |seed: u32| {
        let text = folder.read(&format!("runs/tiny/runs/{trial}/{seed}/metrics.jsonl"));
        json(text.lines().last().unwrap())["iteration"].as_u64().unwrap()
    };
    [1, 2].map(last).to_vec()
}

#[test]
fn the_best_third_goes_on_from_each_rung() {
    let folder = folder(SWEEP);
    // A pilot has nobody to be compared with: it goes to its end.
    let pilot = folder.trueup(&["plan", "tiny.toml", "--pilot"]).ok();
    assert!(pilot.out.contains("early"), "{}", pilot.out);
    assert!(folder.list("runs").is_empty());
    let output = folder.trueup(&["run", "tiny.toml"]).ok();
    assert!(output.err.contains("at iteration 3: 3 of 9 trials go on"), "{}", output.err);
    assert!(output.err.contains("at iteration 9: 1 of 3 trials go on"), "{}", output.err);
    let decisions = decisions(&folder);
    assert_eq!(decisions.len(), 12);
    let mut reached: BTreeMap<&str, u64> = BTreeMap::new();
    for (rung, trial, kept) in &decisions {
        let end = if *kept { 27 } else { *rung };
        reached.insert(trial, end);
    }
    for (trial, end) in reached {
        assert_eq!(iterations(&folder, trial), [end, end]);
    }
    let status = folder.trueup(&["status", "runs/tiny"]).ok();
    assert!(status.out.starts_with("tiny: 2 of 18 done, 16 pruned"), "{}", status.out);
    let summary = json(&folder.read("runs/tiny/summary.json"));
    let states: Vec<&str> = summary["trials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trial| trial["runs"][0]["state"].as_str().unwrap())
        .collect();
    assert_eq!(states.iter().filter(|state| **state == "pruned").count(), 8);
    let reason = summary["trials"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|trial| trial["runs"][0]["reason"].as_str())
        .unwrap();
    assert!(reason.starts_with("stopped at rung 3: rank "), "{reason}");
    // What went on gives what it gives without rungs.
    let winner = summary["trials"]
        .as_array()
        .unwrap()
        .iter()
        .find(|trial| trial["runs"][0]["state"] == "done")
        .unwrap();
    let id = winner["trial"].as_str().unwrap();
    let run = format!("runs/tiny/runs/{id}/2");
    let _ = folder.trueup(&["run", &format!("{run}/config.toml"), "--out", "single"]).ok();
    let policy = |root: &str| {
        std::fs::read(folder.path(&format!("{root}/policies/seed-2/policy.safetensors"))).unwrap()
    };
    assert!(policy(&run) == policy("single/tiny-2"), "another policy");
    // Nothing is left to do.
    let before = folder.read("runs/tiny/summary.json");
    let _ = folder.trueup(&["resume", "runs/tiny"]).ok();
    assert_eq!(folder.read("runs/tiny/summary.json"), before);
    assert_eq!(self::decisions(&folder), decisions);
}

/// One worker or two, killed ten times or not at all.
#[test]
#[cfg(unix)]
fn decisions_do_not_depend_on_who_works_and_when() {
    use std::os::unix::process::CommandExt;
    let golden = folder(SWEEP);
    let _ = golden.trueup(&["run", "tiny.toml", "--set", "launch.jobs=1"]).ok();
    let folder = folder(SWEEP);
    let mut arguments = vec!["run", "tiny.toml"];
    let mut draw = 99u64;
    for _ in 0..10 {
        let mut command = folder.command(&arguments);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.process_group(0).spawn().unwrap();
        while !folder.path("runs/tiny/plan.jsonl").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        draw = draw.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let wait = (draw >> 33) % 250;
        println!("a kill after {wait} ms");
        std::thread::sleep(Duration::from_millis(wait));
        let target = format!("-{}", child.id());
        let _ = std::process::Command::new("kill").args(["-9", "--", &target]).status();
        let _ = child.wait();
        arguments = vec!["resume", "runs/tiny"];
    }
    let _ = folder.trueup(&["resume", "runs/tiny"]).ok();
    let summary = |folder: &Folder| folder.read("runs/tiny/summary.json");
    assert_eq!(summary(&folder), summary(&golden));
    let sorted = |folder: &Folder| {
        let mut decisions = decisions(folder);
        decisions.sort();
        decisions
    };
    assert_eq!(sorted(&folder), sorted(&golden));
}

#[test]
fn the_median_rule_finishes_the_first_trials_and_compares_the_others() {
    let rule = "[sweep.prune]\nrule = \"median\"\nfirst = 6\nevery = 9\nstartup = 4";
    let folder = folder(&SWEEP.replace("[sweep.prune]\nfirst = 3", rule));
    let _ = folder.trueup(&["run", "tiny.toml"]).ok();
    let plan = folder.read("runs/tiny/plan.jsonl");
    let trials: Vec<String> =
        plan.lines().skip(1).map(|line| json(line)["trial"].as_str().unwrap().to_owned()).collect();
    let decisions = decisions(&folder);
    for trial in &trials[..4] {
        assert!(decisions.iter().all(|(_, other, _)| other != trial));
        assert_eq!(iterations(&folder, trial), [27, 27]);
    }
    assert_eq!(decisions.iter().filter(|(rung, ..)| *rung == 6).count(), 5);
    // By hand: at iteration 6 the mean return of the trial against the median of the four.
    let value = |trial: &str, rung: u64| {
        let of_seed = |seed: u32| {
            let text = folder.read(&format!("runs/tiny/runs/{trial}/{seed}/metrics.jsonl"));
            let line = text.lines().map(json).find(|line| line["iteration"] == rung).unwrap();
            line["values"]["return_last_100"].as_f64().unwrap()
        };
        (of_seed(1) + of_seed(2)) / 2.0
    };
    let mut finished: Vec<f64> = trials[..4].iter().map(|trial| value(trial, 6)).collect();
    finished.sort_by(f64::total_cmp);
    let median = (finished[1] + finished[2]) / 2.0;
    for (rung, trial, kept) in &decisions {
        if *rung == 6 {
            assert_eq!(*kept, value(trial, 6) >= median, "{trial}");
        }
    }
}

/// Users: judged on the way by validation users, stopped in the calibrator of the objective alone.
#[test]
fn calibrators_are_stopped_too() {
    let (head, _) = CONFIG.split_once("[[calibrators]]\nkind = \"bgnbd\"").unwrap();
    let head = head.replace("replicates = 40", "replicates = 40\npermutations = 0");
    let config = format!(
        "{head}\n[[calibrators]]\nkind = \"ppo\"\niterations = 6\nusers = 32\njudge_every = 1\n\
         validation = 0.5\n[sweep]\nseeds = 2\n[sweep.prune]\nfirst = 2\neta = 2\n\
         [[sweep.groups]]\nkind = \"grid\"\n\
         axes = {{ \"calibrators.ppo.update.learning_rate\" = [1e-4, 1e-3, 1e-2, 1e-5] }}\n"
    );
    let folder = folder(&config);
    folder.write("log.csv", purchases(120, 1));
    let output = folder.trueup(&["run", "tiny.toml"]).ok();
    assert!(output.err.contains("at iteration 2: 2 of 4 trials go on"), "{}", output.err);
    assert!(output.err.contains("at iteration 4: 1 of 2 trials go on"), "{}", output.err);
    let status = folder.trueup(&["status", "runs/tiny"]).ok();
    assert!(status.out.starts_with("tiny: 2 of 8 done, 6 pruned"), "{}", status.out);
    let report = folder.read("runs/tiny/report.html");
    assert!(report.contains("pruned"), "the report does not tell");
    // Twelve of sixty users are too few to judge.
    let few = folder.read("tiny.toml").replace("validation = 0.5", "validation = 0.2");
    folder.write("tiny.toml", few);
    let output = folder.trueup(&["run", "tiny.toml", "--out", "few"]).code(1);
    output.complains(&["no trial has reported `validation`", "nothing to compare"]);
}

#[test]
fn mistakes_are_named() {
    let refused = |from: &str, to: &str, parts: &[&str]| {
        let config = SWEEP.replace(from, to);
        assert_ne!(config, SWEEP);
        folder(&config).trueup(&["run", "tiny.toml"]).code(3).complains(parts);
    };
    refused("first = 3", "eta = 3", &["first", "add first = 10"]);
    refused("first = 3", "first = 0", &["`sweep.prune.first` is 0", "give 1 or more"]);
    refused("first = 3", "first = 3\neta = 1", &["`sweep.prune.eta` is 1", "give 2 or more"]);
    refused("first = 3", "first = 3\nevery = 2", &["every"]);
    refused("first = 3", "frist = 3\nfirst = 3", &["frist", "first"]);
    refused("first = 3", "first = 3\nrule = \"best\"", &["best", "halving", "median"]);
    refused("first = 3", "first = 3\nmetric = \"retrun\"", &["unknown metric `retrun`"]);
    refused("first = 3", "first = 3\nmetric = \"validation\"", &["return_last_100"]);

    let users = |calibrators: &str, sweep: &str| {
        let (head, _) = CONFIG.split_once("[[calibrators]]\nkind = \"bgnbd\"").unwrap();
        let folder = folder(&format!(
            "{head}\n{calibrators}\n[sweep]\nseeds = 1\n{sweep}\n[[sweep.groups]]\n\
             kind = \"grid\"\naxes = {{ \"reward.kind\" = [\"witness\", \"shared\"] }}\n"
        ));
        folder.write("log.csv", purchases(120, 1));
        folder.trueup(&["run", "tiny.toml"]).code(3)
    };
    let ppo = "[[calibrators]]\nkind = \"ppo\"\niterations = 6\njudge_every = 1";
    let prune = "[sweep.prune]\nfirst = 2";
    users("", prune).complains(&["is fitted in one go", "only ppo"]);
    let unseen = format!("{ppo}\nvalidation = 0.0");
    users(&unseen, prune).complains(&["no validation users", "metric = \"discrepancy\""]);
    let seldom = ppo.replace("judge_every = 1", "judge_every = 3");
    users(&seldom, prune).complains(&["judge every 3 iterations", "`judge_every` of `ppo`"]);
    let own = format!("{prune}\nmetric = \"discrepancy\"");
    users(ppo, &own).complains(&["trials differ in `reward.kind`", "validation users judge"]);
    // Objectives that no run has.
    users(ppo, "objective = \"gapp:energy\"").complains(&["unknown feature `gapp`", "gap"]);
    users(ppo, "objective = \"gap:enrgy\"").complains(&["unknown discrepancy `enrgy`", "energy"]);
    users(ppo, "objective = \"gap:*\"").complains(&["more than one metric"]);
    users(ppo, "objective = \"gap:psi(bins=7)\"").complains(&["not in the panel"]);
}
