//! Many tests at once: how many of the differences that are called real may be chance?
//!
//! A panel asks about a hundred questions of the same users, so some p-values are small by luck.
//! The q-value of a row is the smallest rate of false discoveries at which the row would still be
//! called a difference. With p-values in ascending order `p_1 <= ... <= p_m`
//!
//! ```text
//! q_i = min over j >= i of  c p_j m / j,  at most 1
//! ```
//!
//! - Benjamini-Hochberg, `c = 1` (Benjamini and Hochberg, *Controlling the false discovery rate*,
//!   JRSS B 57, 1995): holds for independent tests, and for some positively dependent ones.
//! - Benjamini-Yekutieli, `c = 1 + 1/2 + ... + 1/m` (Benjamini and Yekutieli, *The control of the
//!   false discovery rate in multiple testing under dependency*, Annals of Statistics 29, 2001):
//!   holds whatever the dependence.
//!
//! Metrics of a panel look at the same users, and several at the same feature: they are dependent,
//! and no theorem says that gaps of means, spreads and correlations are so in the way that
//! Benjamini-Hochberg needs. So Benjamini-Yekutieli is the default; it is about five times as
//! strict with a hundred rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How false discoveries are controlled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FalseDiscovery {
    /// Under any dependence of the tests.
    #[default]
    BenjaminiYekutieli,
    /// For tests that are independent, or positively dependent.
    BenjaminiHochberg,
}

impl FalseDiscovery {
    /// What dependence costs among so many tests.
    fn factor(self, tests: usize) -> f64 {
        match self {
            Self::BenjaminiHochberg => 1.0,
            Self::BenjaminiYekutieli => (1..=tests).map(|i| 1.0 / i as f64).sum(),
        }
    }

    /// The relabellings with which `found` differences among so many tests can all have q-values of
    /// at most `level`.
    pub(super) fn relabellings(self, tests: usize, found: usize, level: f64) -> usize {
        (self.factor(tests) * tests as f64 / (level * found.max(1) as f64)).ceil() as usize
    }

    /// The q-value of each p-value, in their order.
    pub fn q(self, p: &[f64]) -> Vec<f64> {
        let tests = p.len();
        let factor = self.factor(tests);
        let mut order: Vec<usize> = (0..tests).collect();
        order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
        let (mut q, mut smallest) = (vec![1.0; tests], 1.0_f64);
        for (rank, &test) in order.iter().enumerate().rev() {
            smallest = smallest.min(factor * p[test] * tests as f64 / (rank + 1) as f64);
            q[test] = smallest;
        }
        q
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `scipy.stats.false_discovery_control` (tests/fixtures/false_discovery.py).
    #[test]
    fn q_values_are_those_of_scipy() {
        let text = include_str!("../../tests/fixtures/false_discovery.json");
        let fixture: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let list =
                |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
            for (method, key) in [
                (FalseDiscovery::BenjaminiHochberg, "bh"),
                (FalseDiscovery::BenjaminiYekutieli, "by"),
            ] {
                let found = method.q(&list("p"));
                assert_eq!(found.len(), list(key).len());
                for (found, expected) in found.iter().zip(list(key)) {
                    assert!((found - expected).abs() < 1e-12, "{key}: {found} {expected}");
                }
            }
        }
    }

    /// Half of the tests see a difference, and all share a part of their noise. The mean share of
    /// false discoveries at q <= 0.1 over 2,000 panels is at most 0.1 (standard error below 0.006:
    /// above 0.12 by chance in fewer than 1 of 1,000 seeds).
    #[test]
    fn false_discoveries_are_as_rare_as_promised() {
        let mut shares = [0.0; 2];
        for panel in 0..2000 {
            let mut stream = trueup_env::Streams::new(61).stream("panel", panel);
            let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
            let shared = normal();
            let p: Vec<f64> = (0..40)
                .map(|test| {
                    let effect = if test < 20 { 3.0 } else { 0.0 };
                    let z = effect + 0.8 * shared + 0.6 * normal();
                    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
                })
                .collect();
            let methods = [FalseDiscovery::BenjaminiYekutieli, FalseDiscovery::BenjaminiHochberg];
            for (share, method) in shares.iter_mut().zip(methods) {
                let q = method.q(&p);
                let called = |range: std::ops::Range<usize>| {
                    q[range].iter().filter(|q| **q <= 0.1).count() as f64
                };
                *share += called(20..40) / called(0..40).max(1.0) / 2000.0;
            }
        }
        assert!(shares[0] < shares[1] && shares[1] < 0.12, "{shares:?}");
    }

    #[test]
    fn nothing_and_one() {
        assert!(FalseDiscovery::default().q(&[]).is_empty());
        assert_eq!(FalseDiscovery::default().q(&[0.03]), [0.03]);
        // 4 of 10 tests at p = 1 / (1 + B) have q = 2.5 / (1 + B).
        let needed = FalseDiscovery::BenjaminiHochberg.relabellings(10, 4, 0.05);
        assert_eq!(needed, 50);
        let p =
            |relabellings: usize| [vec![1.0 / (1 + relabellings) as f64; 4], vec![1.0; 6]].concat();
        assert!(FalseDiscovery::BenjaminiHochberg.q(&p(needed))[0] <= 0.05);
        assert!(FalseDiscovery::BenjaminiHochberg.q(&p(needed - 2))[0] > 0.05);
    }
}
