//! Joint terms of the witness reward, from statistics alone: how the features of a user hang
//! together, or the two amounts of a pair.
//!
//! A term on `user_vector` or on a feature of pairs sees standardised vectors z
//! ([`crate::statistics::joint`]) of the simulated users (P) and of the real ones (Q), and takes
//! one of these distances D, with witness w up to a constant:
//!
//! | name | D | w(z) |
//! |---|---|---|
//! | `sliced-wasserstein` | mean over u of the integral of abs(F_u - G_u) | mean over u of the integral up to u.z of sign(F_u - G_u) |
//! | `energy-nd` | mean over u of 2 x the integral of (F_u - G_u)^2, divided by the mean of abs(u.e) | mean over u of 4 x the integral up to u.z of (F_u - G_u), divided by the same |
//! | `mmd-features` | mean over k of abs(phi_k(P) - phi_k(Q))^2 | mean over k of 2 Re (phi_k(Q) - phi_k(P)) conj(e_k(z)) |
//!
//! where F_u and G_u are the distribution functions of u.z, and phi_k the mean of
//! `e_k(z) = exp(i w_k . z)`. Directions u and frequencies w_k are those of the statistics. The
//! last two are squares of distances.
//!
//! Pay is that of any other term (see [`super::witness`]): V(z) = weight (w(z) - mean_P w) /
//! (n(D) rho). Pairs are paid at the event; a user vector as it moves, V(z after) - V(z before), so
//! that the pay of an episode telescopes.

use rayon::prelude::*;
use trueup_env::{Clock, EventLog, History};

use super::check;
use super::part::{Frozen, Part, Past};
use super::points::Points;
use super::state::{Reader, Writer};
use super::{RewardError, StateError, Term};
use crate::features::{self, Definition, Feature};
use crate::panel::USER_VECTOR;
use crate::population::Population;
use crate::statistics::joint::running_vector;
use crate::statistics::projection::{dot, mean_cosine};
use crate::statistics::{JointStatistics, Statistics};

mod value;

use value::{Gaps, JointValue};

/// What a joint term can optimise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distance {
    SlicedWasserstein,
    Energy,
    Mmd,
}

/// The distances of joint terms by name.
pub(super) const NAMES: [&str; 3] = ["sliced-wasserstein", "energy-nd", "mmd-features"];

impl Distance {
    fn named(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|own| *own == name)?;
        [Self::SlicedWasserstein, Self::Energy, Self::Mmd].get(at).copied()
    }

    fn squared(self) -> bool {
        self != Self::SlicedWasserstein
    }
}

/// Whether a term is one of these.
pub(super) fn is_joint(term: &Term) -> bool {
    let vectors = term.feature == USER_VECTOR
        || features::find(&term.feature)
            .is_some_and(|feature| matches!(feature.definition, Definition::Pair(_)));
    vectors && Distance::named(name(term)).is_some()
}

/// Checks a joint term as far as it goes without statistics, or says which key is wrong.
pub(super) fn suits(term: &Term) -> Result<(), (&'static str, RewardError)> {
    let Term { feature, discrepancy, .. } = term;
    check::weight(term)?;
    if discrepancy == name(term) {
        return Ok(());
    }
    let problem = format!(
        "the term on `{feature}` gives parameters to `{discrepancy}`: as a reward it takes none, \
         because directions and frequencies are those of the statistics"
    );
    Err(("discrepancy", RewardError::BadTerms(problem)))
}

/// The discrepancy without parameters.
fn name(term: &Term) -> &str {
    term.discrepancy.split('(').next().unwrap_or_default().trim()
}

/// What the vectors of a term are.
#[derive(Clone)]
enum Rows {
    Users(Vec<&'static Feature>),
    Pairs(&'static Feature),
}

/// A distribution of vectors as a term sees it.
#[derive(Clone, Debug, Default, PartialEq)]
struct View {
    /// One distribution a direction; or
    slices: Vec<Points>,
    /// mean cosines, then mean sines, of the frequencies.
    means: Vec<f64>,
}

/// A joint term, made ready.
pub(super) struct JointTerm {
    term: Term,
    distance: Distance,
    /// Number of real users with vectors.
    users: usize,
    rows: Rows,
    mean: Vec<f64>,
    scales: Vec<f64>,
    /// Directions or frequencies.
    axes: Vec<Vec<f64>>,
    external: View,
    /// Earlier rollouts; none before the second.
    memory: Option<View>,
    /// The rollout last looked at; none before the first, and without vectors.
    now: Option<View>,
    /// Its number of users with vectors, and its vectors per user.
    rollout: (usize, f64),
    clock: Clock,
    population: Population,
}

impl JointTerm {
    /// Makes a term ready.
    ///
    /// # Errors
    /// Statistics without the joint distribution, parameters, or a weight that is not positive.
    pub fn new(term: &Term, statistics: &Statistics) -> Result<Self, RewardError> {
        let Term { feature, discrepancy, .. } = term;
        suits(term).map_err(|(_, error)| error)?;
        let without = |what: &str| {
            RewardError::BadTerms(format!(
                "the external statistics hold no {what} of `{feature}`, which `{discrepancy}` needs \
                 (files of version 1 and private files have none): write them with `trueup describe \
                 LOG --statistics FILE`"
            ))
        };
        let joint = statistics.joint(feature).ok_or_else(|| without("joint distribution"))?;
        // `is_joint` has seen the name.
        let distance = Distance::named(discrepancy).unwrap_or(Distance::Energy);
        let find = |name: &String| features::find(name);
        let rows = match find(feature) {
            Some(pair) => Rows::Pairs(pair),
            None => Rows::Users(joint.columns.iter().filter_map(find).collect()),
        };
        let (axes, external) = match distance {
            Distance::Mmd => {
                let means = [&joint.fourier.cosine[..], &joint.fourier.sine].concat();
                (joint.frequencies(), View { slices: Vec::new(), means })
            }
            _ => slices(joint),
        };
        if axes.is_empty() {
            return Err(without("projections"));
        }
        Ok(Self {
            term: term.clone(),
            distance,
            users: joint.users,
            rows,
            mean: joint.mean.clone(),
            scales: joint.scales(),
            axes,
            external,
            memory: None,
            now: None,
            rollout: (0, 0.0),
            clock: statistics.clock,
            population: statistics.population(),
        })
    }

    /// Standardises vectors in place.
    fn standardise(&self, values: &mut [f64]) {
        for row in values.chunks_exact_mut(self.mean.len().max(1)) {
            let columns = row.iter_mut().zip(self.mean.iter().zip(&self.scales));
            columns.for_each(|(x, (mean, scale))| *x = (*x - mean) / scale);
        }
    }

    /// The vectors of a log, standardised, and the number of users that have any.
    fn vectors(&self, log: &EventLog) -> (Vec<f64>, usize) {
        let log = &*self.population.select(log);
        let (mut values, users) = match &self.rows {
            Rows::Pairs(feature) => {
                let sample = feature.sample(log);
                let users = sample.users_with_rows();
                (sample.values, users)
            }
            Rows::Users(columns) => {
                let mut values = Vec::with_capacity(columns.len() * log.user_count());
                for user in 0..log.user_count() {
                    let mut history = History::default();
                    log.events_of(user).iter().for_each(|event| history.push(event));
                    running_vector(columns, &history, log.clock(), &mut values);
                }
                (values, log.user_count())
            }
        };
        self.standardise(&mut values);
        (values, users)
    }

    /// A distribution of equally weighted vectors; none without any.
    fn view(&self, vectors: &[f64]) -> Option<View> {
        let width = self.mean.len().max(1);
        let rows = vectors.len() / width;
        if rows == 0 {
            return None;
        }
        if self.distance != Distance::Mmd {
            let one = |u: &Vec<f64>| {
                let along: Vec<f64> = vectors.chunks_exact(width).map(|z| dot(u, z)).collect();
                Points::of(&along)
            };
            let slices = self.axes.par_iter().map(one).collect();
            return Some(View { slices, means: Vec::new() });
        }
        let one = |w: &Vec<f64>| {
            let sums = vectors.chunks_exact(width).fold([0.0; 2], |[c, s], z| {
                let (sin, cos) = dot(w, z).sin_cos();
                [c + cos, s + sin]
            });
            sums.map(|sum| sum / rows as f64)
        };
        let pairs: Vec<[f64; 2]> = self.axes.par_iter().map(one).collect();
        let part = |i: usize| pairs.iter().map(move |pair| pair[i]);
        Some(View { slices: Vec::new(), means: part(0).chain(part(1)).collect() })
    }

    /// The distance (its square, where it is one) between a distribution and the external one.
    fn value(&self, p: &View) -> f64 {
        let count = self.axes.len() as f64;
        if self.distance == Distance::Mmd {
            let squares = p.means.iter().zip(&self.external.means).map(|(p, q)| (p - q).powi(2));
            return squares.sum::<f64>() / count;
        }
        let one = |(p, q): (&Points, &Points)| {
            let terms = Gaps::of(p, q).0.into_iter().map(|(gap, width)| match self.distance {
                Distance::SlicedWasserstein => gap.abs() * width,
                _ => 2.0 * gap * gap * width,
            });
            terms.sum::<f64>()
        };
        p.slices.iter().zip(&self.external.slices).map(one).sum::<f64>() / (count * self.constant())
    }

    /// What a mean over directions is divided by.
    fn constant(&self) -> f64 {
        match self.distance {
            Distance::Energy => mean_cosine(self.mean.len()),
            _ => 1.0,
        }
    }

    /// P of the next refit, and the memory after it: as for other terms. None before any vectors.
    fn remember(&mut self, past: Past) -> Option<View> {
        let Some(now) = &self.now else { return self.memory.clone() };
        let Some(before) = &self.memory else {
            self.memory = Some(now.clone());
            return Some(now.clone());
        };
        let mix = |share: f64| {
            let slices = now.slices.iter().zip(&before.slices);
            let means = now.means.iter().zip(&before.means);
            View {
                slices: slices.map(|(a, b)| Points::compress(a.mixed(b, share))).collect(),
                means: means.map(|(a, b)| (1.0 - share) * a + share * b).collect(),
            }
        };
        let (mixed, next) = (mix(past.memory), mix(past.decay));
        self.memory = Some(next);
        Some(mixed)
    }

    /// The memory as it was saved.
    fn saved(&self, reader: &mut Reader<'_>) -> Result<Option<View>, StateError> {
        let means = reader.doubles("the means of a memory")?;
        let count = reader.whole("the directions of a memory")?;
        let mut slices = Vec::new();
        for _ in 0..count.min(self.axes.len() as u64 + 1) {
            let values = reader.doubles("the values of a memory")?;
            slices.push(Points::restored(values, reader.doubles("the weights of a memory")?)?);
        }
        if means.is_empty() && slices.is_empty() {
            return Ok(None);
        }
        let View { slices: wanted, means: numbers } = &self.external;
        let sound = slices.len() == wanted.len()
            && means.len() == numbers.len()
            && means.iter().all(|mean| mean.is_finite());
        let wrong = || StateError("a memory in it is of other directions".into());
        sound.then_some(Some(View { slices, means })).ok_or_else(wrong)
    }

    /// The distance, its root where it is a square.
    fn root(&self, value: f64) -> f64 {
        if self.distance.squared() { value.max(0.0).sqrt() } else { value }
    }
}

impl Part for JointTerm {
    fn feature(&self) -> &str {
        &self.term.feature
    }

    fn weight(&self) -> f64 {
        self.term.weight
    }

    fn look(&mut self, log: &EventLog) -> Result<Option<f64>, RewardError> {
        let (vectors, users) = self.vectors(log);
        self.now = self.view(&vectors);
        let rows = vectors.len() / self.mean.len().max(1);
        self.rollout = (users, rows as f64 / log.user_count().max(1) as f64);
        Ok(self.now.as_ref().map(|now| self.root(self.value(now))))
    }

    /// Of n simulated and m real vectors of one law, with s = 1/n + 1/m: F - G has the variance
    /// F (1 - F) s, and its mean size is `sqrt(2 / pi)` standard deviations; a mean Fourier feature
    /// has the variance (1 - abs(phi)^2) s. Users count, not their vectors.
    fn floor(&mut self, users: usize) -> f64 {
        let s = 1.0 / users.max(1) as f64 + 1.0 / self.users.max(1) as f64;
        let count = self.axes.len() as f64;
        let half = self.external.means.len() / 2;
        let (cosines, sines) = self.external.means.split_at(half);
        let sizes = cosines.iter().zip(sines).map(|(c, s)| c * c + s * s);
        let along = |law: &Points| -> f64 {
            let nothing = Points::default();
            let terms = Gaps::of(law, &nothing).0.into_iter().map(|(below, width)| {
                let variance = (below * (1.0 - below)).max(0.0) * s;
                match self.distance {
                    Distance::SlicedWasserstein => {
                        (2.0 / std::f64::consts::PI * variance).sqrt() * width
                    }
                    _ => 2.0 * variance * width,
                }
            });
            terms.sum()
        };
        let value = match self.distance {
            Distance::Mmd => sizes.map(|size| (1.0 - size).max(0.0) * s).sum::<f64>() / count,
            _ => {
                let slices = self.external.slices.iter();
                slices.map(along).sum::<f64>() / (count * self.constant())
            }
        };
        self.root(value)
    }

    fn freeze(&mut self, weight: f64, past: Past) -> Result<Option<Box<dyn Frozen>>, RewardError> {
        let Some(p) = self.remember(past) else { return Ok(None) };
        Ok(Some(Box::new(JointValue::new(self, &p, weight))))
    }

    fn save(&self, writer: &mut Writer) {
        writer.text(&self.term.feature);
        writer.text(&self.term.discrepancy);
        let View { slices, means } = self.memory.clone().unwrap_or_default();
        writer.doubles(&means);
        writer.whole(slices.len() as u64);
        for slice in &slices {
            writer.doubles(&slice.values);
            writer.doubles(&slice.weights);
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        reader.expect(&self.term.feature)?;
        reader.expect(&self.term.discrepancy)?;
        self.memory = self.saved(reader)?;
        Ok(())
    }
}

/// The projections of the statistics, with their directions.
fn slices(joint: &JointStatistics) -> (Vec<Vec<f64>>, View) {
    let axes = joint.directions();
    let one = |(k, u): (usize, &Vec<f64>)| {
        joint.projection(k, u).map(|law| Points::of_distribution(&law)).unwrap_or_default()
    };
    let slices = axes.iter().enumerate().map(one).collect();
    (axes, View { slices, means: Vec::new() })
}
