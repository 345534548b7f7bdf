//! The network against burn's autodiff, and its bound against all singular values.

use burn::tensor::{Device, Tensor, TensorData};
use trueup_env::Streams;

use super::*;

fn rows(width: usize, count: usize, seed: u64) -> Rows {
    let mut stream = Streams::new(seed).stream("rows", 0);
    let values = (0..width * count).map(|_| StandardNormal.sample(&mut stream)).collect();
    Rows { width, values }
}

/// A network whose last layer is not 0.
fn network(inputs: usize, hidden: &[usize]) -> Network {
    let mut stream = Streams::new(4).stream("network", 0);
    let mut network = Network::new(inputs, hidden, 50.0, &mut stream);
    network.parameters.iter_mut().for_each(|p| *p += 0.3 * stream.uniform() as f32 - 0.1);
    network
}

/// Outputs and gradients agree with burn's autodiff to 1e-5 of the largest entry.
#[test]
fn outputs_and_gradients_are_those_of_autodiff() {
    for hidden in [vec![], vec![6], vec![8, 5]] {
        let network = network(4, &hidden);
        let (rows, device) = (rows(4, 600, 1), Device::flex().autodiff());
        let slopes = self::rows(1, 600, 2).values;
        let layers = network.layers();
        let tensors: Vec<(Tensor<2>, Tensor<2>)> = layers
            .iter()
            .map(|layer| {
                let cut = |from: usize, count: usize| &network.parameters[from..from + count];
                let tensor = |from, inputs: usize| {
                    let data = cut(from, inputs * layer.outputs).to_vec();
                    let data = TensorData::new(data, [inputs, layer.outputs]);
                    Tensor::<2>::from_data(data, &device).require_grad()
                };
                (tensor(layer.weight, layer.inputs), tensor(layer.bias, 1))
            })
            .collect();
        let mut x = Tensor::<2>::from_data(TensorData::new(rows.values.clone(), [600, 4]), &device);
        for (i, (weight, bias)) in tensors.iter().enumerate() {
            x = x.matmul(weight.clone()) + bias.clone();
            if i + 1 < tensors.len() {
                x = x.clone().max_pair(x * LEAK);
            }
        }
        let outputs: Vec<f32> = x.clone().into_data().iter().collect();
        close(&network.outputs(&rows), &outputs);
        let weights = Tensor::from_data(TensorData::new(slopes.clone(), [600, 1]), &device);
        let gradients = (x * weights).sum().backward();
        let expected: Vec<f32> = tensors
            .iter()
            .flat_map(|(weight, bias)| [weight, bias])
            .flat_map(|t| t.grad(&gradients).unwrap().into_data().iter::<f32>().collect::<Vec<_>>())
            .collect();
        close(&network.gradient(&rows, &slopes), &expected);
    }
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f32, |scale, x| scale.max(x.abs()));
    assert!(scale > 0.0);
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 * scale, "{a} against {b}, scale {scale}");
    }
}

/// Steep random gradients for a thousand steps: no layer passes its bound by more than 2%, and
/// some reach it; so no pair of rows is further apart in output than the bound allows.
#[test]
fn no_layer_grows_steeper_than_its_bound() {
    let mut network = Network::new(6, &[16, 16], 8.0, &mut Streams::new(7).stream("network", 0));
    let mut stream = Streams::new(8).stream("gradient", 0);
    let pull: Vec<f32> =
        (0..network.parameters.len()).map(|_| StandardNormal.sample(&mut stream)).collect();
    for step in 0..1000 {
        let noise = |p: &f32| -> f32 {
            let z: f32 = StandardNormal.sample(&mut stream);
            p + z
        };
        network.step(&pull.iter().map(noise).collect::<Vec<_>>(), 0.05);
        if step % 100 == 99 {
            for layer in network.layers() {
                let weight = &network.parameters[layer.weight..layer.bias];
                let norm = spectral::singular_values(weight, layer.outputs)[0];
                assert!((0.9..1.02).contains(&(norm / 2.0)), "step {step}: {norm}");
            }
        }
    }
    let rows = rows(6, 200, 3);
    let outputs = network.outputs(&rows);
    for i in 1..200 {
        let squares = rows.row(i).iter().zip(rows.row(i - 1)).map(|(a, b)| (a - b) * (a - b));
        let distance = squares.sum::<f32>().sqrt();
        assert!((outputs[i] - outputs[i - 1]).abs() <= 8.0 * 1.02_f32.powi(3) * distance);
    }
}

/// Two steps by hand: gradients 0.5 and -0.2 on one parameter.
#[test]
fn adam_takes_the_steps_of_the_paper() {
    let mut network = Network::new(1, &[], 1e6, &mut Streams::new(1).stream("network", 0));
    let (mut p, mut m, mut v) = (0.0_f64, 0.0, 0.0);
    for (t, g) in [0.5_f64, -0.2].into_iter().enumerate() {
        network.step(&[g as f32, 0.0], 0.01);
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        let (m, v) =
            (m / (1.0 - 0.9_f64.powi(t as i32 + 1)), v / (1.0 - 0.999_f64.powi(t as i32 + 1)));
        p -= 0.01 * m / (v.sqrt() + 1e-5);
        assert!((f64::from(network.parameters[0]) - p).abs() < 1e-6, "{t}");
    }
}

#[test]
fn a_network_is_read_as_it_was_written_and_on_any_number_of_threads() {
    let rows = rows(3, 1000, 5);
    let slopes = vec![0.01; 1000];
    let train = |network: &mut Network, steps: usize| {
        for _ in 0..steps {
            let gradient = network.gradient(&rows, &slopes);
            network.step(&gradient, 0.01);
        }
    };
    let mut first = network(3, &[8]);
    train(&mut first, 5);
    let mut writer = Writer::default();
    first.write(&mut writer);
    let state = writer.finish();
    let mut second = network(3, &[8]).read(&mut Reader::new(&state)).unwrap();
    train(&mut first, 5);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| train(&mut second, 5));
    assert_eq!(first, second);
    assert!(network(3, &[7]).read(&mut Reader::new(&state)).is_err());
}
