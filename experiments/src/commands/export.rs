//! `trueup export`: a run or a sweep for other tools.

use std::path::{Path, PathBuf};

use trueup_notebooks_export::{ExportError, ipynb, latex, mlflow, tensorboard, write_tables};
use trueup_results::{tables, write_atomically};

use super::folder::{Folder, known};
use crate::cli::{Common, Format, print_json};
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The run directory, or the folder of a sweep.
    dir: PathBuf,
    /// What to write.
    #[arg(long, value_enum)]
    to: Format,
    /// File (ipynb, latex) or folder to write to [default: in DIR].
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Address of the MLflow server, e.g. http://127.0.0.1:5000.
    #[arg(long, value_name = "URI", required_if_eq("to", "mlflow"))]
    uri: Option<String>,
    /// Experiment on the MLflow server [default: the name of the run or sweep].
    #[arg(long, value_name = "NAME", requires = "uri")]
    experiment: Option<String>,
}

/// Writes what is in a folder to a file or folder.
type Writer = fn(&Path, &Path) -> Result<(), ExportError>;

impl Export {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that is neither run nor sweep, nothing to export, a failed write, or a server that
    /// does not answer.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let (name, write): (&str, Writer) = match self.to {
            Format::Mlflow => return self.to_mlflow(common),
            Format::Ipynb => ("notebook.ipynb", ipynb),
            Format::Parquet => {
                (tables::FOLDER, |dir, out| write_tables(dir, out, tables::Format::Parquet))
            }
            Format::Csv => (tables::FOLDER, |dir, out| write_tables(dir, out, tables::Format::Csv)),
            Format::Tensorboard => {
                // A run has event files of its own, which it appends to.
                let name = match known(&self.dir)? {
                    Folder::Sweep => "tensorboard",
                    Folder::Run => "tensorboard-export",
                };
                (name, |dir, out| tensorboard::write(dir, out).map(|_| ()))
            }
            Format::Latex => {
                ("table.tex", |dir, out| Ok(write_atomically(out, latex::table(dir)?.as_bytes())?))
            }
        };
        if self.uri.is_some() {
            let help = "leave --uri out, or ask for --to mlflow";
            return Err(Failure::invalid_because("--uri is for --to mlflow", help));
        }
        known(&self.dir)?;
        let path = self.out.clone().unwrap_or_else(|| self.dir.join(name));
        write(&self.dir, &path).map_err(failure)?;
        if common.json {
            print_json(&serde_json::json!({ "file": path }))?;
        }
        common.say(&format!("Written: {}", path.display()));
        Ok(())
    }

    fn to_mlflow(&self, common: &Common) -> Result<(), Failure> {
        if self.out.is_some() {
            let help = "leave --out out: MLflow keeps what it is told";
            return Err(Failure::invalid_because("--out is not for --to mlflow", help));
        }
        // The command line asks for an address where this is asked for.
        let uri = self.uri.as_deref().unwrap_or_default();
        let sent = match mlflow::export(&self.dir, uri, self.experiment.as_deref()) {
            Ok(sent) => sent,
            // An address that is none is told first: without it, nothing was looked at.
            Err(error @ ExportError::Mlflow(_)) => return Err(failure(error)),
            Err(error) => return Err(known(&self.dir).err().unwrap_or_else(|| failure(error))),
        };
        let mlflow::Exported { experiment, created, updated, unchanged } = &sent;
        if common.json {
            print_json(&serde_json::json!({
                "uri": uri, "experiment": experiment,
                "created": created, "updated": updated, "unchanged": unchanged,
            }))?;
        }
        common.say(&format!(
            "Experiment {experiment} at {uri}: {created} runs created, {updated} updated, {unchanged} \
             unchanged"
        ));
        Ok(())
    }
}

/// What the folder does not give is invalid input; what cannot be written or sent is a failed run.
fn failure(error: ExportError) -> Failure {
    match error {
        ExportError::Mlflow(mlflow::MlflowError::Uri { .. }) => Failure::invalid(error),
        ExportError::Mlflow(_) => Failure::run(error),
        ExportError::Results(trueup_results::ResultsError::Write { .. }) => Failure::run(error),
        error => Failure::invalid(error),
    }
}
