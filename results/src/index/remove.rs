//! Removing one run directory, and nothing else.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::error::ResultsError;
use crate::run_directory::{State, status};

/// Removes a run directory that lies under the root. It is first moved to a hidden name beside it, so
/// that a removal that is cut short leaves no half of a run, and nothing outside of the root is
/// touched: links inside the run are removed, not followed.
///
/// # Errors
/// A folder outside of the root, a link, a folder that is no run directory, one that a process is
/// writing, or a failed removal.
pub fn remove_run(root: &Path, folder: &Path) -> Result<(), ResultsError> {
    let refuse = |why: &str| Err(ResultsError::malformed(folder, why));
    let real = |path: &Path| fs::canonicalize(path).map_err(|e| ResultsError::read(path, e));
    if fs::symlink_metadata(folder).is_ok_and(|kind| kind.is_symlink()) {
        return refuse("it is a link; name the folder itself");
    }
    let (root, inside) = (real(root)?, real(folder)?);
    let Some(parent) = inside.parent().filter(|parent| parent.starts_with(&root)) else {
        return refuse("it does not lie under the folder of runs; name that one with --root");
    };
    let there = |name: &str| inside.join(name).exists();
    if there("plan.jsonl") || there("sweep.toml") || !(there("status.json") || there("lock")) {
        return refuse("it is no run directory; only single runs are removed");
    }
    // Held until the folder is gone, so that nobody goes on in it meanwhile.
    let lock = File::open(inside.join("lock"));
    let free = match lock.as_ref().map(File::try_lock) {
        Ok(Err(TryLockError::WouldBlock)) => false,
        // No locks here: what the run says of itself decides.
        Ok(Err(TryLockError::Error(_))) | Err(_) => {
            !status(&inside).is_ok_and(|status| status.state == State::Running)
        }
        Ok(Ok(())) => true,
    };
    if !free {
        return refuse("a process is writing it; stop that first");
    }
    let fail = |source| ResultsError::write(folder, source);
    let aside = tempfile::Builder::new().prefix(".removed-").tempdir_in(parent).map_err(fail)?;
    fs::rename(&inside, aside.path().join("run")).map_err(fail)?;
    aside.close().map_err(fail)
}
