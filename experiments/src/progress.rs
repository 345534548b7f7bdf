//! What a person sees while a run goes on: a bar on a terminal, plain lines elsewhere, or nothing.
//! Everything goes to standard error, so that standard output holds results alone.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use trueup_calibration::calibrator::Progress;

use crate::cli;

/// Set by the first interrupt; long work looks at it between two iterations.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The least time between two plain lines of one phase.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Catches interrupts: the first asks the run to stop after the iteration under way, the second
/// ends the process at once (its directory then reads `interrupted`).
///
/// # Errors
/// Where the system refuses a handler.
pub fn catch_interrupts() -> Result<(), ctrlc::Error> {
    let mut first = true;
    ctrlc::set_handler(move || {
        // Work that was asked to stop by other means may still be interrupted once.
        if !std::mem::replace(&mut first, false) {
            std::process::exit(130);
        }
        interrupt();
        cli::tell("\ninterrupted: stopping after this iteration (once more to stop at once)");
    })
}

/// Asks the work of this process to stop, as an interrupt does.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Whether an interrupt has come.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A bar that moves, for terminals.
    Bar,
    /// Plain lines, for logs.
    Lines,
    /// Nothing.
    Quiet,
}

impl Style {
    /// Bars where standard error is a terminal, lines elsewhere.
    pub fn choose(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// Hears what a run tells, where it is one of many and does not speak to a person itself.
pub trait Listener: Send + Sync {
    /// A line for the log of the run.
    fn line(&self, text: &str);
    /// Iterations done and in all of one calibrator, and the rest in words.
    fn progress(&self, calibrator: &str, done: usize, total: usize, words: &str);
}

/// Reports phases and lines.
pub struct Reporter {
    style: Style,
    started: Instant,
    listener: Option<Arc<dyn Listener>>,
}

impl Reporter {
    /// A reporter whose clock starts now.
    pub fn new(style: Style) -> Self {
        Self { style, started: Instant::now(), listener: None }
    }

    /// A reporter that tells a listener, and nobody else.
    pub fn to(listener: Arc<dyn Listener>) -> Self {
        Self { style: Style::Lines, started: Instant::now(), listener: Some(listener) }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// A phase begins, or a fact that a person should know.
    pub fn line(&self, text: &str) {
        if self.style != Style::Quiet {
            tell(self.listener.as_deref(), &stamped(self.seconds(), text));
        }
    }

    /// Watches work whose end is known as a share of it only.
    pub fn share<'a>(&'a self, what: &'a str) -> Share<'a> {
        let bar = match self.style {
            Style::Bar => {
                let style = ProgressStyle::with_template("{prefix} [{bar:16}] {wide_msg}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                let bar = ProgressBar::new(0).with_style(style.progress_chars("=> "));
                bar.with_prefix(what.to_owned())
            }
            _ => ProgressBar::hidden(),
        };
        let now = Instant::now();
        Share { reporter: self, what, bar, started: now, last: Mutex::new(now) }
    }

    /// Watches one calibrator; `record` is handed the metrics of every iteration.
    pub fn watch<'a>(&self, calibrator: &'a str, record: &'a Record<'a>) -> Watch<'a> {
        let bar = match self.style {
            Style::Bar => {
                ProgressBar::new(0).with_style(bar_style()).with_prefix(calibrator.to_owned())
            }
            _ => ProgressBar::hidden(),
        };
        let now = Instant::now();
        Watch {
            calibrator,
            record,
            bar,
            listener: self.listener.clone(),
            style: self.style,
            offset: self.seconds(),
            started: now,
            last: Mutex::new(now),
            base: OnceLock::new(),
        }
    }
}

/// Least time between two plain lines about work that has no iterations.
const SHARE_EVERY: Duration = Duration::from_secs(10);

/// Progress of work that has no iterations that a person would know, such as judging.
pub struct Share<'a> {
    reporter: &'a Reporter,
    what: &'a str,
    bar: ProgressBar,
    started: Instant,
    /// When the last line was shown.
    last: Mutex<Instant>,
}

impl Share<'_> {
    /// So much of all is done. From any thread; not every call is shown.
    pub fn at(&self, done: usize, total: usize) {
        let Ok(mut last) = self.last.try_lock() else { return };
        let lines = self.reporter.style == Style::Lines;
        let every = if lines { SHARE_EVERY } else { Duration::from_millis(100) };
        if done == 0 || done >= total || last.elapsed() < every {
            return;
        }
        *last = Instant::now();
        let seconds = self.started.elapsed().as_secs_f64();
        let left = duration(seconds * (total - done) as f64 / done as f64);
        let text = format!("{}%, about {left} left", done * 100 / total);
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(text.clone());
        if let Some(listener) = &self.reporter.listener {
            listener.progress(self.what, done, total, &text);
        }
        if lines {
            self.reporter.line(&format!("{}: {text}", self.what));
        }
    }

    /// Takes the bar off the terminal.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn stamped(seconds: f64, text: &str) -> String {
    format!("{:>7} {text}", format!("{seconds:.1}s"))
}

fn tell(listener: Option<&dyn Listener>, line: &str) {
    match listener {
        Some(listener) => listener.line(line),
        None => cli::tell(line),
    }
}

/// Takes (iterations done, iterations in all, metrics) of one calibrator; whether to go on.
pub type Record<'a> = dyn Fn(usize, usize, &[(&str, f64)]) -> bool + Sync + 'a;

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} [{bar:16}] {pos}/{len} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Progress of one calibrator.
pub struct Watch<'a> {
    calibrator: &'a str,
    record: &'a Record<'a>,
    bar: ProgressBar,
    listener: Option<Arc<dyn Listener>>,
    style: Style,
    /// Seconds of the run at the start of this calibrator.
    offset: f64,
    started: Instant,
    /// When the last line was shown.
    last: Mutex<Instant>,
    /// From where speed and time left are counted: a run that goes on has not made all its
    /// iterations just now.
    base: OnceLock<Base>,
}

/// Iterations and environment steps that had been made at some time.
#[derive(Clone, Copy, Debug)]
struct Base {
    done: usize,
    steps: f64,
    at: Instant,
}

impl Watch<'_> {
    /// Takes the bar off the terminal.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Watch<'_> {
    fn iteration(&self, done: usize, total: usize, metrics: &[(&str, f64)]) -> bool {
        let go_on = (self.record)(done, total, metrics);
        let elapsed = self.started.elapsed();
        let base = *self.base.get_or_init(|| match done {
            0 | 1 => Base { done: 0, steps: 0.0, at: self.started },
            _ => Base { done, steps: value(metrics, ENV_STEPS).unwrap_or(0.0), at: Instant::now() },
        });
        let text = describe(done, total, metrics, &base, base.at.elapsed().as_secs_f64());
        self.bar.update(|state| {
            state.set_len(total as u64);
            state.set_pos(done as u64);
        });
        self.bar.set_message(text.clone());
        if let Some(listener) = &self.listener {
            listener.progress(self.calibrator, done, total, &text);
        }
        if self.style == Style::Lines
            && let Ok(mut last) = self.last.lock()
            && (last.elapsed() >= LINE_EVERY || done == total)
        {
            *last = Instant::now();
            let comma = if text.is_empty() { "" } else { ", " };
            let text = format!("{}: iteration {done}/{total}{comma}{text}", self.calibrator);
            let seconds = self.offset + elapsed.as_secs_f64();
            tell(self.listener.as_deref(), &stamped(seconds, &text));
        }
        go_on && !interrupted()
    }

    fn note(&self, text: &str) {
        if self.style != Style::Quiet {
            let seconds = self.offset + self.started.elapsed().as_secs_f64();
            let line = stamped(seconds, &format!("{}: {text}", self.calibrator));
            self.bar.suspend(|| tell(self.listener.as_deref(), &line));
        }
    }

    fn stopped(&self) -> bool {
        interrupted()
    }
}

/// The name of the metric that counts environment steps.
pub const ENV_STEPS: &str = "env_steps";
/// The name of the metric that holds the mean return of the last training episodes.
const RETURN: &str = "return_last_100";

fn value(metrics: &[(&str, f64)], name: &str) -> Option<f64> {
    metrics.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

/// Steps per second, what is aimed at, and time left; `seconds` since the base.
fn describe(
    done: usize,
    total: usize,
    metrics: &[(&str, f64)],
    base: &Base,
    seconds: f64,
) -> String {
    let mut parts = Vec::new();
    if let Some(steps) = value(metrics, ENV_STEPS)
        && seconds > 0.0
        && steps > base.steps
    {
        parts.push(format!("{} steps/s", thousands(((steps - base.steps) / seconds) as u64)));
    }
    if let Some(value) = value(metrics, "discrepancy") {
        parts.push(format!("discrepancy {value:.4}"));
    }
    if let Some(value) = value(metrics, RETURN) {
        parts.push(format!("return {value:.1}"));
    }
    if done > base.done && done < total {
        let left = seconds * (total - done) as f64 / (done - base.done) as f64;
        parts.push(format!("{} left", duration(left)));
    }
    parts.join(", ")
}

/// A count with commas.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as a person says them.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        assert_eq!(
            ["7", "70", "700", "7,000", "1,234,567"],
            [7, 70, 700, 7000, 1_234_567].map(thousands).each_ref().map(String::as_str)
        );
        assert_eq!(duration(59.4), "59 s");
        assert_eq!(duration(61.0), "1 min 01 s");
        assert_eq!(duration(3725.0), "1 h 02 min");
    }

    #[test]
    fn a_line_tells_speed_discrepancy_and_time_left() {
        let metrics = [(ENV_STEPS, 50_000.0), ("discrepancy", 0.123_456)];
        let base = Base { done: 0, steps: 0.0, at: Instant::now() };
        let text = describe(2, 8, &metrics, &base, 10.0);
        assert_eq!(text, "5,000 steps/s, discrepancy 0.1235, 30 s left");
        assert_eq!(describe(8, 8, &[], &base, 10.0), "");
        // A run that went on after iteration 6: what came before was not made in these seconds.
        let base = Base { done: 6, steps: 30_000.0, ..base };
        let metrics = [(ENV_STEPS, 40_000.0), (RETURN, 195.25)];
        assert_eq!(describe(8, 9, &metrics, &base, 10.0), "1,000 steps/s, return 195.2, 5 s left");
    }

    #[test]
    fn every_iteration_is_recorded_and_nothing_asks_to_stop_by_itself() {
        let seen = Mutex::new(Vec::new());
        let record = |done: usize, _: usize, metrics: &[(&str, f64)]| {
            seen.lock().unwrap().push((done, metrics.len()));
            done < 3
        };
        let reporter = Reporter::new(Style::Quiet);
        let watch = reporter.watch("ppo", &record);
        assert!(watch.iteration(1, 2, &[("discrepancy", 1.0)]));
        assert!(watch.iteration(2, 2, &[]));
        assert!(!watch.iteration(3, 4, &[]), "the record may ask to stop");
        assert_eq!(*seen.lock().unwrap(), [(1, 1), (2, 0), (3, 0)]);
    }
}
