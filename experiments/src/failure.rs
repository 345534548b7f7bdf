//! What ends a command, and with which exit code.

use std::process::ExitCode;

use crate::config::Refused;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The work began and failed: exit code 1.
    Run(miette::Report),
    /// The config or the data are not valid, and nothing was written: exit code 3.
    Invalid(miette::Report),
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

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Run(_) => ExitCode::from(1),
            Self::Invalid(_) => ExitCode::from(3),
        }
    }

    /// What to show.
    pub fn report(&self) -> &miette::Report {
        match self {
            Self::Run(report) | Self::Invalid(report) => report,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Invalid(miette::Report::from(*refused))
    }
}
