//! How much noise a budget asks for, and how the parts of a budget add up.
//!
//! Discrete Gaussian noise of variance parameter sigma^2 on whole numbers of which one user can
//! change at most Delta in the Euclidean norm is (Delta^2 / (2 sigma^2))-zCDP (Canonne, Kamath and
//! Steinke, *The Discrete Gaussian for Differential Privacy*, NeurIPS 2020, theorem 4), and zCDP
//! adds up (Bun and Steinke, *Concentrated Differential Privacy*, TCC 2016, lemma 1.7). A total of
//! rho is (epsilon, delta)-differential privacy with
//!
//! `delta = min over alpha > 1 of exp((alpha - 1)(alpha rho - epsilon)) (1 - 1/alpha)^alpha / (alpha - 1)`
//!
//! (Canonne, Kamath and Steinke, corollary 13), which is tighter than
//! `epsilon = rho + 2 sqrt(rho ln(1 / delta))`.
//!
//! Discrete Laplace noise of scale t on whole numbers of which one user can change at most Delta in
//! sum is (Delta / t)-differentially private. These epsilons add up (basic composition); or each is
//! epsilon^2 / 2 in zCDP (Bun and Steinke, proposition 1.4), which is better for many queries where
//! a delta is allowed (as advanced composition is). Whichever needs less noise is taken.

/// The delta at which rho-zCDP is (epsilon, delta)-differential privacy.
pub fn delta_of(rho: f64, epsilon: f64) -> f64 {
    if rho <= 0.0 {
        return 0.0;
    }
    // The logarithm of the bound is convex in alpha; this is its slope.
    let slope = |excess: f64| (1.0 + 2.0 * excess) * rho - epsilon - (1.0 / excess).ln_1p();
    let (mut low, mut high) = (0.0, (epsilon + 1.0) / (2.0 * rho) + 1.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let (excess, alpha) = (high, 1.0 + high);
    let log = excess * (alpha * rho - epsilon) - alpha * (1.0 / excess).ln_1p() - excess.ln();
    log.exp().min(1.0)
}

/// The largest rho that is (epsilon, delta)-differentially private.
pub fn rho_for(epsilon: f64, delta: f64) -> f64 {
    // rho-zCDP is never better than epsilon = rho: beyond that, delta is no longer small.
    let (mut low, mut high) = (0.0, epsilon + 1.0);
    while delta_of(high, epsilon) <= delta && high < 1e300 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if delta_of(middle, epsilon) <= delta {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// A query's sensitivity, and how much more than others it matters.
pub(super) type Asked = (u64, f64);

/// Parts of the rho `total`, proportional to the 2/3 powers of sensitivity times importance: that
/// makes the importance-weighted sum of the standard deviations, Delta / sqrt(2 rho_q), smallest.
pub(super) fn gaussian_parts(total: f64, asked: &[Asked]) -> Vec<f64> {
    let shares: Vec<f64> = asked.iter().map(|(s, w)| (*s as f64 * w).powf(2.0 / 3.0)).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter().map(|share| total * share / sum).collect()
}

/// Epsilons, proportional to the roots of sensitivity times importance: that makes the weighted sum
/// of the scales, Delta / epsilon_q, smallest; and whether they were added up in zCDP.
pub(super) fn laplace_parts(epsilon: f64, delta: f64, asked: &[Asked]) -> (Vec<f64>, bool) {
    let shares: Vec<f64> = asked.iter().map(|(s, w)| (*s as f64 * w).sqrt()).collect();
    let basic = epsilon / shares.iter().sum::<f64>();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    let concentrated =
        if delta > 0.0 { (2.0 * rho_for(epsilon, delta) / squares).sqrt() } else { 0.0 };
    let factor = basic.max(concentrated);
    (shares.iter().map(|share| share * factor).collect(), concentrated > basic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Fixture {
        conversions: Vec<[f64; 3]>,
    }

    /// `tests/fixtures/differential_privacy.py`: opendp's conversion of zCDP to (epsilon, delta).
    #[test]
    fn conversions_equal_opendps() {
        let text = include_str!("../../../tests/fixtures/differential_privacy.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        assert!(fixture.conversions.len() >= 20);
        for [rho, delta, epsilon] in fixture.conversions {
            let found = rho_for(epsilon, delta);
            assert!((found / rho - 1.0).abs() < 1e-3, "{rho} {delta} {epsilon}: {found}");
            // Tighter than the closed form.
            assert!(epsilon <= rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt());
        }
    }

    /// The exact delta of one Gaussian is smaller than zCDP's, but not by much: the bound must lie
    /// above it. Phi(d/2 - e/d) - exp(e) Phi(-d/2 - e/d), d = sqrt(2 rho) (Balle and Wang, *Improving
    /// the Gaussian Mechanism for Differential Privacy*, ICML 2018).
    #[test]
    fn delta_is_an_upper_bound_on_that_of_a_gaussian() {
        let phi = |x: f64| 0.5 * libm::erfc(-x / 2.0_f64.sqrt());
        for rho in [0.001, 0.02, 0.5, 3.0] {
            for epsilon in [0.1, 1.0, 4.0] {
                let d = (2.0_f64 * rho).sqrt();
                let exact =
                    phi(d / 2.0 - epsilon / d) - epsilon.exp() * phi(-d / 2.0 - epsilon / d);
                let bound = delta_of(rho, epsilon);
                assert!(bound >= exact && bound <= 1.0, "{rho} {epsilon}: {bound} {exact}");
                assert!(delta_of(rho, epsilon + 1.0) <= bound);
            }
        }
        assert_eq!(delta_of(0.0, 1.0), 0.0);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let asked = [(1, 1.0), (1, 4.0), (10, 1.0), (10, 1.0), (3, 0.5)];
        let parts = gaussian_parts(0.02, &asked);
        assert!((parts.iter().sum::<f64>() - 0.02).abs() < 1e-15);
        let noise = |parts: &[f64]| -> f64 {
            asked.iter().zip(parts).map(|((s, w), part)| w * *s as f64 / part.sqrt()).sum()
        };
        // No shift of budget from one query to another lowers the sum of the noise.
        for from in 0..asked.len() {
            for to in (0..asked.len()).filter(|&to| to != from) {
                let mut other = parts.clone();
                other[from] -= 1e-5;
                other[to] += 1e-5;
                assert!(noise(&other) > noise(&parts));
            }
        }
        let (parts, concentrated) = laplace_parts(1.0, 0.0, &asked);
        assert!(!concentrated && (parts.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // With many queries and a delta, zCDP allows more than the basic sum would.
        let (parts, concentrated) = laplace_parts(1.0, 1e-6, &[(1, 1.0); 400]);
        assert!(concentrated && parts.iter().sum::<f64>() > 1.0);
        let rho: f64 = parts.iter().map(|e| e * e / 2.0).sum();
        assert!(delta_of(rho, 1.0) <= 1e-6 && delta_of(rho * 1.001, 1.0) > 1e-6);
    }
}
