//! Ranks of numbers under weights.

/// Rows in ascending order of one coordinate, ready for many weightings.
pub(super) struct Ranks {
    order: Vec<u32>,
    /// Whether the next row in the order has a larger value.
    last_of_tie: Vec<bool>,
}

impl Ranks {
    /// Sorts the values.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted: Vec<(f64, u32)> = values.iter().copied().zip(0..).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let next = sorted.iter().skip(1).map(|row| Some(row.0)).chain([None]);
        let last_of_tie = sorted.iter().zip(next).map(|(row, next)| Some(row.0) != next).collect();
        Self { order: sorted.iter().map(|row| row.1).collect(), last_of_tie }
    }

    /// Visits each row with the shares of all rows that are smaller, and of those that are smaller
    /// or equal: `F(x-)` and `F(x)`.
    pub(super) fn each(&self, shares: &[f64], mut visit: impl FnMut(usize, f64, f64)) {
        let (mut start, mut below, mut upto) = (0, 0.0, 0.0);
        for (at, (&row, &last)) in self.order.iter().zip(&self.last_of_tie).enumerate() {
            upto += shares.get(row as usize).copied().unwrap_or(0.0);
            if last {
                let tied = self.order.get(start..=at).unwrap_or_default();
                tied.iter().for_each(|&row| visit(row as usize, below, upto));
                (start, below) = (at + 1, upto);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_step() {
        let ranks = Ranks::of(&[3.0, 0.0, 3.0, -0.0, 1.0]);
        let mut found = [(0.0, 0.0); 5];
        ranks
            .each(&[0.25, 0.125, 0.25, 0.125, 0.25], |row, below, upto| found[row] = (below, upto));
        assert_eq!(found, [(0.5, 1.0), (0.0, 0.25), (0.5, 1.0), (0.0, 0.25), (0.25, 0.5)]);
    }
}
