//! tanh on the graph of the CPU, in two operations of burn's.

use burn::tensor::{Tensor, TensorData};

use crate::tanh::tanh;

/// tanh by [`crate::tanh`] as the tangent `x s + (y - x s)` at each x, with y = tanh x and
/// s = 1 - y^2 worked out outside the graph: its value is y to rounding (the terms are below 1),
/// its gradient s.
pub fn activate(x: Tensor<2>) -> Tensor<2> {
    let (device, shape) = (x.device(), x.dims());
    let Ok(mut values) = x.clone().inner().into_data().try_into_vec::<f32>() else {
        // Another float type than f32: leave the work to burn.
        return x.tanh();
    };
    if !device.is_autodiff() {
        values.iter_mut().for_each(|value| *value = tanh(*value));
        return Tensor::from_data(TensorData::new(values, shape), &device);
    }
    let mut slopes = vec![0.0; values.len()];
    for (value, slope) in values.iter_mut().zip(&mut slopes) {
        let y = tanh(*value);
        *slope = 1.0 - y * y;
        *value = y - *value * *slope;
    }
    let offsets = Tensor::from_data(TensorData::new(values, shape), &device);
    let slopes = Tensor::from_data(TensorData::new(slopes, shape), &device);
    x * slopes + offsets
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// The approximation errs by 6e-7, the tangent's two roundings by another 1e-7.
    #[test]
    fn value_and_gradient_are_those_of_tanh() {
        let points: Vec<f32> = (-1000..=1000).map(|i| i as f32 * 0.02).collect();
        let data = TensorData::new(points.clone(), [points.len(), 1]);
        let x = Tensor::<2>::from_data(data, &Device::flex().autodiff()).require_grad();
        let y = activate(x.clone());
        let gradient = x.grad(&y.clone().sum().backward()).unwrap();
        let plain = activate(x.inner()).into_data().try_into_vec::<f32>().unwrap();
        let y = y.into_data().try_into_vec::<f32>().unwrap();
        let gradient = gradient.into_data().try_into_vec::<f32>().unwrap();
        for (i, &point) in points.iter().enumerate() {
            let exact = f64::from(point).tanh();
            assert!((f64::from(y[i]) - exact).abs() < 7e-7, "tanh({point}) = {}", y[i]);
            assert!((f64::from(plain[i]) - exact).abs() < 6e-7);
            assert!((f64::from(gradient[i]) - (1.0 - exact * exact)).abs() < 2e-6);
        }
    }
}
