//! What is asked of a cluster, and how often: stand-ins for the commands of Slurm write down what
//! they were called with, and fail as the real ones do.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use trueup_tests::{Folder, Output};

/// Six runs that last for a moment.
const SWEEP: &str = concat!(
    trueup_tests::tiny_task!("128"),
    r#"
[sweep]
seeds = 6

[launch]
kind = "slurm"
"#
);

/// Takes a line of `how` for what it does; puts jobs into `jobs`, one line a task.
const SBATCH: &str = r#"#!/bin/sh
cd "$STAND_IN" || exit 1
how=$(head -n 1 how 2>/dev/null); sed -i 1d how 2>/dev/null
printf '%s|' "$@" >> calls; echo >> calls
case "$how" in
busy)
    echo "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)" >&2
    exit 1 ;;
refuse)
    echo "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified" >&2
    exit 1 ;;
esac
number=$(( $(cat number 2>/dev/null || echo 100) + 1 )); echo $number > number
array=N/A
for option in "$@"; do
    case "$option" in
    --job-name=*) name=${option#*=} ;;
    --array=*) array=$(echo "${option#*=}" | sed 's/%.*//') ;;
    esac
done
for part in $(echo "$array" | tr , ' '); do
    for task in $(if [ "$part" = N/A ]; then echo N/A; else seq "${part%-*}" "${part#*-}"; fi); do
        echo "$number|$task|PENDING|$name|None" >> jobs
    done
done
case "$how" in
late)
    echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
    exit 1 ;;
die)
    kill -9 $PPID; exit 1 ;;
esac
echo "$number"
"#;

const SQUEUE: &str = r#"#!/bin/sh
cd "$STAND_IN" || exit 1
for option in "$@"; do case "$option" in --name=*) names=",${option#*=}," ;; esac; done
touch jobs
while IFS='|' read -r job task state name reason; do
    case "$names" in *",$name,"*) echo "$job|$task|$state|$name|$reason" ;; esac
done < jobs
"#;

const SCONTROL: &str = "#!/bin/sh\necho 'MaxArraySize            = 4'\n";

struct Stand {
    folder: Folder,
}

impl Stand {
    fn new(launch: &str) -> Self {
        let folder = Folder::new();
        folder.write("tiny.toml", format!("{SWEEP}{launch}"));
        std::fs::create_dir(folder.path("bin")).unwrap();
        for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE), ("scontrol", SCONTROL)] {
            let path = folder.path("bin").join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder }
    }

    /// What the next calls of sbatch do.
    fn how(&self, lines: &[&str]) -> &Self {
        self.folder.write("how", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
        self
    }

    fn trueup(&self, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let mut command = self.folder.command(arguments);
        command.env("PATH", format!("{}:{path}", self.folder.path("bin").display()));
        command.env("STAND_IN", self.folder.path(""));
        // A job of its own must not shine through.
        command.env("SBATCH_TIMELIMIT", "1").env("SLURM_ARRAY_TASK_ID", "7");
        let output = command.output().unwrap();
        Output {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The options of every call of sbatch.
    fn calls(&self) -> Vec<Vec<String>> {
        let text = self.folder.read("calls");
        text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
    }

    /// The values of an option over all calls that have it.
    fn options(&self, name: &str) -> Vec<String> {
        let start = format!("--{name}=");
        let calls = self.calls().concat();
        calls.iter().filter_map(|option| Some(option.strip_prefix(&start)?.to_owned())).collect()
    }

    /// Numbers of the jobs on record.
    fn record(&self) -> Vec<Value> {
        let record: Value =
            serde_json::from_str(&self.folder.read("runs/tiny/launch/jobs.json")).unwrap();
        let submissions = record["submissions"].as_array().unwrap().iter();
        submissions.map(|submission| submission["job"].clone()).collect()
    }
}

#[test]
fn a_busy_controller_is_asked_again() {
    let stand = Stand::new("runs_per_task = 2");
    let output = stand.how(&["busy", "busy"]).trueup(&["run", "tiny.toml"]).ok();
    assert!(
        output.out.contains("submitted 6 runs in 3 tasks: jobs 101, then 102"),
        "{}",
        output.out
    );
    assert_eq!(stand.calls().len(), 4);
    assert_eq!(stand.options("array"), ["0-2", "0-2", "0-2"]);
    assert_eq!(stand.options("dependency"), ["afterany:101"]);
    assert_eq!(stand.record(), ["101", "102"]);
}

#[test]
fn a_job_whose_number_did_not_arrive_is_found_and_not_submitted_twice() {
    let stand = Stand::new("runs_per_task = 2");
    let _ = stand.how(&["late"]).trueup(&["run", "tiny.toml"]).ok();
    assert_eq!(stand.options("array"), ["0-2"]);
    assert_eq!(stand.record(), ["101", "102"]);
}

#[test]
fn a_crash_between_submission_and_record_submits_nothing_twice() {
    let stand = Stand::new("runs_per_task = 2");
    let output = stand.how(&["die"]).trueup(&["run", "tiny.toml"]);
    assert_eq!(output.code, None, "it was killed");
    assert_eq!(stand.record(), [Value::Null]);
    let told = stand.trueup(&["resume", "runs/tiny", "--json"]).ok().json();
    assert_eq!((&told["tasks"], &told["queued"]), (&0.into(), &3.into()));
    assert_eq!(stand.options("array"), ["0-2"]);
    // What had not come that far is made up for.
    assert_eq!(stand.options("dependency"), ["afterany:101"]);
    assert_eq!(stand.record(), ["101", "102"]);
    let _ = stand.trueup(&["resume", "runs/tiny"]).ok();
    assert_eq!(stand.calls().len(), 2);
}

#[test]
fn more_tasks_than_an_array_holds_are_several_arrays() {
    let stand = Stand::new("");
    let _ = stand.trueup(&["run", "tiny.toml"]).ok();
    assert_eq!(stand.options("array"), ["0-3", "0-1"]);
    assert_eq!(stand.options("dependency"), ["afterany:101:102"]);
    let second = stand.folder.read("runs/tiny/launch/job-2.sh");
    assert!(second.contains("first=$(( (4 + SLURM_ARRAY_TASK_ID) * 1 ))"), "{second}");
    // A limit on tasks holds for all arrays together.
    let stand = Stand::new("tasks_at_once = 3");
    let _ = stand.trueup(&["run", "tiny.toml"]).ok();
    assert_eq!(stand.options("array"), ["0-3%3", "0-1%3"]);
    assert_eq!(stand.options("dependency"), ["afterany:101", "afterany:101:102"]);
}

#[test]
fn only_what_is_open_and_not_in_the_queue_is_submitted_again() {
    let stand = Stand::new("runs_per_task = 2");
    let _ = stand.trueup(&["run", "tiny.toml"]).ok();
    // The first task ends well, the second waits, the third is lost with all that Slurm knew of it.
    let _ = stand.trueup(&["worker", "runs/tiny", "--share", "0..2"]).ok();
    let jobs = stand.folder.read("jobs");
    let kept = jobs.lines().filter(|line| line.starts_with("101|1|"));
    stand.folder.write("jobs", kept.map(|line| format!("{line}\n")).collect::<String>());
    let told = stand.trueup(&["resume", "runs/tiny", "--json"]).ok().json();
    assert_eq!((&told["tasks"], &told["runs"], &told["queued"]), (&1.into(), &2.into(), &1.into()));
    assert_eq!(stand.options("array"), ["0-2", "2"]);
    assert_eq!(stand.options("dependency"), ["afterany:101", "afterany:101:103"]);
    let names = stand.options("job-name");
    let different: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!((names.len(), different.len()), (4, 4));
}

#[test]
fn a_refusal_is_told_and_what_was_refused_can_be_submitted_later() {
    let stand = Stand::new("account = \"nobody\"");
    let output = stand.how(&["", "refuse"]).trueup(&["run", "tiny.toml"]);
    output.code(1).complains(&[
        "Invalid account",
        "4 of 6 tasks were submitted before that: jobs 101",
        "see [launch]",
        "runs/tiny submits what is not in the queue",
        "trueup cancel",
    ]);
    assert_eq!(stand.record(), [Value::from("101"), Value::Null]);
    let told = stand.trueup(&["resume", "runs/tiny", "--json"]).ok().json();
    assert_eq!((&told["tasks"], &told["queued"]), (&2.into(), &4.into()));
    assert_eq!(stand.options("account"), ["nobody"; 4]);
}

#[test]
fn without_slurm_the_commands_that_are_missing_are_named() {
    let folder = Folder::new();
    folder.write("tiny.toml", SWEEP);
    let mut command = folder.command(&["run", "tiny.toml"]);
    let output = command.env("PATH", folder.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("cannot start sbatch") && err.contains("on the PATH"), "{err}");
    assert!(folder.list("runs").is_empty(), "nothing is left that could not be gone on with");
    let stand = Stand::new("");
    let _ = stand.trueup(&["run", "tiny.toml"]).ok();
    let output = stand.trueup(&["resume", "runs/tiny", "--jobs", "2"]);
    output.code(3).complains(&["--jobs is for sweeps on this machine"]);
}

#[test]
fn another_program_than_the_one_that_planned_does_no_runs() {
    let stand = Stand::new("");
    let _ = stand.trueup(&["run", "tiny.toml"]).ok();
    let path = stand.folder.path("runs/tiny/provenance.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut provenance: Value = serde_json::from_str(&text).unwrap();
    provenance["program_sha256"] = "another".into();
    std::fs::write(&path, provenance.to_string()).unwrap();
    for command in ["worker", "batch"] {
        let output = stand.trueup(&[command, "runs/tiny", "--share", "0..1"]);
        output.code(3).complains(&["another program planned this sweep", "SHA-256"]);
    }
    let _ = stand.trueup(&["worker", "runs/tiny", "--share", "0..1", "--force"]).ok();
    let status = stand.trueup(&["status", "runs/tiny", "--json"]).ok().json();
    assert_eq!((&status["counts"]["done"], &status["counts"]["waiting"]), (&1.into(), &5.into()));
}

#[test]
fn a_task_that_is_started_again_takes_over_what_its_former_start_held_and_nothing_else() {
    let stand = Stand::new("");
    let _ = stand.trueup(&["run", "tiny.toml"]).ok();
    let plan = stand.folder.read("runs/tiny/plan.jsonl");
    let trial: Value = serde_json::from_str(plan.lines().nth(1).unwrap()).unwrap();
    // A node that is cut off has just renewed its lease: only its job can know that it is void.
    std::fs::create_dir_all(stand.folder.path("runs/tiny/leases")).unwrap();
    let lease = |job: &str| {
        let owner = serde_json::json!({
            "host": "far", "boot": "b", "pid": 1, "born": "1", "job": job, "restarts": 0, "since": "",
        });
        let name = format!("runs/tiny/leases/{}-1.0", trial["trial"].as_str().unwrap());
        stand.folder.write(&name, owner.to_string());
    };
    let done = |restarts: &str| {
        let mut command = stand.folder.command(&["worker", "runs/tiny", "--share", "0..1"]);
        command.env("SLURM_ARRAY_JOB_ID", "5").env("SLURM_ARRAY_TASK_ID", "0");
        command.env("SLURM_RESTART_COUNT", restarts);
        assert!(command.status().unwrap().success());
        stand.trueup(&["status", "runs/tiny", "--json"]).ok().json()["counts"]["done"].clone()
    };
    lease("5_1");
    assert_eq!(done("1"), 0, "another task works on it");
    lease("5_0");
    assert_eq!(done("0"), 0, "workers of one start share the work");
    assert_eq!(done("1"), 1);
    assert!(stand.folder.list("runs/tiny/leases").is_empty());
}
