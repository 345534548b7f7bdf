//! The trials that are known beforehand: rows of each group, combined, each assignment once.
//!
//! The set of assignments does not depend on the order in which axes, groups or spaces are written:
//! a drawn number depends on its path and its place in the sequence alone. So a path that is drawn
//! in two spaces takes the same numbers in both, and these are compared on the same points.

use std::collections::BTreeSet;

use trueup_env::random::Streams;

use super::assignment::Assignment;
use super::domain::{Choice, Domain};
use super::sobol;
use super::space::{Axis, Group, Method, Part, Space};

/// A group that draws stops looking for new rows after so many known ones in succession: there may
/// be fewer than it wants.
const PATIENCE: usize = 1000;

/// What the axes of a part take; none for those of other groups.
pub type Row = Vec<Option<Choice>>;

impl Space {
    /// All assignments of the parts without a searcher, in a fixed order: part by part, the last
    /// group varies fastest.
    pub fn expand(&self, streams: &Streams) -> Vec<Assignment> {
        let mut seen = BTreeSet::new();
        let known = self.parts.iter().filter(|part| part.searcher().is_none());
        let rows = known.flat_map(|part| {
            part.rows(streams).into_iter().map(|row| part.assignment(&row)).collect::<Vec<_>>()
        });
        rows.filter(|assignment| seen.insert(assignment.key())).collect()
    }
}

impl Part {
    /// Every combination of the rows of the groups that are not searched.
    pub(super) fn rows(&self, streams: &Streams) -> Vec<Row> {
        let mut rows = vec![vec![None; self.axes.len()]];
        for group in self.groups.iter().filter(|group| !group.method.is_searcher()) {
            let own = self.group_rows(group, streams);
            let join = |row: &Row| own.iter().map(|own| joined(row, own)).collect::<Vec<_>>();
            rows = rows.iter().flat_map(join).collect();
        }
        rows
    }

    /// The rows of one group. Draws that set the same as an earlier one, as far as the group alone
    /// can tell, do not count.
    pub(super) fn group_rows(&self, group: &Group, streams: &Streams) -> Vec<Row> {
        let count = |axis: usize| match self.axes.get(axis).map(|axis| &axis.domain) {
            Some(Domain::Choices(choices)) => choices.len(),
            _ => 0,
        };
        match group.method {
            Method::Grid => {
                let total = group.axes.iter().map(|&axis| count(axis)).product();
                (0..total).map(|i| self.grid_row(group, i, count)).collect()
            }
            Method::Zip => {
                let length = group.axes.iter().map(|&axis| count(axis)).min().unwrap_or(1);
                (0..length).map(|i| self.row(group, |_, axis| pick(axis, i))).collect()
            }
            Method::Random { budget } => {
                let streams = streams.child("random", 0);
                let draw = |i: usize| {
                    let value = |_, axis: &Axis| {
                        axis.domain.at(streams.stream(&axis.path, i as u64).uniform())
                    };
                    Some(self.row(group, value))
                };
                self.distinct(budget, draw)
            }
            Method::Tpe(_) | Method::CmaEs(_) => Vec::new(),
            Method::Sobol { budget } => self.distinct(budget, self.sobol_rows(group, streams)),
        }
    }

    /// Up to `wanted` different rows of a sequence.
    fn distinct(&self, wanted: usize, row: impl Fn(usize) -> Option<Row>) -> Vec<Row> {
        let (mut rows, mut seen, mut known) = (Vec::new(), BTreeSet::new(), 0);
        for row in (0..).map_while(row) {
            if seen.insert(self.assignment(&row).key()) {
                rows.push(row);
                known = 0;
            } else {
                known += 1;
            }
            if rows.len() >= wanted || known > PATIENCE {
                break;
            }
        }
        rows
    }

    fn row(&self, group: &Group, value: impl Fn(usize, &Axis) -> Option<Choice>) -> Row {
        let mut row = vec![None; self.axes.len()];
        for (place, &at) in group.axes.iter().enumerate() {
            if let (Some(slot), Some(axis)) = (row.get_mut(at), self.axes.get(at)) {
                *slot = value(place, axis);
            }
        }
        row
    }

    /// Combination `index` of a grid: the digits of a number with mixed bases.
    fn grid_row(&self, group: &Group, index: usize, count: impl Fn(usize) -> usize) -> Row {
        let mut digits = vec![0; group.axes.len()];
        let mut rest = index;
        for (digit, &axis) in digits.iter_mut().zip(&group.axes).rev() {
            let base = count(axis).max(1);
            *digit = rest % base;
            rest /= base;
        }
        self.row(group, |place, axis| pick(axis, digits.get(place).copied().unwrap_or(0)))
    }

    /// Coordinates go to the axes in the order of their paths, whatever the order in the config.
    fn sobol_rows(&self, group: &Group, streams: &Streams) -> impl Fn(usize) -> Option<Row> {
        let path = |&at: &usize| self.axes.get(at).map_or("", |axis| axis.path.as_str());
        let mut paths: Vec<&str> = group.axes.iter().map(path).collect();
        paths.sort_unstable();
        let seed = streams.child("sobol", 0).stream(&paths.join("\n"), 0).below(u32::MAX as usize);
        move |index| {
            let value = |_, axis: &Axis| {
                let place = paths.binary_search(&axis.path.as_str()).unwrap_or(0);
                axis.domain.at(sobol::coordinate(index, place, seed as u32)?)
            };
            let row = self.row(group, value);
            group.axes.iter().all(|&at| row.get(at).is_some_and(Option::is_some)).then_some(row)
        }
    }
}

fn pick(axis: &Axis, index: usize) -> Option<Choice> {
    match &axis.domain {
        Domain::Choices(choices) => choices.get(index).cloned(),
        Domain::Range(_) => None,
    }
}

fn joined(row: &Row, own: &Row) -> Row {
    row.iter().zip(own).map(|(a, b)| b.clone().or_else(|| a.clone())).collect()
}
