//! What a person is told: by every command, also where its reader goes away; in words and numbers as
//! they were given.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Stdio};

use serde_json::Value;
use trueup_tests::data::{CONFIG, TASK, purchases};
use trueup_tests::{Folder, tiny_task};

fn folder(config: &str) -> Folder {
    let folder = Folder::new();
    folder.write("log.csv", purchases(60, 1)).write("my.toml", config);
    folder
}

/// Two calibrators, none of which is trained on a reward.
fn untrained() -> String {
    CONFIG
        .replace("[[calibrators]]\nkind = \"ppo\"\niterations = 2\nusers = 64\n", "")
        .replace("network = { hidden = [16] }\n", "")
        .replace("[[calibrators]]\nkind = \"scaling\"\n", "")
        .replace("seeds = 2\nreplicates = 40", "seeds = 1\nreplicates = 40\npermutations = 0")
}

/// `trueup ... | head -1`: both outputs go to a pipe whose reader has gone.
#[test]
fn a_reader_that_has_gone_changes_no_exit_code() {
    let folder = folder(CONFIG);
    folder.write("tiny.toml", concat!(tiny_task!("128"), "[sweep]\nseeds = 2\n"));
    let gone = || Stdio::from(std::io::pipe().unwrap().1);
    let code = |arguments: &[&str]| {
        let mut command: Command = folder.command(arguments);
        command.stdout(gone()).stderr(gone()).status().unwrap().code()
    };
    for (arguments, wanted) in [
        (&["describe", "nothing.csv"][..], 3),
        (&["describe", "builtin:cdnow"], 0),
        (&["describe", "builtin:cdnow", "--json"], 0),
        (&["metrics"], 0),
        (&["schema"], 0),
        (&["completions", "bash"], 0),
        (&["--help"], 0),
        (&["nonsense"], 2),
        (&["validate", "my.toml"], 0),
        (&["plan", "tiny.toml"], 0),
        (&["run", "tiny.toml"], 0),
        (&["status", "runs/tiny"], 0),
        (&["resume", "runs/tiny"], 0),
        (&["runs", "ls"], 0),
        (&["run", "my.toml", "--set", "seed=x"], 3),
    ] {
        assert_eq!(code(arguments), Some(wanted), "{arguments:?}");
    }
}

#[test]
fn a_key_outside_of_tables_stands_at_the_top_of_the_file() {
    let folder = folder(&format!("colour = 1\n{CONFIG}"));
    folder.write("map.toml", "colour = 1\n");
    let words = ["unknown key `colour` at the top of the file"];
    folder.trueup(&["validate", "my.toml"]).code(3).complains(&words);
    folder.trueup(&["describe", "log.csv", "--map", "map.toml"]).code(3).complains(&words);
}

#[test]
fn settings_are_written_as_they_were_given() {
    let config = format!(
        "{CONFIG}update = {{ average = 0.97, clip = 0.15, value_clip = 0.3, gamma = 0.999 }}\n"
    );
    let folder = folder(&config);
    let text = folder.trueup(&["validate", "my.toml"]).ok().out;
    for line in ["average = 0.97", "clip = 0.15", "value_clip = 0.3", "gamma = 0.999"] {
        assert!(text.lines().any(|shown| shown == line), "no {line} in\n{text}");
    }
    let json = folder.trueup(&["validate", "my.toml", "--json"]).ok().out;
    assert!(json.contains("\"lambda\": 0.97,"), "{json}");
    let refused =
        folder.trueup(&["validate", "my.toml", "--set", "calibrators.ppo.update.gamma=1.2"]);
    refused.code(3).complains(&["gamma", "is 1.2, but"]);
    folder.write("cart.toml", TASK);
    let text = folder.trueup(&["validate", "cart.toml"]).ok().out;
    assert!(text.contains("\nlambda = 0.8\n") && text.contains("\ngamma = 0.98\n"), "{text}");
}

#[test]
fn validate_opens_the_data_and_shows_what_follows_from_them() {
    let folder = folder(CONFIG);
    let output = folder.trueup(&["validate", "my.toml"]).ok();
    for words in [
        "# The data: 30 users for training",
        "30 held out, 26 weeks.",
        "# Kind purchase: money out",
        "# Reward term: cramer-von-mises of log_amount, weight 1",
    ] {
        assert!(output.out.contains(words), "no {words:?} in\n{}", output.out);
    }
    // What is printed is a config.
    folder.write("again.toml", &output.out);
    let json = folder.trueup(&["validate", "again.toml", "--json"]).ok().json();
    assert_eq!(
        (&json["found"]["train_users"], &json["found"]["horizon"]),
        (&30.into(), &26.into())
    );
    let terms = json["found"]["reward_terms"].as_array().unwrap();
    assert!(terms.iter().any(|term| term["feature"] == "gap"), "{terms:?}");
    let refused = |set: &str, words: &[&str]| {
        folder.trueup(&["validate", "my.toml", "--set", set]).code(3).complains(words);
    };
    refused("external.source=\"no.csv\"", &["no.csv", "no such file"]);
    refused("external.columns.amount=\"eurs\"", &["eurs", "euros"]);
    refused("external.window.horizon=260", &["horizon"]);
    refused("world.kinds={ sale = \"spend\" }", &["sale", "purchase"]);
    let sweep = format!("{CONFIG}[sweep]\nseeds = 2\n").replace("log.csv", "no.csv");
    folder.write("sweep.toml", sweep);
    folder.trueup(&["validate", "sweep.toml"]).code(3).complains(&["no.csv", "no such file"]);
    // Nothing is written.
    assert_eq!(folder.list("."), ["again.toml", "log.csv", "my.toml", "sweep.toml"]);
}

/// One price for all, and everybody in every tick: what varies is calibrated, and nothing fails for
/// a reward that nothing uses.
#[test]
fn what_does_not_vary_costs_nothing_else() {
    let price: String = purchases(60, 1)
        .lines()
        .map(|line| match line.rsplit_once(',') {
            Some((head, amount)) if amount != "euros" => format!("{head},9.99\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let folder = folder(&untrained());
    folder.write("log.csv", price);
    let output = folder.trueup(&["run", "my.toml"]).ok();
    assert!(output.out.contains("bgnbd"), "{}", output.out);
    let log = folder.read("runs/tiny-7/logs/bgnbd-0.csv");
    assert!(log.lines().count() > 30, "{log}");
    assert!(log.lines().skip(1).all(|line| line.ends_with(",purchase,9.99")), "{log}");

    let mut every = String::from("client,day,euros\n");
    for user in 0..60 {
        for week in 0..26 {
            let (month, day) = (1 + week * 7 / 28, 1 + week * 7 % 28);
            let euros = 5.0 + f64::from((user * 7 + week * 13) % 40);
            every += &format!("c{user},2021-{month:02}-{day:02},{euros:.2}\n");
        }
    }
    folder.write("log.csv", &every);
    let _ = folder.trueup(&["run", "my.toml"]).ok();
    // A reward that is used leaves out what does not vary, and says so.
    folder
        .write("ppo.toml", CONFIG.replace("replicates = 40", "replicates = 40\npermutations = 0"));
    let told = folder.trueup(&["validate", "ppo.toml"]).ok().out;
    assert!(told.contains("# Note: the reward leaves log_count out"), "{told}");
    assert!(!told.contains("of log_count"), "{told}");
    // One that is named is an error.
    let named = "reward.terms=[{ feature = \"log_count\", discrepancy = \"energy\" }]";
    let output = folder.trueup(&["validate", "ppo.toml", "--set", named]);
    output.code(3).complains(&["log_count", "all external values are equal"]);
}

/// Simulated logs hold what there is: no balances that no real user has, no rows without an event.
#[test]
fn simulated_logs_hold_events_and_users_stand_beside_them() {
    let folder = folder(&untrained());
    let _ = folder.trueup(&["run", "my.toml"]).ok();
    let summary: Value = serde_json::from_str(&folder.read("runs/tiny-7/summary.json")).unwrap();
    assert_eq!(summary["train_users"], 30);
    for name in ["personas-0", "bgnbd-0"] {
        let log = folder.read(&format!("runs/tiny-7/logs/{name}.csv"));
        assert_eq!(log.lines().next(), Some("user,tick,kind,amount"));
        assert!(!log.contains(",,"), "{log}");
        let users = folder.read(&format!("runs/tiny-7/logs/{name}.users.csv"));
        let mut lines = users.lines();
        assert_eq!(lines.next(), Some("user,events"));
        let counts = lines.map(|line| line.split_once(',').unwrap().1.parse::<usize>().unwrap());
        let counts: Vec<usize> = counts.collect();
        assert_eq!(counts.iter().sum::<usize>(), log.lines().count() - 1);
        // They are read together, and refused where they are not of one log.
        let path = format!("runs/tiny-7/logs/{name}.csv");
        let described = folder.trueup(&["describe", &path, "--json"]).ok().json();
        assert_eq!(described["users"], counts.len());
    }
    let users = folder.read("runs/tiny-7/logs/bgnbd-0.users.csv");
    folder.write("runs/tiny-7/logs/personas-0.users.csv", users);
    let output = folder.trueup(&["describe", "runs/tiny-7/logs/personas-0.csv"]);
    output.code(3).complains(&["personas-0.users.csv", "keep the two files of a log together"]);
}

/// Lists are exported by value, and numbers of searches by what they are.
#[test]
fn axes_are_exported_by_value() {
    let folder = Folder::new();
    let sweep = "[sweep]\nseeds = 1\n[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\
                 \"task.network.hidden\" = [[8], [16, 16]]\n";
    folder.write("tiny.toml", format!("{}{sweep}", tiny_task!("64")));
    let plan = folder.trueup(&["plan", "tiny.toml"]).ok().out;
    assert!(plan.contains("hidden=[8]") && plan.contains("hidden=[16, 16]"), "{plan}");
    let _ = folder.trueup(&["run", "tiny.toml"]).ok();
    let _ = folder.trueup(&["export", "runs/tiny", "--to", "csv", "--out", "out"]).ok();
    let table = folder.read("out/runs.csv");
    assert!(table.contains("task.network.hidden") && table.contains("\"[16, 16]\""), "{table}");

    let search = "[sweep]\nseeds = 1\n[[sweep.groups]]\nkind = \"tpe\"\nbudget = 6\nbatch = 2\nstartup = 2\n\
                  [sweep.groups.axes]\n\"task.update.gradient_norm\" = [1e30, 1e-30, 0.5]\n";
    folder.write("search.toml", format!("{}{search}", tiny_task!("64").replace("tiny", "search")));
    let _ = folder.trueup(&["run", "search.toml"]).ok();
    let _ = folder.trueup(&["export", "runs/search", "--to", "csv", "--out", "found"]).ok();
    let table = folder.read("found/runs.csv");
    let labels = |line: &str| line.rsplit(',').next().unwrap().to_owned();
    let shown: Vec<String> = table.lines().skip(1).map(labels).collect();
    assert!(shown.len() > 2, "{table}");
    let known = ["1e30", "1e-30", "0.5"];
    assert!(shown.iter().all(|label| known.contains(&label.as_str())), "{table}");
}

/// Whatever a run is called, nothing is written outside of its folder.
#[test]
fn a_name_never_leads_out_of_the_folder() {
    let folder = folder(&untrained());
    for name in ["../up", "a/b", "", "..", ".", "C:\\x", "a\\b"] {
        let set = format!("name={}", toml(name));
        let output = folder.trueup(&["run", "my.toml", "--set", &set]);
        output.code(3).complains(&["name"]);
    }
    assert_eq!(folder.list("."), ["log.csv", "my.toml"]);
    let _ = folder.trueup(&["run", "my.toml", "--set", "name=\"-rf\""]).ok();
    assert_eq!(folder.list("runs"), ["-rf-7"]);
    assert_eq!(folder.list("."), ["log.csv", "my.toml", "runs"]);
}

/// A text in TOML.
fn toml(text: &str) -> String {
    format!("'{text}'")
}
