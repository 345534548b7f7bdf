//! How often each user's rows show each of many items, so that totals under user weights are one
//! pass over what there is.

use crate::discrepancy::user_sums::UserSums;

/// Counts per user and item; items are numbered from 0.
pub(super) struct Counts {
    /// (user, item, count), ascending.
    entries: Vec<(u32, u32, f64)>,
    items: usize,
    rows: UserSums<1>,
}

impl Counts {
    /// Counts (user, item) pairs; users and items lie below `users` and `items`.
    pub fn of(users: usize, items: usize, pairs: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut pairs: Vec<(u32, u32)> = pairs.collect();
        pairs.sort_unstable();
        let entry = |equal: &[(u32, u32)]| (equal[0].0, equal[0].1, equal.len() as f64);
        let entries: Vec<_> = pairs.chunk_by(|a, b| a == b).map(entry).collect();
        let rows = entries.iter().map(|&(user, _, count)| (user as usize, [count]));
        let rows = UserSums::of(users, rows);
        Self { entries, items, rows }
    }

    /// The total of each item in each lane; none where a weighting leaves nothing.
    pub fn under<const L: usize>(&self, weights: [&[f64]; L]) -> Option<[Vec<f64>; L]> {
        self.rows.under_each(weights)?;
        let mut totals = vec![[0.0; L]; self.items];
        for &(user, item, count) in &self.entries {
            let total = &mut totals[item as usize];
            for lane in 0..L {
                total[lane] += weights[lane][user as usize] * count;
            }
        }
        Some(std::array::from_fn(|lane| totals.iter().map(|total| total[lane]).collect()))
    }
}
