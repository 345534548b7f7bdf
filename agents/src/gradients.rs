//! Clipping by the norm of the whole gradient. burn clips tensor by tensor, which changes the
//! gradient's direction.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::network::ActorCritic;

struct Norm<'a> {
    gradients: &'a GradientsParams,
    square: f64,
}

impl ModuleVisitor for Norm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let data = gradient.into_data();
            self.square += data.iter::<f32>().map(|g| f64::from(g) * f64::from(g)).sum::<f64>();
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f32,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}

/// Scales all gradients by min(1, largest / norm); returns them with the norm before.
pub fn clip_global_norm(
    network: &ActorCritic,
    mut gradients: GradientsParams,
    largest: f32,
) -> (GradientsParams, f64) {
    let mut norm = Norm { gradients: &gradients, square: 0.0 };
    network.visit(&mut norm);
    let norm = norm.square.sqrt();
    if norm > f64::from(largest) {
        let factor = (f64::from(largest) / (norm + 1e-6)) as f32;
        network.visit(&mut Scale { gradients: &mut gradients, factor });
    }
    (gradients, norm)
}
