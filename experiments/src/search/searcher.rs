//! Searches: trials that are proposed in the light of earlier ones.
//!
//! A proposal is a pure function of the history: a resumed search goes on as if it had never
//! stopped, and how many trials run at once changes nothing, because a whole batch is proposed at
//! a time. All objectives are to be as small as possible.

use std::collections::BTreeSet;

use trueup_env::random::Streams;

use super::assignment::Assignment;
use super::cmaes::{self, CmaEs};
use super::domain::Domain;
use super::expand::Row;
use super::parzen::{Place, Places};
use super::space::{Group, Method, Part, Space};
use super::tpe::{Model, Tpe};

/// A trial of a search and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What was proposed.
    pub assignment: Assignment,
    /// What came out; none where the trial failed. The smaller the better.
    pub objective: Option<f64>,
}

/// One search: the axes of one group, beside fixed values of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    part: Part,
    group: Group,
    fixed: Row,
}

/// How many draws look for a trial that was not tried before.
const PATIENCE: u64 = 1000;

impl Space {
    /// The searches, in a fixed order: in each part with a searcher, one for every combination of
    /// the other groups. Each has its own history and budget.
    pub fn searches(&self, streams: &Streams) -> Vec<Search> {
        let mut searches = Vec::new();
        for part in &self.parts {
            let Some(group) = part.searcher() else { continue };
            let mut seen = BTreeSet::new();
            for fixed in part.rows(streams) {
                if seen.insert(part.assignment(&fixed).key()) {
                    searches.push(Search { part: part.clone(), group: group.clone(), fixed });
                }
            }
        }
        searches
    }
}

impl Part {
    /// The group that is searched, if there is one.
    pub fn searcher(&self) -> Option<&Group> {
        self.groups.iter().find(|group| group.method.is_searcher())
    }
}

impl Search {
    /// What every trial of the search sets, as far as it does not depend on what is searched.
    pub fn fixed(&self) -> Assignment {
        self.part.assignment(&self.fixed)
    }

    /// Trials in all.
    pub fn budget(&self) -> usize {
        match self.group.method {
            _ if self.axes().is_empty() => 1,
            Method::Tpe(Tpe { budget, .. }) | Method::CmaEs(CmaEs { budget, .. }) => budget,
            _ => 0,
        }
    }

    /// Trials that are proposed together: a batch, or a generation.
    pub fn batch(&self) -> usize {
        match self.group.method {
            Method::Tpe(tpe) => tpe.batch.max(1),
            Method::CmaEs(cmaes) => cmaes.population(self.axes().len()),
            _ => 1,
        }
    }

    /// The next batch; empty when the budget is spent.
    ///
    /// `history` holds the earlier proposals in their order. Trials of a batch that is not whole
    /// are not looked at, and the batch is proposed again: what is told of it does not matter to
    /// the others of the batch. Where everything has been tried, trials come again.
    pub fn propose(&self, history: &[Told], streams: &Streams) -> Vec<Assignment> {
        let (batch, budget) = (self.batch(), self.budget());
        if history.len() >= budget {
            return Vec::new();
        }
        let start = history.len() / batch * batch;
        let past = history.get(..start).unwrap_or_default();
        let count = batch.min(budget - start);
        match self.group.method {
            Method::Tpe(tpe) => self.tpe(tpe, past, count, streams),
            Method::CmaEs(cmaes) => self.cmaes(cmaes, past, count, streams),
            _ => Vec::new(),
        }
    }

    /// Positions of the searched axes that may be set beside the fixed values.
    fn axes(&self) -> Vec<usize> {
        let active = self.part.active(&self.fixed);
        let is_active = |at: &usize| active.get(*at).copied().unwrap_or(false);
        self.group.axes.iter().copied().filter(is_active).collect()
    }

    fn domain(&self, axis: usize) -> Option<&Domain> {
        self.part.axes.get(axis).map(|axis| &axis.domain)
    }

    /// The row of values at shares of the axes.
    fn row(&self, axes: &[usize], shares: &[f64]) -> Row {
        let mut row = self.fixed.clone();
        for (&at, &share) in axes.iter().zip(shares) {
            if let (Some(slot), Some(domain)) = (row.get_mut(at), self.domain(at)) {
                *slot = domain.at(share);
            }
        }
        row
    }

    fn cmaes(&self, own: CmaEs, past: &[Told], count: usize, streams: &Streams) -> Vec<Assignment> {
        let axes = self.axes();
        let population = self.batch();
        let mut state = cmaes::State::new(vec![0.5; axes.len()], own.sigma, population);
        for generation in past.chunks(population) {
            let objectives: Vec<Option<f64>> = generation.iter().map(|t| t.objective).collect();
            state.update(&objectives, streams);
        }
        let assignment = |point: Vec<f64>| {
            let shares: Vec<f64> = point.into_iter().map(cmaes::reflected).collect();
            self.part.assignment(&self.row(&axes, &shares))
        };
        state.points(streams).into_iter().take(count).map(assignment).collect()
    }

    fn tpe(&self, own: Tpe, past: &[Told], count: usize, streams: &Streams) -> Vec<Assignment> {
        let axes = self.axes();
        let domains: Vec<&Domain> = axes.iter().filter_map(|&at| self.domain(at)).collect();
        let places = |assignment: &Assignment| self.places(&axes, assignment);
        let history: Vec<(Places, Option<f64>)> =
            past.iter().map(|told| (places(&told.assignment), told.objective)).collect();
        let startup = self.startup(own, streams);
        let mut seen: BTreeSet<String> = past.iter().map(|told| told.assignment.key()).collect();
        let mut batch: Vec<Assignment> = Vec::new();
        for index in past.len()..past.len() + count {
            let streams = streams.child("tpe", index as u64);
            let pending: Vec<Places> = batch.iter().map(places).collect();
            let model = Model::new(&history, &pending).filter(|_| index >= own.startup);
            let new = |shares: &[f64]| {
                let assignment = self.part.assignment(&self.row(&axes, shares));
                let is_new = !seen.contains(&assignment.key());
                is_new.then(|| (places(&assignment), assignment))
            };
            let first =
                startup.get(index).filter(|first| model.is_none() && !seen.contains(&first.key()));
            let modelled = || model?.best(&domains, &mut streams.stream("draw", 0), new);
            let drawn = |i: u64| {
                let mut stream = streams.stream("random", i);
                axes.iter().map(|_| stream.uniform()).collect::<Vec<f64>>()
            };
            let random = || (0..PATIENCE).find_map(|i| Some(new(&drawn(i))?.1));
            let known = || self.part.assignment(&self.row(&axes, &drawn(0)));
            let next = first.cloned().or_else(modelled).or_else(random).unwrap_or_else(known);
            seen.insert(next.key());
            batch.push(next);
        }
        batch
    }

    /// The first trials: different points of a Sobol sequence.
    fn startup(&self, own: Tpe, streams: &Streams) -> Vec<Assignment> {
        let method = Method::Sobol { budget: own.startup.min(own.budget) };
        let group = Group { method, axes: self.axes() };
        let rows = self.part.group_rows(&group, streams);
        let whole = |row: Row| {
            let joined = row.into_iter().zip(&self.fixed).map(|(own, fixed)| own.or(fixed.clone()));
            self.part.assignment(&joined.collect::<Row>())
        };
        rows.into_iter().map(whole).collect()
    }

    fn places(&self, axes: &[usize], assignment: &Assignment) -> Places {
        let place = |&at: &usize| {
            let axis = self.part.axes.get(at)?;
            Place::of(&axis.domain, assignment.get(&axis.path)?)
        };
        axes.iter().map(place).collect()
    }
}
