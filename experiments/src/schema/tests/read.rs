//! What configs there are, and how the reader takes them.

use std::path::{Path, PathBuf};

use toml::Table;

use crate::config::{Config, Document};
use crate::sweep::config::SweepConfig;

/// A config of users that is whole.
pub const USERS: &str = "name = \"a\"\nseed = 1\n[external]\nsource = \"builtin:cdnow\"\ncolumns = {}\n\
    [[calibrators]]\nkind = \"personas\"\n";

/// A task that is whole.
pub const TASK: &str = "name = \"a\"\nseed = 1\n[task]\nenvironment = \"CartPole-v1\"\n\
    total_steps = 10\n[task.update]\ngamma = 0.9\nlearning_rate = 1e-3\n";

/// Reads a config as commands do, and tells what was read, or the complaint.
pub fn read(table: &Table) -> Result<String, String> {
    let text = toml::to_string(table).unwrap();
    let document = Document::new("t.toml", &text, &[]);
    let mut root = document.root().map_err(|refused| refused.to_string())?;
    let mut sweep = String::new();
    if root.has("sweep") {
        let taken =
            SweepConfig::take(&mut root, &|_| None).map_err(|refused| refused.to_string())?;
        sweep = format!("{taken:?}");
    }
    let config = Config::of(root).map_err(|refused| refused.to_string())?;
    Ok(sweep + &config.resolved().map_err(|error| error.to_string())?)
}

/// A config without its sweep, with every default filled in.
pub fn sweepless(table: &Table) -> Result<String, String> {
    let mut table = table.clone();
    table.remove("sweep");
    table.remove("launch");
    read(&table)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The configs of the repository.
pub fn shipped() -> Vec<(String, Table)> {
    let mut folders = vec![repository().join("experiments/configs")];
    let mut configs = Vec::new();
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    configs.push((path.display().to_string(), text.parse().unwrap()));
                }
            }
        }
    }
    assert!(configs.len() >= 6);
    configs
}

/// The blocks of TOML in the READMEs.
pub fn blocks() -> Vec<(String, Table)> {
    let mut blocks = Vec::new();
    for name in ["README.md", "experiments/README.md", "calibration/README.md"] {
        let text = std::fs::read_to_string(repository().join(name)).unwrap();
        let fenced = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for (i, block) in fenced.enumerate() {
            blocks.push((format!("{name}, block {}", i + 1), block.parse().unwrap()));
        }
    }
    blocks
}
