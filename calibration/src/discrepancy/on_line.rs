//! Discrepancies of real numbers that are read off both distribution functions: each says what it is
//! and how it reads, and shares the rest.

use super::both::Reading;
use super::line::Line;
use super::{
    Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness, cost, shared, value_of,
};
use crate::sample::{Sample, Shape};

/// What a discrepancy says about itself; each field is a method of [`Discrepancy`].
pub struct About {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) definition: &'static str,
    pub(super) reference: &'static str,
    pub(super) cost: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) symmetric: bool,
    pub(super) also_optimises: &'static [&'static str],
    pub(super) unit: &'static str,
    pub(super) most: f64,
    pub(super) squared: bool,
}

impl About {
    /// What most have in common.
    pub(super) const USUAL: Self = Self {
        name: "",
        title: "",
        definition: "",
        reference: "",
        cost: cost::SORT,
        parameters: &[],
        symmetric: false,
        also_optimises: &[],
        unit: "",
        most: f64::INFINITY,
        squared: false,
    };
}

/// A discrepancy of real numbers that is read off both distribution functions.
pub trait OnLine: Send + Sync + Sized + 'static {
    /// What it says about itself.
    const ABOUT: About;

    /// The same with other parameters, see [`Discrepancy::with`].
    fn set(_values: &[f64]) -> Option<Self> {
        None
    }

    /// Whether both sides are alike with these parameters.
    fn is_symmetric(&self) -> bool {
        Self::ABOUT.symmetric
    }

    /// How its value is read off.
    fn reading(&self, line: &Line) -> Reading;

    /// See [`Discrepancy::witness`].
    fn witness_on(
        &self,
        _internal: Weighted<'_>,
        _external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        None
    }

    /// See [`Discrepancy::weighted_value`].
    fn value_on(
        &self,
        _internal: Weighted<'_>,
        _external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        None
    }

    /// The value with every user counted once, where there is a shorter way to it.
    fn value_alike(
        &self,
        _internal: &Sample,
        _external: &Sample,
    ) -> Option<Result<f64, DiscrepancyError>> {
        None
    }
}

impl<T: OnLine> Discrepancy for T {
    fn name(&self) -> &'static str {
        T::ABOUT.name
    }

    fn title(&self) -> &'static str {
        T::ABOUT.title
    }

    fn definition(&self) -> &'static str {
        T::ABOUT.definition
    }

    fn reference(&self) -> &'static str {
        T::ABOUT.reference
    }

    fn cost(&self) -> &'static str {
        T::ABOUT.cost
    }

    fn parameters(&self) -> &'static [Parameter] {
        T::ABOUT.parameters
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        T::set(values).map(|other| Box::new(other) as Box<dyn Discrepancy>)
    }

    fn symmetric(&self) -> bool {
        self.is_symmetric()
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        T::ABOUT.also_optimises
    }

    fn unit(&self) -> &'static str {
        T::ABOUT.unit
    }

    fn most(&self) -> f64 {
        T::ABOUT.most
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn squared(&self) -> bool {
        T::ABOUT.squared
    }

    fn on_line(&self, line: &Line) -> Option<Reading> {
        Some(self.reading(line))
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        shared::prepare(self, internal, external)
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        self.witness_on(internal, external)
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        self.value_on(internal, external)
    }

    fn value(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        if let Some(value) = self.value_alike(internal, external) {
            return value;
        }
        let prepared = self.prepare(internal, external)?;
        value_of(self.name(), prepared.as_ref(), [internal.users, external.users])
    }
}
