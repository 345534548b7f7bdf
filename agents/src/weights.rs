//! Weights as a safetensors file with named tensors.

use burn::module::Module;
use safetensors::tensor::{Dtype, SafeTensorError, TensorView};

use crate::network::ActorCritic;

/// (name, bytes) of the weights of a network.
///
/// # Errors
/// A tensor whose size does not fit its shape.
pub fn file(network: &ActorCritic) -> Result<(String, Vec<u8>), SafeTensorError> {
    let parameters: Vec<(String, Vec<usize>, Vec<u8>)> = network
        .valid()
        .named_parameters()
        .into_iter()
        .map(|(name, shape, values)| {
            (name, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
        })
        .collect();
    let views: Result<Vec<(&str, TensorView<'_>)>, SafeTensorError> = parameters
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect();
    Ok(("policy.safetensors".into(), safetensors::serialize(views?, None)?))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use safetensors::SafeTensors;
    use trueup_env::Streams;

    use super::*;
    use crate::network::Architecture;

    #[test]
    fn the_file_holds_every_parameter_to_the_bit() {
        let architecture = Architecture { observation: 3, hidden: vec![4], choices: 2, bins: 2 };
        let mut stream = Streams::new(1).stream("network", 0);
        let network = ActorCritic::new(&architecture, &mut stream, &Device::flex());
        let (name, bytes) = file(&network).unwrap();
        assert_eq!(name, "policy.safetensors");
        let read = SafeTensors::deserialize(&bytes).unwrap();
        for (name, shape, values) in network.named_parameters() {
            let tensor = read.tensor(&name).unwrap();
            assert_eq!(tensor.shape(), shape);
            let expected: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            assert_eq!(tensor.data(), expected);
        }
    }
}
