//! Discrepancies: distances D(P, Q) between the internal distribution P and the external one Q of
//! a feature, and their witnesses, of which rewards are made.
//!
//! To add one, write a file with a type that implements [`Discrepancy`] and add it to
//! [`DISCREPANCIES`]; panels, rewards, `compare`, `metrics` and configs find it by name, with
//! parameters: `energy-nd(rows=500)`.

pub mod energy_nd;

use crate::sample::{Sample, Shape};

mod balls;
mod binned;
mod both;
mod by_shares;
mod categories;
mod check;
pub mod cost;
mod coupling;
pub(crate) mod distinct;
mod divergence;
mod joint;
#[cfg(test)]
mod joint_fixture;
mod joint_witness;
mod lanes;
mod line;
pub mod lookup;
mod measure;
mod on_line;
mod pairs;
mod ranks;
pub(crate) mod scaling;
mod shared;
mod sinkhorn_pace;
mod sinkhorn_pass;
mod sinkhorn_scaling;
mod sinkhorn_witness;
mod sliced;
mod soft_minimum;
mod sorted;
mod standardised;
mod steps;
mod user_sums;
mod vectors;
pub(crate) mod wide;
mod witness;

pub use joint_witness::JointWitness;
pub use lookup::{LookupError, Named, Parameter, named};
pub use shared::{Family, Member, Shared};
pub(crate) use user_sums::mean_and_sd;
pub use witness::Witness;

pub mod anderson_darling;
pub mod between_share_gap;
pub mod category_shortfall;
pub mod contingency_distance;
pub mod copula_distance;
pub mod correlation_distance;
pub mod correlation_gap;
pub mod cramer_von_mises;
pub mod cramer_von_mises_upper;
pub mod energy;
pub mod kolmogorov_smirnov;
pub mod kuiper;
pub mod mean_gap;
pub mod mmd;
pub mod mmd_features;
pub mod moments;
pub mod out_of_range;
pub mod quantile_gap;
pub mod range_shortfall;
pub mod raw_moments;
pub mod relation_gap;
pub mod sd_gap;
pub mod sequences;
pub mod series;
pub mod sinkhorn;
pub mod skewness_gap;
pub mod sliced_wasserstein;
pub mod support;
pub mod tail_gap;
pub mod total_variation;
pub mod wasserstein;
pub mod wasserstein_2;

mod chi_squared;
mod g;
mod hellinger;
mod jensen_shannon;
mod kl;
mod psi;
mod total_variation_binned;

/// All discrepancies.
pub const DISCREPANCIES: &[&dyn Discrepancy] = &[
    &kolmogorov_smirnov::KolmogorovSmirnov,
    &wasserstein::Wasserstein1,
    &cramer_von_mises::CramerVonMises,
    &energy::Energy,
    &mean_gap::MeanGap,
    &sd_gap::SdGap,
    &moments::Moments,
    &total_variation::TotalVariation,
    &correlation_gap::CorrelationGap,
    &relation_gap::RelationGap,
    &between_share_gap::BetweenShareGap,
    &energy_nd::EnergyNd { rows: 2000 },
    &sequences::transition_distance::TransitionDistance { restart: 0.05 },
    &sequences::stationary_gap::StationaryGap { restart: 0.05 },
    &sequences::dwell_gap::DwellGap,
    &sequences::ngram_divergence::NgramDivergence { n: 3 },
    &sequences::msas::Msas { statistic: 0 },
    &sequences::signature_mmd::SignatureMmd { depth: 3 },
    &series::autocorrelation_gap::AUTOCORRELATION_GAP,
    &series::weekday_profile_gap::WEEKDAY_PROFILE_GAP,
    &series::growth_gap::GROWTH_GAP,
    &series::kurtosis_gap::KURTOSIS_GAP,
    &series::hill_gap::HILL_GAP,
    &series::absolute_autocorrelation_gap::ABSOLUTE_AUTOCORRELATION_GAP,
    &series::leverage_gap::LEVERAGE_GAP,
    &series::aggregational_gaussianity_gap::AGGREGATIONAL_GAUSSIANITY_GAP,
    &kuiper::Kuiper,
    &anderson_darling::AndersonDarling { share: 0.5 },
    &wasserstein_2::Wasserstein2,
    &cramer_von_mises_upper::CramerVonMisesUpper { floor: 0.01 },
    &raw_moments::RawMoments { order: 2 },
    &skewness_gap::SkewnessGap,
    &quantile_gap::QuantileGap { p: 0.5 },
    &tail_gap::TailGap { p: 0.95 },
    &range_shortfall::RangeShortfall,
    &out_of_range::OutOfRange,
    &binned::Binned::of(&kl::KL),
    &binned::Binned::of(&g::G),
    &binned::Binned::of(&psi::PSI),
    &binned::Binned::of(&chi_squared::CHI_SQUARED),
    &binned::Binned::of(&jensen_shannon::JENSEN_SHANNON),
    &binned::Binned::of(&hellinger::HELLINGER),
    &binned::Binned::of(&total_variation_binned::TOTAL_VARIATION),
    &categories::Categories::of(&kl::KL),
    &categories::Categories::of(&g::G),
    &categories::Categories::of(&psi::PSI),
    &categories::Categories::of(&chi_squared::CHI_SQUARED),
    &categories::Categories::of(&jensen_shannon::JENSEN_SHANNON),
    &categories::Categories::of(&hellinger::HELLINGER),
    &category_shortfall::CategoryShortfall,
    &correlation_distance::CorrelationDistance { ranks: false },
    &contingency_distance::ContingencyDistance { bins: 10 },
    &copula_distance::CopulaDistance::new(),
    &support::Support::new(support::Aspect::Precision),
    &support::Support::new(support::Aspect::Recall),
    &support::Support::new(support::Aspect::Density),
    &support::Support::new(support::Aspect::Coverage),
    &mmd::Mmd { rows: 2000, unbiased: false },
    &mmd_features::MmdFeatures { rows: 20_000, features: 512 },
    &sliced_wasserstein::SlicedWasserstein::new(sliced_wasserstein::Over::Mean),
    &sliced_wasserstein::SlicedWasserstein::new(sliced_wasserstein::Over::Max),
    &sinkhorn::Sinkhorn { rows: 1000, epsilon: 1.0, iterations: 1000, tolerance: 1e-6 },
];

/// Finds a discrepancy, as it is without parameters, by name; [`named`] takes parameters too.
pub fn find(name: &str) -> Option<&'static dyn Discrepancy> {
    DISCREPANCIES.iter().find(|discrepancy| discrepancy.name() == name).copied()
}

/// Whether a discrepancy has a witness, of which rewards are made.
pub fn has_witness(discrepancy: &dyn Discrepancy) -> bool {
    let width = if discrepancy.shape() == Shape::Vector { 2 } else { 1 };
    let values = [0.0, 1.0, 1.0, 0.0];
    let rows = Weighted { values: &values, width, weights: None };
    discrepancy.witness(rows, rows).is_some()
}

/// Why a value could not be computed.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum DiscrepancyError {
    /// One side has no rows.
    #[error("the {side} sample has no rows: the feature is defined for none of its users")]
    Empty {
        /// `internal` or `external`.
        side: &'static str,
    },
    /// The discrepancy does not compare such rows.
    #[error("{discrepancy} compares {wanted:?} rows, not {given:?} rows")]
    WrongShape {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// What it compares.
        wanted: Shape,
        /// What it was given.
        given: Shape,
    },
    /// The two sides have rows of different width or other categories.
    #[error("the two samples do not match: {0}")]
    Mismatch(String),
    /// NaN, infinite, negative or all-zero weights, or values that are not finite.
    #[error("{what} of row {row} is {value}, not a finite number{also}")]
    NotFinite {
        /// `value` or `weight`.
        what: &'static str,
        /// The row.
        row: usize,
        /// Its value.
        value: f64,
        /// A further condition.
        also: &'static str,
    },
    /// A side is too small, or has too little spread, for the number to exist.
    #[error("{discrepancy} is not defined on the {side} sample: {why}")]
    Undefined {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// `internal` or `external`.
        side: &'static str,
        /// What is missing.
        why: &'static str,
    },
    /// Its iterations ended before the value was reached.
    #[error(
        "{discrepancy} did not converge in {iterations} iterations: give more `iterations`, a larger \
         `epsilon` or fewer `rows`"
    )]
    NotConverged {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// How many there were.
        iterations: usize,
    },
    /// The value needs a spread that the external sample does not have.
    #[error(
        "all external values are equal to {value}: {discrepancy} in units of their standard \
         deviation is not defined"
    )]
    Constant {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// The one value.
        value: f64,
    },
}

/// Rows with weights, as witnesses see them. `weights` none means equal weights.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// Finite values in any order, rows x width.
    pub values: &'a [f64],
    /// Numbers per row: 1 for real numbers and categories.
    pub width: usize,
    /// Finite weights of at least 0 with a positive sum, one a row.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Weighted<'a> {
    /// Single numbers that count equally.
    pub fn equal(values: &'a [f64]) -> Self {
        Self { values, width: 1, weights: None }
    }

    /// Single numbers with a weight each.
    pub fn new(values: &'a [f64], weights: &'a [f64]) -> Self {
        Self { values, width: 1, weights: Some(weights) }
    }
}

/// A pair of samples made ready (sorted, merged) so that values under many weights are cheap: a
/// bootstrap over users asks for one a replicate.
pub trait Prepared: Send + Sync {
    /// The value when each user counts as often as its weight says. Lengths: internal users,
    /// external users. None when a side has no weight left on rows, or the value is undefined.
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64>;

    /// The values under many weightings, as many as both lists have: the same numbers, at less cost
    /// where a pass over the rows serves several.
    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        internal.iter().zip(external).map(|(p, q)| self.value(p, q)).collect()
    }
}

/// One discrepancy. Smaller is better, 0 is equality.
pub trait Discrepancy: Send + Sync {
    /// Name in configs and results, in kebab-case.
    fn name(&self) -> &'static str;

    /// Title for plots and tables.
    fn title(&self) -> &'static str;

    /// One line: the formula.
    fn definition(&self) -> &'static str;

    /// Where it is defined: author, title, year.
    fn reference(&self) -> &'static str;

    /// What a value costs, in rows n and m of the two sides: time and memory.
    fn cost(&self) -> &'static str;

    /// What can be set, and within which bounds.
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    /// The same discrepancy with other parameters: one value for each of
    /// [`Discrepancy::parameters`], in their order and within their bounds. None where it has none.
    fn with(&self, _values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        None
    }

    /// Whether D(P, Q) = D(Q, P). Values in external units are not symmetric.
    fn symmetric(&self) -> bool {
        false
    }

    /// Whether it looks at the order of a user's rows, which are in time order.
    fn ordered(&self) -> bool {
        false
    }

    /// Names of other discrepancies that a reward on this one optimises too, because they are
    /// functions of the same numbers: a panel marks them as optimised.
    fn also_optimises(&self) -> &'static [&'static str] {
        &[]
    }

    /// Unit of the value, e.g. `external sd`; empty for pure numbers.
    fn unit(&self) -> &'static str {
        ""
    }

    /// The largest value that there is, where intervals end; infinite where there is none.
    fn most(&self) -> f64 {
        f64::INFINITY
    }

    /// What rows it compares.
    fn shape(&self) -> Shape;

    /// Whether [`Discrepancy::weighted_value`] is the square of a distance: rewards then pay the
    /// first variation of its root, so that small and large distances pull alike.
    fn squared(&self) -> bool {
        false
    }

    /// How its value is read off both distribution functions, where that is all that it needs: it
    /// then shares their preparation with all others of a feature.
    #[doc(hidden)]
    fn on_line(&self, _line: &line::Line) -> Option<both::Reading> {
        None
    }

    /// Sorts and merges the samples once.
    ///
    /// # Errors
    /// Empty sides, another shape or width, or an external sample without spread where the value
    /// is in its units.
    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError>;

    /// The witness -dD/dP at P = `internal`, up to a constant; none where the discrepancy has
    /// none. `internal` and `external` hold real numbers, or category numbers.
    fn witness(
        &self,
        _internal: Weighted<'_>,
        _external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        None
    }

    /// The value on weighted rows where there is a closed form over single numbers; used by
    /// rewards to normalise, and by tests against finite differences. It is what the witness is
    /// the first variation of: for `energy`, the square of the value.
    fn weighted_value(
        &self,
        _internal: Weighted<'_>,
        _external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        None
    }

    /// The value with every user counted once.
    ///
    /// # Errors
    /// As for [`Discrepancy::prepare`].
    fn value(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        let prepared = self.prepare(internal, external)?;
        value_of(self.name(), prepared.as_ref(), [internal.users, external.users])
    }
}

/// The value of prepared samples with every user counted once.
fn value_of(
    discrepancy: &'static str,
    prepared: &dyn Prepared,
    [internal, external]: [usize; 2],
) -> Result<f64, DiscrepancyError> {
    let why = "its values are too far away to be summed up";
    prepared.value(&vec![1.0; internal], &vec![1.0; external]).ok_or(DiscrepancyError::Undefined {
        discrepancy,
        side: "internal",
        why,
    })
}
