//! The README's way to one's own data works as it is written.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup_tests::Folder;
use trueup_tests::data::purchases;

const README: &str = include_str!("../../README.md");

/// The fenced block of the README that contains `word`.
fn block(language: &str, word: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let mut blocks =
        README.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .find(|block| block.contains(word))
        .unwrap_or_else(|| panic!("no {language} block with {word}"))
}

#[test]
fn the_worked_example_runs() {
    let folder = Folder::new();
    let header = block("csv", "customer").lines().next().unwrap();
    folder.write("purchases.csv", purchases(400, 4).replacen("client,day,euros", header, 1));
    folder.write("map.toml", block("toml", "columns").trim_start());
    folder.write("mine.toml", block("toml", "name = \"mine\""));
    let _ = folder.trueup(&["describe", "purchases.csv", "--map", "map.toml"]).ok();
    let _ = folder.trueup(&["validate", "mine.toml"]).ok();
    let sets = ["--set", "calibrators.ppo.iterations=2", "--set", "evaluation.replicates=40"];
    let _ = folder.trueup(&[&["run", "mine.toml"][..], &sets].concat()).ok();
    assert!(folder.path("runs/mine-1/report.html").is_file());
}

#[test]
fn every_command_of_the_readme_exists() {
    let folder = Folder::new();
    let help = folder.trueup(&["--help"]).ok().out;
    let named = README.split("`trueup ").skip(1).filter_map(|rest| rest.split([' ', '`']).next());
    let named: Vec<&str> = named.collect();
    assert!(named.len() >= 7);
    for command in named {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
    }
}

#[test]
fn the_configs_of_the_repository_are_valid() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/configs");
    let folder = Folder::new();
    let mut folders = vec![root];
    let mut count = 0;
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let validated = folder.trueup(&["validate", path.to_str().unwrap()]);
            // The data of one config are not shipped: it is right as far as it goes.
            match path.file_name().unwrap().to_str() {
                Some("berka.toml") => validated.code(3).complains(&["trans.csv: no such file"]),
                _ => drop(validated.ok()),
            }
            count += 1;
        }
    }
    assert!(count >= 6);
}
