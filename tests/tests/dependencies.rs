//! `cargo run`, `cargo test --workspace` and `cargo test -p CRATE` share one build of the
//! dependencies: whatever is built, each of them has the features that it has in the whole workspace.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use trueup_tests::skip;

const ALL: &str = "normal,build,dev";

/// The sets of features of each dependency, by name and version; one dependency may be built for
/// build scripts with others than for the program.
type Features = BTreeMap<String, BTreeSet<String>>;

/// What is built; none where there is no cargo here, or not all it asks for.
fn tree(what: &[&str], edges: &str) -> Option<Features> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["tree", "--offline", "--prefix=none", "--format={p} [{f}]", "--edges", edges])
        .args(what)
        .output()
        .ok()?;
    if !output.status.success() {
        skip(&String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let mut features = Features::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        // Repeated lines end with ` (*)`.
        if let Some((package, rest)) = line.split_once(" [") {
            let set = rest.split(']').next().unwrap_or_default().to_owned();
            features.entry(package.to_owned()).or_default().insert(set);
        }
    }
    Some(features)
}

#[test]
fn every_build_has_the_features_of_the_workspace() {
    let Some(wanted) = tree(&["--workspace"], ALL) else {
        return skip("no cargo here that knows the dependencies");
    };
    assert!(wanted.len() > 100, "{wanted:?}");
    let members = tree(&["--workspace", "--depth=0"], "normal").expect("cargo has just answered");
    // What `cargo test -p` builds of each crate, and what `cargo run` does.
    let mut builds: Vec<(&str, &str)> =
        members.keys().filter_map(|name| Some((name.split(' ').next()?, ALL))).collect();
    assert!(builds.contains(&("trueup", ALL)), "{builds:?}");
    builds.push(("trueup", "normal,build"));
    let differences = |(name, edges): (&str, &str)| -> Vec<String> {
        let own = tree(&["--package", name], edges).expect("cargo has just answered");
        let mut found = Vec::new();
        for (package, sets) in own {
            let all = wanted.get(&package).cloned().unwrap_or_default();
            for set in sets.difference(&all) {
                found.push(format!("{name} ({edges}): {package} [{set}], not {all:?}"));
            }
        }
        found
    };
    let differences = &differences;
    let others: Vec<String> = std::thread::scope(|scope| {
        let start = |build| scope.spawn(move || differences(build));
        let threads: Vec<_> = builds.into_iter().map(start).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        others.is_empty(),
        "name these with all their features in env/shared-features/Cargo.toml:\n{}",
        others.join("\n")
    );
}
