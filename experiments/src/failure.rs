//! What ends a command, and with which exit code.

use std::process::ExitCode;

use crate::config::Refused;
use crate::sweep::local::STOPPED;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The work began and failed: exit code 1.
    Run(miette::Report),
    /// The config or the data are not valid, and nothing was written: exit code 3.
    Invalid(miette::Report),
    /// It was asked to stop, and what it did can be gone on with: exit code 75.
    Stopped(miette::Report),
}

impl Failure {
    /// A failed run. Errors of this project say what caused them: their sources are not repeated.
    pub fn run(error: impl std::error::Error) -> Self {
        Self::Run(miette::Report::msg(error.to_string()))
    }

    /// Invalid config or data.
    pub fn invalid(error: impl std::error::Error) -> Self {
        Self::Invalid(miette::Report::msg(error.to_string()))
    }

    /// Invalid input, said in words.
    pub fn invalid_because(message: impl Into<String>, help: impl Into<String>) -> Self {
        let diagnostic = miette::MietteDiagnostic::new(message).with_help(help);
        Self::Invalid(miette::Report::from(diagnostic))
    }

    /// The same failure, with where it arose.
    pub fn inside(self, place: &str) -> Self {
        match self {
            Self::Run(report) => Self::Run(report.wrap_err(place.to_owned())),
            Self::Invalid(report) => Self::Invalid(report.wrap_err(place.to_owned())),
            Self::Stopped(report) => Self::Stopped(report.wrap_err(place.to_owned())),
        }
    }

    /// On one line, with causes and remedy.
    pub fn words(&self) -> String {
        let report = self.report();
        let chain: Vec<String> = report.chain().map(ToString::to_string).collect();
        let help = report.help().map_or(String::new(), |help| format!(" (help: {help})"));
        format!("{}{help}", chain.join(": "))
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Run(_) => ExitCode::from(1),
            Self::Invalid(_) => ExitCode::from(3),
            Self::Stopped(_) => ExitCode::from(STOPPED),
        }
    }

    /// What to show.
    pub fn report(&self) -> &miette::Report {
        match self {
            Self::Run(report) | Self::Invalid(report) | Self::Stopped(report) => report,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Invalid(miette::Report::from(*refused))
    }
}
