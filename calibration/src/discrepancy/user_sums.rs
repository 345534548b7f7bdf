//! Sums over the rows of each user, so that a value under user weights is one pass over users.

/// K sums a user; the first counts what must not be zero in total (rows, or users that count).
pub(super) struct UserSums<const K: usize> {
    sums: Vec<[f64; K]>,
}

impl<const K: usize> UserSums<K> {
    /// Adds up the terms of each row at its user.
    pub(super) fn of(users: usize, rows: impl Iterator<Item = (usize, [f64; K])>) -> Self {
        let mut sums = vec![[0.0; K]; users];
        for (user, terms) in rows {
            for (sum, term) in sums[user].iter_mut().zip(terms) {
                *sum += term;
            }
        }
        Self { sums }
    }

    /// `sum_u weight_u sums_u`; none where the weights are not one finite number of at least 0 a
    /// user, or leave nothing to count.
    pub(super) fn under(&self, weights: &[f64]) -> Option<[f64; K]> {
        self.under_each([weights]).map(|[total]| total)
    }

    /// The same for several weightings; none where that is so for any of them.
    pub(super) fn under_each<const L: usize>(&self, weights: [&[f64]; L]) -> Option<[[f64; K]; L]> {
        let users = self.sums.len();
        if weights.iter().any(|weights| weights.len() != users) {
            return None;
        }
        let weights = weights.map(|weights| &weights[..users]);
        // Lanes lie side by side, so that one instruction serves two of them.
        let mut totals = [[0.0; L]; K];
        let mut lowest = [0.0; L];
        for (user, sums) in self.sums.iter().enumerate() {
            let weight: [f64; L] = std::array::from_fn(|lane| weights[lane][user]);
            for lane in 0..L {
                lowest[lane] =
                    if weight[lane] < lowest[lane] { weight[lane] } else { lowest[lane] };
            }
            for (totals, sum) in totals.iter_mut().zip(sums) {
                for lane in 0..L {
                    totals[lane] += weight[lane] * sum;
                }
            }
        }
        // A weight that is no number or infinite leaves its trace in every total.
        let total = |lane: usize| totals.map(|lanes| lanes[lane]);
        let valid = |total: &[f64; K]| total[0] > 0.0 && total.iter().all(|sum| sum.is_finite());
        let totals: [[f64; K]; L] = std::array::from_fn(total);
        (lowest == [0.0; L] && totals.iter().all(valid)).then_some(totals)
    }
}

/// Variance (n) from `[n, sum z, sum z^2]` of numbers standardised by their own overall mean and
/// standard deviation; exactly 0 where nothing is left but rounding.
pub(super) fn variance([n, sum, squares]: [f64; 3]) -> f64 {
    let mean = sum / n;
    let second = squares / n;
    let variance = second - mean * mean;
    if variance > 1e-13 * second { variance } else { 0.0 }
}

/// Standard deviations below this are 0: in any unit of time or money it is rounding.
const SMALLEST_SD: f64 = 1e-30;

/// Weighted mean and standard deviation (n) by two passes; the deviation of equal values is
/// exactly 0.
pub(crate) fn mean_and_sd(values: &[f64], weights: Option<&[f64]>) -> (f64, f64) {
    let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
    let counted = || values.iter().enumerate().filter(|(i, _)| weight(*i) > 0.0);
    let total: f64 = counted().map(|(i, _)| weight(i)).sum();
    let first = counted().next().map_or(0.0, |(_, &value)| value);
    if counted().all(|(_, &value)| value == first) {
        return (first, 0.0);
    }
    // Shifted by one of the values: exact for close values far from 0.
    let mean = first + counted().map(|(i, value)| weight(i) * (value - first)).sum::<f64>() / total;
    let squares: f64 =
        counted().map(|(i, value)| weight(i) * (value - mean) * (value - mean)).sum();
    let sd = (squares / total).sqrt();
    (mean, if sd < SMALLEST_SD { 0.0 } else { sd })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_hand() {
        let rows = [(0, [1.0, 2.0]), (2, [1.0, 3.0]), (0, [1.0, 4.0])];
        let sums = UserSums::of(3, rows.into_iter());
        assert_eq!(sums.under(&[1.0, 1.0, 1.0]), Some([3.0, 9.0]));
        assert_eq!(sums.under(&[0.5, 9.0, 2.0]), Some([3.0, 9.0]));
        assert_eq!(sums.under(&[0.0, 1.0, 0.0]), None);
        assert_eq!(sums.under(&[1.0, 1.0]), None);
        assert_eq!(sums.under(&[1.0, 1.0, f64::NAN]), None);
        assert_eq!(sums.under(&[2.0, 1.0, -1.0]), None);
    }

    #[test]
    fn equal_values_have_no_spread() {
        assert_eq!(mean_and_sd(&[0.1; 1001], None), (0.1, 0.0));
        assert_eq!(mean_and_sd(&[0.1, 7.0], Some(&[3.0, 0.0])), (0.1, 0.0));
        let (mean, sd) = mean_and_sd(&[1e9 + 1.0, 1e9 + 3.0, 5.0], Some(&[1.0, 1.0, 0.0]));
        assert_eq!((mean, sd), (1e9 + 2.0, 1.0));
        assert_eq!(variance([3.0, 3.0 * 7.3, 3.0 * 7.3 * 7.3]), 0.0);
    }
}
