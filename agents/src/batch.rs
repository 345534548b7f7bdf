//! The rows of a rollout that an update looks at, cut into minibatches.

use trueup_env::Streams;

use crate::architecture::Head;
use crate::learner::Minibatch;
use crate::rollout::Rollout;

/// A rollout with its advantages, and the rows chosen for the update.
pub struct Batch<'a> {
    rollout: &'a Rollout,
    head: &'a Head,
    /// Rows of the update: all that did something, a share of the others.
    kept: Vec<u32>,
    /// Importance weight of a row that did nothing.
    idle_weight: f32,
    /// Advantages of all rows.
    pub advantages: Vec<f32>,
    /// Value targets of all rows.
    pub returns: Vec<f32>,
    /// Values of all rows before the update.
    pub values: Vec<f32>,
    /// Outputs of a reference policy, for the anchor.
    pub reference: Option<Reference>,
    order: Vec<u32>,
    part: Minibatch,
}

/// What a reference policy says about the rows of a rollout.
pub struct Reference {
    /// Log probabilities, or means and log standard deviations: rows x width.
    pub outputs: Vec<f32>,
    /// Numbers per row.
    pub width: usize,
    /// Log probabilities of the bins of the kind that was chosen, for rows that did something;
    /// anything for the others: rows x bins. Empty without bins.
    pub amounts: Vec<f32>,
}

impl<'a> Batch<'a> {
    /// Keeps every row that did something, and each other row with probability `idle_share`. Most
    /// steps of a user are idle and say little; the weight 1 / share keeps the gradient unbiased.
    pub fn new(rollout: &'a Rollout, head: &'a Head, idle_share: f64, streams: &Streams) -> Self {
        let mut stream = streams.stream("thin", 0);
        let kept: Vec<u32> = (0..rollout.rows() as u32)
            .filter(|&row| rollout.acts(head, row) || stream.uniform() < idle_share)
            .collect();
        Self {
            rollout,
            head,
            order: Vec::with_capacity(kept.len()),
            kept,
            idle_weight: (1.0 / idle_share) as f32,
            advantages: Vec::new(),
            returns: Vec::new(),
            values: Vec::new(),
            reference: None,
            part: Minibatch::default(),
        }
    }

    /// Rows of the update.
    pub fn rows(&self) -> usize {
        self.kept.len()
    }

    /// Puts the kept rows into a new random order, to be cut into `count` minibatches of nearly
    /// equal size; returns how many there are.
    pub fn shuffle(
        &mut self,
        count: usize,
        purpose: &str,
        epoch: usize,
        streams: &Streams,
    ) -> usize {
        let mut stream = streams.stream(purpose, epoch as u64);
        self.order.clone_from(&self.kept);
        for i in (1..self.order.len()).rev() {
            self.order.swap(i, stream.below(i + 1));
        }
        // Rows that did something come first, by what they did: the amount layer runs on them alone.
        let size = self.order.len().div_ceil(count).max(1);
        if let Head::Hybrid { choices, .. } = self.head {
            let rank = |row: u32| match self.rollout.whole[row as usize * 2] {
                0 => *choices as u16,
                kind => kind,
            };
            for part in self.order.chunks_mut(size) {
                part.sort_by_key(|&row| rank(row));
            }
        }
        self.order.chunks(size).len()
    }

    /// Minibatch number `i` of `count` after [`Batch::shuffle`], advantages normalised over it where
    /// `normalise` is true.
    pub fn minibatch(&mut self, i: usize, count: usize, normalise: bool) -> &Minibatch {
        let size = self.order.len().div_ceil(count).max(1);
        let Some(rows) = self.order.chunks(size).nth(i) else {
            self.part.rows = 0;
            return &self.part;
        };
        let (rollout, part) = (self.rollout, &mut self.part);
        part.rows = rows.len();
        gather(&mut part.observations, &rollout.observations, rollout.size, rows);
        gather(&mut part.masks, &rollout.masks, self.head.mask(), rows);
        gather(&mut part.whole, &rollout.whole, self.head.whole(), rows);
        gather(&mut part.real, &rollout.real, self.head.real(), rows);
        gather(&mut part.log_probability, &rollout.log_probability, 1, rows);
        gather(&mut part.advantages, &self.advantages, 1, rows);
        gather(&mut part.returns, &self.returns, 1, rows);
        gather(&mut part.values, &self.values, 1, rows);
        let weight = |&row: &u32| if rollout.acts(self.head, row) { 1.0 } else { self.idle_weight };
        part.weights.clear();
        part.weights.extend(rows.iter().map(weight));
        let total: f32 = part.weights.iter().sum();
        part.weights.iter_mut().for_each(|w| *w /= total);
        if let Some(reference) = &self.reference {
            gather(&mut part.reference, &reference.outputs, reference.width, rows);
            let acting = rows.iter().take_while(|&&row| rollout.acts(self.head, row)).count();
            let bins = match self.head {
                Head::Hybrid { bins, .. } => *bins,
                _ => 0,
            };
            gather(&mut part.reference_amounts, &reference.amounts, bins, &rows[..acting]);
        }
        if normalise {
            standardise(&mut part.advantages, &part.weights);
        }
        part
    }
}

/// Copies rows; nothing where there is nothing to copy from.
fn gather<T: Copy>(to: &mut Vec<T>, from: &[T], width: usize, rows: &[u32]) {
    to.clear();
    if !from.is_empty() && width > 0 {
        for &row in rows {
            to.extend_from_slice(&from[row as usize * width..][..width]);
        }
    }
}

/// Weighted mean 0 and standard deviation 1.
fn standardise(values: &mut [f32], weights: &[f32]) {
    // Weights add up to 1 in f32 alone. Deviations start at one of the values, so that equal ones
    // have none.
    let first = values.first().map_or(0.0, |&a| f64::from(a));
    let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let weighted = |of: &dyn Fn(f64) -> f64| -> f64 {
        let terms = values.iter().zip(weights).map(|(&a, &w)| f64::from(w) * of(f64::from(a)));
        terms.sum::<f64>() / total
    };
    let mean = first + weighted(&|a| a - first);
    let sd = weighted(&|a| (a - mean) * (a - mean)).sqrt();
    if sd.is_nan() || sd == 0.0 {
        return values.fill(0.0);
    }
    values.iter_mut().for_each(|a| *a = ((f64::from(*a) - mean) / (sd + 1e-8)) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head::Hybrid { choices: 3, bins: 2 };

    fn rollout(rows: usize) -> Rollout {
        let kinds = |i: usize| if i.is_multiple_of(5) { 1 + (i / 5 % 2) as u16 } else { 0 };
        Rollout {
            size: 1,
            lanes: 1,
            observations: (0..rows).map(|i| i as f32).collect(),
            masks: vec![true; rows * 3],
            lane: vec![0; rows],
            whole: (0..rows).flat_map(|i| [kinds(i), 0]).collect(),
            log_probability: vec![-1.0; rows],
            rewards: vec![0.0; rows],
            ..Rollout::default()
        }
    }

    /// Every kept row comes once an epoch, those that did something first and by kind; idle rows
    /// weigh 1 / share, and in total as much as all idle rows did, within 4.5 standard errors
    /// (false alarm 1e-5).
    #[test]
    fn minibatches_hold_each_kept_row_once_and_weigh_idle_rows() {
        let (rollout, streams) = (rollout(4000), Streams::new(1));
        let mut batch = Batch::new(&rollout, &HEAD, 0.25, &streams);
        batch.advantages = (0..4000).map(|i| (i as f32).sin() * 3.0 + 1.0).collect();
        let (mut seen, mut idle) = (Vec::new(), 0);
        let parts = batch.shuffle(7, "policy", 0, &streams);
        assert_eq!(parts, 7);
        for i in 0..parts {
            let part = batch.minibatch(i, 7, true);
            let kinds: Vec<u16> = part.whole.iter().step_by(2).copied().collect();
            let rank = |&kind: &u16| if kind == 0 { 9 } else { kind };
            assert!(kinds.is_sorted_by_key(rank));
            assert!((part.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let busy = kinds.iter().position(|&kind| kind == 0).unwrap();
            assert!((part.weights[busy] / part.weights[0] - 4.0).abs() < 1e-5);
            let mean: f32 = part.advantages.iter().zip(&part.weights).map(|(a, w)| a * w).sum();
            assert!(mean.abs() < 1e-5);
            idle += kinds.len() - busy;
            seen.extend(part.observations.iter().map(|&x| x as u32));
        }
        let n = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), n);
        assert_eq!(n - idle, 800);
        assert!((idle as f64 - 800.0).abs() < 4.5 * (3200.0 * 0.25 * 0.75_f64).sqrt());
    }

    #[test]
    fn advantages_that_are_all_alike_become_zero() {
        for rows in [1, 2, 3, 7, 49] {
            let mut values = vec![100.0; rows];
            standardise(&mut values, &vec![1.0 / rows as f32; rows]);
            // Where the weights add up to less than 1, the root of that rounding is left.
            assert!(values.iter().all(|a| a.abs() < 1e-3), "{rows}: {values:?}");
        }
    }

    #[test]
    fn a_plain_head_keeps_every_row() {
        let streams = Streams::new(1);
        let rollout = Rollout { whole: vec![0; 10], masks: vec![], ..rollout(10) };
        let head = Head::Discrete { choices: vec![2] };
        let mut batch = Batch::new(&rollout, &head, 0.1, &streams);
        batch.shuffle(1, "policy", 0, &streams);
        let part = batch.minibatch(0, 1, false);
        assert_eq!(part.rows, 10);
        assert!(part.weights.iter().all(|&w| (w - 0.1).abs() < 1e-7));
    }
}
