//! The static log density of the real users: a row is paid by how likely it is among them.
//!
//! A negative control. It looks right and is wrong: the policy that earns most does what is
//! likeliest, always, so that it collapses to the mode and a distance to the real users grows. The
//! witness of KL(P || Q), `log q - log p`, has the term that this one lacks.
//!
//! V(x) = `weight (log q(x) - E_Q log q) / (sd_Q(log q) rho)`, paid as a witness is ([`super::witness`]),
//! with rho the rows per real user. It never changes. For numbers, q is a Gaussian kernel estimate on
//! the points of the quantile grid with the bandwidth of Silverman (*Density estimation for
//! statistics and data analysis*, 1986, equation 3.31), `0.9 min(sd, IQR / 1.34) n^(-1/5)` for n real
//! users, mixed with a hundredth of a uniform density over the range so that it has no zero. For
//! categories, q is the share with half a row added to each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::mix::{self, MixWeights};
use super::part::{Frozen, Payments};
use super::plain;
use super::points::Points;
use super::scales::Scales;
use super::term::Ready;
use super::value::Value;
use super::witness::MIN_ROWS_PER_USER;
use super::{Pay, Reward, RewardError, Term};
use crate::discrepancy::Witness;
use crate::features::Setting;
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "density";
/// The most knots of a tabulated density.
const KNOTS: usize = 2049;
/// Share of the uniform density.
const UNIFORM: f64 = 0.01;

/// Options of the static density.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DensityConfig {
    /// The features to look at, numbers or categories; none means those of the default terms.
    #[schemars(schema_with = "crate::schema::plain_features")]
    pub features: Option<Vec<String>>,
}

/// The reward.
pub struct DensityReward {
    /// By the name of this reward: it optimises no discrepancy of a panel.
    terms: Vec<Term>,
    /// How far users are, by Wasserstein-1 and total variation.
    scales: Scales,
    payments: Payments,
}

impl DensityReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Features that are unknown, not measured, or no single numbers or categories.
    pub fn new(config: &DensityConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        let terms = plain::terms(config.features.as_deref(), statistics)?;
        let scales = Scales::new(NAME, terms, statistics, (MixWeights::Fixed, mix::RATE))?;
        let value = |ready: &Ready| -> Box<dyn Frozen> { Box::new(value(ready, statistics)) };
        let payments = Payments(scales.ready.iter().map(value).collect());
        let own = scales.terms.iter().map(|term| Term { discrepancy: NAME.into(), ..term.clone() });
        Ok(Self { terms: own.collect(), scales, payments })
    }
}

impl Reward for DensityReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        self.scales.weigh(internal)?;
        Ok(self.payments.pay(internal))
    }

    fn discrepancy(&self) -> f64 {
        self.scales.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        self.scales.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        self.scales.restore(state)
    }
}

/// V of one term.
fn value(term: &Ready, statistics: &Statistics) -> Value {
    let q = &term.external;
    let log_density = if term.on_categories() {
        shares(q, term.rows_per_user * statistics.users as f64)
    } else {
        estimate(q, term.users)
    };
    let mean = q.mean_of(|x| log_density.at(x));
    let sd = q.mean_of(|x| (log_density.at(x) - mean).powi(2)).sqrt();
    // A uniform law pays all alike.
    let scale = if sd > 1e-12 { sd } else { 1.0 };
    let factor = term.weight / (scale * term.rows_per_user.max(MIN_ROWS_PER_USER));
    let setting = Setting::new(&statistics.clock, &statistics.effects);
    Value::new(term.feature.definition, log_density, mean, factor, (&setting, term.population))
}

/// Logs of shares of so many rows, half a row added to each category.
fn shares(q: &Points, rows: f64) -> Witness {
    let all = rows + 0.5 * q.weights.len() as f64;
    Witness::Table(q.weights.iter().map(|share| ((share * rows + 0.5) / all).ln()).collect())
}

/// The log of a kernel estimate, tabulated.
fn estimate(q: &Points, users: usize) -> Witness {
    let bandwidth = bandwidth(q, users);
    let low = q.values.first().copied().unwrap_or(0.0) - 3.0 * bandwidth;
    let high = q.values.last().copied().unwrap_or(0.0) + 3.0 * bandwidth;
    let steps = ((4.0 * (high - low) / bandwidth).ceil() as usize).clamp(16, KNOTS - 1);
    let knots: Vec<f64> =
        (0..=steps).map(|i| low + (high - low) * i as f64 / steps as f64).collect();
    let peak = 1.0 / (bandwidth * (2.0 * std::f64::consts::PI).sqrt());
    let log_density = |x: &f64| {
        let kernel = q.mean_of(|y| (-0.5 * ((x - y) / bandwidth).powi(2)).exp() * peak);
        ((1.0 - UNIFORM) * kernel + UNIFORM / (high - low)).ln()
    };
    let values = knots.iter().map(log_density).collect();
    Witness::Curve { knots, values }
}

/// Silverman's rule; positive.
fn bandwidth(q: &Points, users: usize) -> f64 {
    let sd = q.mean_and_sd().1;
    let quartile = |share: f64| {
        let mut sum = 0.0;
        let reached = q.weights.iter().position(|weight| {
            sum += weight;
            sum >= share - 1e-12
        });
        reached.and_then(|i| q.values.get(i)).copied().unwrap_or(0.0)
    };
    let range = (quartile(0.75) - quartile(0.25)) / 1.34;
    let spread = if range > 0.0 { sd.min(range) } else { sd };
    // `Ready` has refused values that are all equal.
    let spread = if spread > 0.0 { spread } else { 1.0 };
    0.9 * spread * (users.max(1) as f64).powf(-0.2)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{internal, statistics, totals};
    use super::*;

    /// A normal law on its quantiles: the estimate has the log density's shape, a parabola with the
    /// variance enlarged by the squared bandwidth.
    #[test]
    fn a_normal_law_has_a_parabola() {
        // Means of logistic-like sums would not do: these are normal quantiles by bisection.
        let cdf = |x: f64| 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2));
        let quantile = |p: f64| {
            let (mut low, mut high) = (-9.0, 9.0);
            for _ in 0..80 {
                let middle = 0.5 * (low + high);
                if cdf(middle) < p { low = middle } else { high = middle }
            }
            low
        };
        let values: Vec<f64> = (0..500).map(|i| quantile((f64::from(i) + 0.5) / 500.0)).collect();
        let q = Points { weights: vec![1.0 / 500.0; 500], values };
        let h = bandwidth(&q, 500);
        assert!((h - 0.9 * 500.0_f64.powf(-0.2)).abs() < 0.01, "{h}");
        let log_density = estimate(&q, 500);
        for x in [-1.5, -0.5, 0.0, 1.0, 2.0] {
            let variance = 1.0 + h * h;
            let normal =
                -0.5 * x * x / variance - 0.5 * (2.0 * std::f64::consts::PI * variance).ln();
            assert!(
                (log_density.at(x) - normal).abs() < 0.03,
                "{x}: {}",
                log_density.at(x) - normal
            );
        }
        assert!(log_density.at(1e6).is_finite());
    }

    /// Real users earn nothing on average in event features, and the mode earns most.
    #[test]
    fn likely_rows_are_paid_and_the_pay_never_changes() {
        let features = Some(vec!["kind".into()]);
        let mut reward = DensityReward::new(&DensityConfig { features }, &statistics()).unwrap();
        let log = internal();
        let pay = reward.pay(&log).unwrap();
        let of = |kind: u16| {
            let event = log.events().iter().position(|event| event.kind == kind).unwrap();
            pay.events[event]
        };
        assert!(of(0) > 0.0 && of(1) < 0.0);
        let counts = &statistics().kind_events;
        let sum = of(0) * counts[0] as f64 + of(1) * counts[1] as f64;
        assert!(sum.abs() < 1e-9 * counts[0] as f64);
        assert_eq!(reward.pay(&log).unwrap(), pay);
        assert!(reward.terms().iter().all(|term| term.discrepancy == NAME));

        let mut reward = DensityReward::new(&DensityConfig::default(), &statistics()).unwrap();
        let paid = totals(&reward.pay(&log).unwrap(), &log);
        assert!(paid.iter().all(|pay| pay.is_finite()) && reward.discrepancy() > 0.0);
    }
}
