//! The metrics of a panel on one pair of logs, those of a feature measured together.
//!
//! Discrepancies of real numbers share the sorted rows of their feature and the distribution
//! functions under each weighting ([`Shared`]); all others are prepared on their own, one at a time.
//! Weightings are taken [`AT_A_TIME`], features and blocks of weightings on all threads; every value
//! is computed alone, so that neither matters to it.

use rayon::prelude::*;

use super::bootstrap::{Measured, Weights};
use super::concentration::alike;
use super::metrics::Panel;
use super::permutation::{Null, Relabellings, pooled};
use super::work::Work;
use crate::discrepancy::{Discrepancy, Family, Member, Shared};
use crate::sample::Sample;

/// Weightings that one thread takes at a time.
const AT_A_TIME: usize = 32;

/// Two samples a feature of the panel, and its metrics.
pub struct Families<'a> {
    panel: &'a Panel,
    sides: Vec<[&'a Sample; 2]>,
    /// Of each feature, what is shared.
    shared: Vec<Option<Shared>>,
    /// Of each metric, how it is measured.
    members: Vec<Member>,
    work: &'a Work<'a>,
}

/// The values under all weightings: a list a metric, empty where it is not shared.
type Values = Vec<Vec<Option<f64>>>;

impl<'a> Families<'a> {
    /// Sorts the rows of each feature, of which there are two samples.
    pub fn of(panel: &'a Panel, sides: Vec<[&'a Sample; 2]>, work: &'a Work<'a>) -> Self {
        let family = |(source, [left, right]): (usize, &[&Sample; 2])| {
            let own = panel.metrics.iter().filter(|metric| metric.source == source);
            let own: Vec<&dyn Discrepancy> = own.map(|metric| &*metric.discrepancy).collect();
            Family::of(&own, left, right)
        };
        let families: Vec<Family> =
            sides.par_iter().enumerate().map(|(i, s)| family((i, s))).collect();
        let (shared, members): (Vec<_>, Vec<_>) =
            families.into_iter().map(|family| (family.shared, family.members.into_iter())).unzip();
        let mut members = members;
        let next = |metric: &super::metrics::Chosen| members[metric.source].next();
        let members = panel.metrics.iter().map(next);
        let members = members.map(|member| member.unwrap_or(Member::Own)).collect();
        Self { panel, sides, shared, members, work }
    }

    /// Measures each metric: its value with every user counted once, and its replicates; or why it
    /// cannot be measured.
    pub fn measure(&self, internal: &Weights, external: &Weights) -> Vec<Result<Measured, String>> {
        let ones = |weights: &Weights| vec![vec![1.0; weights.first().map_or(0, Vec::len)]];
        let own = |at: usize, left: &Sample, right: &Sample| {
            let prepared = self.panel.metrics[at].discrepancy.prepare(left, right);
            let prepared = prepared.map_err(|error| error.to_string())?;
            Ok::<_, String>(Measured::of(prepared.as_ref(), internal, external))
        };
        let (values, (all, own)) = rayon::join(
            || self.together(&ones(internal), &ones(external)),
            || rayon::join(|| self.together(internal, external), || self.own(internal.len(), own)),
        );
        let metrics = self.members.iter().zip(own).zip(values.into_iter().zip(all));
        let measured = metrics.map(|((member, own), (value, replicates))| {
            let measured = match (member, own) {
                (Member::Refused(error), _) => return Err(error.to_string()),
                (_, Some(own)) => own?,
                (_, None) => {
                    let value = value.first().copied().flatten();
                    value.map(|value| Measured { value, replicates })
                }
            };
            Ok(measured)
        });
        let said = |(at, measured): (usize, Result<Option<Measured>, String>)| {
            measured.and_then(|measured| measured.ok_or_else(|| self.why_not(at)))
        };
        measured.enumerate().map(said).collect()
    }

    /// Why a metric has no value with every user counted once, in its own words.
    fn why_not(&self, metric: usize) -> String {
        let chosen = &self.panel.metrics[metric];
        let [left, right] = self.sides[chosen.source];
        match chosen.discrepancy.value(left, right) {
            Err(error) => error.to_string(),
            Ok(_) => "the value is not defined for these users".into(),
        }
    }

    /// Measures each metric of the features that are `concentrated` with every user counted alike,
    /// however many rows they have; none for others, or where that is not defined.
    pub fn measure_alike(
        &self,
        concentrated: &[bool],
        internal: &Weights,
        external: &Weights,
    ) -> Vec<Option<Measured>> {
        let measure = |chosen: &super::metrics::Chosen| {
            let [left, right] = self.sides[chosen.source];
            let is_wanted = concentrated.get(chosen.source).copied().unwrap_or(false);
            let prepared = is_wanted.then(|| chosen.discrepancy.prepare(left, right).ok())??;
            let by = [alike(left), alike(right)];
            let by = by.each_ref().map(Vec::as_slice);
            Measured::counting(prepared.as_ref(), [internal, external], by)
        };
        self.panel.metrics.par_iter().map(measure).collect()
    }

    /// The permutation test of each metric, of samples that are each pooled from two sides and
    /// compared with themselves; `pairs` are the two sides.
    fn test(&self, pairs: &[[&Sample; 2]], relabellings: &Relabellings) -> Vec<Option<Null>> {
        let own = |at: usize, _: &Sample, _: &Sample| {
            let metric = &self.panel.metrics[at];
            let [left, right] = pairs.get(metric.source)?;
            Null::of(&*metric.discrepancy, left, right, relabellings)
        };
        let truth = || {
            let [p, q] = relabellings.truth();
            self.together(&p, &q)
        };
        let all = || {
            let mut all: Values = vec![Vec::new(); self.members.len()];
            for [p, q] in relabellings.weights() {
                let values = self.together(&p, &q);
                all.iter_mut().zip(values).for_each(|(all, values)| all.extend(values));
            }
            all
        };
        let permutations = relabellings.count();
        let ((values, all), own) = rayon::join(|| (truth(), all()), || self.own(permutations, own));
        let metrics = self.members.iter().zip(own).zip(values.into_iter().zip(all));
        let nulls = metrics.map(|((member, own), (value, permuted))| match (member, own) {
            (Member::Refused(_), _) => None,
            (_, Some(own)) => own,
            (_, None) => {
                let value = value.first().copied().flatten();
                value.map(|value| Null { value, permuted })
            }
        });
        nulls.collect()
    }

    /// The values of all metrics that are measured together.
    fn together(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Values {
        let blocks = internal.len().div_ceil(AT_A_TIME);
        let jobs: Vec<(usize, usize)> = (0..self.shared.len())
            .flat_map(|feature| (0..blocks).map(move |block| (feature, block)))
            .collect();
        let block = |&(feature, block): &(usize, usize)| -> Vec<Vec<Option<f64>>> {
            let range = block * AT_A_TIME..internal.len().min((block + 1) * AT_A_TIME);
            let shared = self.shared[feature].as_ref();
            let values = shared.map_or(Vec::new(), |shared| {
                shared.values(&internal[range.clone()], &external[range])
            });
            self.work.add(values.iter().map(Vec::len).sum());
            values
        };
        let measured: Vec<Vec<Vec<Option<f64>>>> = jobs.par_iter().map(block).collect();
        let metric = |(member, metric): (&Member, &super::metrics::Chosen)| match member {
            Member::Shared(number) => {
                let blocks = measured.iter().skip(metric.source * blocks).take(blocks);
                let one = |values: &Vec<Option<f64>>| values.get(*number).copied().flatten();
                blocks.flatten().map(one).collect()
            }
            _ => Vec::new(),
        };
        self.members.iter().zip(&self.panel.metrics).map(metric).collect()
    }

    /// Measures each metric that is not measured with others, under so many weightings: joint ones,
    /// which cost most, first.
    fn own<T: Send>(
        &self,
        weightings: usize,
        measure: impl Fn(usize, &Sample, &Sample) -> T + Sync,
    ) -> Vec<Option<T>> {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.retain(|&at| matches!(self.members[at], Member::Own));
        let width = |at: &usize| self.sides[self.panel.metrics[*at].source][0].width;
        order.sort_by_key(|at| std::cmp::Reverse(width(at)));
        let one = |&at: &usize| {
            let [left, right] = self.sides[self.panel.metrics[at].source];
            let measured = measure(at, left, right);
            self.work.add(1 + weightings);
            (at, measured)
        };
        let measured: Vec<(usize, T)> = order.par_iter().with_max_len(1).map(one).collect();
        let mut all: Vec<Option<T>> = self.members.iter().map(|_| None).collect();
        measured.into_iter().for_each(|(at, measured)| all[at] = Some(measured));
        all
    }
}

/// The permutation test of each metric of a panel between the samples of each feature.
pub fn test(
    panel: &Panel,
    pairs: &[[&Sample; 2]],
    relabellings: &Relabellings,
    work: &Work<'_>,
) -> Vec<Option<Null>> {
    let pools = pairs.par_iter().map(|[left, right]| {
        let pool = pooled(left, right);
        pool.filter(|pool| relabellings.suits(left, pool))
    });
    let Some(pools) = pools.collect::<Option<Vec<Sample>>>() else {
        return panel.metrics.iter().map(|_| None).collect();
    };
    let sides = pools.iter().map(|pool| [pool, pool]).collect();
    Families::of(panel, sides, work).test(pairs, relabellings)
}
