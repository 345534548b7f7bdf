//! The logit of adversarial inverse reinforcement learning: a reward and its shaping.

use trueup_env::Streams;

use super::config::DiscriminatorConfig;
use super::fit::Score;
use super::network::Network;
use super::rows::Rows;

/// `g(x) + live h(s') - h(s) - ln pi`, on rows `[x | s' | live | ln pi]`; s is the front of x, and
/// `live` is 0 after the last step, where h is 0 by definition.
#[derive(Clone, Debug)]
pub(super) struct Shaped {
    /// g.
    pub reward: Network,
    /// h.
    pub potential: Network,
}

impl Shaped {
    /// `state` numbers of s, `input` of x.
    pub fn new(
        state: usize,
        input: usize,
        config: &DiscriminatorConfig,
        streams: &Streams,
    ) -> Self {
        let network = |name, inputs| {
            let mut stream = streams.stream(name, 0);
            Network::new(inputs, &config.hidden, config.lipschitz, &mut stream)
        };
        Self { reward: network("reward", input), potential: network("potential", state) }
    }

    /// Numbers of a row.
    pub fn width(state: usize, input: usize) -> usize {
        input + state + 2
    }

    /// Where s', `live` and ln pi stand.
    fn places(&self) -> [usize; 3] {
        let (input, state) = (self.reward.inputs(), self.potential.inputs());
        [input, input + state, input + state + 1]
    }

    fn column(rows: &Rows, place: usize) -> impl Iterator<Item = f32> + '_ {
        rows.values.chunks_exact(rows.width).map(move |row| row[place])
    }
}

impl Score for Shaped {
    fn logits(&self, rows: &Rows) -> Vec<f32> {
        let [after, live, log] = self.places();
        let state = self.potential.inputs();
        let mut logits = self.reward.outputs(&rows.columns(0, self.reward.inputs()));
        let before = self.potential.outputs(&rows.columns(0, state));
        let next = self.potential.outputs(&rows.columns(after, state));
        let columns = Self::column(rows, live).zip(Self::column(rows, log));
        for (((logit, before), next), (live, log)) in
            logits.iter_mut().zip(before).zip(next).zip(columns)
        {
            *logit += live * next - before - log;
        }
        logits
    }

    fn step(&mut self, rows: &Rows, slopes: &[f32], rate: f32) {
        let [after, live, _] = self.places();
        let state = self.potential.inputs();
        let gradient = self.reward.gradient(&rows.columns(0, self.reward.inputs()), slopes);
        self.reward.step(&gradient, rate);
        // Both ends of each step in one sum.
        let mut ends = rows.columns(0, state);
        ends.values.extend(rows.columns(after, state).values);
        let before = slopes.iter().map(|slope| -slope);
        let next = slopes.iter().zip(Self::column(rows, live)).map(|(slope, live)| slope * live);
        let both: Vec<f32> = before.chain(next).collect();
        let gradient = self.potential.gradient(&ends, &both);
        self.potential.step(&gradient, rate);
    }
}
