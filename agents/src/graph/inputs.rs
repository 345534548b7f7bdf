//! A minibatch in tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::architecture::{Architecture, Head};
use crate::fit::reference_columns;
use crate::learner::Minibatch;

/// A logit that leaves a choice no probability in f32.
const INFEASIBLE: f32 = -1e9;

/// Makes tensors of a minibatch, each only when it is asked for.
pub struct Inputs<'a> {
    pub batch: &'a Minibatch,
    pub architecture: &'a Architecture,
    pub device: &'a Device,
}

impl Inputs<'_> {
    /// Whether the rows with an amount come first: the amount layer runs on the rows in front.
    pub fn amounts_lead(&self) -> bool {
        let with = self.batch.whole.chunks_exact(2).filter(|action| action[0] > 0);
        !matches!(self.architecture.head, Head::Hybrid { .. }) || with.count() == self.amounts()
    }

    /// `[rows, observation]`.
    pub fn observations(&self) -> Tensor<2> {
        self.matrix(self.batch.observations.clone(), self.architecture.observation)
    }

    /// One number a row, `[rows, 1]`.
    pub fn column(&self, values: &[f32]) -> Tensor<2> {
        self.matrix(values.to_vec(), 1)
    }

    /// 0 where a choice is feasible and [`INFEASIBLE`] where it is not, `[rows, mask]`; `None`
    /// where all are.
    pub fn mask(&self) -> Option<Tensor<2>> {
        let masks = &self.batch.masks;
        if masks.iter().all(|&feasible| feasible) {
            return None;
        }
        let logits = masks.iter().map(|&m| if m { 0.0 } else { INFEASIBLE }).collect();
        Some(self.matrix(logits, self.architecture.head.mask()))
    }

    /// Component `i` of the whole numbers of the actions, for the first `rows` rows, `[rows, 1]`.
    pub fn whole(&self, i: usize, rows: usize) -> Tensor<2, Int> {
        let width = self.architecture.head.whole();
        let chosen = self.batch.whole.chunks_exact(width).take(rows);
        self.index(chosen.map(|action| i32::from(action[i])).collect(), 1)
    }

    /// Real numbers of the actions, `[rows, real]`.
    pub fn real(&self) -> Tensor<2> {
        self.matrix(self.batch.real.clone(), self.architecture.head.real())
    }

    /// Number of rows that chose an amount; they come first.
    pub fn amounts(&self) -> usize {
        self.batch.whole.chunks_exact(2).take_while(|action| action[0] > 0).count()
    }

    /// Columns of the amount layer that belong to the kind of each row with an amount,
    /// `[rows with an amount, bins]`.
    pub fn blocks(&self, bins: usize) -> Tensor<2, Int> {
        let kinds = self.batch.whole.chunks_exact(2).take(self.amounts());
        let columns = kinds.flat_map(|action| {
            let first = (usize::from(action[0]) - 1) * bins;
            (first..first + bins).map(|column| column as i32)
        });
        self.index(columns.collect(), bins)
    }

    /// Outputs of the reference policy, `[rows, columns]`; `None` without one. What it holds for
    /// infeasible choices is replaced by 0, so that 0 times it is 0.
    pub fn reference(&self) -> Option<Tensor<2>> {
        if self.batch.reference.is_empty() {
            return None;
        }
        let mut values = self.batch.reference.clone();
        for (value, feasible) in values.iter_mut().zip(&self.batch.masks) {
            if !feasible {
                *value = 0.0;
            }
        }
        Some(self.matrix(values, reference_columns(&self.architecture.head)))
    }

    /// The reference's log probabilities of the bins, `[rows with an amount, bins]`; `None` where
    /// it has none.
    pub fn reference_amounts(&self, bins: usize) -> Option<Tensor<2>> {
        let values = &self.batch.reference_amounts;
        (!values.is_empty()).then(|| self.matrix(values.clone(), bins))
    }

    fn matrix(&self, values: Vec<f32>, columns: usize) -> Tensor<2> {
        let rows = values.len() / columns;
        Tensor::from_data(TensorData::new(values, [rows, columns]), self.device)
    }

    fn index(&self, values: Vec<i32>, columns: usize) -> Tensor<2, Int> {
        let rows = values.len() / columns;
        Tensor::from_data(TensorData::new(values, [rows, columns]), self.device)
    }
}
