//! Running normalisers of observations and rewards: part of a checkpoint, frozen in evaluation.

use serde::{Deserialize, Serialize};

/// Normalised numbers are clipped to this many standard deviations.
pub const CLIP: f32 = 10.0;
/// Added to variances.
const EPSILON: f64 = 1e-8;

/// Count, mean and sum of squared deviations of each component, merged exactly as if all rows had
/// come at once (Chan, Golub and LeVeque 1979).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: f64,
    mean: Vec<f64>,
    deviations: Vec<f64>,
}

impl Moments {
    /// Of no rows.
    pub fn new(size: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; size], deviations: vec![0.0; size] }
    }

    /// Of rows, row-major.
    pub fn of(rows: &[f32], size: usize) -> Self {
        let mut moments = Self::new(size);
        if size == 0 {
            return moments;
        }
        for row in rows.chunks_exact(size) {
            moments.count += 1.0;
            for (i, &x) in row.iter().enumerate() {
                let delta = f64::from(x) - moments.mean[i];
                moments.mean[i] += delta / moments.count;
                moments.deviations[i] += delta * (f64::from(x) - moments.mean[i]);
            }
        }
        moments
    }

    /// Adds the rows that `other` describes.
    pub fn merge(&mut self, other: &Self) {
        let total = self.count + other.count;
        if total == 0.0 {
            return;
        }
        for i in 0..self.mean.len() {
            let delta = other.mean[i] - self.mean[i];
            self.mean[i] += delta * other.count / total;
            self.deviations[i] +=
                other.deviations[i] + delta * delta * self.count * other.count / total;
        }
        self.count = total;
    }

    /// Adds a row of one number.
    fn push(&mut self, x: f64) {
        let (count, total) = (self.count, self.count + 1.0);
        if let ([mean], [deviations]) = (&mut self.mean[..], &mut self.deviations[..]) {
            let delta = x - *mean;
            *mean += delta / total;
            *deviations += delta * delta * count / total;
        }
        self.count = total;
    }

    /// Rows seen.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Mean of each component.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance (n) of component `i`; 1 before any row.
    pub fn variance(&self, i: usize) -> f64 {
        if self.count > 0.0 { self.deviations[i] / self.count } else { 1.0 }
    }
}

/// Centres and scales observations by running moments, or leaves them alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaler {
    /// (mean, 1 / standard deviation) of each component; empty: leaves alone.
    scales: Vec<(f32, f32)>,
}

impl Scaler {
    /// Of the moments as they are now.
    pub fn of(moments: &Moments) -> Self {
        let scale = |(i, &mean): (usize, &f64)| {
            (mean as f32, (1.0 / (moments.variance(i) + EPSILON).sqrt()) as f32)
        };
        Self { scales: moments.mean.iter().enumerate().map(scale).collect() }
    }

    /// Scales rows in place, clipped to [`CLIP`].
    pub fn apply(&self, rows: &mut [f32]) {
        if self.scales.is_empty() {
            return;
        }
        for row in rows.chunks_exact_mut(self.scales.len()) {
            for (x, (mean, scale)) in row.iter_mut().zip(&self.scales) {
                *x = ((*x - mean) * scale).clamp(-CLIP, CLIP);
            }
        }
    }

    /// Mean and 1 / standard deviation of each component.
    pub fn scales(&self) -> &[(f32, f32)] {
        &self.scales
    }
}

/// Divides rewards by the standard deviation of the discounted return of each lane so far, as
/// Gymnasium's `NormalizeReward` and Stable-Baselines3's `VecNormalize` do; rewards are not
/// centred, because that would change the task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardScaler {
    moments: Moments,
    /// Discounted return of each lane's episode so far.
    returns: Vec<f64>,
}

impl RewardScaler {
    /// Before any reward.
    pub fn new(lanes: usize) -> Self {
        Self { moments: Moments::new(1), returns: vec![0.0; lanes] }
    }

    /// One reward of one lane: `G <- gamma G + r` enters the moments; the end of an episode sets G
    /// back to 0.
    pub fn see(&mut self, lane: usize, reward: f32, ended: bool, gamma: f32) {
        let sum = &mut self.returns[lane];
        *sum = *sum * f64::from(gamma) + f64::from(reward);
        self.moments.push(*sum);
        if ended {
            *sum = 0.0;
        }
    }

    /// What rewards are multiplied by.
    pub fn factor(&self) -> f32 {
        (1.0 / (self.moments.variance(0) + EPSILON).sqrt()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_moments_are_those_of_all_rows() {
        let rows: Vec<f32> = (0..60).map(|i| ((i * 37) % 11) as f32 + (i % 3) as f32).collect();
        let mut merged = Moments::of(&rows[..12], 3);
        merged.merge(&Moments::of(&rows[12..], 3));
        for i in 0..3 {
            let x: Vec<f64> = rows.iter().skip(i).step_by(3).map(|&x| f64::from(x)).collect();
            let mean = x.iter().sum::<f64>() / 20.0;
            let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20.0;
            assert!((merged.mean()[i] - mean).abs() < 1e-12);
            assert!((merged.variance(i) - variance).abs() < 1e-12);
        }
    }

    #[test]
    fn scaled_rows_have_mean_0_and_variance_1_and_are_clipped() {
        let mut rows: Vec<f32> = (0..2000).map(|i| ((i * 7919) % 1000) as f32).collect();
        let scaler = Scaler::of(&Moments::of(&rows, 2));
        scaler.apply(&mut rows);
        let moments = Moments::of(&rows, 2);
        for i in 0..2 {
            assert!(moments.mean()[i].abs() < 1e-5 && (moments.variance(i) - 1.0).abs() < 1e-4);
        }
        let mut far = [1e9, -1e9];
        scaler.apply(&mut far);
        assert_eq!(far, [CLIP, -CLIP]);
        let mut untouched = [1e9];
        Scaler::default().apply(&mut untouched);
        assert_eq!(untouched, [1e9]);
    }

    /// `fixtures/running_mean_std_sb3.py`: the running moments of Stable-Baselines3.
    #[derive(Deserialize)]
    struct Fixture {
        initial_count: f64,
        moments: Vec<Batch>,
        rewards: Rewards,
    }

    #[derive(Deserialize)]
    struct Batch {
        rows: Vec<Vec<f32>>,
        mean: Vec<f64>,
        variance: Vec<f64>,
        count: f64,
    }

    #[derive(Deserialize)]
    struct Rewards {
        gamma: f64,
        rewards: Vec<Vec<f32>>,
        dones: Vec<Vec<bool>>,
        variance: Vec<f64>,
        final_mean: f64,
        final_variance: f64,
        final_count: f64,
    }

    fn fixture() -> Fixture {
        serde_json::from_str(include_str!("../fixtures/running_mean_std_sb3.json")).unwrap()
    }

    /// Before any row Stable-Baselines3 has 1e-4 of a row with mean 0 and variance 1; ours start
    /// from nothing, so these are put in for the comparison. What is left is the rounding of
    /// numbers near 1000: 1e-13 of their squares.
    fn prior(size: usize, count: f64) -> Moments {
        Moments { count, mean: vec![0.0; size], deviations: vec![count; size] }
    }

    #[test]
    fn moments_over_batches_are_those_of_stable_baselines3() {
        let fixture = fixture();
        let mut moments = prior(3, fixture.initial_count);
        assert_eq!(fixture.moments.len(), 3);
        for batch in &fixture.moments {
            moments.merge(&Moments::of(&batch.rows.concat(), 3));
            assert!((moments.count() - batch.count).abs() < 1e-12);
            for i in 0..3 {
                let (mean, variance) = (moments.mean()[i], moments.variance(i));
                assert!((mean - batch.mean[i]).abs() < 1e-9, "{mean}, {}", batch.mean[i]);
                assert!((variance - batch.variance[i]).abs() < 1e-7, "{variance}");
            }
        }
    }

    /// Only the moments of the discounted returns are compared, after every step: rewards
    /// themselves differ, because Stable-Baselines3 divides each by the moments of its step, and
    /// here a whole rollout is divided by the moments at its end.
    #[test]
    fn moments_of_returns_are_those_of_stable_baselines3() {
        let Fixture { initial_count, rewards, .. } = fixture();
        let mut scaler = RewardScaler { moments: prior(1, initial_count), ..RewardScaler::new(2) };
        // Its gamma, which no f32 holds exactly, makes returns of size 40 differ by 1e-6.
        let gamma = rewards.gamma as f32;
        for (t, variance) in rewards.variance.iter().enumerate() {
            for lane in 0..2 {
                scaler.see(lane, rewards.rewards[t][lane], rewards.dones[t][lane], gamma);
            }
            let found = scaler.moments.variance(0);
            assert!((found / variance - 1.0).abs() < 1e-6, "step {t}: {found}, {variance}");
            let factor = f64::from(scaler.factor());
            assert!((factor * variance.sqrt() - 1.0).abs() < 1e-6, "step {t}: {factor}");
        }
        assert!((scaler.moments.mean()[0] - rewards.final_mean).abs() < 1e-6);
        assert!((scaler.moments.variance(0) / rewards.final_variance - 1.0).abs() < 1e-6);
        assert!((scaler.moments.count() - rewards.final_count).abs() < 1e-12);
    }

    /// A constant component is centred, not blown up.
    #[test]
    fn a_constant_becomes_zero() {
        let scaler = Scaler::of(&Moments::of(&[4.0; 10], 1));
        let mut row = [4.0];
        scaler.apply(&mut row);
        assert_eq!(row, [0.0]);
    }
}
