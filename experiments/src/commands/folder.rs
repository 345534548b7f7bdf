//! What a folder on the command line is: of a run, of a sweep, or what it is instead.

use std::path::Path;

use trueup_results::sweep::is_sweep;

use crate::failure::Failure;

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// A run.
    Run,
    /// A sweep.
    Sweep,
}

/// The file that makes a folder that of a run, and that of a sweep.
const OF_RUN: &str = "status.json";
const OF_SWEEP: &str = "plan.jsonl";

/// Tells what a folder is.
///
/// # Errors
/// A folder that is neither a run nor a sweep: what was looked for, and what is there instead.
pub fn known(folder: &Path) -> Result<Folder, Failure> {
    if is_sweep(folder) {
        return Ok(Folder::Sweep);
    }
    if folder.join(OF_RUN).is_file() {
        return Ok(Folder::Run);
    }
    Err(neither(folder))
}

/// Refuses what is no sweep.
///
/// # Errors
/// A folder of anything else.
pub fn sweep(folder: &Path) -> Result<(), Failure> {
    match known(folder)? {
        Folder::Sweep => Ok(()),
        Folder::Run => {
            let message = format!("{} is a run, and not a sweep", folder.display());
            Err(Failure::invalid_because(message, "it holds no plan.jsonl"))
        }
    }
}

fn neither(folder: &Path) -> Failure {
    let place = folder.display();
    let listed = "`trueup runs ls` lists the runs of a folder";
    if !folder.exists() {
        return Failure::invalid_because(format!("there is no folder {place}"), listed);
    }
    if !folder.is_dir() {
        let help = "name the folder of a run or of a sweep";
        return Failure::invalid_because(format!("{place} is a file, and not a folder"), help);
    }
    let message = format!(
        "{place} is neither a run nor a sweep: it holds no {OF_RUN} (of a run) and no {OF_SWEEP} \
         (of a sweep)"
    );
    let help = match inside(folder) {
        Some(name) => format!("there is one inside: {}", folder.join(name).display()),
        None => listed.to_owned(),
    };
    Failure::invalid_because(message, help)
}

/// The first run or sweep right inside a folder, by name.
fn inside(folder: &Path) -> Option<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let is_one = |path: &Path| is_sweep(path) || path.join(OF_RUN).is_file();
    let found = entries.filter(|entry| is_one(&entry.path())).map(|entry| entry.file_name());
    found.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_folder_is_instead_is_told() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("a-1");
        std::fs::create_dir(&run).unwrap();
        let said = |path: &Path| known(path).unwrap_err().words();
        assert!(said(&run).contains("neither a run nor a sweep"), "{}", said(&run));
        assert!(said(&run.join("b")).contains("there is no folder"));
        std::fs::write(run.join(OF_RUN), "{}").unwrap();
        assert_eq!(known(&run).unwrap(), Folder::Run);
        assert!(said(&run.join(OF_RUN)).contains("is a file"));
        assert!(said(root.path()).contains("a-1"), "{}", said(root.path()));
        std::fs::write(run.join(OF_SWEEP), "").unwrap();
        assert_eq!(known(&run).unwrap(), Folder::Sweep);
    }
}
