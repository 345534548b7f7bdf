//! The discrepancies of one feature, measured together: the rows are sorted once, and the
//! distribution functions under a weighting are made once, for all of them.

use super::both::{Both, Reader};
use super::lanes::{self, LANES};
use super::line::Line;
use super::{Discrepancy, DiscrepancyError, Prepared};
use crate::sample::{Sample, Shape};

/// Two samples of real numbers made ready for discrepancies that are read off both distribution
/// functions.
pub struct Shared {
    line: Line,
    readers: Vec<Box<dyn Reader>>,
}

/// What becomes of the discrepancies of one feature.
pub struct Family {
    /// Those that are measured together.
    pub shared: Option<Shared>,
    /// What each discrepancy is, in the order given.
    pub members: Vec<Member>,
}

/// One discrepancy of a family.
pub enum Member {
    /// It is measured together with others: its number among them.
    Shared(usize),
    /// It is to be prepared on its own.
    Own,
    /// It cannot be measured on these samples.
    Refused(DiscrepancyError),
}

impl Family {
    /// Makes two samples ready for all of `discrepancies` that can share their preparation.
    pub fn of(discrepancies: &[&dyn Discrepancy], internal: &Sample, external: &Sample) -> Self {
        let first = discrepancies.first().map_or("", |discrepancy| discrepancy.name());
        let alone = || discrepancies.iter().map(|_| Member::Own).collect();
        if internal.shape != Shape::Real {
            return Self { shared: None, members: alone() };
        }
        // Each discrepancy refuses what is wrong with the samples in its own words.
        let Ok(line) = Line::of_samples(first, internal, external) else {
            return Self { shared: None, members: alone() };
        };
        let mut readers = Vec::new();
        let member = |discrepancy: &&dyn Discrepancy| match discrepancy.on_line(&line) {
            None => Member::Own,
            Some(Err(error)) => Member::Refused(error),
            Some(Ok(reader)) => {
                readers.push(reader);
                Member::Shared(readers.len() - 1)
            }
        };
        let members = discrepancies.iter().map(member).collect();
        Self { shared: Some(Shared { line, readers }), members }
    }
}

impl Shared {
    /// The values of each discrepancy under all weightings, as [`Prepared::values`] has them: one
    /// list a weighting, in the order of the discrepancies.
    pub fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Vec<Option<f64>>> {
        let alone = |(p, q): (&Vec<f64>, &Vec<f64>)| match self.line.under([p], [q]) {
            Some(both) => {
                self.read(|reader| finite(reader.one(&both))).map(|[value]| value).collect()
            }
            None => vec![None; self.readers.len()],
        };
        let chunk = |(p, q): (&[Vec<f64>], &[Vec<f64>])| -> Vec<Vec<Option<f64>>> {
            let lanes = p.as_array::<LANES>().zip(q.as_array::<LANES>());
            let both: Option<Both<'_, LANES>> =
                lanes.and_then(|(p, q)| self.line.under(lanes::slices(p), lanes::slices(q)));
            let Some(both) = both else { return p.iter().zip(q).map(alone).collect() };
            let mut values = vec![Vec::new(); LANES];
            for lanes in self.read(|reader| finite(reader.all(&both))) {
                values.iter_mut().zip(lanes).for_each(|(values, value)| values.push(value));
            }
            values
        };
        internal.chunks(LANES).zip(external.chunks(LANES)).flat_map(chunk).collect()
    }

    fn read<T>(&self, read: impl Fn(&dyn Reader) -> T) -> impl Iterator<Item = T> {
        self.readers.iter().map(move |reader| read(reader.as_ref()))
    }
}

fn finite<const L: usize>(values: [f64; L]) -> [Option<f64>; L] {
    values.map(|value| value.is_finite().then_some(value))
}

/// One discrepancy that is read off a line.
struct Single(Shared);

impl Prepared for Single {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let both = self.0.line.under([internal], [external])?;
        let [value] = finite(self.0.readers.first()?.one(&both));
        value
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        self.0.values(internal, external).into_iter().map(|mut one| one.pop().flatten()).collect()
    }
}

/// Makes two samples ready for a discrepancy that is read off a line.
///
/// # Errors
/// Samples that cannot be compared, or that the discrepancy refuses.
pub(super) fn prepare<'a>(
    discrepancy: &dyn Discrepancy,
    internal: &Sample,
    external: &Sample,
) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
    let line = Line::of_samples(discrepancy.name(), internal, external)?;
    let reader = discrepancy.on_line(&line).unwrap_or(Err(DiscrepancyError::WrongShape {
        discrepancy: discrepancy.name(),
        wanted: discrepancy.shape(),
        given: Shape::Real,
    }))?;
    Ok(single(line, reader))
}

/// Leaves a line to one discrepancy.
pub(super) fn single<'a>(line: Line, reader: Box<dyn Reader>) -> Box<dyn Prepared + 'a> {
    Box::new(Single(Shared { line, readers: vec![reader] }))
}
