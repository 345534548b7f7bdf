//! A density over the axes of a search: a mixture of kernels, one around each trial.
//!
//! A kernel is a product over the axes: a normal density cut off at the bounds for a number, the
//! mass that it has in the cell of a whole number, and a count with one added to each choice for a
//! list. An axis that a trial did not set is uniform in its kernel. One more kernel is uniform
//! throughout: no value is ruled out.

use libm::erfc;
use rand_distr::{Distribution, StandardNormal};
use trueup_env::random::Stream;

use super::domain::Domain;
use toml::Value;

/// Where a value lies on its axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Position of a choice.
    Choice(usize),
    /// Share of a range, from 0 to 1.
    Point(f64),
    /// The shares between which a whole number lies.
    Cell(f64, f64),
}

/// The places of a trial; none on axes that it does not set.
pub type Places = Vec<Option<Place>>;

impl Place {
    /// Where a value lies; none if it is not of the domain.
    pub fn of(domain: &Domain, value: &Value) -> Option<Self> {
        match domain {
            Domain::Choices(choices) => {
                choices.iter().position(|choice| choice.value == *value).map(Self::Choice)
            }
            Domain::Range(range) => {
                let number = value.as_float().or(value.as_integer().map(|i| i as f64))?;
                (range.low..=range.high).contains(&number).then(|| match range.integer {
                    true => Self::Cell(range.share(number - 0.5), range.share(number + 0.5)),
                    false => Self::Point(range.share(number)),
                })
            }
        }
    }

    fn middle(self) -> Option<f64> {
        match self {
            Self::Choice(_) => None,
            Self::Point(x) => Some(x),
            Self::Cell(a, b) => Some((a + b) / 2.0),
        }
    }
}

/// The mixture.
pub struct Parzen<'a> {
    kernels: &'a [Places],
    /// How many choices each axis has; 0 for a range.
    choices: Vec<usize>,
    /// Standard deviations of the kernels on each axis.
    widths: Vec<Vec<f64>>,
}

/// Kernels are no narrower than this share of the axis, so that equal trials are not all that is left.
const NARROWEST: f64 = 0.01;

impl<'a> Parzen<'a> {
    /// The density of trials at these places.
    ///
    /// A kernel's width on an axis is the distance to the farther of its two neighbours there (at
    /// the ends, to the only one), clipped to [1 / (n + 2), 1] of the axis, or 0.01 where this is
    /// more: Bergstra and others 2011, appendix, with the clipping of later versions.
    pub fn new(domains: &[&Domain], kernels: &'a [Places]) -> Self {
        let count = |domain: &&Domain| match domain {
            Domain::Choices(choices) => choices.len(),
            Domain::Range(_) => 0,
        };
        Self {
            kernels,
            choices: domains.iter().map(count).collect(),
            widths: (0..domains.len()).map(|axis| widths(kernels, axis)).collect(),
        }
    }

    /// The logarithm of the density at a trial; axes that it does not set do not count.
    pub fn log_density(&self, places: &[Option<Place>]) -> f64 {
        // One kernel behind the last is the uniform one.
        let logs: Vec<f64> =
            (0..=self.kernels.len()).map(|kernel| self.log_kernel(kernel, places)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|log| (log - most).exp()).sum();
        most + (sum / logs.len() as f64).ln()
    }

    fn centre(&self, kernel: usize, axis: usize) -> Option<Place> {
        self.kernels.get(kernel)?.get(axis).copied().flatten()
    }

    fn width(&self, kernel: usize, axis: usize) -> f64 {
        let width = self.widths.get(axis).and_then(|widths| widths.get(kernel));
        width.copied().unwrap_or(1.0)
    }

    fn log_kernel(&self, kernel: usize, places: &[Option<Place>]) -> f64 {
        let factor = |(axis, place): (usize, &Option<Place>)| {
            place.map_or(0.0, |place| self.factor(axis, kernel, place).max(1e-300).ln())
        };
        places.iter().enumerate().map(factor).sum()
    }

    /// The density of one axis of a kernel; uniform without a centre.
    fn factor(&self, axis: usize, kernel: usize, place: Place) -> f64 {
        let (centre, width) = (self.centre(kernel, axis), self.width(kernel, axis));
        let choices = self.choices.get(axis).copied().unwrap_or(1).max(1) as f64;
        let middle = centre.and_then(Place::middle);
        match (place, middle) {
            (Place::Choice(at), _) => match centre {
                Some(Place::Choice(own)) => {
                    let n = self.kernels.len() as f64;
                    (if own == at { n + 1.0 } else { 1.0 }) / (n + choices)
                }
                _ => 1.0 / choices,
            },
            (Place::Point(_), None) => 1.0,
            (Place::Cell(a, b), None) => b - a,
            (Place::Point(x), Some(m)) => {
                let z = (x - m) / width;
                let peak = width * (2.0 * std::f64::consts::PI).sqrt();
                (-0.5 * z * z).exp() / peak / mass(0.0, 1.0, m, width)
            }
            (Place::Cell(a, b), Some(m)) => mass(a, b, m, width) / mass(0.0, 1.0, m, width),
        }
    }

    /// A draw: one share of each axis, whether it will be set or not.
    pub fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        // One kernel behind the last is the uniform one.
        let kernel = stream.below(self.kernels.len() + 1);
        let axis = |axis: usize| match self.centre(kernel, axis) {
            None => stream.uniform(),
            Some(Place::Choice(own)) => self.draw_choice(axis, own, stream),
            Some(place) => {
                let middle = place.middle().unwrap_or(0.5);
                draw_inside(middle, self.width(kernel, axis), stream)
            }
        };
        (0..self.choices.len()).map(axis).collect()
    }

    /// The share of a choice near to `own`: the middle of its part of the axis.
    fn draw_choice(&self, axis: usize, own: usize, stream: &mut Stream) -> f64 {
        let choices = self.choices.get(axis).copied().unwrap_or(1).max(1);
        let n = self.kernels.len();
        // With one count for each choice: n of n + choices draws keep the own one.
        let at = match stream.below(n + choices) {
            other if other < choices => other,
            _ => own,
        };
        (at as f64 + 0.5) / choices as f64
    }
}

/// The widths of the kernels on one axis, 1 where they do not have a number there.
fn widths(kernels: &[Places], axis: usize) -> Vec<f64> {
    let middle =
        |(at, kernel): (usize, &Places)| Some((kernel.get(axis).copied().flatten()?.middle()?, at));
    let mut middles: Vec<(f64, usize)> = kernels.iter().enumerate().filter_map(middle).collect();
    middles.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let least = (1.0 / (middles.len() as f64 + 2.0)).max(NARROWEST);
    let mut widths = vec![1.0; kernels.len()];
    for (rank, &(x, at)) in middles.iter().enumerate() {
        let gap = |other: Option<&(f64, usize)>| other.map(|(y, _)| (x - y).abs());
        let left = rank.checked_sub(1).and_then(|left| gap(middles.get(left)));
        let right = gap(middles.get(rank + 1));
        // A kernel alone is as wide as its way to the farther bound.
        let alone = x.max(1.0 - x);
        let widest = left.into_iter().chain(right).reduce(f64::max).unwrap_or(alone);
        if let Some(slot) = widths.get_mut(at) {
            *slot = widest.clamp(least, 1.0);
        }
    }
    widths
}

/// The mass of a normal density between two bounds. Its tails are taken where they are small, so
/// that nothing is lost by subtraction.
fn mass(low: f64, high: f64, mean: f64, width: f64) -> f64 {
    let tail = |z: f64| 0.5 * erfc(z / std::f64::consts::SQRT_2);
    let (a, b) = ((low - mean) / width, (high - mean) / width);
    if a > 0.0 { tail(a) - tail(b) } else { tail(-b) - tail(-a) }
}

/// A normal draw given that it lies between 0 and 1; as `mean` does, at least about half do.
fn draw_inside(mean: f64, width: f64, stream: &mut Stream) -> f64 {
    for _ in 0..200 {
        let normal: f64 = StandardNormal.sample(stream);
        let x = mean + width * normal;
        if (0.0..=1.0).contains(&x) {
            return x;
        }
    }
    mean.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::domain::{Choice, Range};
    use trueup_env::random::Streams;

    fn choices(count: usize) -> Domain {
        let choice = |i: usize| Choice { value: (i as i64).into(), label: i.to_string() };
        Domain::Choices((0..count).map(choice).collect())
    }

    fn range(high: f64, integer: bool) -> Domain {
        Domain::Range(Range { low: 0.0, high, log: false, integer })
    }

    fn kernels(domain: &Domain, values: &[Value]) -> Vec<Places> {
        let mut kernels: Vec<Places> = values.iter().map(|v| vec![Place::of(domain, v)]).collect();
        // A trial that did not set the axis.
        kernels.push(vec![None]);
        kernels
    }

    #[test]
    fn densities_sum_to_one() {
        let real = range(1.0, false);
        let own = kernels(&real, &[0.0.into(), 0.01.into(), 0.4.into(), 1.0.into()]);
        let density = Parzen::new(&[&real], &own);
        let n = 20_000;
        let at = |i: i32| {
            density.log_density(&[Some(Place::Point((f64::from(i) + 0.5) / f64::from(n)))]).exp()
        };
        assert!(((0..n).map(at).sum::<f64>() / f64::from(n) - 1.0).abs() < 1e-6);
        for (domain, count) in [(range(9.0, true), 10), (choices(4), 4)] {
            let own = kernels(&domain, &[0.into(), 3.into(), 3.into()]);
            let density = Parzen::new(&[&domain], &own);
            let at = |i: i64| density.log_density(&[Place::of(&domain, &i.into())]).exp();
            assert!(((0..count).map(at).sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    /// By hand: three kernels and the uniform one, four choices. A kernel gives its own choice
    /// (3 + 1) / (3 + 4) and others 1 / 7; the kernel without the axis is uniform.
    #[test]
    fn counts_of_choices_have_one_added() {
        let domain = choices(4);
        let own = kernels(&domain, &[2.into(), 0.into()]);
        let density = Parzen::new(&[&domain], &own);
        let at = |i: i64| density.log_density(&[Place::of(&domain, &i.into())]).exp();
        let expected = (4.0 / 7.0 + 1.0 / 7.0 + 0.25 + 0.25) / 4.0;
        assert!((at(2) - expected).abs() < 1e-15);
        assert!((at(1) - (2.0 / 7.0 + 0.5) / 4.0).abs() < 1e-15);
    }

    /// Shares of 20,000 draws in tenths of the axis against the integral of the density: within
    /// 4.5 standard errors (false alarm 1e-4 over both).
    #[test]
    fn draws_follow_the_density() {
        for domain in [range(1.0, false), choices(10)] {
            let values: [Value; 3] = match domain {
                Domain::Range(_) => [0.05.into(), 0.3.into(), 0.35.into()],
                Domain::Choices(_) => [0.into(), 4.into(), 4.into()],
            };
            let own = kernels(&domain, &values);
            let density = Parzen::new(&[&domain], &own);
            let mut stream = Streams::new(5).stream("parzen", 0);
            let (n, fine) = (20_000, 1000);
            let mut counts = [0.0; 10];
            for _ in 0..n {
                counts[((density.draw(&mut stream)[0] * 10.0) as usize).min(9)] += 1.0;
            }
            for (cell, count) in counts.into_iter().enumerate() {
                let point =
                    |i: usize| Place::Point((cell as f64 + (i as f64 + 0.5) / fine as f64) / 10.0);
                let place = |i: usize| match domain {
                    Domain::Range(_) => point(i),
                    Domain::Choices(_) => Place::Choice(cell),
                };
                let mass: f64 =
                    (0..fine).map(|i| density.log_density(&[Some(place(i))]).exp()).sum();
                let mass = match domain {
                    Domain::Range(_) => mass / (10 * fine) as f64,
                    Domain::Choices(_) => mass / fine as f64,
                };
                let error = (mass * (1.0 - mass) / f64::from(n)).sqrt();
                assert!(
                    (count / f64::from(n) - mass).abs() < 4.5 * error,
                    "{cell}: {count} {mass}"
                );
            }
        }
    }

    /// In order: 0.1, 0.2, 0.5; gaps 0.1 and 0.3; the bounds are no neighbours. The least of three
    /// is 1/5.
    #[test]
    fn widths_are_the_gaps_to_the_farther_neighbour() {
        let domain = range(1.0, false);
        let own = kernels(&domain, &[0.5.into(), 0.1.into(), 0.2.into()]);
        let found = widths(&own, 0);
        for (found, expected) in found.iter().zip([0.3, 0.2, 0.3, 1.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
