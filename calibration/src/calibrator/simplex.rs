//! The downhill simplex of Nelder and Mead (*A simplex method for function minimization*, The
//! Computer Journal 7, 1965), with the coefficients of Lagarias et al. (SIAM J. Optim. 9, 1998),
//! restarted until a fresh simplex finds nothing better. Likelihoods here have three or four
//! parameters and cheap evaluations, where it is as good as anything.

/// Evaluations that one simplex may spend.
const EVALUATIONS: usize = 4000;
/// Fresh simplices that may be tried before giving up.
const RESTARTS: usize = 20;
/// Largest absolute logarithm of a parameter: 160,000 and its inverse. Beyond it differences of
/// log gamma functions lose their digits.
const LOG_LIMIT: f64 = 12.0;

/// A minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum<const N: usize> {
    /// Where it is.
    pub at: [f64; N],
    /// The value there.
    pub value: f64,
}

/// Minimises `f` from `start` with a first simplex of edge `step`. None when no restart settles,
/// which means that `f` falls without bound or its minimum lies at infinity. NaN counts as
/// infinitely bad.
pub fn minimise<const N: usize>(
    f: impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
    step: f64,
) -> Option<Minimum<N>> {
    let f = |at: &[f64; N]| Some(f(at)).filter(|value| !value.is_nan()).unwrap_or(f64::INFINITY);
    let mut best = Minimum { value: f(&start), at: start };
    for _ in 0..RESTARTS {
        let (found, settled) = descend(&f, &best.at, step);
        let gain = best.value - found.value;
        if found.value <= best.value {
            best = found;
        }
        if settled && best.value.is_finite() && gain <= 1e-8 * (1.0 + best.value.abs()) {
            return Some(best);
        }
    }
    None
}

/// Keeps parameters on log scale within +-`LOG_LIMIT`: the nearest point inside, and a penalty for
/// how far outside `at` is. A likelihood that rises towards infinity (users who are all alike) ends
/// at the border, which is as good a law.
pub fn inside<const N: usize>(at: &[f64; N]) -> ([f64; N], f64) {
    let inside = at.map(|x| x.clamp(-LOG_LIMIT, LOG_LIMIT));
    (inside, at.iter().zip(&inside).map(|(x, y)| (x - y) * (x - y)).sum())
}

/// One simplex until its values and corners agree, or its evaluations are spent.
fn descend<const N: usize>(
    f: &impl Fn(&[f64; N]) -> f64,
    start: &[f64; N],
    step: f64,
) -> (Minimum<N>, bool) {
    let corner = |at: [f64; N]| Minimum { value: f(&at), at };
    let mut simplex = vec![corner(*start)];
    for i in 0..N {
        let mut at = *start;
        at[i] += step;
        simplex.push(corner(at));
    }
    let mut spent = N + 1;
    loop {
        simplex.sort_by(|a, b| a.value.total_cmp(&b.value));
        let (best, worst) = (simplex[0].clone(), simplex[N].clone());
        let size = (0..N).map(|i| (worst.at[i] - best.at[i]).abs()).fold(0.0, f64::max);
        let settled = worst.value - best.value <= 1e-11 * (1.0 + best.value.abs()) && size <= 1e-5;
        if settled || spent >= EVALUATIONS {
            return (best, settled);
        }
        let centre: [f64; N] =
            std::array::from_fn(|i| simplex[..N].iter().map(|c| c.at[i]).sum::<f64>() / N as f64);
        // The point at `t` on the line from the centre (0) through the worst corner (1).
        let along = |t: f64| -> [f64; N] {
            std::array::from_fn(|i| centre[i] + t * (worst.at[i] - centre[i]))
        };
        let reflected = corner(along(-1.0));
        spent += 1;
        let next = if reflected.value < best.value {
            let expanded = corner(along(-2.0));
            spent += 1;
            if expanded.value < reflected.value { Some(expanded) } else { Some(reflected) }
        } else if reflected.value < simplex[N - 1].value {
            Some(reflected)
        } else {
            let outside = reflected.value < worst.value;
            let contracted = corner(along(if outside { -0.5 } else { 0.5 }));
            spent += 1;
            Some(contracted).filter(|c| c.value < worst.value.min(reflected.value))
        };
        match next {
            Some(better) => simplex[N] = better,
            None => {
                for c in &mut simplex[1..] {
                    *c = corner(std::array::from_fn(|i| (c.at[i] + best.at[i]) / 2.0));
                }
                spent += N;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley (1960), minimum 0 at (1, 1).
    #[test]
    fn rosenbrocks_valley_ends_at_one_one() {
        let f = |[x, y]: &[f64; 2]| 100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2);
        let found = minimise(f, [-1.2, 1.0], 0.5).unwrap();
        assert!((found.at[0] - 1.0).abs() < 1e-5 && (found.at[1] - 1.0).abs() < 1e-5);
    }

    /// Where the border is reached, the answer is the border.
    #[test]
    fn a_slope_within_limits_ends_at_the_border() {
        let f = |at: &[f64; 2]| {
            let ([x, y], penalty) = inside(at);
            (-x).exp() + (y - 1.0).powi(2) + penalty
        };
        let found = minimise(f, [0.0, 0.0], 0.5).unwrap();
        assert!(found.at[0] > 8.0 && (found.at[1] - 1.0).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn a_slope_without_end_is_no_minimum() {
        assert_eq!(minimise(|[x]: &[f64; 1]| -x, [0.0], 1.0), None);
        assert_eq!(minimise(|_: &[f64; 1]| f64::NAN, [0.0], 1.0), None);
    }
}
