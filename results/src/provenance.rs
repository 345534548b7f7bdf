//! Where a result comes from: program, machine, command, seeds and data. No network is asked.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One source of data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// Path or builtin name.
    pub source: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// What the runner knows about a run.
#[derive(Clone, Debug, Default)]
pub struct ProvenanceInput {
    /// Resolved config, as written to the run directory; empty where there is none.
    pub config: String,
    /// Every seed by purpose.
    pub seeds: Vec<(String, u64)>,
    /// Every source of data.
    pub data: Vec<DataSource>,
    /// Number of worker threads.
    pub threads: usize,
}

/// Content of `provenance.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this crate, which all crates of the workspace share.
    pub version: String,
    /// Commit of the source folder that the program was built from, read at the start of the run;
    /// or why there is none.
    pub commit: String,
    /// SHA-256 over what differs from that commit (changes of tracked files, names and contents of
    /// new ones); none where nothing does.
    pub dirty: Option<String>,
    /// SHA-256 of the program file; empty where it cannot be read.
    #[serde(default)]
    pub program_sha256: String,
    /// Compiler.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// Cargo's profile: `debug` or `release`.
    pub profile: String,
    /// Name of the machine.
    pub host: String,
    /// Number of processors that the process may use; 0 where the system does not tell.
    pub cores: usize,
    /// Number of worker threads.
    pub threads: usize,
    /// Command line, one argument an entry.
    pub command: Vec<String>,
    /// Every seed by purpose.
    pub seeds: Vec<(String, u64)>,
    /// Every source of data.
    pub data: Vec<DataSource>,
    /// SHA-256 of the resolved config, in hex; or that there is none.
    pub config_sha256: String,
    /// Start of the run, UTC.
    pub started: String,
}

impl Provenance {
    /// Looks around. What cannot be found out is said in words, never left out.
    pub fn collect(input: ProvenanceInput) -> Self {
        // Neither changes while this program runs.
        static PROGRAM: OnceLock<((String, Option<String>), String)> = OnceLock::new();
        let look = || (git(env!("CARGO_MANIFEST_DIR")), program_sha256());
        let ((commit, dirty), program_sha256) = PROGRAM.get_or_init(look).clone();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit,
            dirty,
            program_sha256,
            rustc: env!("TRUEUP_RUSTC").to_owned(),
            target: env!("TRUEUP_TARGET").to_owned(),
            profile: env!("TRUEUP_PROFILE").to_owned(),
            host: host(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            threads: input.threads,
            command: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
            seeds: input.seeds,
            data: input.data,
            config_sha256: match input.config.as_str() {
                "" => "none: there is no config".to_owned(),
                config => sha256(config.as_bytes()),
            },
            started: now(),
        }
    }

    /// The command line as a shell reads it.
    pub fn shell_command(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        let quote = |word: &String| {
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        };
        self.command.iter().map(quote).collect::<Vec<_>>().join(" ")
    }
}

/// SHA-256 of the running program's file: what a version and a commit do not tell apart.
fn program_sha256() -> String {
    let read = || -> std::io::Result<String> {
        let mut file = BufReader::with_capacity(1 << 20, fs::File::open(std::env::current_exe()?)?);
        let mut hash = Sha256::new();
        loop {
            let bytes = file.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            hash.update(bytes);
            let read = bytes.len();
            file.consume(read);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    read().unwrap_or_default()
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Commit, and a digest of what differs from it.
fn git(folder: &str) -> (String, Option<String>) {
    let run = |arguments: &[&str]| -> Option<Vec<u8>> {
        let mut command = Command::new("git");
        // Looking must not write: `status` may else refresh the index.
        command.env("GIT_OPTIONAL_LOCKS", "0").arg("-C").arg(folder).args(arguments);
        let out = command.stderr(std::process::Stdio::null()).output().ok()?;
        out.status.success().then_some(out.stdout)
    };
    if run(&["--version"]).is_none() {
        return ("unknown: git is not installed, or the source folder is gone".to_owned(), None);
    }
    let Some(commit) = run(&["rev-parse", "--verify", "HEAD"]) else {
        return ("unknown: the source folder has no git commit".to_owned(), None);
    };
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let mut difference = run(&["diff", "--binary", "HEAD"]).unwrap_or_default();
    let new = run(&["ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/"]);
    let root = run(&["rev-parse", "--show-toplevel"]).unwrap_or_default();
    let root = String::from_utf8_lossy(&root).trim().to_owned();
    for name in new.unwrap_or_default().split(|&b| b == 0).filter(|name| !name.is_empty()) {
        difference.extend_from_slice(name);
        let path = std::path::Path::new(&root).join(&*String::from_utf8_lossy(name));
        difference.extend(fs::read(path).unwrap_or_default());
    }
    let dirty = (!difference.is_empty()).then(|| sha256(&difference));
    (commit, dirty)
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| std::env::var("HOSTNAME").ok());
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok()).unwrap_or_default();
    if name.trim().is_empty() { "unknown".to_owned() } else { name.trim().to_owned() }
}

/// The present second, UTC, as `2026-01-31T12:00:00Z`.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_published_one() {
        // FIPS 180-2, appendix B.1.
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), wanted);
    }

    #[test]
    fn commands_survive_a_shell() {
        let words = ["trueup", "run", "it's a.toml", "", "--set", "a=[1, 2]", "한.toml"];
        let provenance =
            Provenance { command: words.map(str::to_owned).to_vec(), ..Provenance::default() };
        let line = provenance.shell_command();
        assert_eq!(line, r"trueup run 'it'\''s a.toml' '' --set 'a=[1, 2]' '한.toml'");
        if cfg!(unix) {
            let script = format!("printf '%s\\n' {line}");
            let out = Command::new("sh").arg("-c").arg(script).output().unwrap();
            let back = String::from_utf8(out.stdout).unwrap();
            assert_eq!(back.lines().collect::<Vec<_>>(), words);
        }
    }

    #[test]
    fn a_folder_without_a_commit_is_stated_and_changes_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let git_there = Command::new("git").arg("--version").output().is_ok();
        assert!(git(&path).0.starts_with("unknown: "));
        if !git_there {
            println!("skipped: git is not installed");
            return;
        }
        let run = |arguments: &[&str]| {
            let identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
            let mut command = Command::new("git");
            let done = command.arg("-C").arg(&path).args(identity).args(arguments).output();
            assert!(done.unwrap().status.success(), "{arguments:?}");
        };
        run(&["init", "-q"]);
        fs::write(folder.path().join("a"), "1").unwrap();
        run(&["add", "a"]);
        run(&["commit", "-q", "--no-gpg-sign", "-m", "a"]);
        let (commit, dirty) = git(&path);
        assert_eq!((commit.len(), dirty), (40, None));
        fs::write(folder.path().join("new"), "1").unwrap();
        let first = git(&path).1;
        fs::write(folder.path().join("new"), "2").unwrap();
        let second = git(&path).1;
        assert!(first.is_some() && second.is_some() && first != second);
    }
}
