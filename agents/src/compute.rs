//! Where training steps are taken.

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::architecture::Network;
use crate::fused::FusedLearner;
use crate::graph::GraphLearner;
use crate::learner::{Learner, StateError};

/// What takes the training steps. All agree to rounding; a run repeats to the bit on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compute {
    /// The fused pass on the CPU.
    #[default]
    Cpu,
    /// burn's autodiff on the CPU: the reference.
    Graph,
    /// burn's autodiff on a GPU through Vulkan, Metal or DirectX (feature `wgpu`).
    Wgpu,
    /// burn's autodiff on an NVIDIA GPU (feature `cuda`).
    Cuda,
}

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// Support was not compiled in.
    #[error(
        "compute \"{0}\" is not part of this program; build it with `--features {0}`, or choose \
         \"cpu\""
    )]
    NotBuilt(&'static str),
    /// The machine has no such device.
    #[error(
        "compute \"{0}\" found no device on this machine; check that the driver is installed, or \
         choose \"cpu\""
    )]
    NoDevice(&'static str),
    /// The network is not whole.
    #[error(transparent)]
    Network(#[from] StateError),
}

impl Compute {
    /// Its name in configs and, where it has to be built in, that of the feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Graph => "graph",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// Whether this program was built with it.
    pub fn built(self) -> bool {
        match self {
            Self::Cpu | Self::Graph => true,
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }

    /// Refuses a device that this program was built without, for the field `compute` of a config:
    /// before anything is trained, and before other calibrators have run. Whether the machine has
    /// the device is seen where it is opened ([`Compute::learner`]).
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(self) -> Result<(), (&'static str, String)> {
        if self.built() {
            return Ok(());
        }
        let name = self.name();
        let problem = format!(
            "is \"{name}\", which is not part of this program; build it with `--features {name}`, \
             or choose \"cpu\""
        );
        Err(("compute", problem))
    }

    /// A learner for a network, with a fresh optimiser.
    ///
    /// # Errors
    /// A device that this program was built without, or that this machine does not have; a network
    /// whose parameters are not as many as its shape has.
    pub fn learner(self, network: &Network) -> Result<Box<dyn Learner>, ComputeError> {
        let device = match self {
            Self::Cpu => return Ok(Box::new(FusedLearner::new(network)?)),
            Self::Graph => Device::flex(),
            Self::Wgpu => wgpu()?,
            Self::Cuda => cuda()?,
        };
        Ok(Box::new(GraphLearner::new(network, &device)?))
    }
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, ComputeError> {
    first(burn::tensor::DeviceType::Wgpu, "wgpu")
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Device, ComputeError> {
    Err(ComputeError::NotBuilt("wgpu"))
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, ComputeError> {
    first(burn::tensor::DeviceType::Cuda, "cuda")
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, ComputeError> {
    Err(ComputeError::NotBuilt("cuda"))
}

/// The first device of a kind. Devices are opened at their first use and panic where there is
/// none, so they are counted before.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(kind: burn::tensor::DeviceType, name: &'static str) -> Result<Device, ComputeError> {
    Device::enumerate(kind).into_iter().next().ok_or(ComputeError::NoDevice(name))
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;
    use crate::architecture::{Activation, Architecture, Head};
    use crate::learner::{Minibatch, Objective};

    fn network() -> Network {
        let architecture = Architecture {
            observation: 2,
            hidden: vec![3],
            activation: Activation::Tanh,
            shared: false,
            head: Head::Discrete { choices: vec![2] },
        };
        let parameters = architecture.initial(&mut Streams::new(1).stream("network", 0));
        Network { architecture, parameters }
    }

    #[test]
    fn names_are_those_of_configs() {
        for (name, compute) in [
            ("cpu", Compute::Cpu),
            ("graph", Compute::Graph),
            ("wgpu", Compute::Wgpu),
            ("cuda", Compute::Cuda),
        ] {
            assert_eq!(serde_json::to_value(compute).unwrap(), name);
            assert_eq!(serde_json::from_value::<Compute>(name.into()).unwrap(), compute);
            assert_eq!(compute.name(), name);
        }
        assert!(serde_json::from_value::<Compute>("gpu".into()).is_err());
    }

    #[test]
    fn both_computations_on_the_cpu_take_steps() {
        let batch = Minibatch {
            rows: 1,
            observations: vec![0.5, -1.0],
            whole: vec![1],
            weights: vec![1.0],
            ..Minibatch::default()
        };
        for compute in [Compute::Cpu, Compute::Graph] {
            let mut learner = compute.learner(&network()).unwrap();
            let first = learner.step(&batch, &Objective::Likelihood, 0.01, 1.0).loss;
            let second = learner.step(&batch, &Objective::Likelihood, 0.01, 1.0).loss;
            assert!(second < first, "{compute:?}: {first} then {second}");
        }
    }

    #[test]
    #[cfg(not(feature = "wgpu"))]
    fn a_device_that_was_not_built_is_refused_with_the_feature_to_build() {
        let error = Compute::Wgpu.learner(&network()).err().unwrap();
        assert!(matches!(error, ComputeError::NotBuilt("wgpu")), "{error}");
        assert!(error.to_string().contains("--features wgpu"), "{error}");
    }

    /// What a config may name is what a learner can be asked for.
    #[test]
    fn a_check_refuses_what_was_not_built_and_nothing_else() {
        for compute in [Compute::Cpu, Compute::Graph] {
            assert_eq!(compute.check(), Ok(()), "{compute:?}");
        }
        for compute in [Compute::Wgpu, Compute::Cuda] {
            // Where it was built, the machine may still have none.
            let opened = compute.learner(&network());
            let missing = matches!(opened.err(), Some(ComputeError::NotBuilt(_)));
            match compute.check() {
                Ok(()) => assert!(!missing, "{compute:?}"),
                Err((field, problem)) => {
                    assert!(missing && field == "compute", "{compute:?}: {field}");
                    let remedy = format!("build it with `--features {}`", compute.name());
                    assert!(problem.contains(&remedy) && problem.contains("\"cpu\""), "{problem}");
                }
            }
        }
    }
}
