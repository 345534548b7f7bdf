//! The command line: what can be asked, and with which exit code it ends.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::failure::Failure;
use crate::progress::Style;

/// Measures how far simulated users behave from real ones, and trains the simulation until a
/// statistician cannot tell them apart.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the run failed or was interrupted, 2 wrong usage, 3 invalid config or data, 75 a task of a cluster that was asked to stop.";

/// What every command understands.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Print the result as JSON on standard output, and nothing else there.
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress and no verdict; errors are still shown.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads to compute with [default: one a core]; the results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

impl Common {
    /// How to show progress.
    pub fn style(&self) -> Style {
        Style::choose(self.quiet)
    }

    /// Threads that were asked for.
    pub fn threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    /// Prints text for a person, unless JSON or nothing was asked for.
    pub fn say(&self, text: &str) {
        if !self.json && !self.quiet {
            print(text);
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Calibrate and judge on held-out users, or train on a task; write a run directory with a
    /// report.
    Run(commands::run::Run),
    /// Go on with a run that was interrupted or killed, in its directory.
    Resume(commands::resume::Resume),
    /// Compare two logs of one's own, without any training.
    Compare(commands::compare::Compare),
    /// Check a config and its data, and print it with every default filled in.
    Validate(commands::validate::Validate),
    /// Tell what a config would run, without running it.
    Plan(commands::plan::Plan),
    /// Tell how far a run or a sweep got.
    Status(commands::status::Status),
    /// End the jobs of a sweep on a cluster; what they work on can be gone on with.
    Cancel(commands::cancel::Cancel),
    /// Write the summary of a sweep from what its runs gave so far.
    Conclude(commands::conclude::Conclude),
    /// Do runs of a sweep; started by a runner.
    #[command(hide = true)]
    Worker(commands::worker::Arguments),
    /// Do a share of a sweep, as a task of a cluster.
    #[command(hide = true)]
    Batch(commands::batch::Arguments),
    /// Write the report of a run again from its files.
    Report(commands::report::Report),
    /// Tell what is in a log: counts, quantiles, gaps, first rows as understood.
    Describe(commands::describe::Describe),
    /// List the discrepancies and features, or tell what one of them is.
    Metrics(commands::metrics::Metrics),
    /// Export a run or a sweep for other tools.
    Export(commands::export::Export),
    /// List, show, compare or remove runs.
    Runs(commands::runs::Runs),
    /// Count the runs by state.
    Index(commands::index::Index),
    /// Print the JSON Schema of configs, with which an editor completes and checks them.
    Schema(commands::schema::Schema),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What a run or a sweep can be exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A Jupyter notebook that loads it and redraws the main plots, and Parquet tables.
    Ipynb,
    /// Tables of runs, calibrators, metrics and curves for pandas, polars or DuckDB.
    Parquet,
    /// The same tables as CSV files.
    Csv,
    /// Event files of TensorBoard, one a run.
    Tensorboard,
    /// Runs on an MLflow server.
    Mlflow,
    /// A table for a paper.
    Latex,
}

/// A folder for what a command writes.
#[derive(Debug, clap::Args)]
pub struct Out {
    /// The folder that run directories are made in.
    #[arg(long = "out", value_name = "FOLDER", default_value = "runs")]
    pub folder: PathBuf,
}

/// Changes to a config.
#[derive(Debug, clap::Args)]
pub struct Overrides {
    /// Set one value of the config, e.g. `seed=2` or `calibrators.ppo.iterations=5`; may be
    /// repeated.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wide = |_: &_| -> Box<dyn miette::ReportHandler> {
        Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())
    };
    // The hook can be set once, and this is the only place that does.
    let _ = miette::set_hook(Box::new(wide));
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&format!("{:?}", failure.report()));
            failure.code()
        }
    }
}

fn dispatch(arguments: &Arguments) -> Result<(), Failure> {
    let common = &arguments.common;
    if let Some(threads) = common.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.into())
            .build_global()
            .map_err(Failure::run)?;
    }
    match &arguments.command {
        Command::Run(run) => run.execute(common),
        Command::Resume(resume) => resume.execute(common),
        Command::Compare(compare) => compare.execute(common),
        Command::Validate(validate) => validate.execute(common),
        Command::Plan(plan) => plan.execute(common),
        Command::Status(status) => status.execute(common),
        Command::Cancel(cancel) => cancel.execute(common),
        Command::Conclude(conclude) => conclude.execute(common),
        Command::Worker(worker) => worker.execute(common),
        Command::Batch(batch) => batch.execute(common),
        Command::Report(report) => report.execute(common),
        Command::Describe(describe) => describe.execute(common),
        Command::Metrics(metrics) => metrics.execute(common),
        Command::Export(export) => export.execute(common),
        Command::Runs(runs) => runs.execute(common),
        Command::Index(index) => index.execute(common),
        Command::Schema(schema) => schema.execute(common),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "trueup", &mut script);
            print_bytes(&script);
            Ok(())
        }
    }
}

/// Prints a line on standard output; a reader that has gone away (`| head`) is no error.
pub fn print(text: &str) {
    print_bytes(format!("{text}\n").as_bytes());
}

/// Prints a line on standard error; a reader that has gone away is no error. `eprintln!` panics there.
pub fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Prints a value as JSON on standard output.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).map_err(Failure::run)?);
    Ok(())
}

fn print_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
