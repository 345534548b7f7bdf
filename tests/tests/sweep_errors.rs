//! What is wrong with a sweep, in its config or in its folder, is told with its place.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tiny;

use tiny::{SWEEP, folder};
use trueup_tests::Folder;

#[test]
fn a_folder_that_was_tampered_with_is_refused() {
    let folder = folder();
    let _ = folder.trueup(&["run", "tiny.toml", "--set", "sweep.seeds=1"]).ok();
    let plan = folder.read("runs/tiny/plan.jsonl");
    folder.write("runs/tiny/plan.jsonl", plan.replacen("\"format\":1", "\"format\":99", 1));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(3).complains(&["format 99", "plan the sweep anew from sweep.toml"]);
    folder.write("runs/tiny/plan.jsonl", &plan);
    let config = folder.read("runs/tiny/sweep.toml");
    folder.write("runs/tiny/sweep.toml", config.replace("128", "129"));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(3).complains(&["was changed since the sweep was planned", "trueup run"]);
    folder.write("runs/tiny/sweep.toml", &config);
    // A run directory that came from another trial.
    let runs = folder.list("runs/tiny/runs");
    let path = |trial: &str, file: &str| format!("runs/tiny/runs/{trial}/1/{file}");
    let strange = folder.read(&path(&runs[0], "config.toml"));
    folder.write(&path(&runs[1], "config.toml"), strange);
    let status = folder.read(&path(&runs[1], "status.json"));
    folder.write(&path(&runs[1], "status.json"), status.replace("\"done\"", "\"interrupted\""));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(1).complains(&["the directory is of another sweep", "move the run directory away"]);
    let output = folder.trueup(&["resume", "."]);
    output.code(3).complains(&["neither a run nor a sweep", "plan.jsonl"]);
    let provenance = folder.read("runs/tiny/provenance.json");
    let version =
        provenance.split("\"program_sha256\": \"").nth(1).unwrap().split('"').next().unwrap();
    folder.write("runs/tiny/provenance.json", provenance.replace(version, "0000"));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(3).complains(&["another program planned this sweep", "--force"]);
}

#[test]
fn mistakes_in_a_sweep_are_shown_with_their_line() {
    let refuses = |from: &str, to: &str, words: &[&str]| {
        assert!(SWEEP.contains(from), "{from}");
        let folder = Folder::new();
        folder.write("tiny.toml", SWEEP.replace(from, to));
        for arguments in [["validate", "tiny.toml"], ["run", "tiny.toml"]] {
            folder.trueup(&arguments).code(3).complains(words);
        }
        assert_eq!(folder.list("."), ["tiny.toml"], "something was written");
    };
    refuses("seeds = 2", "sedes = 2", &["unknown key `sweep.sedes`", "did you mean `seeds`?"]);
    refuses("seeds = 2", "seeds = \"two\"", &["`sweep.seeds`", "a number of seeds"]);
    refuses("seeds = 2", "seeds = []", &["`sweep.seeds` is empty"]);
    refuses("seeds = 2", "seeds = [3, 3]", &["holds 3 twice"]);
    refuses("jobs = 2", "jobs = 0", &["`launch.jobs` is 0"]);
    refuses("jobs = 2", "job = 2", &["`launch.job`", "did you mean `jobs`?"]);
    refuses("jobs = 2", "kind = \"slrum\"", &["unknown launcher `slrum`"]);
    refuses("[0.9, 0.95, 0.99]", "[]", &["task.update.gamma", "tiny.toml:20"]);
    refuses("kind = \"grid\"", "kind = \"zip\"", &["tiny.toml", "3"]);
    refuses("kind = \"grid\"", "kind = \"gird\"", &["did you mean `grid`?"]);
    refuses("\"task.update.gamma\" =", "\"seed\" =", &["seed"]);
    refuses(
        "\"task.update.gamma\" =",
        "\"task.update.gama\" =",
        &["`gama`", "did you mean `gamma`?", "in the trial"],
    );
    refuses("0.95, 0.99]", "0.95, 1.5]", &["gamma", "1.5", "in the trial"]);
    refuses(
        "[0.9, 0.95, 0.99]",
        "{ values = [0.9, 0.95], when = { \"task.update.clap\" = 1 } }",
        &["task.update.clap", "tiny.toml:20"],
    );
    refuses("seeds = 2", "seeds = 2\nobjective = \"mean_exces\"", &["did you mean `mean_excess`?"]);
}

#[test]
fn a_config_builds_on_others_and_errors_name_the_file() {
    let folder = folder();
    std::fs::create_dir(folder.path("shared")).unwrap();
    let (base, sweep) = SWEEP.split_once("[sweep]").unwrap();
    folder.write("shared/base.toml", base);
    folder
        .write("top.toml", format!("base = \"shared/base.toml\"\nname = \"top\"\n[sweep]{sweep}"));
    let output = folder.trueup(&["plan", "top.toml"]).ok();
    assert!(output.out.starts_with("top: 12 trials"), "{}", output.out);
    folder.write("shared/base.toml", base.replace("gamma", "gama"));
    let output = folder.trueup(&["plan", "top.toml"]);
    output.code(3).complains(&["shared/base.toml:7", "did you mean `gamma`?"]);
    folder.write("shared/base.toml", format!("base = \"../top.toml\"\n{base}"));
    folder.trueup(&["plan", "top.toml"]).code(3).complains(&["builds on itself"]);
    folder.write("top.toml", "base = \"gone.toml\"\n");
    folder.trueup(&["run", "top.toml"]).code(3).complains(&["cannot read gone.toml", "base file"]);
    folder.write("top.toml", "base = 3\n");
    folder.trueup(&["run", "top.toml"]).code(3).complains(&["the path of a config"]);
}
