//! Weights as a safetensors file with named tensors, which PyTorch's `safetensors` opens.

use safetensors::tensor::{Dtype, SafeTensorError, TensorView};

use crate::architecture::Network;
use crate::normaliser::Scaler;

/// (name, bytes) of the weights of a network.
///
/// # Errors
/// A tensor whose size does not fit its shape.
pub fn file(network: &Network) -> Result<(String, Vec<u8>), SafeTensorError> {
    Ok(("policy.safetensors".into(), bytes(network, &Scaler::default())?))
}

/// The weights, and beside them what normalises observations before the network sees them:
/// `observation_mean` and `observation_scale` (1 / standard deviation), where anything does.
///
/// # Errors
/// A tensor whose size does not fit its shape.
pub fn bytes(network: &Network, scaler: &Scaler) -> Result<Vec<u8>, SafeTensorError> {
    let raw = |values: &mut dyn Iterator<Item = f32>| -> Vec<u8> {
        values.flat_map(f32::to_le_bytes).collect()
    };
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = network
        .architecture
        .slots()
        .into_iter()
        .map(|slot| {
            let values = network.parameters.get(slot.range).unwrap_or_default();
            (slot.name, slot.shape, raw(&mut values.iter().copied()))
        })
        .collect();
    let scales = scaler.scales();
    if !scales.is_empty() {
        let shape = vec![scales.len()];
        let mean = raw(&mut scales.iter().map(|(mean, _)| *mean));
        let scale = raw(&mut scales.iter().map(|(_, scale)| *scale));
        tensors.push(("observation_mean".into(), shape.clone(), mean));
        tensors.push(("observation_scale".into(), shape, scale));
    }
    let views: Result<Vec<(&str, TensorView<'_>)>, SafeTensorError> = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect();
    safetensors::serialize(views?, None)
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;
    use trueup_env::Streams;

    use super::*;
    use crate::architecture::{Activation, Architecture, Head};
    use crate::normaliser::Moments;

    #[test]
    fn the_file_holds_every_parameter_to_the_bit() {
        let architecture = Architecture {
            observation: 3,
            hidden: vec![4],
            activation: Activation::Tanh,
            shared: false,
            head: Head::Hybrid { choices: 2, bins: 2 },
        };
        let parameters = architecture.initial(&mut Streams::new(1).stream("network", 0));
        let network = Network { architecture, parameters };
        let scaler = Scaler::of(&Moments::of(&[1.0, 2.0, 3.0, 3.0, 2.0, 1.0], 3));
        let bytes = bytes(&network, &scaler).unwrap();
        let read = SafeTensors::deserialize(&bytes).unwrap();
        for slot in network.architecture.slots() {
            let tensor = read.tensor(&slot.name).unwrap();
            assert_eq!(tensor.shape(), slot.shape);
            let values = &network.parameters[slot.range];
            let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            assert_eq!(tensor.data(), expected);
        }
        let mean = read.tensor("observation_mean").unwrap();
        assert_eq!(mean.data()[..4], 2.0_f32.to_le_bytes());
    }
}
