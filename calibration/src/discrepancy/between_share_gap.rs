//! Gap of the share of variance that lies between users: are simulated users as different from
//! each other as real ones?
//!
//! `D = |ICC_P - ICC_Q|`. The share is the intraclass correlation of the one-way random-effects
//! analysis of variance with unequal group sizes (Searle, Casella and McCulloch, *Variance
//! components*, 1992, chapter 3), over the a users with at least two rows, N rows together, user i
//! having n_i:
//!
//! ```text
//! MSB = sum n_i (mean_i - mean)^2 / (a - 1)     MSW = sum (x - mean_i)^2 / (N - a)
//! n0  = (N - sum n_i^2 / N) / (a - 1)           ICC = (MSB - MSW) / (MSB + (n0 - 1) MSW)
//! ```
//!
//! It is negative when users differ less than chance would have it. It has no witness: no single
//! row shows whether its user resembles the others.

use super::measure::{Gap, Measure};
use super::user_sums::{UserSums, mean_and_sd};
use super::{Discrepancy, DiscrepancyError, Prepared, check};
use crate::sample::{Sample, Shape};

/// `between-share-gap`.
pub struct BetweenShareGap;

const NAME: &str = "between-share-gap";
const FEW: &str = "it has fewer than two users with two rows";

/// The share of variance between users, every user counted once.
///
/// # Errors
/// Fewer than two users with two rows, rows that are no finite numbers, or no spread.
pub fn between_share(sample: &Sample) -> Result<f64, DiscrepancyError> {
    check::samples(NAME, Shape::Real, 1, sample, sample)?;
    measured(&sums(sample), sample.users).required(NAME, "given", FEW)
}

/// The share as a function of user weights; none where it is not defined.
pub(crate) fn weighted(sample: &Sample) -> impl Fn(&[f64]) -> Option<f64> + Sync + use<> {
    let valid = check::samples(NAME, Shape::Real, 1, sample, sample).is_ok();
    let sums = valid.then(|| sums(sample));
    move |weights| sums.as_ref()?.under(weights).and_then(|sums| share(sums).value())
}

/// Per user `[1, n, n^2, n mean, n mean^2, sum (x - mean)^2]`; zeros for users with fewer than two
/// rows.
fn sums(sample: &Sample) -> UserSums<6> {
    let (centre, sd) = mean_and_sd(&sample.values, None);
    let scale = if sd > 0.0 { sd } else { 1.0 };
    let rows = || {
        let owners = sample.user.iter().map(|&user| user as usize);
        owners.zip(sample.values.iter().map(|value| (value - centre) / scale))
    };
    let mut users = vec![[0.0; 3]; sample.users];
    for (user, value) in rows() {
        users[user][0] += 1.0;
        users[user][1] += value;
    }
    for (user, value) in rows() {
        let [count, sum, _] = users[user];
        let deviation = value - sum / count;
        users[user][2] += deviation * deviation;
    }
    let terms = users.into_iter().enumerate().filter(|(_, user)| user[0] >= 2.0);
    let terms = terms.map(|(user, [count, sum, within])| {
        (user, [1.0, count, count * count, sum, sum * sum / count, within])
    });
    UserSums::of(sample.users, terms)
}

fn share([users, rows, squares, sum, between, within]: [f64; 6]) -> Measure {
    if users <= 1.0 {
        return Measure::TooFew;
    }
    let second_moment = (between + within) / rows;
    let between = (between - sum * sum / rows).max(0.0) / (users - 1.0);
    let within = within / (rows - users);
    let usual_rows = (rows - squares / rows) / (users - 1.0);
    let total = between + (usual_rows - 1.0) * within;
    if total <= 1e-13 * second_moment {
        return Measure::NoSpread;
    }
    Measure::Value((between - within) / total)
}

fn measured(sums: &UserSums<6>, users: usize) -> Measure {
    sums.under(&vec![1.0; users]).map_or(Measure::TooFew, share)
}

impl Discrepancy for BetweenShareGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gap of between-user variance shares"
    }

    fn definition(&self) -> &'static str {
        "|ICC_P - ICC_Q|, one-way random effects, users with two rows or more; ICC_P = 0 without \
         spread"
    }

    fn reference(&self) -> &'static str {
        "Searle, Casella and McCulloch, Variance components, 1992"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        2.0
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Real, 1, internal, external)?;
        let (p, q) = (sums(internal), sums(external));
        measured(&p, internal.users).or_nothing().required(NAME, "internal", FEW)?;
        measured(&q, external.users).required(NAME, "external", FEW)?;
        Ok(Box::new(Gap { internal: p, external: q, measure: share }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: &[(u32, f64)], users: usize) -> Sample {
        Sample {
            values: rows.iter().map(|row| row.1).collect(),
            user: rows.iter().map(|row| row.0).collect(),
            users,
            ..Sample::real(Vec::new())
        }
    }

    #[test]
    fn values_by_hand() {
        // User means 1 and 5, user 2 left out: MSB 16, MSW 1 and n0 2.
        let rows = [(0, 0.5), (0, 1.5), (1, 4.0), (1, 6.0), (2, 99.0)];
        let found = between_share(&sample(&rows, 4)).unwrap();
        let (between, within) = (16.0, 2.5 / 2.0);
        assert!((found - (between - within) / (between + within)).abs() < 1e-14, "{found}");
        let same = sample(&[(0, 1.0), (0, 1.0), (1, 5.0), (1, 5.0)], 2);
        assert!((between_share(&same).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn undefined() {
        let one_row_each = sample(&[(0, 1.0), (1, 2.0)], 2);
        let one_user = sample(&[(0, 1.0), (0, 2.0)], 1);
        let flat = sample(&[(0, 0.1), (0, 0.1), (1, 0.1), (1, 0.1), (1, 0.1)], 2);
        for bad in [one_row_each, one_user, flat] {
            assert!(matches!(between_share(&bad), Err(DiscrepancyError::Undefined { .. })));
        }
    }
}
