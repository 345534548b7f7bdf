//! The rows that an update looks at, and the losses on them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;
use trueup_env::Streams;

use crate::network::{ActorCritic, Architecture};
use crate::network_policy::mask_logits;
use crate::rollout::Rollout;

/// Rows per parallel piece of a forward pass. Fixed, like every chunk.
const CHUNK: usize = 8192;

/// A rollout with its advantages, and the rows chosen for the update.
pub struct Batch<'a> {
    rollout: &'a Rollout,
    architecture: &'a Architecture,
    /// Rows of the update: all with an event, a share of the others.
    kept: Vec<u32>,
    /// Importance weight of a row without an event.
    idle_weight: f32,
    /// Advantages of all rows.
    pub advantages: Vec<f32>,
    /// Value targets of all rows.
    pub returns: Vec<f32>,
}

/// A minibatch in tensors. Rows with an event come first, so that the amount head runs on them
/// alone.
pub struct Part {
    rows: Vec<u32>,
    events: usize,
}

/// What one policy step saw, for people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// KL from the acting policy, by the estimator r - 1 - ln r (Schulman 2020, "k3").
    pub kl: f64,
    /// Share of rows (by weight) whose ratio is outside the clip range.
    pub clip_fraction: f64,
    /// Mean entropy of the choice of kind, nats.
    pub entropy: f64,
    /// Largest deviation of a ratio from 1.
    pub ratio_deviation: f64,
    /// The loss.
    pub loss: f64,
}

/// Sums of [`Seen`] over an update.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    sums: [f64; 4],
    loss: f64,
    count: f64,
}

impl Figures {
    /// Adds a step and its gradient norm.
    pub fn add(&mut self, seen: &Seen, gradient_norm: f64) {
        let values = [seen.kl, seen.clip_fraction, seen.entropy, gradient_norm];
        self.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        self.loss += seen.loss;
        self.count += 1.0;
    }

    /// Means of KL, clip fraction, entropy and gradient norm.
    pub fn means(&self) -> [f64; 4] {
        self.sums.map(|sum| sum / self.count.max(1.0))
    }

    /// Whether every loss and gradient was a finite number.
    pub fn finite(&self) -> bool {
        self.loss.is_finite() && self.sums.iter().all(|sum| sum.is_finite())
    }
}

impl<'a> Batch<'a> {
    /// Keeps every row with an event, and each other row with probability `idle_share`. Most steps
    /// of a user are idle and say little; the weight 1 / share keeps the gradient unbiased.
    pub fn new(
        rollout: &'a Rollout,
        architecture: &'a Architecture,
        idle_share: f64,
        streams: &Streams,
    ) -> Self {
        let mut stream = streams.stream("thin", 0);
        let kept = (0..rollout.rows() as u32)
            .filter(|&row| rollout.kind[row as usize] > 0 || stream.uniform() < idle_share)
            .collect();
        let idle_weight = (1.0 / idle_share) as f32;
        Self {
            rollout,
            architecture,
            kept,
            idle_weight,
            advantages: Vec::new(),
            returns: Vec::new(),
        }
    }

    /// The kept rows in a new random order, cut into `count` parts of nearly equal size.
    pub fn shuffled(
        &self,
        count: usize,
        purpose: &str,
        epoch: usize,
        streams: &Streams,
    ) -> Vec<Part> {
        let mut stream = streams.stream(purpose, epoch as u64);
        let mut rows = self.kept.clone();
        for i in (1..rows.len()).rev() {
            rows.swap(i, stream.below(i + 1));
        }
        let size = rows.len().div_ceil(count).max(1);
        rows.chunks(size)
            .map(|chunk| {
                let (mut events, idle): (Vec<u32>, Vec<u32>) =
                    chunk.iter().partition(|&&row| self.rollout.kind[row as usize] > 0);
                let count = events.len();
                events.extend(idle);
                Part { rows: events, events: count }
            })
            .collect()
    }

    /// Values of all rows, by a network off the graph.
    pub fn values(&self, network: &ActorCritic) -> Vec<f32> {
        let size = self.architecture.observation;
        self.rollout
            .observations
            .par_chunks(CHUNK * size)
            .map(|chunk| {
                let data = TensorData::new(chunk.to_vec(), [chunk.len() / size, size]);
                let values = network.values(Tensor::from_data(data, &Device::flex()));
                values.into_data().iter::<f32>().collect::<Vec<f32>>()
            })
            .collect::<Vec<_>>()
            .concat()
    }

    /// Weighted mean squared error of the values, `[1]`.
    pub fn value_loss(&self, network: &ActorCritic, part: &Part, device: &Device) -> Tensor<1> {
        let error = network.values(self.observations(part, device))
            - self.column(part, &self.returns, device);
        (error.square() * self.weights(part, device)).sum()
    }

    /// The clipped objective with its sign turned, less the entropy bonus, `[1]`; advantages are
    /// normalised over the minibatch.
    pub fn policy_loss(
        &self,
        network: &ActorCritic,
        part: &Part,
        clip: f32,
        entropy_weight: f32,
        device: &Device,
    ) -> (Tensor<1>, Seen) {
        let (log_probability, kinds) = self.log_probability(network, part, device);
        let old = self.column(part, &self.rollout.log_probability, device);
        let weights = self.weights(part, device);
        let advantage = self.normalised_advantages(part, device);

        let log_ratio = log_probability - old;
        let ratio = log_ratio.clone().exp();
        let clipped = ratio.clone().clamp(1.0 - clip, 1.0 + clip);
        let objective = (ratio.clone() * advantage.clone()).min_pair(clipped * advantage);
        let entropy = -(kinds.clone().exp() * kinds).sum_dim(1);
        let entropy = (entropy * weights.clone()).sum();
        let loss = -(objective * weights.clone()).sum() - entropy.clone() * entropy_weight;

        let seen = see(&log_ratio, &weights, clip, &entropy, &loss);
        (loss, seen)
    }

    /// Log probabilities of what was done, `[rows, 1]`, and of all choices, `[rows, choices]`.
    fn log_probability(
        &self,
        network: &ActorCritic,
        part: &Part,
        device: &Device,
    ) -> (Tensor<2>, Tensor<2>) {
        let rows = part.rows.len();
        let (choices, bins) = (self.architecture.choices, self.architecture.bins);
        let mask: Vec<bool> = part
            .rows
            .iter()
            .flat_map(|&row| &self.rollout.masks[row as usize * choices..][..choices])
            .copied()
            .collect();
        let mask = Tensor::from_data(TensorData::new(mask_logits(&mask), [rows, choices]), device);
        let features = network.policy_features(self.observations(part, device));
        let kinds = network.kinds(features.clone(), mask);
        let done = kinds.clone().gather(1, self.index(part, &self.rollout.kind, device));
        if part.events == 0 {
            return (done, kinds);
        }
        let acting = Part { rows: part.rows[..part.events].to_vec(), events: part.events };
        let kind: Vec<u16> =
            acting.rows.iter().map(|&row| self.rollout.kind[row as usize] - 1).collect();
        let amounts = network.amounts(features.slice_dim(0, 0..part.events), &kind, bins);
        let amount = amounts.gather(1, self.index(&acting, &self.rollout.bin, device));
        let with_amount = done.clone().slice_dim(0, 0..part.events) + amount;
        let all = if part.events == rows {
            with_amount
        } else {
            Tensor::cat(vec![with_amount, done.slice_dim(0, part.events..rows)], 0)
        };
        (all, kinds)
    }

    fn observations(&self, part: &Part, device: &Device) -> Tensor<2> {
        let size = self.architecture.observation;
        let values: Vec<f32> = part
            .rows
            .iter()
            .flat_map(|&row| &self.rollout.observations[row as usize * size..][..size])
            .copied()
            .collect();
        Tensor::from_data(TensorData::new(values, [part.rows.len(), size]), device)
    }

    fn column(&self, part: &Part, values: &[f32], device: &Device) -> Tensor<2> {
        let values: Vec<f32> = part.rows.iter().map(|&row| values[row as usize]).collect();
        Tensor::from_data(TensorData::new(values, [part.rows.len(), 1]), device)
    }

    fn index(&self, part: &Part, values: &[u16], device: &Device) -> Tensor<2, Int> {
        let values: Vec<i32> =
            part.rows.iter().map(|&row| i32::from(values[row as usize])).collect();
        Tensor::from_data(TensorData::new(values, [part.rows.len(), 1]), device)
    }

    fn weight(&self, i: usize, part: &Part) -> f32 {
        if i < part.events { 1.0 } else { self.idle_weight }
    }

    /// Importance weights, summing to 1, `[rows, 1]`.
    fn weights(&self, part: &Part, device: &Device) -> Tensor<2> {
        let rows = part.rows.len();
        let total: f32 = (0..rows).map(|i| self.weight(i, part)).sum();
        let weights: Vec<f32> = (0..rows).map(|i| self.weight(i, part) / total).collect();
        Tensor::from_data(TensorData::new(weights, [rows, 1]), device)
    }

    fn normalised_advantages(&self, part: &Part, device: &Device) -> Tensor<2> {
        let (mut total, mut sum, mut square) = (0.0_f64, 0.0, 0.0);
        for (i, &row) in part.rows.iter().enumerate() {
            let (w, a) =
                (f64::from(self.weight(i, part)), f64::from(self.advantages[row as usize]));
            total += w;
            sum += w * a;
            square += w * a * a;
        }
        let mean = sum / total;
        let sd = (square / total - mean * mean).max(0.0).sqrt();
        let values: Vec<f32> = part
            .rows
            .iter()
            .map(|&row| ((f64::from(self.advantages[row as usize]) - mean) / (sd + 1e-8)) as f32)
            .collect();
        Tensor::from_data(TensorData::new(values, [part.rows.len(), 1]), device)
    }
}

fn see(
    log_ratio: &Tensor<2>,
    weights: &Tensor<2>,
    clip: f32,
    entropy: &Tensor<1>,
    loss: &Tensor<1>,
) -> Seen {
    let logs: Vec<f32> = log_ratio.clone().into_data().iter().collect();
    let weights: Vec<f32> = weights.clone().into_data().iter().collect();
    let mut seen = Seen { entropy: scalar(entropy), loss: scalar(loss), ..Seen::default() };
    for (log, weight) in
        logs.iter().map(|&l| f64::from(l)).zip(weights.iter().map(|&w| f64::from(w)))
    {
        let ratio = log.exp();
        seen.kl += weight * (ratio - 1.0 - log);
        let deviation = (ratio - 1.0).abs();
        if deviation > f64::from(clip) {
            seen.clip_fraction += weight;
        }
        seen.ratio_deviation = seen.ratio_deviation.max(deviation);
    }
    seen
}

fn scalar(tensor: &Tensor<1>) -> f64 {
    tensor.clone().into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}
