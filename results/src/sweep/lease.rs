//! Leases: who works on which run, over all machines that see the folder.
//!
//! The lease of a run is the file `leases/RUN.G` of the highest generation G. Making a file that
//! must not exist is atomic, on network file systems too, so of several claimants one gets a
//! generation. The holder writes its file again every few seconds. A lease is stale when its
//! process is known to be gone, or its file was not written for [`STALE_AFTER`]; it is taken over
//! by making the next generation, and a holder that finds a later generation than its own has lost
//! the run and stops. Ages are differences of file times of the same file system: the clocks of the
//! machines do not matter.
//!
//! A cluster that loses a node starts its job again. What the new start finds of the former one is
//! stale at once; but a node that is only cut off may still work, so the new start waits until the
//! former must have seen that it was overtaken.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::owner::Owner;
use super::plan::RunId;
use crate::error::ResultsError;

/// A lease that was not renewed for so long is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(60);
/// Time between two renewals.
const BEAT: Duration = Duration::from_secs(5);
/// A holder that was overtaken has seen it by then, and has stopped.
const OVERTAKEN_AFTER: Duration = Duration::from_secs(2 * BEAT.as_secs());

/// What came of a claim.
#[derive(Debug)]
pub enum Claim {
    /// The run is ours.
    Ours(Lease),
    /// Another process works on it.
    Taken(Option<Owner>),
}

/// A run that is held, until the value goes away.
#[derive(Debug)]
pub struct Lease {
    folder: PathBuf,
    run: RunId,
    generation: u64,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    end: Mutex<bool>,
    wake: Condvar,
    lost: AtomicBool,
}

impl Lease {
    /// Claims a run of a sweep.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn claim(sweep: &Path, run: &RunId) -> Result<Claim, ResultsError> {
        let folder = sweep.join("leases");
        fs::create_dir_all(&folder).map_err(|source| ResultsError::write(&folder, source))?;
        let owner = Owner::this();
        let text =
            serde_json::to_vec(&owner).map_err(|error| ResultsError::malformed(&folder, error))?;
        let last = last_generation(&folder, run);
        let mut former = None;
        if let Some(last) = last
            && let Some(holder) = holder(&folder, run, last)?
        {
            former = holder.owner.clone().filter(|former| former.is_before(&owner));
            if former.is_none() {
                return Ok(Claim::Taken(holder.owner));
            }
        }
        let generation = last.map_or(0, |last| last + 1);
        let path = file(&folder, run, generation);
        match File::options().create_new(true).write(true).open(&path) {
            Ok(mut file) => {
                if let Err(error) = file.write_all(&text) {
                    // On a full disk an empty lease would keep the run from everybody.
                    let _ = fs::remove_file(&path);
                    return Err(ResultsError::write(&path, error));
                }
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Ok(Claim::Taken(None));
            }
            Err(error) => return Err(ResultsError::write(&path, error)),
        }
        // A holder that let go in the meantime may have left a gap below a later claim.
        if file(&folder, run, generation + 1).exists() {
            let _ = fs::remove_file(&path);
            return Ok(Claim::Taken(None));
        }
        let shared = Arc::new(Shared::default());
        let beat = Beat { path, next: file(&folder, run, generation + 1), text };
        let watcher = Arc::clone(&shared);
        let thread = std::thread::spawn(move || beat.go_on(&watcher));
        if let Some(former) = former {
            outlive(&former, OVERTAKEN_AFTER);
        }
        Ok(Claim::Ours(Self { folder, run: run.clone(), generation, shared, thread: Some(thread) }))
    }

    /// Whether another process has taken the run over; what this one still does there is void.
    pub fn lost(&self) -> bool {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(mut end) = self.shared.end.lock() {
            *end = true;
        }
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.lost() {
            return;
        }
        // The highest first: a lower one that is still there is stale and can only be taken over.
        for generation in (0..=self.generation).rev() {
            let _ = fs::remove_file(file(&self.folder, &self.run, generation));
        }
    }
}

/// Waits until a process is known to be gone, at most for so long.
fn outlive(former: &Owner, longest: Duration) {
    let started = Instant::now();
    while !former.is_gone() && started.elapsed() < longest {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Renews a lease.
struct Beat {
    path: PathBuf,
    next: PathBuf,
    text: Vec<u8>,
}

impl Beat {
    fn go_on(&self, shared: &Shared) {
        let Ok(mut end) = shared.end.lock() else { return };
        while !*end {
            let Ok((guard, _)) = shared.wake.wait_timeout(end, BEAT) else { return };
            end = guard;
            if *end {
                return;
            }
            if self.next.exists() || !self.path.exists() {
                shared.lost.store(true, Ordering::SeqCst);
                return;
            }
            // A disk that is full for a moment must not end the run: the next beat tries again.
            let _ = fs::write(&self.path, &self.text);
        }
    }
}

/// A lease that is not stale. The owner is none where its file is being written just now.
struct Holder {
    owner: Option<Owner>,
}

fn file(folder: &Path, run: &RunId, generation: u64) -> PathBuf {
    folder.join(format!("{run}.{generation}"))
}

fn last_generation(folder: &Path, run: &RunId) -> Option<u64> {
    let mut last = None;
    for generation in 0.. {
        if !file(folder, run, generation).exists() {
            break;
        }
        last = Some(generation);
    }
    last
}

fn holder(folder: &Path, run: &RunId, generation: u64) -> Result<Option<Holder>, ResultsError> {
    let path = file(folder, run, generation);
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let owner: Option<Owner> = serde_json::from_str(&text).ok();
    if owner.as_ref().is_some_and(Owner::is_gone) {
        return Ok(None);
    }
    let Ok(written) = fs::metadata(&path).and_then(|m| m.modified()) else { return Ok(None) };
    let age = file_system_time(folder)?.duration_since(written).unwrap_or_default();
    Ok((age < STALE_AFTER).then_some(Holder { owner }))
}

/// The present time by the clock of the file system.
fn file_system_time(folder: &Path) -> Result<SystemTime, ResultsError> {
    let fail = |source| ResultsError::write(folder, source);
    let file = tempfile::Builder::new().prefix(".now").tempfile_in(folder).map_err(fail)?;
    file.as_file().metadata().and_then(|m| m.modified()).map_err(fail)
}

/// Who works on a run just now; none where nobody does.
pub fn owner(sweep: &Path, run: &RunId) -> Option<Owner> {
    let folder = sweep.join("leases");
    let last = last_generation(&folder, run)?;
    holder(&folder, run, last).ok()??.owner
}

/// The runs that have a lease, stale or not: where none has, nobody need be asked about each.
pub fn leased(sweep: &Path) -> std::collections::HashSet<String> {
    let entries = fs::read_dir(sweep.join("leases")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| Some(name.rsplit_once('.')?.0.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_directory::boot;

    fn run() -> RunId {
        RunId { trial: "abc".into(), seed: 1 }
    }

    fn ours(claim: Claim) -> Option<Lease> {
        match claim {
            Claim::Ours(lease) => Some(lease),
            Claim::Taken(_) => None,
        }
    }

    #[test]
    fn of_many_claimants_one_gets_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let claims: Vec<Option<Lease>> = std::thread::scope(|scope| {
            let claim = || ours(Lease::claim(folder.path(), &run()).unwrap());
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(claim)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().flatten().count(), 1);
        assert_eq!(owner(folder.path(), &run()).unwrap().pid, std::process::id());
        assert!(leased(folder.path()).contains("abc-1"));
        drop(claims);
        assert_eq!(owner(folder.path(), &run()), None);
        assert!(leased(folder.path()).is_empty());
        assert!(ours(Lease::claim(folder.path(), &run()).unwrap()).is_some());
    }

    #[test]
    fn the_lease_of_a_dead_process_is_taken_over_once() {
        let folder = tempfile::tempdir().unwrap();
        let leases = folder.path().join("leases");
        fs::create_dir_all(&leases).unwrap();
        let dead = Owner { born: "1".into(), ..Owner::this() };
        fs::write(file(&leases, &run(), 0), serde_json::to_vec(&dead).unwrap()).unwrap();
        if boot().is_empty() || !Path::new("/proc/self").exists() {
            println!("skipped: the system does not tell which processes there are");
            return;
        }
        let lease = ours(Lease::claim(folder.path(), &run()).unwrap()).unwrap();
        assert_eq!(lease.generation, 1);
        assert!(ours(Lease::claim(folder.path(), &run()).unwrap()).is_none());
        drop(lease);
        assert!(leased(folder.path()).is_empty());
    }

    #[test]
    fn the_lease_of_another_machine_is_stale_by_age_alone() {
        let folder = tempfile::tempdir().unwrap();
        let leases = folder.path().join("leases");
        fs::create_dir_all(&leases).unwrap();
        let path = file(&leases, &run(), 0);
        let far = Owner { host: "another".into(), job: Some("12_3".into()), ..Owner::this() };
        fs::write(&path, serde_json::to_vec(&far).unwrap()).unwrap();
        match Lease::claim(folder.path(), &run()).unwrap() {
            Claim::Taken(Some(owner)) => assert!(owner.words().ends_with("on another, job 12_3")),
            other => panic!("{other:?}"),
        }
        let old = SystemTime::now() - STALE_AFTER - Duration::from_secs(5);
        File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert!(ours(Lease::claim(folder.path(), &run()).unwrap()).is_some());
    }

    #[test]
    fn a_process_that_is_gone_is_not_waited_for_and_one_that_lives_only_for_a_while() {
        if boot().is_empty() || !Path::new("/proc/self").exists() {
            println!("skipped: the system does not tell which processes there are");
            return;
        }
        let longest = Duration::from_secs(3600);
        outlive(&Owner { born: "1".into(), ..Owner::this() }, longest);
        let short = Duration::from_millis(1);
        outlive(&Owner::this(), short);
    }

    #[test]
    fn a_holder_that_was_overtaken_knows_it_and_leaves_the_other_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases/abc-1.1");
        let beat = Beat { path: path.clone(), next: path.clone(), text: Vec::new() };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "another's").unwrap();
        let shared = Shared::default();
        beat.go_on(&shared);
        assert!(shared.lost.load(Ordering::SeqCst));
        assert_eq!(fs::read_to_string(path).unwrap(), "another's");
    }
}
