//! Generalised advantage estimation (Schulman et al. 2016) over rows of many lanes.
//!
//! `delta_t = r_t + gamma V(s_t+1) - V(s_t)`, `A_t = delta_t + gamma lambda A_t+1`, along each lane
//! by itself. Rows of different lanes may be interleaved, as long as each lane's are in time order.

/// What one row contributes.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The lane.
    pub lane: u32,
    /// Reward of the step.
    pub reward: f32,
    /// Value of the observation before the step.
    pub value: f32,
    /// For the last row of an episode the value after it: 0 where the episode terminated, the
    /// value of the final observation where it was truncated. None within an episode.
    pub last: Option<f32>,
}

/// Advantages and returns (advantage + value) of the rows. A lane whose last row has `last` none
/// is treated as terminated there.
pub fn advantages(rows: &[Row], lanes: usize, gamma: f32, lambda: f32) -> (Vec<f32>, Vec<f32>) {
    let mut advantage = vec![0.0; rows.len()];
    let mut returns = vec![0.0; rows.len()];
    // Per lane: value and advantage of the row after the one at hand.
    let mut next = vec![(0.0_f32, 0.0_f32); lanes];
    for (i, row) in rows.iter().enumerate().rev() {
        let (next_value, next_advantage) = match row.last {
            Some(value) => (value, 0.0),
            None => next[row.lane as usize],
        };
        let delta = row.reward + gamma * next_value - row.value;
        advantage[i] = delta + gamma * lambda * next_advantage;
        returns[i] = advantage[i] + row.value;
        next[row.lane as usize] = (row.value, advantage[i]);
    }
    (advantage, returns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, written out: A_t = sum_k (gamma lambda)^k delta_t+k up to the episode's end.
    fn brute_force(rows: &[Row], at: usize, gamma: f32, lambda: f32) -> f32 {
        let lane: Vec<usize> =
            (at..rows.len()).filter(|&i| rows[i].lane == rows[at].lane).collect();
        let (mut sum, mut weight) = (0.0, 1.0);
        for (k, &i) in lane.iter().enumerate() {
            let after = match (rows[i].last, lane.get(k + 1)) {
                (Some(value), _) => value,
                (None, Some(&next)) => rows[next].value,
                (None, None) => 0.0,
            };
            sum += weight * (rows[i].reward + gamma * after - rows[i].value);
            weight *= gamma * lambda;
            if rows[i].last.is_some() {
                break;
            }
        }
        sum
    }

    #[test]
    fn agrees_with_the_definition_with_a_truncation_in_the_middle() {
        let mut rows = Vec::new();
        for t in 0..20_u32 {
            for lane in 0..3 {
                let x = (t * 3 + lane) as f32;
                let last = match (lane, t) {
                    (1, 7) => Some(0.8),  // truncated: bootstraps
                    (2, 11) => Some(0.0), // terminated
                    (_, 19) => Some(0.3),
                    _ => None,
                };
                rows.push(Row { lane, reward: (x * 0.7).sin(), value: (x * 0.3).cos(), last });
            }
        }
        for (gamma, lambda) in [(0.99, 0.95), (1.0, 0.97), (1.0, 1.0), (0.9, 0.0)] {
            let (advantage, returns) = advantages(&rows, 3, gamma, lambda);
            for i in 0..rows.len() {
                let expected = brute_force(&rows, i, gamma, lambda);
                assert!((advantage[i] - expected).abs() < 1e-5, "row {i}");
                assert!((returns[i] - expected - rows[i].value).abs() < 1e-5);
            }
        }
    }

    /// `fixtures/gae_sb3.py`: what Stable-Baselines3 collected and made of it.
    #[derive(serde::Deserialize)]
    struct Rollout {
        gamma: f32,
        lambda: f32,
        rewards: Vec<Vec<f32>>,
        values: Vec<Vec<f32>>,
        end: Vec<Vec<String>>,
        after: Vec<Vec<f32>>,
        last_values: Vec<f32>,
        advantages: Vec<Vec<f32>>,
        returns: Vec<Vec<f32>>,
    }

    #[derive(serde::Deserialize)]
    struct Fixture {
        cases: Vec<Rollout>,
    }

    impl Rollout {
        fn last(&self, t: usize, lane: usize) -> Option<f32> {
            match self.end[t][lane].as_str() {
                "terminated" => Some(0.0),
                "truncated" => Some(self.after[t][lane]),
                _ => (t + 1 == self.end.len()).then_some(self.last_values[lane]),
            }
        }
    }

    #[test]
    fn agrees_with_stable_baselines3() {
        let text = include_str!("../fixtures/gae_sb3.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        assert_eq!(fixture.cases.len(), 5);
        for case in &fixture.cases {
            let lanes = case.last_values.len();
            let places: Vec<(usize, usize)> =
                (0..case.rewards.len()).flat_map(|t| (0..lanes).map(move |l| (t, l))).collect();
            let rows: Vec<Row> = places
                .iter()
                .map(|&(t, l)| Row {
                    lane: l as u32,
                    reward: case.rewards[t][l],
                    value: case.values[t][l],
                    last: case.last(t, l),
                })
                .collect();
            let (advantage, returns) = advantages(&rows, lanes, case.gamma, case.lambda);
            // Both sides round to f32 at every step; advantages are of size 10.
            for (i, &(t, l)) in places.iter().enumerate() {
                let at = format!("gamma {} step {t} lane {l}", case.gamma);
                assert!((advantage[i] - case.advantages[t][l]).abs() < 1e-5, "advantage, {at}");
                assert!((returns[i] - case.returns[t][l]).abs() < 1e-5, "return, {at}");
            }
        }
    }
}
