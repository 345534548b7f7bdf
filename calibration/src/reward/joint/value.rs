//! The frozen value of a joint term: curves along directions, or coefficients of Fourier features.

use trueup_env::{Clock, Event, History};

use super::{Distance, JointTerm, Rows, View};
use crate::discrepancy::Witness;
use crate::features::Definition;
use crate::population::Population;
use crate::reward::part::Frozen;
use crate::reward::points::Points;
use crate::reward::witness::MIN_ROWS_PER_USER;
use crate::statistics::joint::running_vector;
use crate::statistics::projection::dot;

/// F - G between neighbouring places, with the distance to the next; and the places.
pub(super) struct Gaps(pub(super) Vec<(f64, f64)>, Vec<f64>);

impl Gaps {
    pub(super) fn of(p: &Points, q: &Points) -> Self {
        let side = |points: &Points, sign: f64| -> Vec<(f64, f64)> {
            points.values.iter().copied().zip(points.weights.iter().map(|w| sign * w)).collect()
        };
        let mut steps = side(p, 1.0);
        steps.extend(side(q, -1.0));
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut gap, mut gaps, mut places) = (0.0, Vec::new(), Vec::new());
        for group in steps.chunk_by(|a, b| a.0 == b.0) {
            gap += group.iter().map(|step| step.1).sum::<f64>();
            gaps.push(gap);
            places.push(group[0].0);
        }
        let widths = places.windows(2).map(|pair| pair[1] - pair[0]);
        Self(gaps.into_iter().zip(widths).collect(), places)
    }

    /// The running integral of a function of F - G.
    fn integral(self, f: impl Fn(f64) -> f64) -> Witness {
        let mut sum = 0.0;
        let mut values = vec![0.0; self.1.len().min(1)];
        for (gap, width) in self.0 {
            sum += f(gap) * width;
            values.push(sum);
        }
        Witness::Curve { knots: self.1, values }
    }
}

/// V of a joint term, frozen.
pub(in crate::reward) struct JointValue {
    rows: Rows,
    mean: Vec<f64>,
    scales: Vec<f64>,
    axes: Vec<Vec<f64>>,
    /// One curve a direction; or
    curves: Vec<Witness>,
    /// coefficients of cosines, then of sines, of the frequencies.
    coefficients: Vec<f64>,
    centre: f64,
    factor: f64,
    clock: Clock,
    population: Population,
}

impl JointValue {
    pub(super) fn new(term: &JointTerm, p: &View, weight: f64) -> Self {
        let (users, rows_per_user) = term.rollout;
        let count = term.axes.len() as f64;
        let scale = 1.0 / (count * term.constant());
        let slope = |gap: f64| match term.distance {
            // Rounding is no sign.
            Distance::SlicedWasserstein if gap.abs() < 1e-12 => 0.0,
            Distance::SlicedWasserstein => gap.signum(),
            _ => 4.0 * gap,
        };
        let q = &term.external;
        let pairs = p.slices.iter().zip(&q.slices);
        let curves: Vec<Witness> = pairs.map(|(p, q)| Gaps::of(p, q).integral(slope)).collect();
        let coefficients: Vec<f64> =
            p.means.iter().zip(&q.means).map(|(p, q)| 2.0 * (q - p)).collect();
        let along = curves.iter().zip(&p.slices).map(|(curve, p)| p.mean_of(|x| curve.at(x)));
        let centre = along.sum::<f64>() + dot(&coefficients, &p.means);
        let noise = 0.3 / users.max(1) as f64;
        let normaliser = match term.distance.squared() {
            true => 2.0 * (term.value(p).max(0.0) + noise).sqrt(),
            false => 1.0,
        };
        Self {
            rows: term.rows.clone(),
            mean: term.mean.clone(),
            scales: term.scales.clone(),
            axes: term.axes.clone(),
            curves,
            coefficients,
            centre,
            factor: weight * scale / (normaliser * rows_per_user.max(MIN_ROWS_PER_USER)),
            clock: term.clock,
            population: term.population,
        }
    }

    /// V of a vector, which is not standardised yet.
    fn value(&self, vector: &mut [f64]) -> f64 {
        let columns = vector.iter_mut().zip(self.mean.iter().zip(&self.scales));
        columns.for_each(|(x, (mean, scale))| *x = (*x - mean) / scale);
        let mut sum = -self.centre;
        for (u, curve) in self.axes.iter().zip(&self.curves) {
            sum += curve.at(dot(u, vector));
        }
        let (cosines, sines) = self.coefficients.split_at(self.coefficients.len() / 2);
        for (w, (a, b)) in self.axes.iter().zip(cosines.iter().zip(sines)) {
            let (sin, cos) = dot(w, vector).sin_cos();
            sum += a * cos + b * sin;
        }
        self.factor * sum
    }
}

impl Frozen for JointValue {
    fn event(&self, _: &[f64], before: &History, event: &Event, after: &History) -> f64 {
        match &self.rows {
            Rows::Users(columns) => {
                let mut room = Vec::with_capacity(columns.len());
                let mut of = |history: &History| {
                    room.clear();
                    running_vector(columns, history, &self.clock, &mut room);
                    self.value(&mut room)
                };
                match self.population {
                    Population::Active if before.count == 0 => of(after),
                    _ => of(after) - of(before),
                }
            }
            Rows::Pairs(feature) => match feature.definition {
                Definition::Pair(f) => f(before, event).map_or(0.0, |mut z| self.value(&mut z)),
                _ => 0.0,
            },
        }
    }
}
