//! Checkpoints: all that a training run needs to go on to the same bits.
//!
//! A checkpoint is a safetensors file with the named tensors of the network (`parameters.*`), of
//! its running average (`average.*`) and of the best judged weights (`best.*`), the optimiser's and
//! the environment's state as bytes, and metadata: what run it belongs to, how far that was, and a
//! SHA-256 over the contents. It is written to a temporary name, synced and renamed; the newest two
//! are kept. One that is damaged is passed over for the one before it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trueup_env::Streams;

use crate::architecture::{Architecture, Slot};

/// Version of the format.
const VERSION: u32 = 1;
/// Checkpoints that are kept.
const KEPT: usize = 2;
/// Key of the metadata that holds [`Header`].
const HEADER: &str = "trueup";

/// Which run a checkpoint belongs to: only a run that is the same in all of this goes on from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// What is acted in.
    pub environment: String,
    /// The network.
    pub architecture: Architecture,
    /// All settings of the run.
    pub settings: serde_json::Value,
    /// Its random numbers.
    pub streams: Streams,
}

/// Weights that were judged best so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Best {
    /// After which iteration.
    pub iteration: usize,
    /// The judgement; smaller is better.
    pub score: f64,
    /// The weights, flat.
    pub parameters: Vec<f32>,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Iterations done.
    pub iteration: usize,
    /// Steps made.
    pub env_steps: u64,
    /// Weights, flat.
    pub parameters: Vec<f32>,
    /// Their running average.
    pub average: Vec<f32>,
    /// The best judged average.
    pub best: Option<Best>,
    /// State of the optimiser.
    pub optimiser: Vec<u8>,
    /// State of the source of steps.
    pub experience: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    identity: Identity,
    iteration: usize,
    env_steps: u64,
    /// Iteration and score of the best.
    best: Option<(usize, f64)>,
}

/// Why checkpoints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file could not be written or read.
    #[error("{path}: {source}; free some space or choose another folder, then resume", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A checkpoint of another run.
    #[error(
        "{path} belongs to another run: {difference}; remove the folder to begin anew",
        path = path.display()
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs: `what is there, what this run has`.
        difference: String,
    },
    /// A checkpoint whose parts do not fit together.
    #[error("the checkpoint cannot be taken up: {why}")]
    Unfit {
        /// Why.
        why: String,
    },
}

/// The checkpoints of one run in a folder of their own.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    identity: Identity,
    every: usize,
}

impl Checkpoints {
    /// Checkpoints in `folder`, one every `every` iterations and at the end.
    pub fn new(folder: &Path, identity: Identity, every: usize) -> Self {
        Self { folder: folder.to_owned(), identity, every: every.max(1) }
    }

    /// Whether one is due after iteration `done` of `total`.
    pub fn due(&self, done: usize, total: usize) -> bool {
        done.is_multiple_of(self.every) || done == total
    }

    /// Writes one and removes all but the newest two.
    ///
    /// # Errors
    /// A file that cannot be written; the older ones are then still there.
    pub fn save(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let path = self.folder.join(format!("checkpoint-{:08}.safetensors", checkpoint.iteration));
        let temporary = path.with_extension("part");
        let io = |source| CheckpointError::Io { path: path.clone(), source };
        let bytes = self.encode(checkpoint).map_err(|why| CheckpointError::Unfit { why })?;
        fs::create_dir_all(&self.folder).map_err(io)?;
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        if let Err(source) = written.and_then(|()| fs::rename(&temporary, &path)) {
            // The older checkpoints are what counts; a partial file only takes their room.
            let _ = fs::remove_file(&temporary);
            return Err(CheckpointError::Io { path, source });
        }
        let files = self.files().map_err(io)?;
        for old in files.iter().skip(KEPT) {
            fs::remove_file(old)
                .map_err(|source| CheckpointError::Io { path: old.clone(), source })?;
        }
        Ok(())
    }

    /// The newest checkpoint that is whole; none where there is none. `note` is told of each that
    /// was passed over.
    ///
    /// # Errors
    /// A folder that cannot be read, or a checkpoint of another run.
    pub fn latest(&self, note: impl Fn(&str)) -> Result<Option<Checkpoint>, CheckpointError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| CheckpointError::Io { path, source }
        };
        let files = match self.files() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            files => files.map_err(io(&self.folder))?,
        };
        for path in &files {
            let bytes = fs::read(path).map_err(io(path))?;
            match self.decode(path, &bytes) {
                Ok(checkpoint) => return Ok(Some(checkpoint?)),
                Err(why) => note(&format!(
                    "{} is damaged ({why}): trying the one before it",
                    path.display()
                )),
            }
        }
        if !files.is_empty() {
            note("no checkpoint is left: beginning anew");
        }
        Ok(None)
    }

    /// All checkpoints, newest first.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("checkpoint-") && name.ends_with(".safetensors") {
                files.push(path);
            }
        }
        files.sort();
        files.reverse();
        Ok(files)
    }

    fn encode(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, String> {
        let slots = self.identity.architecture.slots();
        let mut tensors = Vec::new();
        named(&mut tensors, "parameters", &slots, &checkpoint.parameters)?;
        named(&mut tensors, "average", &slots, &checkpoint.average)?;
        if let Some(best) = &checkpoint.best {
            named(&mut tensors, "best", &slots, &best.parameters)?;
        }
        let bytes = |bytes: &[u8]| (Dtype::U8, vec![bytes.len()], bytes.to_vec());
        tensors.push(("optimiser".to_owned(), bytes(&checkpoint.optimiser)));
        tensors.push(("environment".to_owned(), bytes(&checkpoint.experience)));
        let header = Header {
            version: VERSION,
            identity: self.identity.clone(),
            iteration: checkpoint.iteration,
            env_steps: checkpoint.env_steps,
            best: checkpoint.best.as_ref().map(|best| (best.iteration, best.score)),
        };
        let header = serde_json::to_string(&header).map_err(|e| e.to_string())?;
        let contents = tensors.iter().map(|(name, (.., bytes))| (name.as_str(), bytes.as_slice()));
        let sum = checksum(&header, contents);
        let views: Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?))
            })
            .collect();
        let views = views.map_err(|e: safetensors::SafeTensorError| e.to_string())?;
        let metadata = HashMap::from([(HEADER.to_owned(), header), ("sha256".to_owned(), sum)]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
    }

    /// The outer error: damaged. The inner one: whole, but of another run.
    fn decode(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> Result<Result<Checkpoint, CheckpointError>, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let (_, info) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let metadata = info.metadata().clone().unwrap_or_default();
        let header = metadata.get(HEADER).ok_or("it has no header")?;
        let tensors = file.tensors();
        let contents = tensors.iter().map(|(name, view)| (name.as_str(), view.data()));
        if metadata.get("sha256") != Some(&checksum(header, contents)) {
            return Err("its SHA-256 does not fit its contents".into());
        }
        let header: Header = match serde_json::from_str(header) {
            Ok(header) => header,
            Err(error) => {
                let difference = format!("its header is of another version ({error})");
                return Ok(Err(CheckpointError::OtherRun { path: path.to_owned(), difference }));
            }
        };
        if let Some(difference) = self.difference(&header) {
            return Ok(Err(CheckpointError::OtherRun { path: path.to_owned(), difference }));
        }
        let slots = self.identity.architecture.slots();
        let floats = |group: &str| flat(&file, group, &slots);
        let raw = |name: &str| {
            file.tensor(name).map(|view| view.data().to_vec()).map_err(|e| e.to_string())
        };
        let best = match header.best {
            None => None,
            Some((iteration, score)) => {
                Some(Best { iteration, score, parameters: floats("best")? })
            }
        };
        Ok(Ok(Checkpoint {
            iteration: header.iteration,
            env_steps: header.env_steps,
            parameters: floats("parameters")?,
            average: floats("average")?,
            best,
            optimiser: raw("optimiser")?,
            experience: raw("environment")?,
        }))
    }

    /// What differs between a checkpoint's run and this one.
    fn difference(&self, header: &Header) -> Option<String> {
        let (there, here) = (&header.identity, &self.identity);
        if header.version != VERSION {
            return Some(format!("version {} there, {VERSION} here", header.version));
        }
        if there.environment != here.environment {
            return Some(format!(
                "environment {} there, {} here",
                there.environment, here.environment
            ));
        }
        if there.architecture != here.architecture {
            let (there, here) = (&there.architecture, &here.architecture);
            return Some(format!("network {there:?} there, {here:?} here"));
        }
        if there.settings != here.settings {
            return Some(settings_difference("", &there.settings, &here.settings));
        }
        (there.streams != here.streams).then(|| "another seed".into())
    }
}

/// The first setting that differs, by its path.
fn settings_difference(path: &str, there: &serde_json::Value, here: &serde_json::Value) -> String {
    use serde_json::Value::Object;
    if let (Object(a), Object(b)) = (there, here) {
        let missing = serde_json::Value::Null;
        for key in a.keys().chain(b.keys()) {
            let (a, b) = (a.get(key).unwrap_or(&missing), b.get(key).unwrap_or(&missing));
            if a != b {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                return settings_difference(&path, a, b);
            }
        }
    }
    format!("{path} is {there} there, {here} here")
}

type Tensor = (String, (Dtype, Vec<usize>, Vec<u8>));

fn named(to: &mut Vec<Tensor>, group: &str, slots: &[Slot], flat: &[f32]) -> Result<(), String> {
    for slot in slots {
        let values = flat.get(slot.range.clone()).ok_or("the weights do not fit the network")?;
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        to.push((format!("{group}.{}", slot.name), (Dtype::F32, slot.shape.clone(), bytes)));
    }
    Ok(())
}

fn flat(file: &SafeTensors<'_>, group: &str, slots: &[Slot]) -> Result<Vec<f32>, String> {
    let mut flat = Vec::new();
    for slot in slots {
        let view = file.tensor(&format!("{group}.{}", slot.name)).map_err(|e| e.to_string())?;
        if view.shape() != slot.shape || view.dtype() != Dtype::F32 {
            return Err(format!("{group}.{} has another shape", slot.name));
        }
        let values = view.data().chunks_exact(4);
        flat.extend(values.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    }
    Ok(flat)
}

/// SHA-256 over the header and all tensors in the order of their names.
fn checksum<'a>(header: &str, contents: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut contents: Vec<_> = contents.collect();
    contents.sort_unstable_by_key(|(name, _)| *name);
    let mut hash = Sha256::new();
    hash.update(header.as_bytes());
    for (name, bytes) in contents {
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
