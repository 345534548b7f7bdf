//! The objectives a second time, in f64 and as plainly as they are written down, for tests: the
//! fused gradients are compared with central differences of this.

use rand_distr::{Distribution, StandardNormal};
use trueup_env::{Stream, Streams};

use crate::architecture::{Activation, Architecture, Head, LOG_SD_RANGE, Network, Slot};
use crate::learner::{Minibatch, Objective};

/// A network whose heads are not near zero, so that probabilities differ.
pub fn network(architecture: &Architecture, seed: u64) -> Network {
    let mut stream = Streams::new(seed).stream("network", 0);
    let mut parameters = architecture.initial(&mut stream);
    for slot in architecture.slots() {
        let scale = if slot.name.contains("hidden") { 0.05 } else { 0.3 };
        for x in &mut parameters[slot.range] {
            *x += scale * normal(&mut stream);
        }
    }
    Network { architecture: architecture.clone(), parameters }
}

fn normal(stream: &mut Stream) -> f32 {
    StandardNormal.sample(stream)
}

/// Random rows: actions anywhere that is feasible, old log probabilities around the present ones
/// (`spread` apart), a reference; rows with an amount first, by kind.
pub fn minibatch(
    network: &Network,
    rows: usize,
    seed: u64,
    masked: bool,
    spread: f32,
) -> Minibatch {
    let (architecture, head) = (&network.architecture, &network.architecture.head);
    let mut stream = Streams::new(seed).stream("minibatch", 0);
    let normals =
        |n: usize, stream: &mut Stream| (0..n).map(|_| normal(stream)).collect::<Vec<_>>();
    let mut batch = Minibatch {
        rows,
        observations: normals(rows * architecture.observation, &mut stream),
        advantages: normals(rows, &mut stream),
        returns: normals(rows, &mut stream),
        values: normals(rows, &mut stream),
        real: normals(rows * head.real(), &mut stream),
        weights: (0..rows).map(|_| 0.1 + stream.uniform() as f32).collect(),
        ..Minibatch::default()
    };
    let total: f32 = batch.weights.iter().sum();
    batch.weights.iter_mut().for_each(|w| *w /= total);
    for row in 0..rows {
        let choices: &[usize] = match head {
            Head::Discrete { choices } => choices,
            Head::Hybrid { choices, .. } => &[*choices],
            Head::Gaussian { .. } => &[],
        };
        for &count in choices {
            let mut action = stream.below(count);
            if let Head::Hybrid { choices, .. } = head {
                // Kinds in order, then rows without an amount.
                action = (row * (choices + 1) / rows + 1) % (choices + 1) % choices;
            }
            if masked {
                let at = batch.masks.len();
                batch.masks.extend((0..count).map(|_| stream.uniform() < 0.6));
                batch.masks[at + action] = true;
            }
            batch.whole.push(action as u16);
        }
        if let Head::Hybrid { bins, .. } = head {
            batch.whole.push(stream.below(*bins) as u16);
        }
    }
    reference_policy(&mut batch, head, &mut stream);
    batch.log_probability = vec![0.0; rows];
    let parameters: Vec<f64> = network.parameters.iter().map(|x| f64::from(*x)).collect();
    let slots = architecture.slots();
    let rows_of = |batch: &Minibatch, row: usize| {
        let rows = Rows { slots: &slots, architecture, parameters: &parameters, batch };
        (rows.draws(row), rows.policy(row).0)
    };
    batch.real = (0..rows).flat_map(|row| rows_of(&batch, row).0).collect();
    let now: Vec<f64> = (0..rows).map(|row| rows_of(&batch, row).1).collect();
    for (old, now) in batch.log_probability.iter_mut().zip(now) {
        *old = now as f32 + spread * normal(&mut stream);
    }
    batch
}

fn reference_policy(batch: &mut Minibatch, head: &Head, stream: &mut Stream) {
    let mut law = |n: usize| {
        let logits: Vec<f32> = (0..n).map(|_| normal(stream)).collect();
        let log_sum = logits.iter().map(|z| z.exp()).sum::<f32>().ln();
        logits.into_iter().map(move |z| z - log_sum)
    };
    for row in 0..batch.rows {
        match head {
            Head::Discrete { choices } => {
                choices.iter().for_each(|&n| batch.reference.extend(law(n)));
            }
            Head::Hybrid { choices, bins } => {
                batch.reference.extend(law(*choices));
                if batch.whole[row * 2] > 0 {
                    batch.reference_amounts.extend(law(*bins));
                }
            }
            Head::Gaussian { size, .. } => {
                let law: Vec<f32> = law(2 * size).map(|x| 0.3 * x).collect();
                batch.reference.extend(law);
            }
        }
    }
}

/// The objective at `parameters`, as one number.
pub fn objective(
    architecture: &Architecture,
    parameters: &[f64],
    batch: &Minibatch,
    objective: &Objective,
) -> f64 {
    let rows = Rows { slots: &architecture.slots(), architecture, parameters, batch };
    (0..batch.rows).map(|row| f64::from(batch.weights[row]) * rows.term(row, objective)).sum()
}

struct Rows<'a> {
    slots: &'a [Slot],
    architecture: &'a Architecture,
    parameters: &'a [f64],
    batch: &'a Minibatch,
}

impl Rows<'_> {
    fn term(&self, row: usize, objective: &Objective) -> f64 {
        let batch = self.batch;
        let Objective::Clipped { clip, value_clip, entropy, value, anchor } = *objective else {
            return match objective {
                Objective::Value => (self.value(row) - f64::from(batch.returns[row])).powi(2),
                _ => -self.policy(row).0,
            };
        };
        let (log_probability, h, kl) = self.policy(row);
        let ratio = (log_probability - f64::from(batch.log_probability[row])).exp();
        let (advantage, clip) = (f64::from(batch.advantages[row]), f64::from(clip));
        let policy = (ratio * advantage).min(ratio.clamp(1.0 - clip, 1.0 + clip) * advantage);
        let (v, target) = (self.value(row), f64::from(batch.returns[row]));
        let mut loss = (v - target).powi(2);
        if let Some(range) = value_clip {
            let old = f64::from(batch.values[row]);
            let clamped = old + (v - old).clamp(-f64::from(range), f64::from(range));
            loss = loss.max((clamped - target).powi(2));
        }
        -policy - f64::from(entropy) * h + f64::from(value) * loss + f64::from(anchor) * kl
    }

    /// y = x W + b.
    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let find = |part: &str| {
            let is = |slot: &&Slot| slot.name.strip_prefix(name) == Some(part);
            &self.parameters[self.slots.iter().find(is).unwrap().range.clone()]
        };
        let (weight, bias) = (find(".weight"), find(".bias"));
        let column = |j: usize| -> f64 {
            x.iter().enumerate().map(|(i, x)| x * weight[i * bias.len() + j]).sum()
        };
        (0..bias.len()).map(|j| bias[j] + column(j)).collect()
    }

    fn trunk(&self, name: &str, row: usize) -> Vec<f64> {
        let width = self.architecture.observation;
        let x = &self.batch.observations[row * width..][..width];
        let mut x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        let name = if self.architecture.shared { "hidden" } else { name };
        for i in 0..self.architecture.hidden.len() {
            x = self.linear(&format!("{name}.{i}"), &x);
            x.iter_mut().for_each(|x| match self.architecture.activation {
                Activation::Tanh => *x = x.tanh(),
                Activation::Relu => *x = x.max(0.0),
            });
        }
        x
    }

    fn value(&self, row: usize) -> f64 {
        self.linear("value_head", &self.trunk("value_hidden", row))[0]
    }

    /// log pi(action), H, KL from the reference.
    fn policy(&self, row: usize) -> (f64, f64, f64) {
        let hidden = self.trunk("policy_hidden", row);
        let outputs = self.linear("policy_head", &hidden);
        match &self.architecture.head {
            Head::Discrete { choices } => {
                let (mut total, mut at) = ((0.0, 0.0, 0.0), 0);
                for (c, &count) in choices.iter().enumerate() {
                    let action = self.batch.whole[row * choices.len() + c];
                    let (a, b, d) = self.choice(row, &outputs, at, count, usize::from(action));
                    total = (total.0 + a, total.1 + b, total.2 + d);
                    at += count;
                }
                total
            }
            Head::Hybrid { choices, bins } => {
                let [kind, bin] = [0, 1].map(|i| usize::from(self.batch.whole[row * 2 + i]));
                let (mut log_probability, h, mut kl) =
                    self.choice(row, &outputs, 0, *choices, kind);
                if kind > 0 {
                    let logits = &self.linear("amount_head", &hidden)[(kind - 1) * bins..][..*bins];
                    let before = self.batch.whole[..row * 2].chunks(2).filter(|w| w[0] > 0).count();
                    let reference =
                        self.batch.reference_amounts.get(before * bins..).unwrap_or(&[]);
                    let (p, _, d) = categorical(logits, &[], reference, bin);
                    log_probability += p;
                    kl += d;
                }
                (log_probability, h, kl)
            }
            Head::Gaussian { size, .. } => self.gaussian(row, &outputs, *size),
        }
    }

    fn choice(
        &self,
        row: usize,
        outputs: &[f64],
        at: usize,
        n: usize,
        a: usize,
    ) -> (f64, f64, f64) {
        let columns = row * outputs.len() + at;
        let mask = self.batch.masks.get(columns..columns + n).unwrap_or(&[]);
        let reference = self.batch.reference.get(columns..columns + n).unwrap_or(&[]);
        categorical(&outputs[at..at + n], mask, reference, a)
    }

    fn log_sd(&self, outputs: &[f64], size: usize, j: usize) -> f64 {
        let free = self.slots.iter().find(|slot| slot.name == "log_sd");
        free.map_or_else(|| outputs[size + j], |s| self.parameters[s.range.start + j])
            .clamp(f64::from(LOG_SD_RANGE.0), f64::from(LOG_SD_RANGE.1))
    }

    /// Turns the standard normal numbers that stand for a row's actions into draws of its policy.
    fn draws(&self, row: usize) -> Vec<f32> {
        let size = self.architecture.head.real();
        let outputs = self.linear("policy_head", &self.trunk("policy_hidden", row));
        let normals = &self.batch.real[row * size..(row + 1) * size];
        let spread = |j: usize| self.log_sd(&outputs, size, j).exp();
        normals
            .iter()
            .enumerate()
            .map(|(j, z)| (outputs[j] + spread(j) * f64::from(*z)) as f32)
            .collect()
    }

    fn gaussian(&self, row: usize, outputs: &[f64], size: usize) -> (f64, f64, f64) {
        let (mut log_probability, mut h, mut kl) = (0.0, 0.0, 0.0);
        for j in 0..size {
            let (mean, s) = (outputs[j], self.log_sd(outputs, size, j));
            let tau = 2.0 * std::f64::consts::PI;
            let action = f64::from(self.batch.real[row * size + j]);
            let density =
                (-0.5 * ((action - mean) / s.exp()).powi(2)).exp() / (s.exp() * tau.sqrt());
            log_probability += density.ln();
            h += 0.5 * (tau * std::f64::consts::E * (2.0 * s).exp()).ln();
            if let Some(q) = self.batch.reference.get(row * 2 * size..(row + 1) * 2 * size) {
                let (m, r) = (f64::from(q[j]), f64::from(q[size + j]));
                let square = (2.0 * s).exp() + (mean - m).powi(2);
                kl += (r.exp() / s.exp()).ln() + square / (2.0 * (2.0 * r).exp()) - 0.5;
            }
        }
        (log_probability, h, kl)
    }
}

fn categorical(logits: &[f64], mask: &[bool], reference: &[f32], action: usize) -> (f64, f64, f64) {
    let feasible = |j: usize| mask.get(j).copied().unwrap_or(true);
    let total: f64 = (0..logits.len()).filter(|&j| feasible(j)).map(|j| logits[j].exp()).sum();
    let (mut h, mut kl) = (0.0, 0.0);
    for j in (0..logits.len()).filter(|&j| feasible(j)) {
        let p = logits[j].exp() / total;
        h -= p * p.ln();
        kl += reference.get(j).map_or(0.0, |q| p * (p.ln() - f64::from(*q)));
    }
    ((logits[action].exp() / total).ln(), h, kl)
}
