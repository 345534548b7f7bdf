//! A network as a policy: samples a kind, and the amount that belongs to it.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use trueup_env::{Actions, Stream, Streams};

use crate::amounts::Amounts;
use crate::network::{ActorCritic, Architecture};
use crate::policy::{Actor, Decision, Policy};

/// A logit that leaves a choice no probability in f32.
pub const INFEASIBLE: f32 = -1e9;

/// Weights with what is needed to act by them.
#[derive(Clone)]
pub struct NetworkPolicy {
    /// The weights, on the inference device.
    pub network: ActorCritic,
    /// Their sizes.
    pub architecture: Architecture,
    /// The amounts behind the bins.
    pub amounts: Amounts,
}

// The network's tensors are plain data; burn's parameters are Send but lazily initialised behind a
// lock, and `Sync` as well.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<NetworkPolicy>();
};

/// What was drawn, row by row: for training.
#[derive(Clone, Debug, Default)]
pub struct Draws {
    /// Amount bin (0 for "nothing").
    pub bin: Vec<u16>,
    /// Log probability of the choice, with its bin where it has one.
    pub log_probability: Vec<f32>,
}

/// A network in the act.
pub struct NetworkActor<'a> {
    policy: &'a NetworkPolicy,
    streams: Vec<Stream>,
    /// What was drawn for the last decision.
    pub draws: Draws,
}

impl NetworkPolicy {
    /// An actor whose draws can be read back.
    pub fn network_actor(&self, first: u64, count: usize, streams: &Streams) -> NetworkActor<'_> {
        let streams = (0..count as u64).map(|i| streams.stream("policy", first + i)).collect();
        NetworkActor { policy: self, streams, draws: Draws::default() }
    }

    /// The same policy with its network off the autodiff graph.
    pub fn for_inference(&self) -> Self {
        Self { network: self.network.valid(), ..self.clone() }
    }
}

impl Policy for NetworkPolicy {
    fn actor(&self, first: u64, count: usize, streams: &Streams) -> Box<dyn Actor + '_> {
        Box::new(self.network_actor(first, count, streams))
    }
}

impl Actor for NetworkActor<'_> {
    fn act(&mut self, decision: &Decision<'_>, actions: &mut Actions) {
        let rows = decision.lanes.len();
        let choices = decision.choices;
        let device = Device::flex();
        let data = TensorData::new(decision.observations.to_vec(), [rows, decision.size]);
        let features = self.policy.network.policy_features(Tensor::from_data(data, &device));
        let mask = mask_logits(decision.masks);
        let mask = Tensor::from_data(TensorData::new(mask, [rows, choices]), &device);
        let kinds: Vec<f32> =
            self.policy.network.kinds(features.clone(), mask).into_data().iter().collect();

        actions.kind.clear();
        actions.amount.clear();
        self.draws.bin.clear();
        self.draws.log_probability.clear();
        for (row, &lane) in decision.lanes.iter().enumerate() {
            let logs = &kinds[row * choices..(row + 1) * choices];
            let choice = draw(logs, &mut self.streams[lane as usize]);
            actions.kind.push(choice as u16);
            actions.amount.push(0.0);
            self.draws.bin.push(0);
            self.draws.log_probability.push(logs[choice]);
        }
        self.draw_amounts(decision, features, actions);
    }
}

impl NetworkActor<'_> {
    /// Amounts for the rows that chose a kind: a few, so that the second head is cheap.
    fn draw_amounts(
        &mut self,
        decision: &Decision<'_>,
        features: Tensor<2>,
        actions: &mut Actions,
    ) {
        let acting: Vec<i32> =
            (0..actions.kind.len()).filter(|&i| actions.kind[i] > 0).map(|i| i as i32).collect();
        if acting.is_empty() {
            return;
        }
        let bins = self.policy.architecture.bins;
        let kind: Vec<u16> = acting.iter().map(|&row| actions.kind[row as usize] - 1).collect();
        let index =
            Tensor::from_data(TensorData::new(acting.clone(), [acting.len()]), &features.device());
        let amounts: Vec<f32> = self
            .policy
            .network
            .amounts(features.select(0, index), &kind, bins)
            .into_data()
            .iter()
            .collect();
        for (i, &row) in acting.iter().enumerate() {
            let row = row as usize;
            let logs = &amounts[i * bins..(i + 1) * bins];
            let stream = &mut self.streams[decision.lanes[row] as usize];
            let bin = draw(logs, stream);
            actions.amount[row] = self.policy.amounts.draw(usize::from(kind[i]), bin, stream);
            self.draws.bin[row] = bin as u16;
            self.draws.log_probability[row] += logs[bin];
        }
    }
}

/// 0 for a feasible choice, [`INFEASIBLE`] for another.
pub fn mask_logits(masks: &[bool]) -> Vec<f32> {
    masks.iter().map(|&feasible| if feasible { 0.0 } else { INFEASIBLE }).collect()
}

/// Draws from log probabilities by inversion; rounding leaves the last possible choice.
fn draw(log_probabilities: &[f32], stream: &mut Stream) -> usize {
    let mut left = stream.uniform() as f32;
    let mut last = 0;
    for (choice, log) in log_probabilities.iter().enumerate() {
        let p = log.exp();
        if p > 0.0 {
            last = choice;
            left -= p;
            if left < 0.0 {
                break;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frequencies of 40,000 draws: within 4.5 standard errors (false alarm 1e-5 a choice); a
    /// choice without probability never comes.
    #[test]
    fn draws_follow_the_probabilities() {
        let p = [0.5_f32, 0.0, 0.3, 0.2];
        let logs = p.map(f32::ln);
        let mut stream = Streams::new(5).stream("draw", 0);
        let mut counts = [0_u32; 4];
        let n = 40_000;
        for _ in 0..n {
            counts[draw(&logs, &mut stream)] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, p) in counts.iter().zip(p) {
            let p = f64::from(p);
            let share = f64::from(*count) / f64::from(n);
            assert!((share - p).abs() <= 4.5 * (p * (1.0 - p) / f64::from(n)).sqrt());
        }
    }
}
