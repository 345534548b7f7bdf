//! Fits a discriminator: logistic regression of "real" against "simulated".

use trueup_calibration::reward::StateError;
use trueup_calibration::reward::state::{Reader, Writer};
use trueup_env::{Stream, Streams};

use super::config::DiscriminatorConfig;
use super::network::Network;
use super::rows::{Memory, Rows, Sample};

/// A function of rows that training can move: the logit of "real".
pub(super) trait Score {
    /// One logit a row.
    fn logits(&self, rows: &Rows) -> Vec<f32>;

    /// One step downhill on the loss whose slopes in the logits are given.
    fn step(&mut self, rows: &Rows, slopes: &[f32], rate: f32);
}

impl Score for Network {
    fn logits(&self, rows: &Rows) -> Vec<f32> {
        self.outputs(rows)
    }

    fn step(&mut self, rows: &Rows, slopes: &[f32], rate: f32) {
        let gradient = self.gradient(rows, slopes);
        Self::step(self, &gradient, rate);
    }
}

/// A score, the real rows, and the memory of simulated ones.
pub(super) struct Fit<S> {
    pub score: S,
    pub real: Sample,
    pub memory: Memory,
    pub config: DiscriminatorConfig,
}

impl<S: Score> Fit<S> {
    pub fn new(score: S, real: Sample, config: DiscriminatorConfig) -> Self {
        Self { score, real, memory: Memory::default(), config }
    }

    /// Takes a few steps against the rows of a rollout and the memory of earlier ones, and takes
    /// the rollout into the memory. Returns how far the rollout is from the real rows
    /// ([`divergence`]). Neither side may be empty.
    pub fn refit(&mut self, now: &Sample, streams: &Streams) -> f64 {
        let mut stream = streams.stream("discriminator", 0);
        let real = vec![true; self.config.batch];
        let sides = [real, vec![false; self.config.batch]].concat();
        for _ in 0..self.config.steps {
            let batch = self.batch(now, &mut stream);
            let logits = self.score.logits(&batch.rows);
            let slopes = slopes(&logits, &sides, &batch.weights, self.config.smoothing);
            self.score.step(&batch.rows, &slopes, self.config.learning_rate as f32);
        }
        self.memory.remember(now, self.config.decay, &mut stream);
        let logits = [&self.real, now].map(|side| self.score.logits(&side.rows));
        divergence([&logits[0], &logits[1]], [&self.real.weights, &now.weights])
    }

    /// `batch` real rows, then as many simulated ones, from the memory with its share.
    fn batch(&self, now: &Sample, stream: &mut Stream) -> Sample {
        let mut batch = Sample { rows: Rows::new(now.rows.width), weights: Vec::new() };
        let mut add = |(row, weight): (&[f32], f32)| {
            batch.rows.values.extend_from_slice(row);
            batch.weights.push(weight);
        };
        for _ in 0..self.config.batch {
            add(self.real.draw(stream));
        }
        let share = if self.memory.0.is_empty() { 0.0 } else { self.config.memory };
        for _ in 0..self.config.batch {
            let side = if stream.uniform() < share { &self.memory.0 } else { now };
            add(side.draw(stream));
        }
        batch
    }

    /// Writes the memory; the score writes itself.
    pub fn write_memory(&self, writer: &mut Writer) {
        self.memory.write(writer);
    }

    pub fn read_memory(&self, reader: &mut Reader<'_>) -> Result<Memory, StateError> {
        Memory::read(self.real.rows.width, reader)
    }
}

/// Slopes of the cross-entropy in the logits l. Both sides weigh one half; with a smoothing e the
/// targets are 1 - e (real) and e (simulated) in place of 1 and 0. At its minimum the logit is
/// `ln ((1 - e) q + e p) / (e q + (1 - e) p)`, q and p being the densities of the real and the
/// simulated rows: rising in q / p, 0 where they are equal, and never beyond `+- ln (1 - e) / e`.
pub(super) fn slopes(logits: &[f32], real: &[bool], weights: &[f32], smoothing: f64) -> Vec<f32> {
    let total = |side: bool| -> f32 {
        real.iter().zip(weights).filter(|(r, _)| **r == side).map(|(_, w)| w).sum()
    };
    let totals = [total(false), total(true)];
    let targets = [smoothing as f32, 1.0 - smoothing as f32];
    let slope = |((&l, &side), &w): ((&f32, &bool), &f32)| {
        let side = usize::from(side);
        let probability = 1.0 / (1.0 + (-l).exp());
        0.5 * w / totals[side].max(f32::MIN_POSITIVE) * (probability - targets[side])
    };
    logits.iter().zip(real).zip(weights).map(slope).collect()
}

/// The Jensen-Shannon divergence of real and simulated rows as the logits see it, nats: `ln 2 + the
/// mean over both sides of the log probability of the truth`, 0 to ln 2. A discriminator that has
/// not found all differences sees less. Logits and weights: real, simulated.
pub(super) fn divergence(logits: [&[f32]; 2], weights: [&[f32]; 2]) -> f64 {
    let mean = |side: usize, sign: f64| {
        let (mut sum, mut total) = (0.0, 0.0);
        for (&l, &w) in logits[side].iter().zip(weights[side]) {
            // ln of the logistic function, without overflow.
            let x = sign * f64::from(l);
            sum += f64::from(w) * (x.min(0.0) - (-x.abs()).exp().ln_1p());
            total += f64::from(w);
        }
        sum / total
    };
    (std::f64::consts::LN_2 + 0.5 * (mean(0, 1.0) + mean(1, -1.0))).max(0.0)
}
