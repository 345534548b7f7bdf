//! Statistics know of which users they are made, and a run tells users that they have seen from
//! others; both sides of a comparison are about one population.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;
use trueup_tests::data::{CONFIG, MAP, Numbers, purchases};
use trueup_tests::{Folder, Output};

/// Two calibrators that statistics suffice for.
fn folder() -> Folder {
    let folder = Folder::new();
    let config = CONFIG.split("[[calibrators]]\nkind = \"bgnbd\"").next().unwrap();
    folder.write("log.csv", purchases(160, 1)).write("map.toml", MAP).write("tiny.toml", config);
    folder
}

fn describe(folder: &Folder, log: &str, options: &[&str]) -> Output {
    let arguments = ["describe", log, "--map", "map.toml", "--statistics", "s.json"];
    folder.trueup(&[&arguments[..], options].concat()).ok()
}

fn run(folder: &Folder, sets: &[&str]) -> Output {
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = ["run", "tiny.toml"].into_iter().chain(sets).collect();
    folder.trueup(&arguments)
}

fn summary(folder: &Folder, run: &str) -> Value {
    serde_json::from_str(&folder.read(&format!("runs/{run}/summary.json"))).unwrap()
}

const STATISTICS: &str = "external.statistics=s.json";

/// The users that a split holds out judge, and they are those that a run with the same split holds
/// out of the log itself.
#[test]
fn a_split_holds_out_the_users_of_a_run_with_that_split() {
    let folder = folder();
    let told = describe(&folder, "log.csv", &["--split", "0.3:4"]).out;
    assert!(told.contains("They are of 112 users.") && told.contains("seed 4"), "{told}");
    let output = run(&folder, &[STATISTICS]).ok();
    assert!(output.out.contains("48 held-out users (112 for training)"), "{}", output.out);
    let _ = run(&folder, &["split.test=0.3", "split.seed=4"]).ok();
    let [by_file, by_log] = ["tiny-7", "tiny-7-2"].map(|name| summary(&folder, name));
    assert_eq!(by_file["judges"], "held-out");
    assert!(by_file["notes"][0].as_str().unwrap().contains("share 0.3, seed 4"));
    // The same users on both sides: the same worlds, simulations, values and floors.
    for (file, log) in [0, 1].map(|i| (&by_file["calibrators"][i], &by_log["calibrators"][i])) {
        assert_eq!(file["panel"], log["panel"]);
        assert!(!file["panel"].as_array().unwrap().is_empty());
    }
}

#[test]
fn users_that_were_seen_are_refused_or_said_to_be() {
    let folder = folder();
    let told = describe(&folder, "log.csv", &[]).out;
    assert!(told.contains("nobody held out"), "{told}");
    run(&folder, &[STATISTICS]).code(3).complains(&["nobody is held out", "--split", "seen = "]);
    assert!(folder.list("runs").is_empty());
    // Rows in another order of columns and other names of users are the same log all the same.
    let renamed = folder.read("log.csv").replace("\nc", "\nk");
    folder.write("log.csv", renamed);
    run(&folder, &[STATISTICS]).code(3).complains(&["nobody is held out"]);

    let output = run(&folder, &[STATISTICS, "external.seen=\"accept\""]).ok();
    let words = "160 users that training has seen, not held out";
    assert!(output.out.contains(words), "{}", output.out);
    let seen = summary(&folder, "tiny-7");
    assert_eq!(seen["judges"], "seen");
    assert!(seen["notes"][0].as_str().unwrap().contains("not held out"));
    assert!(folder.read("runs/tiny-7/report.html").contains(words));
    // The resolved config repeats the run.
    let again = ["run", "runs/tiny-7/config.toml", "--out", "again", "--json"];
    assert_eq!(folder.trueup(&again).ok().json()["judges"], "seen");
}

#[test]
fn users_of_whom_nobody_knows_are_marked() {
    let folder = folder();
    folder.write("theirs.csv", purchases(160, 2));
    // Made of another log.
    let _ = describe(&folder, "theirs.csv", &["--split", "0.5"]);
    let output = run(&folder, &[STATISTICS]).ok();
    assert!(output.out.contains("160 users that training may have seen"), "{}", output.out);
    let note = |name: &str| summary(&folder, name)["notes"][0].as_str().unwrap().to_owned();
    assert!(note("tiny-7").contains("cannot know") && note("tiny-7").contains("another log"));
    assert_eq!(summary(&folder, "tiny-7")["test_users"], 160);
    // A file of an older version does not say.
    let mut old: Value = serde_json::from_str(&folder.read("s.json")).unwrap();
    old.as_object_mut().unwrap().remove("origin");
    folder.write("s.json", old.to_string());
    let _ = run(&folder, &[STATISTICS]).ok();
    assert_eq!(summary(&folder, "tiny-7-2")["judges"], "unknown");
    assert!(note("tiny-7-2").contains("does not say of which log"));
}

/// A digest or an exact number of users would undo the privacy of a file; the split does not depend
/// on what users did, so that whoever it holds out can judge.
#[test]
fn a_private_file_keeps_its_split_and_no_digest() {
    let folder = folder();
    let private = ["--split", "0.5", "--epsilon", "20", "--amounts", "1:200", "--max-events", "30"];
    let _ = describe(&folder, "log.csv", &private);
    let file: Value = serde_json::from_str(&folder.read("s.json")).unwrap();
    assert!(file["origin"]["digest"].is_null() && file["origin"]["users"].is_null());
    assert_eq!(file["origin"]["split"]["share"], 0.5);
    assert!(file["privacy"]["public"].to_string().contains("order of users"));
    let _ = run(&folder, &[STATISTICS]).ok();
    let judged = summary(&folder, "tiny-7");
    assert_eq!((&judged["judges"], &judged["test_users"]), (&"unknown".into(), &80.into()));
    assert!(judged["notes"][0].as_str().unwrap().contains("private"));
}

/// Without any log the statistics judge by their own grids, said so on top, and there is a report.
#[test]
fn statistics_alone_judge_by_themselves() {
    let folder = folder();
    let _ = describe(&folder, "log.csv", &[]);
    let config = folder.read("tiny.toml");
    let (head, rest) = config.split_once("[external]").unwrap();
    let rest = rest.split_once("[reward]").unwrap().1;
    let config = format!("{head}[external]\nstatistics = \"s.json\"\n[reward]{rest}");
    folder.write("tiny.toml", config);
    let output = run(&folder, &[]).ok();
    assert!(output.out.contains("nobody held out"), "{}", output.out);
    let judged = summary(&folder, "tiny-7");
    assert_eq!(judged["judges"], "statistics");
    assert!(judged["notes"][0].as_str().unwrap().starts_with("Nobody is held out"));
    let excess = |i: usize| judged["calibrators"][i]["mean_excess"].as_f64().unwrap();
    assert!(excess(0) > 0.0 && excess(1) > 0.0, "scaling {} personas {}", excess(1), excess(0));
    let rows = judged["calibrators"][0]["panel"].as_array().unwrap();
    let features: BTreeSet<&str> =
        rows.iter().map(|row| row["feature"].as_str().unwrap()).collect();
    for feature in ["log_amount", "gap", "event_count", "recency"] {
        assert!(features.contains(feature), "no {feature} in {features:?}");
    }
    assert!(folder.read("runs/tiny-7/report.html").contains("Nobody is held out"));
}

/// A log `client,day,euros` of users with rates of their own, many of whom have no event at all.
fn seldom(users: usize) -> String {
    let mut numbers = Numbers::new(5);
    let mut text = String::from("client,day,euros\n");
    for user in 0..users {
        let rate = 0.004 + 0.02 * numbers.next_number();
        let mut day = 0.0;
        loop {
            day -= (1.0 - numbers.next_number()).ln() / rate;
            if day >= 182.0 {
                break;
            }
            let (month, date, euros) = (1 + day as usize / 28, 1 + day as usize % 28, day + 1.5);
            let _ = writeln!(text, "c{user},2021-{month:02}-{date:02},{euros:.2}");
        }
    }
    text
}

/// A window of the calendar knows users with events alone, so simulated users without any are drawn
/// and left out, and the model of them is fitted to that: it draws about as many unseen users as there
/// were. Who asks for all users gets all.
#[test]
fn both_sides_are_about_users_with_events() {
    let folder = Folder::new();
    let config = CONFIG.split("[[calibrators]]\nkind = \"ppo\"").next().unwrap();
    folder.write("log.csv", seldom(600)).write("tiny.toml", config);
    let output = run(&folder, &[]).ok();
    let active = summary(&folder, "tiny-7");
    assert_eq!(active["population"], "active");
    let known = active["train_users"].as_u64().unwrap() + active["test_users"].as_u64().unwrap();
    let unseen = 1.0 - known as f64 / 600.0;
    assert!(unseen > 0.1, "{unseen}");
    let share = |summary: &Value, i: usize| summary["calibrators"][i]["inactive"].as_f64().unwrap();
    // 4.5 standard errors of the share among 600 users are 0.08; the fit adds to that.
    assert!((share(&active, 2) - unseen).abs() < 0.15, "{} {unseen}", share(&active, 2));
    let note = active["notes"].to_string();
    assert!(note.contains("without an event were drawn and left out"), "{note}");
    assert!(folder.read("runs/tiny-7/report.html").contains("were drawn and left out"));
    assert!(!output.out.is_empty());
    let minimum = |name: &str| {
        let log = folder.read(&format!("runs/{name}/logs/bgnbd-0.csv"));
        let users: BTreeSet<&str> =
            log.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
        users.len() as u64
    };
    assert_eq!(minimum("tiny-7"), active["train_users"].as_u64().unwrap());

    let _ = run(&folder, &["evaluation.population=\"all\""]).ok();
    let all = summary(&folder, "tiny-7-2");
    assert_eq!(all["population"], "all");
    assert!(minimum("tiny-7-2") < all["train_users"].as_u64().unwrap());
    // Taken for everybody, the same users leave fewer unseen.
    assert!(share(&all, 2) < share(&active, 2), "{} {}", share(&all, 2), share(&active, 2));
}

#[test]
fn statistics_of_all_users_are_not_of_active_ones() {
    let folder = folder();
    let map = MAP.replace("start = \"2021-01-01\"", "start = \"2021-03-01\"");
    folder.write("map.toml", map.replace("26", "18"));
    let _ = describe(&folder, "log.csv", &[]);
    let file: Value = serde_json::from_str(&folder.read("s.json")).unwrap();
    assert_eq!(file["population"], "all");
    let config = "name = \"tiny\"\nseed = 7\nexternal.statistics = \"s.json\"\n\
                  evaluation.population = \"active\"\n[[calibrators]]\nkind = \"personas\"\n";
    folder.write("tiny.toml", config);
    run(&folder, &[]).code(3).complains(&["population", "users without events", "\"all\""]);
}
