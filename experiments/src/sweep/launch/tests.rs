//! `[launch]` as configs write it.

use miette::Diagnostic;

use super::{Launch, Launcher, Local};
use crate::config::{Document, Refused};

fn launch(text: &str) -> Result<Launch, Refused> {
    let text = format!("[launch]\n{text}\n");
    let document = Document::new("t.toml", &text, &[]);
    Launch::check(document.root()?.section("launch")?)
}

/// What is told about a bad `[launch]`: what it says, what the caret marks, the remedy.
fn refused(text: &str) -> (String, String, String) {
    let error = launch(text).expect_err(text);
    let label = error.labels().into_iter().flatten().next().expect("a place");
    let place = label.offset()..label.offset() + label.len();
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    (error.to_string(), format!("[launch]\n{text}\n")[place].to_owned(), help)
}

#[test]
fn without_a_kind_runs_are_on_this_machine() {
    assert_eq!(launch("").unwrap(), Launch::default());
    let given = launch("kind = \"local\"\njobs = 3\nthreads = 2\nfail_fast = true").unwrap();
    let local = Local { jobs: Some(3), fail_fast: true };
    assert_eq!(given, Launch { threads: 2, retries: 0, launcher: Launcher::Local(local) });
    assert_eq!(given.words(), "3 at a time with 2 threads each");
}

#[test]
fn every_key_of_a_cluster_is_read() {
    let text = "kind = \"slurm\"\npartition = \"cpu,long\"\naccount = \"quant\"\ntime = \"04:00:00\"\n\
                memory = \"4G\"\nthreads = 2\nruns_per_task = 8\ntasks_at_once = 50\nretries = 1\n\
                extra = [\"--qos=long\", \"--exclusive\"]";
    let given = launch(text).unwrap();
    let Launcher::Slurm(slurm) = &given.launcher else { panic!("{given:?}") };
    assert_eq!((given.threads, given.retries), (2, 1));
    assert_eq!(slurm.partition.as_deref(), Some("cpu,long"));
    assert_eq!(slurm.time.as_ref().map(|time| time.as_str()), Some("04:00:00"));
    assert_eq!((slurm.runs_per_task, slurm.tasks_at_once), (8, Some(50)));
    assert_eq!(slurm.extra, ["--qos=long", "--exclusive"]);
    let words = "Slurm tasks of 8, 50 at a time, with 2 threads each";
    assert_eq!(given.words(), words);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_remedy() {
    let cases = [
        ("kind = \"slrum\"", "unknown launcher `slrum`", "\"slrum\"", "did you mean `slurm`?"),
        (
            "kind = \"slurm\"\njobs = 3",
            "`launch.jobs` is a key of kind = \"local\"",
            "jobs",
            "remove it",
        ),
        (
            "time = \"04:00:00\"",
            "`launch.time` is a key of kind = \"slurm\"",
            "time",
            "set kind = \"slurm\"",
        ),
        ("kind = \"slurm\"\ntasks = 3", "unknown key `launch.tasks`", "tasks", "there are"),
        (
            "kind = \"slurm\"\nruns_per_task = 0",
            "`launch.runs_per_task` is 0: nothing would run",
            "0",
            "give 1 or more",
        ),
        ("kind = \"slurm\"\ntime = \"4h\"", "`launch.time` is \"4h\"", "\"4h\"", "04:00:00"),
        (
            "kind = \"slurm\"\ntime = \"00:02:00\"",
            "`launch.time` is \"00:02:00\", less than 5 minutes",
            "\"00:02:00\"",
            "more runs_per_task",
        ),
        ("kind = \"slurm\"\nmemory = \"4GB\"", "`launch.memory` is \"4GB\"", "\"4GB\"", "4G"),
        ("kind = \"slurm\"\nmemory = \"0G\"", "`launch.memory` is \"0G\"", "\"0G\"", "4G"),
        (
            "kind = \"slurm\"\npartition = \"a b\"",
            "`launch.partition` is \"a b\"",
            "\"a b\"",
            "give a name",
        ),
        (
            "kind = \"slurm\"\nextra = [\"--qos=a\", \"-n 5\"]",
            "`launch.extra` holds \"-n 5\"",
            "\"-n 5\"",
            "one by one",
        ),
        (
            "kind = \"slurm\"\nextra = [\"--array=0-9\"]",
            "`launch.extra` sets --array",
            "\"--array=0-9\"",
            "runs_per_task",
        ),
    ];
    for (text, message, marked, help) in cases {
        let (said, place, remedy) = refused(text);
        assert_eq!((said.as_str(), place.as_str()), (message, marked), "{text}");
        assert!(remedy.contains(help), "{text}: {remedy:?}");
    }
}
