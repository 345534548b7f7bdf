//! The config for a bank's log, on the log itself where there is one.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use serde_json::Value;
use trueup_tests::{Folder, skip};

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../experiments/configs/berka.toml");
/// Beside a checkout: the log is not shipped with it.
const LOG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../shared/data/berka_1993/trans_1993_01_to_1994_03.csv.gz"
);

/// Little of everything: what is learnt is not looked at.
const SHORT: [&str; 9] = [
    "evaluation.seeds=1",
    "evaluation.replicates=40",
    "evaluation.users=200",
    "calibrators.cloning.epochs=2",
    "calibrators.ppo.iterations=2",
    "calibrators.ppo.users=64",
    "calibrators.ppo-from-clone.iterations=5",
    "calibrators.ppo-from-clone.users=64",
    "calibrators.ppo-from-clone.cloning.epochs=2",
];

/// Users and events as a script of plain Python counts them: rows of the customer by `k_symbol` and
/// `operation`, the first 90 days of each account, all up to 1994-03-30.
#[test]
fn the_bank_log_is_read_as_it_is_meant_and_every_calibrator_runs() {
    if !Path::new(LOG).is_file() {
        return skip("the transactions of PKDD'99 are not beside this checkout");
    }
    let folder = Folder::new();
    let source = format!("external.source={LOG}");
    let sets = SHORT.into_iter().chain([source.as_str()]).flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = ["run", CONFIG].into_iter().chain(sets).collect();
    let _ = folder.trueup(&arguments).ok();

    let account = folder.read("runs/berka-1/account.txt");
    for line in ["49102 rows read, 6569 kept\n", "6569 events\n", "1229 users seen, 1139 kept\n"] {
        assert!(account.contains(line), "no {line:?} in\n{account}");
    }
    let clock: Value = serde_json::from_str(&folder.read("runs/berka-1/logs/clock.json")).unwrap();
    let mut kinds: Vec<&str> =
        clock["kinds"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["deposit", "transfer-in", "transfer-out", "withdrawal"]);

    let summary: Value = serde_json::from_str(&folder.read("runs/berka-1/summary.json")).unwrap();
    let users = ["train_users", "test_users"].map(|side| summary[side].as_u64().unwrap());
    assert_eq!(users.iter().sum::<u64>(), 1139);
    let calibrators = summary["calibrators"].as_array().unwrap();
    let names: Vec<&str> = calibrators.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["personas", "scaling", "cloning", "ppo", "ppo-from-clone"]);
    for (name, calibrator) in names.iter().zip(calibrators) {
        assert!(calibrator["gap_closed"].is_number(), "{name}");
        let weights = format!("runs/berka-1/policies/{name}/policy.safetensors");
        let trained = !["personas", "scaling"].contains(name);
        assert_eq!(folder.path(&weights).is_file(), trained, "{weights}");
    }
}
