//! The noise floor of a term: how far apart two samples of one law are by chance.
//!
//! The mean distance between the real users' distribution and a sample drawn from it, at the sizes
//! of both sides: n simulated and m real users. Two independent samples are simulated, [`DRAWS`]
//! times, each the size of its side but at most [`LARGEST`], and the result is scaled by the law
//! that distances shrink as `sqrt(1 / n + 1 / m)`.
//!
//! A side counts as many rows as it has users: rows of one user are alike, and statistics do not
//! tell how much. Where rows of one user are independent this is too high, by the root of the rows
//! per user.

use trueup_env::{Stream, Streams};

use super::points::Points;
use super::term::Ready;

/// Simulated pairs.
const DRAWS: u64 = 64;
/// The most rows a simulated sample has.
const LARGEST: usize = 1024;

/// A floor that is simulated when it is first asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Floor(Option<(usize, f64)>);

impl Floor {
    /// The floor of a term for so many simulated users; 0 where the distance of samples is never
    /// defined. The same number whenever it is asked for.
    pub fn of(&mut self, term: &Ready, users: usize) -> f64 {
        match self.0 {
            Some((of, floor)) if of == users => floor,
            _ => self.0.insert((users, simulated(term, users))).1,
        }
    }
}

/// The mean distance of pairs of samples of the external law.
fn simulated(term: &Ready, users: usize) -> f64 {
    let sizes = [users.max(1), term.users.max(1)];
    let drawn = sizes.map(|size| size.min(LARGEST));
    let noise = |[n, m]: [usize; 2]| (1.0 / n as f64 + 1.0 / m as f64).sqrt();
    let (mut sum, mut found) = (0.0, 0);
    for draw in 0..DRAWS {
        let mut stream = Streams::new(0).stream("noise-floor", draw);
        let [internal, external] = drawn.map(|rows| sample(&term.external, rows, &mut stream));
        if let Ok(Some(distance)) = term.between(&internal, &external) {
            sum += distance;
            found += 1;
        }
    }
    if found == 0 { 0.0 } else { sum / f64::from(found) * noise(sizes) / noise(drawn) }
}

/// So many independent rows; categories keep their numbers.
fn sample(law: &Points, rows: usize, stream: &mut Stream) -> Points {
    let mut ends = Vec::with_capacity(law.weights.len());
    let mut sum = 0.0;
    for weight in &law.weights {
        sum += weight;
        ends.push(sum);
    }
    let mut counts = vec![0.0; law.values.len()];
    for _ in 0..rows {
        let at = stream.uniform() * sum;
        let drawn = ends.partition_point(|end| *end <= at).min(counts.len().saturating_sub(1));
        if let Some(count) = counts.get_mut(drawn) {
            *count += 1.0 / rows as f64;
        }
    }
    Points { values: law.values.clone(), weights: counts }
}

#[cfg(test)]
mod tests {
    use super::super::mix::{MixWeights, RATE};
    use super::super::scales::Scales;
    use super::super::tests::{statistics, term};
    use super::*;

    fn ready(feature: &str, discrepancy: &str) -> Ready {
        let terms = vec![term(feature, discrepancy)];
        let weights = (MixWeights::Fixed, RATE);
        Scales::new("floor", terms, &statistics(), weights).unwrap().ready.remove(0)
    }

    /// Differences of means are nearly normal: their mean size is `sqrt(2 / pi)` standard errors. The
    /// error of 64 draws is 9%; a false alarm at 36% has a probability under 1e-4.
    #[test]
    fn means_and_shares_have_their_textbook_floors() {
        let kind = ready("kind", "total-variation");
        let share = kind.external.weights[0];
        for (term, sd) in
            [(ready("event_count", "mean-gap"), 1.0), (kind, (share * (1.0 - share)).sqrt())]
        {
            for users in [60, 500, 20_000] {
                let error = sd * (1.0 / users as f64 + 1.0 / term.users as f64).sqrt();
                let expected = (2.0 / std::f64::consts::PI).sqrt() * error;
                let mut floor = Floor::default();
                let found = floor.of(&term, users);
                assert!((found / expected - 1.0).abs() < 0.36, "{users}: {found} {expected}");
                assert_eq!(floor.of(&term, users).to_bits(), found.to_bits());
                assert_eq!(Floor::default().of(&term, users).to_bits(), found.to_bits());
            }
        }
    }

    /// E of `integral (F_n - G_m)^2 dx` is `(1 / n + 1 / m) integral F (1 - F) dx`, an upper bound of
    /// the squared mean of the root.
    #[test]
    fn the_floor_of_a_root_is_below_the_root_of_the_mean() {
        let term = ready("log_amount", "cramer-von-mises");
        let (points, sd) = (&term.external, term.external.mean_and_sd().1);
        let mut below = 0.0;
        let area: f64 = points
            .values
            .windows(2)
            .zip(&points.weights)
            .map(|(ends, weight)| {
                below += weight;
                below * (1.0 - below) * (ends[1] - ends[0])
            })
            .sum();
        let bound = (area / sd * (1.0 / 300.0 + 1.0 / term.users as f64)).sqrt();
        let found = Floor::default().of(&term, 300);
        assert!(found < 1.05 * bound && found > 0.7 * bound, "{found} {bound}");
    }
}
