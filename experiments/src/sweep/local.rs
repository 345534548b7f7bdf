//! Runs a sweep on this machine: starts workers as processes of their own, shows what they tell, and
//! starts another where one dies.

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use trueup_results::ResultsError;
use trueup_results::sweep::{Plan, RunId, failures};

use super::event::{Ending, Event};
use super::progress::Display;
use crate::failure::Failure;
use crate::progress::interrupted;

/// Lines of a worker's standard error that are kept for when it dies.
const LAST_LINES: usize = 20;

/// Workers that are replaced although they had no run: killed so often, something else is wrong.
const MOST_LOST: usize = 5;

/// What became of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is left that this runner would do.
    Complete,
    /// It was asked to stop, or stopped at a failure.
    Stopped,
}

/// The right to run a sweep from this process; the operating system takes it back however the
/// process ends.
#[derive(Debug)]
pub struct RunnerLock(#[allow(dead_code)] File);

impl RunnerLock {
    /// Takes the folder of a sweep.
    ///
    /// # Errors
    /// Another runner is at work there, or a failed write.
    pub fn take(sweep: &Path) -> Result<Self, Failure> {
        let path = sweep.join("runner.lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|e| Failure::run(ResultsError::write(&path, e)))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let message = format!("another runner works on {}", sweep.display());
                Err(Failure::invalid_because(message, "wait for it, or stop it first"))
            }
            // A file system without locks: leases still keep runs apart.
            _ => Ok(Self(file)),
        }
    }
}

/// A worker process.
struct Process {
    child: Child,
    /// Closing it asks the worker to stop.
    input: Option<ChildStdin>,
    /// The run it works on.
    run: Option<String>,
    ended: bool,
}

/// What arrives from a worker.
enum Message {
    Told(Event),
    /// Its output has ended; the last lines of its standard error.
    Gone(Vec<String>),
}

/// Exit code of a worker that stopped without an end of its run: it was asked to, or another process
/// has its run.
pub const STOPPED: u8 = 75;

/// How many workers there are, and what they are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crew {
    /// Workers at a time.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
    /// How often a run that failed is tried again.
    pub retries: usize,
    /// Whether the first failure stops the sweep.
    pub fail_fast: bool,
    /// The runs that they look at, as positions in the order of the plan; none for all.
    pub share: Option<Range<usize>>,
    /// Whether another program than the one that planned may work.
    pub force: bool,
}

/// Runs what is left of a sweep.
pub struct Runner<'a> {
    sweep: PathBuf,
    crew: Crew,
    display: &'a mut Display,
    workers: Vec<Process>,
    sender: Sender<(usize, Message)>,
    receiver: Receiver<(usize, Message)>,
    stopping: bool,
    /// Workers that were killed while they did nothing.
    lost: usize,
}

impl<'a> Runner<'a> {
    /// A runner for a sweep.
    pub fn new(sweep: &Path, crew: Crew, display: &'a mut Display) -> Self {
        let (sender, receiver) = channel();
        let (sweep, workers) = (sweep.to_owned(), Vec::new());
        Self { sweep, crew, display, workers, sender, receiver, stopping: false, lost: 0 }
    }

    /// Runs until nothing is left to do.
    ///
    /// # Errors
    /// Workers that cannot be started or do not find their way about.
    pub fn run(mut self, plan: &Plan) -> Result<Ended, Failure> {
        let open = plan.trials.len() * plan.header.seeds.len();
        for _ in 0..self.crew.workers.min(open) {
            self.start()?;
        }
        let mut broken = None;
        while self.workers.iter().any(|worker| !worker.ended) {
            match self.receiver.recv_timeout(Duration::from_millis(100)) {
                Ok((worker, Message::Told(event))) => {
                    if let Event::Broken { message } = &event {
                        broken.get_or_insert(message.clone());
                    }
                    self.hear(worker, event);
                }
                Ok((worker, Message::Gone(last))) => self.bury(worker, &last)?,
                Err(RecvTimeoutError::Timeout) => self.display.tick(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if interrupted() {
                self.stop();
            }
        }
        match broken {
            _ if self.stopping => Ok(Ended::Stopped),
            Some(message) => Err(Failure::Run(miette::miette!("{message}"))),
            None => Ok(Ended::Complete),
        }
    }

    fn start(&mut self) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(Failure::run)?;
        let mut command = Command::new(program);
        command.arg("worker").arg(&self.sweep).arg("--attached");
        command.args(["--retries", &self.crew.retries.to_string()]);
        command.args(["--threads", &self.crew.threads.to_string()]);
        if let Some(Range { start, end }) = &self.crew.share {
            command.args(["--share", &format!("{start}..{end}")]);
        }
        if self.crew.force {
            command.arg("--force");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Failure::run)?;
        let number = self.workers.len();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let last = std::thread::spawn(move || last_lines(err.map(BufReader::new)));
            for line in out.map(BufReader::new).into_iter().flat_map(BufRead::lines) {
                let Ok(line) = line else { break };
                if let Ok(event) = serde_json::from_str(&line) {
                    let _ = sender.send((number, Message::Told(event)));
                }
            }
            let _ = sender.send((number, Message::Gone(last.join().unwrap_or_default())));
        });
        let input = child.stdin.take();
        self.workers.push(Process { child, input, run: None, ended: false });
        Ok(())
    }

    fn hear(&mut self, number: usize, event: Event) {
        let Some(worker) = self.workers.get_mut(number) else { return };
        match &event {
            Event::Begun { run, .. } => worker.run = Some(run.clone()),
            Event::Ended { .. } => worker.run = None,
            _ => {}
        }
        let failed = matches!(&event, Event::Ended { how: Ending::Failed, .. });
        self.display.hear(number, &event);
        if failed && self.crew.fail_fast && !self.stopping {
            self.display.line("stopping at the first failure, as launch.fail_fast asks");
            self.stop();
        }
    }

    /// A worker has ended; one that died over a run is replaced.
    fn bury(&mut self, number: usize, last: &[String]) -> Result<(), Failure> {
        let Some(worker) = self.workers.get_mut(number) else { return Ok(()) };
        let status = worker.child.wait().map_err(Failure::run)?;
        worker.ended = true;
        worker.input = None;
        let run = worker.run.take();
        if status.code() == Some(STOPPED.into()) {
            // Where it was asked to stop, so is everything here; a run that another process has
            // taken over is no failure of the run.
            if run.is_none() {
                self.stop();
            }
            return Ok(());
        }
        let Some(run) = run else {
            // Killed between two runs: nothing is lost but the worker.
            if status.code().is_none() && !self.stopping && self.lost < MOST_LOST {
                self.lost += 1;
                let how = how(status);
                self.display.line(&format!("a worker without a run ended with {how}: replaced"));
                return self.start();
            }
            if !status.success() && !self.stopping {
                let words = format!("a worker ended with {}: {}", how(status), last.join("\n"));
                return Err(Failure::Run(miette::miette!("{words}")));
            }
            return Ok(());
        };
        if self.stopping {
            return Ok(());
        }
        let mut reason = format!("its process ended with {}", how(status));
        for line in last {
            reason.push_str(&format!("\n{line}"));
        }
        if let Some(run) = parse(&run) {
            failures::record(&self.sweep, &run, &reason).map_err(Failure::run)?;
        }
        let (how, seconds) = (Ending::Failed, None);
        self.hear(number, Event::Ended { run, how, message: reason, seconds });
        if !self.stopping {
            self.start()?;
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.stopping = true;
        for worker in &mut self.workers {
            worker.input = None;
        }
    }
}

/// Workers do not outlive their runner: where it ends early, they are asked to stop.
impl Drop for Runner<'_> {
    fn drop(&mut self) {
        self.stop();
        for worker in &mut self.workers {
            let _ = worker.child.wait();
        }
    }
}

fn last_lines(reader: Option<impl BufRead>) -> Vec<String> {
    let mut last = VecDeque::new();
    for line in reader.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    last.into()
}

fn parse(run: &str) -> Option<RunId> {
    let (trial, seed) = run.rsplit_once('-')?;
    Some(RunId { trial: trial.to_owned(), seed: seed.parse().ok()? })
}

/// An exit status in words, with the usual reason.
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        match status.signal() {
            Some(9) => return "signal 9 (killed, perhaps for want of memory)".to_owned(),
            Some(signal) => return format!("signal {signal}"),
            None => {}
        }
    }
    status.to_string()
}
