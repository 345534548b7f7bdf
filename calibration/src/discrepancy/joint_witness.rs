//! The witnesses of joint discrepancies: functions of a standardised row.

use super::mmd::Gaussians;
use super::mmd_features::Waves;
use super::pairs::{Distance, Potential};
use super::scaling::Scaling;
use super::sinkhorn_witness::SoftMinima;
use super::sliced::Slices;

/// A witness of rows of several numbers, see [`super::Witness`].
#[derive(Clone, Debug, PartialEq)]
pub struct JointWitness {
    pub(super) scaling: Scaling,
    pub(super) form: Form,
}

/// What a standardised row is put into.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    /// `sum_j weight_j |z - point_j|`.
    Distances(Potential),
    /// `sum_j weight_j k(z, point_j)`.
    Kernel(Potential, Gaussians),
    /// `sum_k coefficient_k wave_k(z)`.
    Fourier(Waves, Vec<f64>),
    /// The mean over directions of a function of the projection.
    Projected(Slices),
    /// The gap of two soft minima.
    Sinkhorn(SoftMinima),
}

impl JointWitness {
    /// The witness at a row; 0 at a row of another width.
    pub fn at_row(&self, row: &[f64]) -> f64 {
        if row.len() != self.scaling.width() {
            return 0.0;
        }
        let row: Vec<f64> = self.scaling.standardised(row).collect();
        match &self.form {
            Form::Distances(potential) => potential.at(&Distance, &row),
            Form::Kernel(potential, kernel) => potential.at(kernel, &row),
            Form::Fourier(waves, coefficients) => waves.sum(coefficients, &row),
            Form::Projected(slices) => slices.at(&row),
            Form::Sinkhorn(minima) => minima.at(&row),
        }
    }
}
