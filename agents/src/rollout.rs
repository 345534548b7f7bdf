//! What an update needs to know of each step, in flat arrays.

use crate::architecture::Head;
use crate::gae::Row;
use crate::step_reward::Choices;

/// Steps, one entry a row; rows of one lane are in time order, rows of different lanes may be
/// interleaved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// Numbers per observation.
    pub size: usize,
    /// Number of lanes.
    pub lanes: usize,
    /// Observations as the policy saw them, rows x size.
    pub observations: Vec<f32>,
    /// Feasible choices, rows x [`Head::mask`]; empty where all are.
    pub masks: Vec<bool>,
    /// The lane.
    pub lane: Vec<u32>,
    /// Whole numbers of the actions, rows x [`Head::whole`].
    pub whole: Vec<u16>,
    /// Real numbers of the actions, rows x [`Head::real`].
    pub real: Vec<f32>,
    /// Log probability of the action under the policy that took it.
    pub log_probability: Vec<f32>,
    /// Rewards.
    pub rewards: Vec<f32>,
    /// Where episodes end, or are cut by the end of the rollout; rows ascending.
    pub ends: Vec<End>,
    /// Observations after the ends that are worth something, in the order of `ends`.
    pub last_observations: Vec<f32>,
}

/// The last row of an episode in the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The row.
    pub row: u32,
    /// How it ends.
    pub ending: Ending,
}

/// How an episode ends. Only what terminated is worth nothing afterwards; else the value of the
/// next of [`Rollout::last_observations`] stands for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Terminated,
    /// By a limit outside the task.
    Truncated,
    /// Not yet: the rollout does.
    GoesOn,
}

impl Rollout {
    /// The decisions alone.
    pub fn choices(&self) -> Choices<'_> {
        Choices { observations: &self.observations, masks: &self.masks, whole: &self.whole }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.lane.len()
    }

    /// Appends the rows of other lanes. Their lane numbers start at `first`.
    pub fn append(&mut self, part: Self, first: u32) {
        let start = self.rows() as u32;
        self.size = part.size;
        self.lanes = self.lanes.max(first as usize + part.lanes);
        self.observations.extend(part.observations);
        self.masks.extend(part.masks);
        self.lane.extend(part.lane.iter().map(|lane| lane + first));
        self.whole.extend(part.whole);
        self.real.extend(part.real);
        self.log_probability.extend(part.log_probability);
        self.rewards.extend(part.rewards);
        self.ends.extend(part.ends.iter().map(|end| End { row: end.row + start, ..*end }));
        self.last_observations.extend(part.last_observations);
    }

    /// Rows for advantage estimation: `values` of all rows, `last_values` of
    /// [`Rollout::last_observations`].
    pub fn valued(&self, values: &[f32], last_values: &[f32]) -> Vec<Row> {
        let columns = self.lane.iter().zip(&self.rewards).zip(values);
        let mut rows: Vec<Row> = columns
            .map(|((&lane, &reward), &value)| Row { lane, reward, value, last: None })
            .collect();
        let mut last_values = last_values.iter();
        for end in &self.ends {
            let last = match end.ending {
                Ending::Terminated => Some(0.0),
                Ending::Truncated | Ending::GoesOn => last_values.next().copied(),
            };
            rows[end.row as usize].last = last;
        }
        rows
    }

    /// Whether a row did something: chose a kind in a hybrid head. Rows of other heads always do.
    pub fn acts(&self, head: &Head, row: u32) -> bool {
        !matches!(head, Head::Hybrid { .. }) || self.whole[row as usize * 2] > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_side_by_side_keep_their_ends() {
        let part = |reward: f32, ending| Rollout {
            size: 1,
            lanes: 1,
            observations: vec![0.0, 1.0],
            lane: vec![0, 0],
            whole: vec![0, 1],
            log_probability: vec![-0.5; 2],
            rewards: vec![reward; 2],
            ends: vec![End { row: 1, ending }],
            last_observations: if ending == Ending::Terminated { vec![] } else { vec![2.0] },
            ..Rollout::default()
        };
        let mut rollout = Rollout::default();
        rollout.append(part(1.0, Ending::Terminated), 0);
        rollout.append(part(2.0, Ending::Truncated), 1);
        assert_eq!((rollout.lanes, &rollout.lane[..]), (2, &[0, 0, 1, 1][..]));
        let rows = rollout.valued(&[0.1, 0.2, 0.3, 0.4], &[9.0]);
        let last: Vec<_> = rows.iter().map(|row| row.last).collect();
        assert_eq!(last, [None, Some(0.0), None, Some(9.0)]);
    }

    #[test]
    fn only_rows_of_a_hybrid_head_that_chose_nothing_do_not_act() {
        // (choice, bin) of each row: a bin says nothing without a kind, and 0 is a bin as well.
        let hybrid = Rollout { whole: vec![0, 0, 2, 0, 0, 3, 1, 3], ..Rollout::default() };
        let head = Head::Hybrid { choices: 3, bins: 4 };
        let acts = [0, 1, 2, 3].map(|row| hybrid.acts(&head, row));
        assert_eq!(acts, [false, true, false, true]);

        let discrete = Rollout { whole: vec![0, 1], ..Rollout::default() };
        let head = Head::Discrete { choices: vec![2] };
        assert!(discrete.acts(&head, 0) && discrete.acts(&head, 1));
        let head = Head::Gaussian { size: 1, state_dependent: false };
        assert!(Rollout { real: vec![0.0], ..Rollout::default() }.acts(&head, 0));
    }
}
