//! A small run from the config to the report, and what it promises.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;

use serde_json::Value;
use trueup_tests::data::{CONFIG, MAP, purchases};
use trueup_tests::{Folder, Output};

/// One finished run that the tests of this file look at.
fn finished() -> &'static (Folder, Output) {
    static RUN: OnceLock<(Folder, Output)> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = Folder::new();
        folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
        let output = folder.trueup(&["run", "tiny.toml"]).ok();
        (folder, output)
    })
}

fn summary(folder: &Folder, run: &str) -> Value {
    serde_json::from_str(&folder.read(&format!("{run}/summary.json"))).unwrap()
}

/// Seconds are the one field that may differ between two runs.
fn without_seconds(mut summary: Value) -> Value {
    assert!(summary.as_object_mut().unwrap().remove("seconds").is_some());
    summary
}

#[test]
fn it_ends_with_a_verdict_table_and_the_path_of_the_report() {
    let (folder, output) = finished();
    let table: Vec<&str> = output.out.lines().collect();
    for name in ["personas", "scaling", "bgnbd", "ppo"] {
        assert!(table.iter().any(|line| line.starts_with(&format!("{name} "))), "{}", output.out);
    }
    let report = output.out.lines().last().unwrap().strip_prefix("Report: ").unwrap();
    assert!(folder.path(report).is_file());
    assert!(!output.out.contains("NaN"), "{}", output.out);
}

#[test]
fn the_progress_off_a_terminal_is_plain_lines() {
    let (_, output) = finished();
    for word in ["reading ", "calibrating ppo", "ppo: iteration 2/2, ", " steps/s", "discrepancy "]
    {
        assert!(output.err.contains(word), "no {word:?} in\n{}", output.err);
    }
    assert!(!output.err.contains(['\u{1b}', '\r']), "control characters in\n{}", output.err);
}

#[test]
fn the_summary_holds_what_was_promised() {
    let (folder, _) = finished();
    let summary = summary(folder, "runs/tiny-7");
    assert_eq!(summary["name"], "tiny");
    assert_eq!(summary["seed"], 7);
    assert!(summary["dataset"].as_str().unwrap().ends_with("log.csv"));
    assert_eq!(summary["train_users"], 120);
    assert_eq!(summary["test_users"], 120);
    assert!(summary["env_steps"].as_u64().unwrap() >= 2 * 64 * 26);
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    let calibrators = summary["calibrators"].as_array().unwrap();
    let names: Vec<&str> = calibrators.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["personas", "scaling", "bgnbd", "ppo"]);
    for calibrator in calibrators {
        for auc in ["c2st_auc", "c2st_auc_floor"] {
            assert!((0.0..=1.0).contains(&calibrator[auc].as_f64().unwrap()), "{calibrator}");
        }
        let panel = calibrator["panel"].as_array().unwrap();
        let optimised = panel.iter().filter(|row| row["optimised"] == true).count();
        assert!(optimised > 0 && 2 * optimised <= panel.len(), "{optimised} of {}", panel.len());
        for row in panel {
            let [low, high] = [0, 1].map(|i| row["ci"][i].as_f64().unwrap());
            assert!(0.0 <= low && low <= high, "{row}");
            for field in ["value", "floor", "before"] {
                assert!(row[field].as_f64().unwrap() >= 0.0, "{field}: {row}");
            }
            for field in ["feature", "level", "discrepancy"] {
                assert!(!row[field].as_str().unwrap().is_empty(), "{row}");
            }
        }
    }
}

/// The outer number is the median over the metrics that were not optimised, the personas close
/// nothing of the gap to themselves.
#[test]
fn gap_closed_is_the_median_of_the_metrics_that_were_not_optimised() {
    let (folder, _) = finished();
    let summary = summary(folder, "runs/tiny-7");
    let personas = &summary["calibrators"][0];
    assert_eq!(personas["gap_closed"].as_f64().unwrap(), 0.0);
    for calibrator in summary["calibrators"].as_array().unwrap() {
        let rows = calibrator["panel"].as_array().unwrap();
        let held_back = rows.iter().filter(|row| row["optimised"] == false);
        let mut gaps: Vec<f64> = held_back.filter_map(|row| row["gap_closed"].as_f64()).collect();
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len();
        let median = (gaps[(n - 1) / 2] + gaps[n / 2]) / 2.0;
        let outer = calibrator["gap_closed"].as_f64().unwrap();
        assert!((outer - median).abs() < 1e-12, "{}: {outer}, {median}", calibrator["name"]);
    }
}

#[test]
fn the_run_directory_is_complete_and_says_done() {
    let (folder, _) = finished();
    let names = folder.list("runs/tiny-7");
    let wanted = [
        "account.txt",
        "config.toml",
        "logs",
        "metrics.jsonl",
        "policies",
        "provenance.json",
        "report.html",
        "status.json",
        "summary.json",
    ];
    for name in wanted {
        assert!(names.iter().any(|n| n == name), "no {name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.ends_with(".tmp")), "{names:?}");
    let status: Value = serde_json::from_str(&folder.read("runs/tiny-7/status.json")).unwrap();
    assert_eq!(status["state"], "done");
    assert_eq!(folder.list("runs/tiny-7/logs").len(), 17);
    let metrics = folder.read("runs/tiny-7/metrics.jsonl");
    assert_eq!(metrics.lines().filter(|line| line.contains("\"ppo\"")).count(), 2);
    assert!(!folder.list("runs/tiny-7/policies/ppo").is_empty());
}

/// No label of a real user may reach anything that is written.
#[test]
fn real_users_are_not_named_in_any_file() {
    let folder = Folder::new();
    let log = purchases(240, 3).replace("\nc", "\nKlient-");
    folder.write("log.csv", &log).write("tiny.toml", CONFIG);
    let sets = ["--set", "calibrators.ppo.iterations=1"];
    let _ = folder.trueup(&[&["run", "tiny.toml"][..], &sets].concat()).ok();
    let mut folders = vec![folder.path("runs")];
    let mut files = 0;
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&entry).unwrap();
            assert!(!bytes.windows(7).any(|w| w == b"Klient-"), "{}", entry.display());
        }
    }
    assert!(files > 10);
}

#[test]
fn one_and_two_threads_give_the_same_bytes_and_so_does_the_resolved_config() {
    let (first, _) = finished();
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    for (threads, out) in [("1", "one"), ("2", "two")] {
        let _ = folder.trueup(&["run", "tiny.toml", "--threads", threads, "--out", out]).ok();
    }
    let _ = folder.trueup(&["run", "two/tiny-7/config.toml", "--out", "again"]).ok();
    let texts = |folder: &Folder, run: &str| -> Vec<String> {
        let logs = folder.list(&format!("{run}/logs"));
        // Two seeds of four calibrators with their users, and their clock.
        assert_eq!(logs.len(), 17);
        logs.iter().map(|name| folder.read(&format!("{run}/logs/{name}"))).collect()
    };
    let wanted = texts(&folder, "one/tiny-7");
    let verdict = without_seconds(summary(&folder, "one/tiny-7"));
    for run in ["two/tiny-7", "again/tiny-7"] {
        assert!(texts(&folder, run) == wanted, "{run}");
        assert_eq!(without_seconds(summary(&folder, run)), verdict, "{run}");
    }
    // In another folder only the path of the data differs.
    let mut elsewhere = without_seconds(summary(first, "runs/tiny-7"));
    elsewhere["dataset"] = verdict["dataset"].clone();
    assert_eq!(elsewhere, verdict);
}

#[test]
fn another_seed_gives_other_users_and_a_second_run_gets_its_own_folder() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    let quick = ["--set", "calibrators.ppo.iterations=1", "--quiet"];
    for seed in ["seed=7", "seed=8", "seed=7"] {
        let arguments = [&["run", "tiny.toml", "--set", seed][..], &quick].concat();
        let output = folder.trueup(&arguments).ok();
        assert_eq!((output.out.as_str(), output.err.as_str()), ("", ""), "--quiet");
    }
    assert_eq!(folder.list("runs"), ["tiny-7", "tiny-7-2", "tiny-8"]);
    let log = |run: &str| folder.read(&format!("runs/{run}/logs/bgnbd-0.csv"));
    assert!(log("tiny-7") == log("tiny-7-2"));
    assert!(log("tiny-7") != log("tiny-8"));
}

#[test]
fn json_is_the_summary_and_nothing_else() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    let sets = ["--set", "calibrators.ppo.iterations=1", "--json"];
    let output = folder.trueup(&[&["run", "tiny.toml"][..], &sets].concat()).ok();
    assert_eq!(output.json(), summary(&folder, "runs/tiny-7"));
}

#[test]
fn the_report_is_written_again_from_the_files() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    let sets = ["--set", "calibrators.ppo.iterations=1"];
    let _ = folder.trueup(&[&["run", "tiny.toml"][..], &sets].concat()).ok();
    let before = folder.read("runs/tiny-7/report.html");
    std::fs::remove_file(folder.path("runs/tiny-7/report.html")).unwrap();
    let output = folder.trueup(&["report", "runs/tiny-7"]).ok();
    assert_eq!(output.out, "Report: runs/tiny-7/report.html\n");
    assert!(folder.read("runs/tiny-7/report.html") == before);
    folder.trueup(&["report", "runs"]).code(3).complains(&["status.json"]);
}

#[test]
fn a_finished_run_becomes_a_notebook() {
    let (folder, _) = finished();
    let output =
        folder.trueup(&["export", "runs/tiny-7", "--to", "ipynb", "--out", "n.ipynb"]).ok();
    assert_eq!(output.out, "Written: n.ipynb\n");
    let notebook: Value = serde_json::from_str(&folder.read("n.ipynb")).unwrap();
    assert_eq!(notebook["nbformat"], 4);
    assert!(notebook["cells"].as_array().unwrap().len() > 1);
}

#[test]
fn two_logs_are_compared_without_training() {
    let folder = Folder::new();
    folder.write("real.csv", purchases(200, 1)).write("same.csv", purchases(200, 2));
    folder.write("map.toml", MAP);
    let same =
        folder.trueup(&["compare", "same.csv", "real.csv", "--map", "map.toml", "--json"]).ok();
    let same = same.json();
    assert_eq!(same["mode"], "compare");
    assert_eq!(same["test_users"], 200);
    assert!(folder.path("runs/compare-same-1/report.html").is_file());
    // Ten times the amounts, and nothing else, is told apart by the amounts and by nothing else.
    let scaled: String = purchases(200, 2)
        .lines()
        .enumerate()
        .map(|(i, line)| match line.rsplit_once(',') {
            Some((head, amount)) if i > 0 => {
                format!("{head},{}\n", amount.parse::<f64>().unwrap() * 10.0)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    folder.write("far.csv", scaled);
    let far =
        folder.trueup(&["compare", "far.csv", "real.csv", "--map", "map.toml", "--json"]).ok();
    let far = far.json();
    let value = |summary: &Value, feature: &str| -> f64 {
        let rows = summary["calibrators"][0]["panel"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row["feature"] == feature && row["discrepancy"] == "kolmogorov-smirnov");
        row.unwrap()["value"].as_f64().unwrap()
    };
    assert!(value(&same, "log_amount") < 0.2);
    assert!(value(&far, "log_amount") > 0.6);
    assert_eq!(value(&same, "gap"), value(&far, "gap"));
}

#[test]
fn a_simulated_log_of_a_run_is_compared_without_a_map_of_its_own() {
    let (folder, _) = finished();
    let map = Folder::new();
    map.write("real.csv", purchases(240, 1)).write("map.toml", MAP);
    let simulated = folder.path("runs/tiny-7/logs/bgnbd-0.csv");
    let simulated = simulated.to_str().unwrap();
    let arguments = ["compare", simulated, "real.csv", "--map", "map.toml", "--json"];
    let summary = map.trueup(&arguments).ok().json();
    assert_eq!(summary["test_users"], 240);
}

/// Runs write the clock beside their logs, so that logs of one run need no map, and logs of another
/// length are refused.
#[test]
fn simulated_logs_are_compared_only_on_one_clock() {
    let (folder, _) = finished();
    let own = folder.path("runs/tiny-7/logs/bgnbd-0.csv").display().to_string();
    let other = folder.path("runs/tiny-7/logs/personas-0.csv").display().to_string();
    let here = Folder::new();
    let summary = here.trueup(&["compare", &own, &other, "--json"]).ok().json();
    assert_eq!(summary["test_users"], 120);
    let described = here.trueup(&["describe", &own, "--json"]).ok().json();
    assert_eq!(described["clock"]["horizon"], 26);

    // Half as long: said by the clock beside the log, or by the log's last event without one.
    here.write("real.csv", purchases(240, 1));
    here.write("short.toml", MAP.replace("horizon = 26", "horizon = 13"));
    let short = ["compare", &own, "real.csv", "--map", "short.toml"];
    here.trueup(&short).code(3).complains(&["clock.json beside it 26 weeks", "13 weeks"]);
    here.write("copy.csv", std::fs::read(&own).unwrap());
    let short = ["compare", "copy.csv", "real.csv", "--map", "short.toml"];
    here.trueup(&short).code(3).complains(&["copy.csv", "events after that", "horizon = 13"]);
    here.write("long.toml", MAP.replace("horizon = 26", "horizon = 52\nend = \"2021-12-31\""));
    let late = purchases(240, 1).replace(",2021-01-", ",2021-12-");
    here.write("late.csv", late);
    let long = ["compare", "copy.csv", "late.csv", "--map", "long.toml"];
    here.trueup(&long).code(3).complains(&["copy.csv", "its last event is in tick 25"]);
    here.trueup(&["describe", "copy.csv"]).code(3).complains(&["needs a map", "clock.json"]);
    assert_eq!(here.list("runs").len(), 1);
}

#[test]
fn a_log_is_described_as_understood() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("map.toml", MAP);
    let output = folder.trueup(&["describe", "log.csv", "--map", "map.toml"]).ok();
    for word in ["240", "purchase"] {
        assert!(output.out.contains(word), "no {word:?} in\n{}", output.out);
    }
    let json = folder.trueup(&["describe", "log.csv", "--map", "map.toml", "--json"]).ok().json();
    assert_eq!(json["users"], 240);
}

/// The way of a bank that keeps its log: statistics go out, training needs nothing else.
#[test]
fn statistics_replace_the_log_for_training() {
    let folder = Folder::new();
    folder.write("theirs.csv", purchases(240, 1)).write("log.csv", purchases(120, 9));
    folder.write("map.toml", MAP).write("tiny.toml", CONFIG);
    let arguments = ["describe", "theirs.csv", "--map", "map.toml", "--statistics", "s.json"];
    let _ = folder.trueup(&arguments).ok();
    std::fs::remove_file(folder.path("theirs.csv")).unwrap();
    let sets = ["--set", "external.statistics=s.json", "--set", "calibrators.ppo.iterations=1"];
    // BG/NBD needs the sequences: it fails by itself, the others stand.
    let output = folder.trueup(&[&["run", "tiny.toml"][..], &sets].concat());
    let output = output.code(1);
    output.complains(&["bgnbd", "needs the training log"]);
    let verdict = summary(&folder, "runs/tiny-7");
    assert_eq!(verdict["train_users"], 240);
    assert_eq!(verdict["test_users"], 120);
    assert_eq!(verdict["calibrators"].as_array().unwrap().len(), 3);
    assert_eq!(verdict["failed"][0]["name"], "bgnbd");
    let status: Value = serde_json::from_str(&folder.read("runs/tiny-7/status.json")).unwrap();
    assert_eq!(status["state"], "failed");
    assert!(folder.path("runs/tiny-7/report.html").is_file());
}

#[test]
fn simulations_need_no_log_at_all() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("map.toml", MAP);
    let arguments = ["describe", "log.csv", "--map", "map.toml", "--statistics", "s.json"];
    let _ = folder.trueup(&arguments).ok();
    folder.write(
        "blind.toml",
        "name = \"blind\"\nseed = 1\nexternal.statistics = \"s.json\"\n\
         [[calibrators]]\nkind = \"personas\"\n[[calibrators]]\nkind = \"scaling\"\n",
    );
    let verdict = folder.trueup(&["run", "blind.toml", "--json"]).ok().json();
    assert_eq!(verdict["test_users"], 0);
    assert_eq!(folder.list("runs/blind-1/logs").len(), 17);
    assert!(verdict["notes"][0].as_str().unwrap().contains("no log of real users"));
}

/// What a learned reward may see counts as rewarded; it is no metric of the panel itself.
#[test]
fn learned_rewards_and_clones_are_compared_like_the_others() {
    let folder = Folder::new();
    let cloning = "[[calibrators]]\nkind = \"cloning\"\nepochs = 2\nnetwork.hidden = [16]\n";
    let config = format!("{CONFIG}start = \"cloning\"\ncloning.epochs = 2\n{cloning}");
    folder.write("log.csv", purchases(240, 1));
    for kind in ["gail", "airl"] {
        folder.write("my.toml", config.replace("\"witness\"", &format!("\"{kind}\"")));
        let summary = folder.trueup(&["run", "my.toml", "--json", "--out", kind]).ok().json();
        let calibrators = summary["calibrators"].as_array().unwrap();
        let names: Vec<&str> = calibrators.iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["personas", "scaling", "bgnbd", "ppo", "cloning"]);
        let rows = calibrators[3]["panel"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["optimised"] == false), "{kind}");
        assert!(calibrators[3]["gap_closed"].is_number(), "{kind}");
        for name in ["ppo", "cloning"] {
            let weights = format!("{kind}/tiny-7/policies/{name}/policy.safetensors");
            assert!(folder.path(&weights).is_file(), "{weights}");
        }
    }
}

/// Where training makes nothing better than its start, the start is shipped, and the terminal, the
/// summary and the report say so.
#[test]
fn weights_that_were_never_trained_are_said_to_be() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1));
    folder.write(
        "tiny.toml",
        format!("{CONFIG}[[calibrators]]\nkind = \"cloning\"\nnetwork.hidden = [8]\n"),
    );
    let sets = [
        "ppo.update.learning_rate=3.0",
        "ppo.iterations=1",
        "cloning.learning_rate=3.0",
        "cloning.epochs=3",
    ]
    .map(|set| format!("calibrators.{set}"));
    let mut arguments = vec!["run", "tiny.toml"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let output = folder.trueup(&arguments).ok();
    let summary = summary(&folder, "runs/tiny-7");
    let report = folder.read("runs/tiny-7/report.html");
    for calibrator in summary["calibrators"].as_array().unwrap() {
        let trained = ["ppo", "cloning"].iter().all(|name| calibrator["name"] != *name);
        assert_eq!(calibrator["untrained"], !trained, "{}", calibrator["name"]);
    }
    for words in ["The weights were never trained.", "The clone was never trained"] {
        assert!(output.err.contains(words), "no {words:?} in {}", output.err);
        assert!(report.contains(words), "no {words:?} in the report");
        assert!(summary["calibrators"].to_string().contains(words), "no {words:?} in the summary");
    }
}
