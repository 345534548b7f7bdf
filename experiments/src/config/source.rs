//! Reading a config with the files that it builds on.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::read_text;
use crate::failure::Failure;

/// Most files that may build on each other in a row.
const DEEPEST: usize = 16;

/// A config with the files that it builds on (`base = "other.toml"`), as they were when it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name and text, the deepest base first, the config itself last.
    files: Vec<(String, String)>,
    overrides: Vec<String>,
}

impl Source {
    /// Reads a config file and its bases.
    ///
    /// # Errors
    /// A file that cannot be read, or bases that build on each other in a circle.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        stack(path, "config", &mut Vec::new(), &mut files)?;
        Ok(Self { files, overrides: overrides.to_vec() })
    }

    /// A config from its text.
    pub fn of_text(name: &str, text: &str, overrides: &[String]) -> Self {
        Self { files: vec![(name.into(), text.into())], overrides: overrides.to_vec() }
    }

    /// The document with more overrides behind its own.
    pub fn document(&self, more: &[String]) -> Document {
        Document::stacked(self.files.clone(), &[&self.overrides, more].concat())
    }
}

/// Puts the bases of a file and then the file itself on the stack.
fn stack(
    path: &Path,
    what: &str,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<(String, String)>,
) -> Result<(), Failure> {
    let text = read_text(path, what)?;
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if above.contains(&real) || above.len() >= DEEPEST {
        let chain: Vec<String> = above.iter().map(|path| path.display().to_string()).collect();
        let message = format!("{} builds on itself: {}", path.display(), chain.join(" -> "));
        return Err(Failure::invalid_because(message, "remove one of the `base` keys"));
    }
    above.push(real);
    let folder = path.parent().unwrap_or(Path::new("."));
    for base in bases(&text) {
        stack(&folder.join(base), "base", above, files)?;
    }
    above.pop();
    files.push((path.display().to_string(), text));
    Ok(())
}

/// What `base` names; nothing where the text is no TOML, which is told when it is parsed.
fn bases(text: &str) -> Vec<String> {
    let Ok(mut table) = text.parse::<toml::Table>() else { return Vec::new() };
    match table.remove("base") {
        Some(toml::Value::String(base)) => vec![base],
        Some(toml::Value::Array(list)) => {
            list.into_iter().filter_map(|base| base.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
