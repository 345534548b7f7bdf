//! The scripts of jobs. What stands in their `#SBATCH` lines is also said on the command line, which
//! comes before whatever the environment sets; the lines are there to be read.

use std::fmt::Write;
use std::path::Path;

use crate::sweep::launch::{Launch, Slurm, TIME_TO_STOP};

/// The program in the folder of a sweep, so that a sweep that waits for days runs the program that
/// planned it whatever becomes of the original.
pub const PROGRAM: &str = "launch/trueup";
/// What tasks tell.
pub const LOGS: &str = "launch/logs";

/// Options of `sbatch` for the tasks of an array.
pub fn task_options(sweep: &Path, launch: &Launch, slurm: &Slurm) -> Vec<String> {
    let mut options = common_options(sweep, slurm, "job-%A_%a.log");
    options.push(format!("--cpus-per-task={}", launch.threads));
    options.extend(slurm.memory.as_ref().map(|memory| format!("--mem={memory}")));
    options.extend(slurm.time.as_ref().map(|time| format!("--time={}", time.as_str())));
    options.push(format!("--signal=B:USR1@{TIME_TO_STOP}"));
    options.extend(slurm.extra.iter().cloned());
    options
}

/// Options of `sbatch` for the job that writes the summary.
pub fn conclude_options(sweep: &Path, slurm: &Slurm) -> Vec<String> {
    let mut options = common_options(sweep, slurm, "conclude-%j.log");
    options.push("--cpus-per-task=1".into());
    options.extend(slurm.extra.iter().cloned());
    options
}

fn common_options(sweep: &Path, slurm: &Slurm, log: &str) -> Vec<String> {
    // `%` begins a pattern.
    let folder = sweep.join(LOGS).display().to_string().replace('%', "%%");
    let mut options = vec![
        "--nodes=1".to_owned(),
        "--ntasks=1".to_owned(),
        "--requeue".to_owned(),
        "--open-mode=append".to_owned(),
        format!("--output={folder}/{log}"),
        format!("--chdir={}", sweep.display()),
    ];
    options.extend(slurm.partition.as_ref().map(|name| format!("--partition={name}")));
    options.extend(slurm.account.as_ref().map(|name| format!("--account={name}")));
    options
}

/// The script of an array whose position 0 is the task `first_task` of the sweep.
pub fn tasks(
    sweep: &Path,
    launch: &Launch,
    slurm: &Slurm,
    first_task: usize,
    force: bool,
) -> String {
    let mut text = head("Tasks of a sweep: each does its share of the runs.", &{
        task_options(sweep, launch, slurm)
    });
    let runs = slurm.runs_per_task;
    let _ = writeln!(text, "first=$(( ({first_task} + SLURM_ARRAY_TASK_ID) * {runs} ))");
    let _ = writeln!(
        text,
        "exec {} batch {} --share \"$first..$(( first + {runs} ))\" --retries {} --threads {}{}",
        quoted(&sweep.join(PROGRAM).display().to_string()),
        quoted(&sweep.display().to_string()),
        launch.retries,
        launch.threads,
        if force { " --force" } else { "" },
    );
    text
}

/// The script of the job that writes the summary.
pub fn conclude(sweep: &Path, slurm: &Slurm) -> String {
    let mut text = head("Writes the summary of a sweep.", &conclude_options(sweep, slurm));
    let program = quoted(&sweep.join(PROGRAM).display().to_string());
    let _ = writeln!(text, "exec {program} conclude {}", quoted(&sweep.display().to_string()));
    text
}

fn head(what: &str, options: &[String]) -> String {
    let mut text = format!("#!/bin/sh\n# {what} Written by trueup, submitted with sbatch.\n");
    for option in options {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        let option = match option.chars().all(plain) {
            true => option.clone(),
            false => format!("\"{}\"", option.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        let _ = writeln!(text, "#SBATCH {option}");
    }
    text
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Positions of an array as Slurm writes them: `0-3,7`.
pub fn positions(sorted: &[usize]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for chunk in sorted.chunk_by(|a, b| a + 1 == *b) {
        match chunk {
            [] => {}
            [one] => parts.push(one.to_string()),
            [first, .., last] => parts.push(format!("{first}-{last}")),
        }
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ranges_and_single_ones() {
        assert_eq!(positions(&[]), "");
        assert_eq!(positions(&[0, 1, 2, 3, 7, 9, 10]), "0-3,7,9-10");
    }

    #[test]
    fn a_script_says_what_a_person_has_to_know_and_survives_odd_folders() {
        let slurm = Slurm {
            partition: Some("cpu".into()),
            account: None,
            time: None,
            memory: Some("2G".into()),
            runs_per_task: 4,
            tasks_at_once: None,
            extra: vec!["--qos=long".into()],
        };
        let launch = Launch { threads: 2, retries: 1, ..Launch::default() };
        let text = tasks(Path::new("/a b/it's 5%"), &launch, &slurm, 1000, false);
        for line in [
            "#SBATCH --partition=cpu",
            "#SBATCH --mem=2G",
            "#SBATCH --qos=long",
            "#SBATCH --cpus-per-task=2",
            "#SBATCH \"--output=/a b/it's 5%%/launch/logs/job-%A_%a.log\"",
            "first=$(( (1000 + SLURM_ARRAY_TASK_ID) * 4 ))",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} in\n{text}");
        }
        let last = r#"exec '/a b/it'\''s 5%/launch/trueup' batch '/a b/it'\''s 5%' --share "$first..$(( first + 4 ))" --retries 1 --threads 2"#;
        assert_eq!(text.lines().last(), Some(last));
    }
}
