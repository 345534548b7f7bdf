//! A Slurm cluster of three nodes on this machine, for as long as a value lives.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const CONFIG: &str = include_str!("../slurm/slurm.conf");
/// Longest wait for the cluster to do something. The machine may be loaded: that something hangs is
/// seen late, and nothing is called broken that is only slow.
const PATIENCE: Duration = Duration::from_secs(900);
/// A little more than `KillWait` of the config.
const KILL_WAIT: Duration = Duration::from_secs(4);

/// Clusters share the processors of one machine: there is one at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: tempfile::TempDir,
    controller: Child,
    others: Vec<Child>,
    /// Tasks that wait, and since when nothing is left of their former start.
    put_back: HashMap<String, Instant>,
    _one: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts a cluster; says why where that cannot be done here.
    ///
    /// # Errors
    /// What is missing, or what the controller told where the nodes do not come up.
    ///
    /// # Panics
    /// Where its daemons cannot be run at all.
    pub fn start() -> Result<Self, String> {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let user = Command::new("id").arg("-u").output().map(|output| output.stdout);
        if user.unwrap_or_default().trim_ascii() != b"0" {
            return Err("a cluster is started by the superuser".into());
        }
        for name in ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel"] {
            find(name).ok_or(format!("{name} is not installed"))?;
        }
        let folder = tempfile::Builder::new().prefix("slurm").tempdir().unwrap();
        let dir = folder.path();
        for name in ["munge", "state"] {
            std::fs::create_dir(dir.join(name)).unwrap();
        }
        write_config(dir);
        let munged = start_munged(dir);
        let controller = daemon(dir, "slurmctld", &["-D", "-i"]);
        let (others, put_back) = (vec![munged], HashMap::new());
        let mut cluster = Self { folder, controller, others, put_back, _one: one };
        // Nodes that find no controller ask again later and later: it comes first.
        cluster.expect_answer(|_| true)?;
        for node in ["n1", "n2", "n3"] {
            let node = daemon(cluster.folder.path(), "slurmd", &["-D", "-N", node]);
            cluster.others.push(node);
        }
        cluster.expect_answer(|nodes| nodes == "idle 3")?;
        Ok(cluster)
    }

    /// Waits until the controller says of its nodes what it should; why not, where a daemon has ended
    /// or nothing comes of it.
    fn expect_answer(&mut self, expected: impl Fn(&str) -> bool) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let nodes = self.try_slurm("sinfo", &["--noheader", "--format=%t %D"]);
            if nodes.as_deref().is_some_and(&expected) {
                return Ok(());
            }
            let daemons = std::iter::once(&mut self.controller).chain(&mut self.others);
            let ended = daemons.map(|child| child.try_wait()).any(|end| !matches!(end, Ok(None)));
            if ended || started.elapsed() > PATIENCE {
                let log = self.log("controller.log");
                return Err(format!(
                    "Slurm is installed and does not start here: {nodes:?}\n{log}"
                ));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The file that tells Slurm's commands where the cluster is.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("slurm.conf")
    }

    fn try_slurm(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(find(program)?);
        command.args(arguments).env("SLURM_CONF", self.config()).stdin(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs a command of Slurm and gives what it prints; asks again while the controller is busy.
    ///
    /// # Panics
    /// Where it fails for minutes.
    pub fn slurm(&self, program: &str, arguments: &[&str]) -> String {
        let started = Instant::now();
        loop {
            match self.try_slurm(program, arguments) {
                Some(text) => return text,
                None => self.expect_patience(started, &format!("{program} {arguments:?}")),
            }
        }
    }

    fn log(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// Where it does not within minutes.
    pub fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let started = Instant::now();
        while !holds() {
            self.expect_patience(started, what);
        }
    }

    /// Waits until the queue is empty; tasks that were put back begin soon.
    ///
    /// # Panics
    /// Where it does not end within minutes.
    pub fn wait_for_end(&mut self) {
        let started = Instant::now();
        while !self.queue().is_empty() {
            self.begin_now();
            self.expect_patience(started, "the end");
        }
    }

    /// Lets a moment go by, unless the wait has been too long.
    fn expect_patience(&self, started: Instant, what: &str) {
        assert!(
            started.elapsed() < PATIENCE,
            "waited in vain for {what}\n{}\n{}",
            self.try_slurm("squeue", &["--array", "--states=all"]).unwrap_or_default(),
            self.log("controller.log")
        );
        std::thread::sleep(Duration::from_millis(50));
    }

    /// Tasks in the queue: (`JOB_TASK`, state, node).
    pub fn queue(&self) -> Vec<(String, String, String)> {
        let text = self.slurm("squeue", &["--noheader", "--array", "--format=%i|%T|%N"]);
        let task = |line: &str| {
            let mut fields = line.split('|').map(|field| field.trim().to_owned());
            Some((fields.next()?, fields.next()?, fields.next()?))
        };
        text.lines().filter_map(task).collect()
    }

    /// Lets tasks that were put back into the queue begin soon. Slurm gives them two minutes, so that
    /// what ends their former start, and what is told of its end, does not meet the next one: here
    /// they wait until its process has gone, and for as long as Slurm may still kill in its name.
    fn begin_now(&mut self) {
        let text = self.slurm("squeue", &["--noheader", "--array", "--format=%i|%T|%A"]);
        for line in text.lines() {
            let mut fields = line.split('|');
            let (task, state) = (fields.next().unwrap_or_default(), fields.next());
            let former = format!("slurmstepd: [{}.", fields.next().unwrap_or_default());
            if state != Some("PENDING") || !processes(&[&former]).is_empty() {
                self.put_back.remove(task);
                continue;
            }
            let since = self.put_back.entry(task.to_owned()).or_insert_with(Instant::now);
            if since.elapsed() >= KILL_WAIT {
                // One that waits for others is refused, and need not begin.
                self.try_slurm("scontrol", &["update", &format!("jobid={task}"), "starttime=now"]);
            }
        }
    }

    /// Kills the controller as a power cut does.
    ///
    /// # Panics
    /// Where it cannot be killed.
    pub fn kill_controller(&mut self) {
        self.controller.kill().unwrap();
        self.controller.wait().unwrap();
    }

    /// Starts the controller again, which reads what the former one had saved, and waits until it
    /// answers.
    pub fn start_controller(&mut self) {
        self.controller = daemon(self.folder.path(), "slurmctld", &["-D"]);
        let _ = self.slurm("sinfo", &["--noheader"]);
    }

    /// Waits until the controller has saved its jobs, which it does a moment after it took them.
    pub fn wait_for_saved_jobs(&self, name: &str) {
        let path = self.folder.path().join("state/job_state");
        self.wait("the saved jobs", || {
            std::fs::read(&path).is_ok_and(|bytes| {
                bytes.windows(name.len()).any(|window| window == name.as_bytes())
            })
        });
    }
}

/// Ends jobs and daemons. Nothing is expected of a cluster whose test has failed.
impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.try_slurm("scancel", &["--signal=KILL", "--full", "--user=root"]);
        let _ = self.try_slurm("scancel", &["--user=root"]);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10)
            && self.try_slurm("squeue", &["--noheader"]).is_some_and(|left| !left.is_empty())
        {
            std::thread::sleep(Duration::from_millis(100));
        }
        for child in std::iter::once(&mut self.controller).chain(&mut self.others) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Processes whose command line holds all of these words.
///
/// # Panics
/// Where the system does not tell.
pub fn processes(words: &[&str]) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        words.iter().all(|word| line.contains(word))
    };
    numbers.filter(holds).collect()
}

/// A program on the path or beside the system's own.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn write_config(dir: &Path) {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = kernel.trim().split('.').next().unwrap_or_default();
    let mut text = CONFIG.replace("@DIR@", dir.to_str().unwrap()).replace("@HOST@", host);
    // All are held until all are chosen, so that they differ.
    let names = ["@CONTROL@", "@NODE1@", "@NODE2@", "@NODE3@"];
    let ports = names.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    for (name, port) in names.iter().zip(&ports) {
        text = text.replace(name, &port.local_addr().unwrap().port().to_string());
    }
    std::fs::write(dir.join("slurm.conf"), text).unwrap();
}

/// Slurm's messages are signed: a daemon with a key of its own does it.
fn start_munged(dir: &Path) -> Child {
    let munge = dir.join("munge");
    let key = munge.join("key");
    // The key guards nothing but this test.
    std::fs::write(&key, dir.to_str().unwrap().repeat(8)).unwrap();
    let mode = Command::new("chmod").arg("600").arg(&key).status().unwrap();
    assert!(mode.success());
    let path = |name: &str| munge.join(name).display().to_string();
    let mut command = Command::new(find("munged").unwrap());
    command.args(["--foreground", "--force"]);
    for (option, name) in
        [("socket", "socket"), ("key-file", "key"), ("pid-file", "pid"), ("seed-file", "seed")]
    {
        command.arg(format!("--{option}={}", path(name)));
    }
    let child = silent(&mut command);
    let started = Instant::now();
    while !munge.join("socket").exists() {
        assert!(started.elapsed() < PATIENCE, "munged does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn daemon(dir: &Path, name: &str, arguments: &[&str]) -> Child {
    let config = dir.join("slurm.conf");
    let mut command = Command::new(find(name).unwrap());
    command.args(arguments).arg("-f").arg(&config).env("SLURM_CONF", &config);
    silent(&mut command)
}

fn silent(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
