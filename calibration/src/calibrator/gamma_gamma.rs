//! The Gamma-Gamma model of spend (Fader, Hardie and Lee, *RFM and CLV*, JMR 42, 2005; Fader and
//! Hardie, *The Gamma-Gamma model of monetary value*, 2013).
//!
//! A user's amounts are independent Gamma(shape p, rate nu); nu differs between users as
//! Gamma(shape q, rate v). Amounts do not depend on how often a user acts. Amounts of 0 have
//! probability 0 under the model and are left out of the fit.
//!
//! What simulated users draw from it is not an amount but its rank among all amounts,
//! [`GammaGamma::share`]: the model says how users differ, the law of the amounts what they pay.

use rand_distr::{Distribution, Gamma};
use serde::{Deserialize, Serialize};
use trueup_env::Stream;

use super::simplex;

/// A user's positive amounts: how many, and their mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spend {
    /// Number of positive amounts, at least 1.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
}

/// The parameters, all positive. The mean amount over users is `p v / (q - 1)` for q above 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GammaGamma {
    /// Shape of a user's amounts.
    pub p: f64,
    /// Shape of the rates over users.
    pub q: f64,
    /// Rate of the rates over users, in units of money.
    pub v: f64,
}

impl GammaGamma {
    /// The log-likelihood of users' spends:
    /// `ln G(px + q) - ln G(px) - ln G(q) + q ln v + (px - 1) ln m + px ln x - (px + q) ln(xm + v)`
    /// for x amounts of mean m.
    ///
    /// Where users are nearly alike, p or q is large and these terms are large numbers that cancel.
    /// So the same is summed as `ln(pxq / (2 pi (px + q))) / 2 - S(px) - S(q) + S(px + q) - ln m`
    /// with `stirling_error` S, and `px ln(1 + d / px) + q ln(1 - d / q)` with
    /// `d = (xmq - vpx) / (xm + v)`, which is 0 for the amounts that the model expects.
    pub fn log_likelihood(&self, spends: &[Spend]) -> f64 {
        let Self { p, q, v } = *self;
        let constant = (q / (2.0 * std::f64::consts::PI)).ln() / 2.0 - stirling_error(q);
        let one = |spend: &Spend| {
            let (x, m) = (spend.count, spend.mean);
            let px = p * x;
            let d = (x * m * q - v * px) / (x * m + v);
            let gammas = (px / (px + q)).ln() / 2.0 - stirling_error(px) + stirling_error(px + q);
            constant + gammas - m.ln() + px * (d / px).ln_1p() + q * (-d / q).ln_1p()
        };
        spends.iter().map(one).sum()
    }

    /// Fits by maximum likelihood; returns the parameters and the log-likelihood. None where all
    /// users have the same mean amount, or only one has amounts: then users do not differ.
    ///
    /// # Errors
    /// A likelihood without a maximum, said with a remedy.
    pub fn fit(spends: &[Spend]) -> Result<Option<(Self, f64)>, String> {
        let spends: Vec<Spend> =
            spends.iter().copied().filter(|s| s.count > 0.0 && s.mean > 0.0).collect();
        let scale = spends.iter().map(|s| s.mean).sum::<f64>() / spends.len().max(1) as f64;
        if spends.iter().all(|s| (s.mean / scale - 1.0).abs() < 1e-9) {
            return Ok(None);
        }
        // In units of the mean amount and on log scale, so that one simplex fits every currency.
        let unit: Vec<Spend> =
            spends.iter().map(|s| Spend { count: s.count, mean: s.mean / scale }).collect();
        // The third coordinate is the log of v p / q, a typical amount.
        let of = |at: &[f64; 3]| {
            let [p, q, typical] = at.map(f64::exp);
            Self { p, q, v: typical * q / p }
        };
        let loss = |at: &[f64; 3]| {
            let (at, penalty) = simplex::inside(at);
            penalty - of(&at).log_likelihood(&unit) / unit.len() as f64
        };
        let found = simplex::minimise(loss, [1.0, 1.0, 0.0], 0.5);
        let found = found.ok_or(
            "the likelihood of the Gamma-Gamma model has no maximum on these amounts: give a larger \
             log, or leave this calibrator out",
        )?;
        let unit = of(&simplex::inside(&found.at).0);
        let fitted = Self { v: unit.v * scale, ..unit };
        Ok(Some((fitted, fitted.log_likelihood(&spends))))
    }

    /// The share of all users' amounts that lies below an amount: it follows `v B / (1 - B)`, B
    /// being beta distributed with parameters p and q.
    pub fn share(&self, amount: f64) -> f64 {
        let all = amount + self.v;
        beta_share(self.p, self.q, amount / all, self.v / all)
    }

    /// Draws the law of one user's amounts.
    pub fn user(&self, stream: &mut Stream) -> Option<Gamma<f64>> {
        // rand_distr speaks of scales: 1 / rate.
        let rate = Gamma::new(self.q, 1.0 / self.v).ok()?.sample(stream);
        Gamma::new(self.p, 1.0 / rate).ok()
    }
}

/// The share of a beta law with parameters a and b that lies below x = 1 - y, by its continued
/// fraction (NIST Digital Library of Mathematical Functions, 8.17.22).
fn beta_share(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(b, a, y, x);
    }
    if x <= 0.0 {
        return 0.0;
    }
    let n = a + b;
    // x^a y^b / (a B(a, b)), with large numbers that cancel left out.
    let front = a * (x * n / a).ln()
        + b * (y * n / b).ln()
        + (b / (2.0 * std::f64::consts::PI * n * a)).ln() / 2.0
        + stirling_error(n)
        - stirling_error(a)
        - stirling_error(b);
    // Lentz's method; terms fall off after about the square root of the larger parameter.
    let (mut fraction, mut c, mut d) = (1.0_f64, 1.0_f64, 0.0_f64);
    let away = |x: f64| if x.abs() < 1e-300 { 1e-300 } else { x };
    for i in 1..20_000 {
        let m = f64::from(i / 2);
        let term = if i % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (n + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / away(1.0 + term * d);
        c = away(1.0 + term / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front.exp() / fraction).clamp(0.0, 1.0)
}

/// `ln G(z) - (z - 1/2) ln z + z - ln(2 pi) / 2`, what Stirling's formula leaves out (NIST Digital
/// Library of Mathematical Functions, 5.11.1), for positive z.
fn stirling_error(z: f64) -> f64 {
    if z < 10.0 {
        return libm::lgamma(z) - (z - 0.5) * z.ln() + z - (2.0 * std::f64::consts::PI).ln() / 2.0;
    }
    // B(2k) / (2k (2k - 1)); the next term is below 2e-14.
    const TERMS: [f64; 5] = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0];
    let square = 1.0 / (z * z);
    TERMS.iter().rev().fold(0.0, |sum, term| sum * square + term) / z
}
