//! Sweeps on a cluster: a real Slurm of three nodes on this machine, with what befalls a cluster.
//!
//! However it goes, a sweep ends with the bytes that one machine gives.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use trueup_tests::cluster::{Cluster, processes};
use trueup_tests::{Folder, Output, skip};

/// Training on a task for seconds: two trials of three seeds, two runs a task.
const SWEEP: &str = r#"name = "tiny"
seed = 1
[task]
environment = "CartPole-v1"
total_steps = 150_000
checkpoint_every = 5
[task.update]
gamma = 0.99
learning_rate = 1e-3
epochs = 2
minibatches = 2
value_epochs = 0
idle_share = 1.0
average = 0.0
[task.network]
hidden = [16]
[task.sampling]
environments = 8
steps = 32
evaluation_episodes = 2

[sweep]
seeds = 3
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = [1e-3, 1e-4]
"#;

const SLURM: &str = "
[launch]
kind = \"slurm\"
partition = \"work\"
time = \"00:30:00\"
memory = \"300M\"
runs_per_task = 2
retries = 1
";

/// A sweep on a cluster, in a folder whose name has a space.
struct Sweep {
    folder: Folder,
    cluster: Cluster,
}

const DIR: &str = "all runs/tiny";

impl Sweep {
    /// None where there can be no cluster here.
    fn new(launch: &str) -> Option<Self> {
        let cluster = Cluster::start().map_err(|why| skip(&why)).ok()?;
        let folder = Folder::new();
        folder.write("tiny.toml", format!("{SWEEP}{launch}"));
        Some(Self { folder, cluster })
    }

    fn trueup(&self, arguments: &[&str]) -> Output {
        let mut command = self.folder.command(arguments);
        let output = command.env("SLURM_CONF", self.cluster.config()).output().unwrap();
        Output {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Submits the sweep and gives what was told about it.
    fn submit(&self) -> Value {
        self.trueup(&["run", "tiny.toml", "--out", "all runs", "--json"]).ok().json()
    }

    /// Waits until some run has written a checkpoint.
    fn wait_for_checkpoint(&self) {
        self.wait_for_file("*/checkpoint-*");
    }

    /// Waits until there is a file of a run; `path` is a pattern for all of its path.
    fn wait_for_file(&self, path: &str) {
        self.cluster.wait(path, || {
            let mut find = Command::new("find");
            find.arg(self.folder.path(DIR).join("runs")).args(["-path", path]);
            !find.output().unwrap().stdout.is_empty()
        });
    }

    /// Waits until no job is in the queue.
    fn wait_for_end(&mut self) {
        self.cluster.wait_for_end();
    }

    /// Expects what one machine gives: no run missing, none different.
    fn expect_undisturbed(&self) {
        let wanted = undisturbed();
        let summary = self.folder.read(&format!("{DIR}/summary.json"));
        assert!(summary == wanted.summary, "{summary}\n{}", self.logs());
        assert_eq!(runs(&self.folder, DIR), wanted.runs);
        let left = self.folder.list(&format!("{DIR}/leases"));
        assert!(left.is_empty(), "{left:?}");
        let status = self.trueup(&["status", DIR, "--json"]).ok().json();
        assert_eq!(status["counts"]["done"], 6);
        assert_eq!(status["tasks"].as_array().unwrap().len(), 0);
    }

    /// Runs that are not done, as positions in the order of the plan: seed by seed.
    fn open_runs(&self) -> Vec<usize> {
        let plan = self.folder.read(&format!("{DIR}/plan.jsonl"));
        let trials: Vec<Value> =
            plan.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
        let done = |position: usize| {
            let trial = trials[position % trials.len()]["trial"].as_str().unwrap();
            let seed = position / trials.len() + 1;
            let status = self.folder.path(&format!("{DIR}/runs/{trial}/{seed}/status.json"));
            std::fs::read_to_string(status).is_ok_and(|text| text.contains("\"done\""))
        };
        (0..trials.len() * 3).filter(|&position| !done(position)).collect()
    }

    fn logs(&self) -> String {
        let folder = format!("{DIR}/launch/logs");
        let names = self.folder.list(&folder);
        names.iter().map(|name| self.folder.read(&format!("{folder}/{name}"))).collect()
    }
}

/// What the sweep gives on this machine.
struct Undisturbed {
    summary: String,
    runs: Vec<Value>,
}

fn undisturbed() -> &'static Undisturbed {
    static WANTED: OnceLock<Undisturbed> = OnceLock::new();
    WANTED.get_or_init(|| {
        let folder = Folder::new();
        folder.write("tiny.toml", SWEEP);
        let _ = folder.trueup(&["run", "tiny.toml"]).ok();
        let runs = runs(&folder, "runs/tiny");
        assert_eq!(runs.len(), 6);
        Undisturbed { summary: folder.read("runs/tiny/summary.json"), runs }
    })
}

/// The summaries of all runs, without what depends on the clock.
fn runs(folder: &Folder, sweep: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for trial in folder.list(&format!("{sweep}/runs")) {
        for seed in ["1", "2", "3"] {
            let text = folder.read(&format!("{sweep}/runs/{trial}/{seed}/summary.json"));
            let mut summary: Value = serde_json::from_str(&text).unwrap();
            assert!(summary.as_object_mut().unwrap().remove("seconds").is_some());
            for seed in summary["seeds"].as_array_mut().unwrap() {
                for field in ["seconds", "steps_per_second"] {
                    assert!(seed.as_object_mut().unwrap().remove(field).is_some());
                }
            }
            all.push(summary);
        }
    }
    all
}

fn kill(pid: u32) {
    let sent = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "process {pid} ended before it could be killed");
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn a_cluster_gives_what_one_machine_gives() {
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    let told = sweep.submit();
    assert_eq!((&told["tasks"], &told["runs"]), (&3.into(), &6.into()));
    let status = sweep.trueup(&["status", DIR]).ok();
    assert!(status.out.contains("tasks in the queue: "), "{}", status.out);
    // What is in the queue is not submitted again.
    let again = sweep.trueup(&["resume", DIR]).ok();
    assert!(again.out.contains("no runs to submit; "), "{}", again.out);
    // The last job writes the summary: nobody need wait.
    sweep.wait_for_end();
    sweep.expect_undisturbed();
    let record: Value =
        serde_json::from_str(&sweep.folder.read(&format!("{DIR}/launch/jobs.json"))).unwrap();
    assert_eq!(record["submissions"].as_array().unwrap().len(), 2);
    // Of a sweep that is over, nothing is submitted.
    let over = sweep.trueup(&["resume", DIR]).ok();
    assert!(over.out.contains("summary.json"), "{}", over.out);
    sweep.expect_undisturbed();
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn whoever_waits_sees_it_go_on_and_end() {
    let Some(mut sweep) = Sweep::new(&format!("{SLURM}tasks_at_once = 2\n")) else { return };
    let output = sweep.trueup(&["run", "tiny.toml", "--out", "all runs", "--wait"]).ok();
    assert!(output.err.contains("submitted 6 runs in 3 tasks"), "{}", output.err);
    assert!(output.err.contains("6/6 done"), "{}", output.err);
    assert!(output.out.contains("summary.json"), "{}", output.out);
    // The job that would have written the summary has nothing to add.
    sweep.wait_for_end();
    sweep.expect_undisturbed();
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn the_tasks_of_a_node_that_fails_go_on_elsewhere() {
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    sweep.submit();
    sweep.wait_for_checkpoint();
    let queue = sweep.cluster.queue();
    let running = queue.iter().find(|(_, state, _)| state == "RUNNING");
    let (lost, _, node) = running.expect("a running task").clone();
    let nodename = format!("nodename={node}");
    sweep.cluster.slurm("scontrol", &["update", &nodename, "state=down", "reason=test"]);
    sweep.cluster.wait("the task to be put back", || {
        sweep.cluster.queue().iter().any(|(task, state, _)| *task == lost && state == "PENDING")
    });
    sweep.wait_for_end();
    sweep.expect_undisturbed();
    assert!(sweep.logs().contains("DUE TO NODE FAILURE"), "{}", sweep.logs());
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn a_controller_that_is_killed_and_started_again_changes_nothing() {
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    let told = sweep.submit();
    let record = sweep.folder.read(&format!("{DIR}/launch/jobs.json"));
    let record: Value = serde_json::from_str(&record).unwrap();
    let last = record["submissions"][1]["name"].as_str().unwrap();
    assert_eq!(record["submissions"][1]["job"], told["conclusion"]);
    sweep.cluster.wait_for_saved_jobs(last);
    sweep.wait_for_checkpoint();
    sweep.cluster.kill_controller();
    // The folders tell how far it is; only the queue is not known.
    let status = sweep.trueup(&["status", DIR]).ok();
    assert!(status.out.contains("of 6 done"), "{}", status.out);
    assert!(status.out.contains("squeue: "), "{}", status.out);
    sweep.cluster.start_controller();
    sweep.wait_for_end();
    sweep.expect_undisturbed();
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn a_worker_that_is_killed_is_replaced_and_a_task_that_is_killed_is_submitted_again() {
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    sweep.submit();
    sweep.wait_for_checkpoint();
    let place = sweep.folder.path(DIR);
    let place = place.to_str().unwrap();
    // The process of a task, and the worker of another.
    let tasks = processes(&["batch", place, "--share"]);
    let task = *tasks.first().expect("a task");
    kill(task);
    let parent = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = stat.rsplit_once(')').map(|(_, after)| after.to_owned()).unwrap_or_default();
        after.split_whitespace().nth(1).and_then(|parent| parent.parse::<u32>().ok())
    };
    let workers = processes(&["worker", place, "--attached"]);
    let other = |pid: &&u32| parent(pid).is_some_and(|parent| tasks[1..].contains(&parent));
    kill(*workers.iter().find(other).expect("a worker of another task"));
    sweep.wait_for_end();
    assert!(sweep.logs().contains("signal 9"), "{}", sweep.logs());
    // The job that concludes has seen that something is left.
    let left = sweep.trueup(&["status", DIR, "--json"]).ok().json()["counts"]["done"].clone();
    assert_ne!(left, 6);
    assert!(sweep.logs().contains("no task is left in the queue"), "{}", sweep.logs());
    let open = sweep.open_runs();
    let told = sweep.trueup(&["resume", DIR, "--json"]).ok().json();
    // How many runs are left depends on how far each task had come when it was struck, and on which
    // run the worker was. At all times each of them is submitted once, in the task of its pair.
    let tasks: BTreeSet<usize> = open.iter().map(|run| run / 2).collect();
    assert!(told["tasks"] == tasks.len() && told["runs"] == open.len(), "{told}: {open:?}");
    sweep.wait_for_end();
    sweep.expect_undisturbed();
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn a_task_whose_time_is_over_asks_to_be_started_again() {
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    let told = sweep.submit();
    // The first task does the first seed of both trials.
    sweep.wait_for_file("*/1/checkpoints/*/checkpoint-*");
    let task = format!("{}_0", told["jobs"][0].as_str().unwrap());
    // As Slurm does two minutes before the end of the time.
    sweep.cluster.slurm("scancel", &["--batch", "--signal=USR1", &task]);
    sweep.cluster.wait("the task to be put back", || {
        let queue = sweep.cluster.queue();
        queue.iter().any(|(queued, state, _)| *queued == task && state == "PENDING")
    });
    sweep.wait_for_end();
    sweep.expect_undisturbed();
    assert!(sweep.logs().contains("it asks to be started again"), "{}", sweep.logs());
}

#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn what_is_cancelled_stays_so_until_it_is_resumed() {
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    sweep.submit();
    sweep.wait_for_checkpoint();
    let cancelled = sweep.trueup(&["cancel", DIR]).ok();
    assert!(cancelled.out.contains("trueup resume"), "{}", cancelled.out);
    sweep.wait_for_end();
    let counts = sweep.trueup(&["status", DIR, "--json"]).ok().json()["counts"].clone();
    assert_eq!((&counts["running"], &counts["failed"]), (&0.into(), &0.into()));
    assert_ne!(counts["done"], 6);
    let _ = sweep.trueup(&["resume", DIR, "--wait"]).ok();
    sweep.wait_for_end();
    sweep.expect_undisturbed();
}

/// Four trials, of which one is left in the end: the tasks of each rung are submitted by the job that
/// decided about the one before.
#[test]
#[ignore = "starts a Slurm of three nodes; .ci/run does it"]
fn rungs_are_waves_of_tasks() {
    let config = SWEEP
        .replace("total_steps = 150_000", "total_steps = 20_000")
        .replace("[1e-3, 1e-4]", "[1e-3, 1e-4, 1e-5, 1e-2]")
        .replace("[sweep]\n", "[sweep]\nprune = { first = 20, eta = 2 }\n");
    let Some(mut sweep) = Sweep::new(SLURM) else { return };
    sweep.folder.write("tiny.toml", format!("{config}{SLURM}")).write("here.toml", config);
    sweep.submit();
    sweep.wait_for_end();
    let _ = sweep.folder.trueup(&["run", "here.toml"]).ok();
    let read = |file: &str| {
        let of = |root: &str| {
            let text = sweep.folder.read(&format!("{root}/{file}"));
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        [of(DIR), of("runs/tiny")]
    };
    for file in ["summary.json", "rungs.jsonl"] {
        let [there, here] = read(file);
        assert_eq!(there, here, "{file}\n{}", sweep.logs());
    }
    let status = sweep.trueup(&["status", DIR]).ok();
    assert!(status.out.starts_with("tiny: 3 of 12 done, 9 pruned"), "{}", status.out);
}
