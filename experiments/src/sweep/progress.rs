//! What a person sees of a sweep: a bar for the whole and one for each run under way on a terminal,
//! plain lines elsewhere.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use trueup_results::sweep::{Plan, RunState, SweepState};

use super::event::{Ending, Event};
use crate::cli::tell;
use crate::progress::{Style, duration};

/// Lines of a failed run's log that are shown at once.
const LOG_LINES: usize = 5;
/// Least time between two plain lines about runs that are done.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Shows how a sweep goes.
pub struct Display {
    style: Style,
    started: Instant,
    bars: Option<Bars>,
    /// Trials in words by id.
    titles: HashMap<String, String>,
    sweep: PathBuf,
    total: usize,
    done: usize,
    failed: usize,
    /// Runs that had ended before.
    before: usize,
    last: Option<Instant>,
}

struct Bars {
    all: MultiProgress,
    sweep: ProgressBar,
    workers: HashMap<usize, ProgressBar>,
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn titles(plan: &Plan) -> HashMap<String, String> {
    plan.trials.iter().map(|trial| (trial.trial.clone(), trial.title())).collect()
}

/// Runs that need nothing more.
fn over(state: &SweepState) -> usize {
    state.count(RunState::Done) + state.count(RunState::Pruned)
}

impl Display {
    /// A display for what is left of a sweep.
    pub fn new(style_: Style, sweep: &Path, plan: &Plan, state: &SweepState) -> Self {
        let total = state.runs.len();
        let done = over(state);
        let bars = (style_ == Style::Bar).then(|| {
            let all = MultiProgress::new();
            let bar = ProgressBar::new(total as u64);
            let sweep =
                all.add(bar.with_style(style("{prefix} [{bar:24}] {pos}/{len} {wide_msg}")));
            sweep.set_prefix(plan.header.name.clone());
            sweep.set_position(done as u64);
            Bars { all, sweep, workers: HashMap::new() }
        });
        let titles = titles(plan);
        Self {
            style: style_,
            started: Instant::now(),
            bars,
            titles,
            sweep: sweep.to_owned(),
            total,
            done,
            failed: 0,
            before: done,
            last: None,
        }
    }

    /// The plan has grown, or runs were stopped for good.
    pub fn grow(&mut self, plan: &Plan, state: &SweepState) {
        self.titles = titles(plan);
        self.done = over(state);
        self.total = plan.trials.len() * plan.header.seeds.len();
        if let Some(bars) = &self.bars {
            bars.sweep.set_length(self.total as u64);
        }
    }

    /// A line for a person.
    pub fn line(&self, text: &str) {
        if self.style == Style::Quiet {
            return;
        }
        let line = format!("{:>7} {text}", format!("{:.1}s", self.started.elapsed().as_secs_f64()));
        match &self.bars {
            Some(bars) => bars.all.suspend(|| tell(&line)),
            None => tell(&line),
        }
    }

    /// Time passes.
    pub fn tick(&self) {
        if let Some(bars) = &self.bars {
            bars.sweep.set_message(self.outlook());
        }
    }

    /// A run in words: what its trial sets, and its seed.
    fn title(&self, run: &str) -> String {
        let (trial, seed) = run.rsplit_once('-').unwrap_or((run, ""));
        let title = self.titles.get(trial).map_or(trial, String::as_str);
        format!("{title}, seed {seed}")
    }

    /// A worker told something.
    pub fn hear(&mut self, worker: usize, event: &Event) {
        match event {
            Event::Begun { run, .. } => {
                let title = self.title(run);
                if let Some(bars) = &mut self.bars {
                    let bar = ProgressBar::new(0);
                    let bar = bar.with_style(style("  {prefix} [{bar:16}] {pos}/{len} {wide_msg}"));
                    bar.set_prefix(title);
                    bars.workers.insert(worker, bars.all.add(bar));
                }
            }
            Event::Progress { calibrator, done, total, words } => {
                if let Some(bar) = self.bars.as_ref().and_then(|b| b.workers.get(&worker)) {
                    bar.set_length(*total as u64);
                    bar.set_position(*done as u64);
                    bar.set_message(format!("{calibrator} {words}"));
                }
            }
            Event::Ended { run, how, message, seconds } => {
                if let Some(bar) = self.bars.as_mut().and_then(|b| b.workers.remove(&worker)) {
                    bar.finish_and_clear();
                }
                self.end(run, *how, message, *seconds);
            }
            Event::Broken { message } => self.line(message),
        }
    }

    fn end(&mut self, run: &str, how: Ending, message: &str, seconds: Option<f64>) {
        let title = self.title(run);
        match how {
            Ending::Interrupted | Ending::Paused => return,
            Ending::Failed => {
                self.failed += 1;
                self.line(&format!("FAILED {title}: {message}"));
                self.show_log(run);
            }
            Ending::Done => {
                self.done += 1;
                if self.bars.is_none() && self.is_due() {
                    let (done, total) = (self.done, self.total);
                    let took = seconds.map_or(String::new(), |s| format!(" in {}", duration(s)));
                    let outlook = self.outlook();
                    self.line(&format!("{done}/{total} done: {title}{took}{outlook}"));
                }
            }
        }
        if let Some(bars) = &self.bars {
            bars.sweep.set_position(self.done as u64);
            bars.sweep.set_message(self.outlook());
        }
    }

    /// Whether it is time for another plain line. The last run has one in any case.
    fn is_due(&mut self) -> bool {
        let due = self.done == self.total || self.last.is_none_or(|at| at.elapsed() >= LINE_EVERY);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }

    fn show_log(&self, run: &str) {
        let Some((trial, seed)) = run.rsplit_once('-') else { return };
        let path = self.sweep.join("runs").join(trial).join(format!("{seed}.log"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(LOG_LINES)) {
            self.line(&format!("    {line}"));
        }
        self.line(&format!("    (from {})", path.display()));
    }

    /// Failures and time left; begins with a comma.
    fn outlook(&self) -> String {
        let made = self.done - self.before;
        let left = self.total.saturating_sub(self.done + self.failed);
        let mut text = String::new();
        if made > 0 && left > 0 {
            let seconds = self.started.elapsed().as_secs_f64() * left as f64 / made as f64;
            text.push_str(&format!(", {} left", duration(seconds)));
        }
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", self.failed));
        }
        text
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bars) = &self.bars {
            bars.sweep.finish_and_clear();
        }
    }
}
