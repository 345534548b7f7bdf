//! burn's Adam on the flat vector of all parameters: one tensor, so ten operations a step instead
//! of ten for each parameter.

use std::ops::Range;

use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::learner::{ADAM, StateError};

/// Adam with its moments: of the parameters before the split, and of those behind it.
pub struct FlatAdam {
    adam: Adam,
    ranges: [Range<usize>; 2],
    states: [Option<AdamState<1>>; 2],
}

/// First line of a state, as JSON; the two moments follow, little-endian f32.
#[derive(Serialize, Deserialize)]
struct Header {
    learner: String,
    steps: [usize; 2],
    architecture: Architecture,
}

const LEARNER: &str = "graph";

impl FlatAdam {
    /// With moments of 0.
    pub fn new(architecture: &Architecture) -> Self {
        let (beta_1, beta_2, epsilon) = ADAM;
        let config =
            AdamConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(epsilon);
        let (split, length) = (architecture.split(), architecture.parameters());
        Self { adam: config.build(), ranges: [0..split, split..length], states: [None, None] }
    }

    /// The parameters after a step of the parts that move.
    pub fn step(
        &mut self,
        rate: f32,
        moves: [bool; 2],
        parameters: Tensor<1>,
        gradient: Tensor<1>,
    ) -> Tensor<1> {
        let mut parts = Vec::new();
        for (i, range) in self.ranges.iter().enumerate() {
            if range.is_empty() {
                continue;
            }
            let part = parameters.clone().slice_dim(0, range.clone());
            if !moves[i] {
                parts.push(part);
                continue;
            }
            let gradient = gradient.clone().slice_dim(0, range.clone());
            let state = self.states[i].take();
            let (part, state) = self.adam.step(f64::from(rate), part, gradient, state);
            self.states[i] = state;
            parts.push(part);
        }
        Tensor::cat(parts, 0)
    }

    /// The moments as bytes; none before the first step.
    pub fn to_bytes(&self, architecture: &Architecture) -> Vec<u8> {
        let steps = self.states.each_ref().map(|state| match state {
            Some(AdamState { momentum }) => momentum.time,
            None => 0,
        });
        if steps == [0, 0] {
            return Vec::new();
        }
        let header = Header { learner: LEARNER.into(), steps, architecture: architecture.clone() };
        let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
        bytes.push(b'\n');
        for (state, range) in self.states.iter().zip(&self.ranges) {
            match state {
                None => bytes.resize(bytes.len() + 8 * range.len(), 0),
                Some(AdamState { momentum }) => {
                    for moment in [&momentum.moment_1, &momentum.moment_2] {
                        let values = moment.clone().into_data();
                        bytes.extend(values.iter::<f32>().flat_map(f32::to_le_bytes));
                    }
                }
            }
        }
        bytes
    }

    /// Takes up what [`Self::to_bytes`] wrote.
    pub fn from_bytes(
        bytes: &[u8],
        architecture: &Architecture,
        device: &Device,
    ) -> Result<Self, StateError> {
        if bytes.is_empty() {
            return Ok(Self::new(architecture));
        }
        let foreign = |what: &str| StateError(format!("{what}; resume with what this run wrote"));
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (line, moments) = bytes.split_at(end.ok_or_else(|| foreign("it has no header"))?);
        let header: Header = serde_json::from_slice(line)
            .map_err(|error| foreign(&format!("its header cannot be read ({error})")))?;
        if header.learner != LEARNER {
            return Err(foreign(&format!(
                "it is of a learner of kind \"{}\", not \"{LEARNER}\"",
                header.learner
            )));
        }
        if header.architecture != *architecture {
            return Err(foreign(&format!(
                "it is of the network {:?}, not of {architecture:?}",
                header.architecture
            )));
        }
        let length = architecture.parameters();
        let moments = &moments[1..];
        if moments.len() != 8 * length {
            return Err(foreign(&format!(
                "it holds {} bytes of moments where {} are needed",
                moments.len(),
                8 * length
            )));
        }
        let read = |part: &[u8]| -> Tensor<1> {
            let floats = part.as_chunks::<4>().0.iter().map(|&four| f32::from_le_bytes(four));
            let length = part.len() / 4;
            Tensor::from_data(TensorData::new(floats.collect::<Vec<_>>(), [length]), device)
        };
        let mut own = Self::new(architecture);
        let mut rest = moments;
        for (i, &steps) in header.steps.iter().enumerate() {
            let (part, others) = rest.split_at(8 * own.ranges[i].len());
            rest = others;
            if steps > 0 {
                let (first, second) = part.split_at(part.len() / 2);
                let momentum = AdaptiveMomentumState::new(steps, read(first), read(second));
                own.states[i] = Some(AdamState::new(momentum));
            }
        }
        Ok(own)
    }
}
