//! The objectives of `trueup_agents::learner` once more, in f64 and plain loops, row by row: what
//! the learners are compared with. Shares no code with them.

use trueup_agents::architecture::{Activation, Architecture, Head, Slot};
use trueup_agents::learner::{Minibatch, Objective};

/// Weighted means over rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub loss: f64,
    pub policy: f64,
    pub value: f64,
    pub entropy: f64,
    pub divergence: f64,
}

/// One row under the network.
pub struct Row {
    pub log_probability: f64,
    pub entropy: f64,
    pub divergence: f64,
    pub value: f64,
}

/// The objective at `parameters`.
pub fn terms(
    architecture: &Architecture,
    parameters: &[f64],
    batch: &Minibatch,
    objective: &Objective,
) -> Terms {
    let mut sum = Terms::default();
    let net = Net { architecture, slots: &architecture.slots(), parameters };
    for i in 0..batch.rows {
        let weight = f64::from(batch.weights[i]);
        let row = net.row(batch, i);
        let (policy, value, loss) = match *objective {
            Objective::Clipped { clip, value_clip, entropy, value, anchor } => {
                let advantage = f64::from(batch.advantages[i]);
                let ratio = (row.log_probability - f64::from(batch.log_probability[i])).exp();
                let clamped = ratio.clamp(f64::from(1.0 - clip), f64::from(1.0 + clip));
                let policy = -(ratio * advantage).min(clamped * advantage);
                let error = value_error(row.value, batch, i, value_clip);
                let loss = policy - f64::from(entropy) * row.entropy
                    + f64::from(value) * error
                    + f64::from(anchor) * row.divergence;
                (policy, error, loss)
            }
            Objective::Value => {
                let error = value_error(row.value, batch, i, None);
                (0.0, error, error)
            }
            Objective::Likelihood => (-row.log_probability, 0.0, -row.log_probability),
        };
        sum.policy += weight * policy;
        sum.value += weight * value;
        sum.loss += weight * loss;
        sum.entropy += weight * row.entropy;
        sum.divergence += weight * row.divergence;
    }
    sum
}

fn value_error(value: f64, batch: &Minibatch, i: usize, clip: Option<f32>) -> f64 {
    let target = f64::from(batch.returns[i]);
    let error = (value - target) * (value - target);
    let Some(clip) = clip.map(f64::from) else { return error };
    let old = f64::from(batch.values[i]);
    let near = old + (value - old).clamp(-clip, clip) - target;
    error.max(near * near)
}

/// (log probability, entropy, divergence) of independent choices.
fn discrete(outputs: &[f64], choices: &[usize], batch: &Minibatch, i: usize) -> (f64, f64, f64) {
    let width: usize = choices.iter().sum();
    // A hybrid action has a bin beside its choice.
    let stride = batch.whole.len() / batch.rows;
    let (mut log, mut entropy, mut divergence, mut first) = (0.0, 0.0, 0.0, 0);
    for (component, &count) in choices.iter().enumerate() {
        let feasible = match batch.masks.is_empty() {
            true => vec![true; count],
            false => batch.masks[i * width + first..][..count].to_vec(),
        };
        let law = log_softmax(&outputs[first..][..count], &feasible);
        log += law[usize::from(batch.whole[i * stride + component])];
        entropy -= law.iter().filter(|l| l.is_finite()).map(|l| l.exp() * l).sum::<f64>();
        if !batch.reference.is_empty() {
            divergence += categorical(&law, &batch.reference[i * width + first..][..count]);
        }
        first += count;
    }
    (log, entropy, divergence)
}

/// (log probability, entropy, divergence) of independent normal components.
fn gaussian(mean: &[f64], log_sd: &[f64], batch: &Minibatch, i: usize) -> (f64, f64, f64) {
    let size = mean.len();
    let tau = std::f64::consts::TAU;
    let (mut log, mut entropy, mut divergence) = (0.0, 0.0, 0.0);
    for j in 0..size {
        let sd = log_sd[j].clamp(-5.0, 2.0).exp();
        let z = (f64::from(batch.real[i * size + j]) - mean[j]) / sd;
        log += -0.5 * z * z - (sd * tau.sqrt()).ln();
        entropy += 0.5 * (tau * std::f64::consts::E * sd * sd).ln();
        if !batch.reference.is_empty() {
            let reference = &batch.reference[i * 2 * size..][..2 * size];
            let (m, s) = (f64::from(reference[j]), f64::from(reference[size + j]).exp());
            divergence += (s / sd).ln() + (sd * sd + (mean[j] - m).powi(2)) / (2.0 * s * s) - 0.5;
        }
    }
    (log, entropy, divergence)
}

/// Minus infinity where a choice is not feasible.
pub fn log_softmax(logits: &[f64], feasible: &[bool]) -> Vec<f64> {
    let total: f64 = logits.iter().zip(feasible).filter(|(_, f)| **f).map(|(l, _)| l.exp()).sum();
    let law = logits.iter().zip(feasible);
    law.map(|(l, &f)| if f { l - total.ln() } else { f64::NEG_INFINITY }).collect()
}

fn categorical(law: &[f64], reference: &[f32]) -> f64 {
    let pairs = law.iter().zip(reference).filter(|(l, _)| l.is_finite());
    pairs.map(|(l, &r)| l.exp() * (l - f64::from(r))).sum()
}

/// A network in f64.
pub struct Net<'a> {
    pub architecture: &'a Architecture,
    pub slots: &'a [Slot],
    pub parameters: &'a [f64],
}

impl<'a> Net<'a> {
    /// Row `i` under the network.
    pub fn row(&self, batch: &Minibatch, i: usize) -> Row {
        let architecture = self.architecture;
        let size = architecture.observation;
        let observation: Vec<f64> =
            batch.observations[i * size..][..size].iter().map(|&x| f64::from(x)).collect();
        let trunk = |name: &str| {
            self.trunk(if architecture.shared { "hidden" } else { name }, &observation)
        };
        let features = trunk("policy_hidden");
        let value = self.linear("value_head", &trunk("value_hidden"))[0];
        let outputs = self.linear("policy_head", &features);
        let (log_probability, entropy, divergence) = match &architecture.head {
            Head::Discrete { choices } => discrete(&outputs, choices, batch, i),
            Head::Gaussian { size, .. } => {
                let log_sd = match self.find("log_sd") {
                    Some((values, _)) => values.to_vec(),
                    None => outputs[*size..].to_vec(),
                };
                gaussian(&outputs[..*size], &log_sd, batch, i)
            }
            Head::Hybrid { choices, bins } => {
                let (mut log, entropy, mut divergence) = discrete(&outputs, &[*choices], batch, i);
                let (kind, bin) =
                    (usize::from(batch.whole[2 * i]), usize::from(batch.whole[2 * i + 1]));
                if kind > 0 {
                    let amounts = self.linear("amount_head", &features);
                    let law =
                        log_softmax(&amounts[(kind - 1) * bins..][..*bins], &vec![true; *bins]);
                    log += law[bin];
                    if !batch.reference.is_empty() {
                        divergence +=
                            categorical(&law, &batch.reference_amounts[i * bins..][..*bins]);
                    }
                }
                (log, entropy, divergence)
            }
        };
        Row { log_probability, entropy, divergence, value }
    }

    fn find(&self, name: &str) -> Option<(&'a [f64], &'a [usize])> {
        let slot = self.slots.iter().find(|slot| slot.name == name)?;
        Some((&self.parameters[slot.range.clone()], &slot.shape))
    }

    fn linear(&self, name: &str, input: &[f64]) -> Vec<f64> {
        let (weight, shape) = self.find(&format!("{name}.weight")).unwrap();
        let (bias, _) = self.find(&format!("{name}.bias")).unwrap();
        let (inputs, outputs) = (shape[0], shape[1]);
        let sum = |o: usize| (0..inputs).map(|k| input[k] * weight[k * outputs + o]).sum::<f64>();
        (0..outputs).map(|o| bias[o] + sum(o)).collect()
    }

    fn trunk(&self, name: &str, input: &[f64]) -> Vec<f64> {
        let layers = 0..self.architecture.hidden.len();
        layers.fold(input.to_vec(), |x, i| {
            let hidden = self.linear(&format!("{name}.{i}"), &x).into_iter();
            hidden
                .map(|h| match self.architecture.activation {
                    Activation::Tanh => h.tanh(),
                    Activation::Relu => h.max(0.0),
                })
                .collect()
        })
    }
}
