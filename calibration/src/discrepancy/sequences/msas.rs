//! How alike users' sequences are in a statistic of theirs: Multi-Sequence Aggregate Similarity, as
//! a distance.
//!
//! `D = sup_x |F(x) - G(x)|`, F and G being the distributions over users of a statistic of the
//! user's rows: mean, median, standard deviation (n - 1), length, smallest, largest; or, with
//! `statistic=4`, the distributions over all rows of the difference from a row to the next one of
//! the same user. It is 1 less the similarity that SDMetrics calls `StatisticMSAS`,
//! `SequenceLengthSimilarity` and `InterRowMSAS` (DataCebo, *Synthetic Data Metrics*, 2023). Users
//! without rows, and users with one row where a second is needed, have no statistic. No witness: as
//! for `kolmogorov-smirnov`.

use super::{sequences, whole};
use crate::discrepancy::kolmogorov_smirnov::KolmogorovSmirnov;
use crate::discrepancy::line::Line;
use crate::discrepancy::{
    Discrepancy, DiscrepancyError, Parameter, Prepared, check, shared, steps,
};
use crate::sample::{Sample, Shape};

/// `msas`.
#[derive(Clone, Copy, Debug)]
pub struct Msas {
    /// 0 mean, 1 median, 2 standard deviation, 3 length, 4 differences between rows, 5 smallest,
    /// 6 largest.
    pub statistic: usize,
}

const NAME: &str = "msas";

/// The statistic of each user, or the differences of his rows.
fn statistics(
    side: &'static str,
    sample: &Sample,
    statistic: usize,
) -> Result<Sample, DiscrepancyError> {
    let (mut values, mut owners) = (Vec::new(), Vec::new());
    for (user, rows) in sequences(side, sample)? {
        let n = rows.len() as f64;
        // Shifted by the first row: exact where all rows are equal.
        let first = rows[0];
        let mean = first + rows.iter().map(|x| x - first).sum::<f64>() / n;
        let squares = || rows.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        match statistic {
            0 => values.push(mean),
            1 => values.push(median(rows)),
            2 if rows.len() > 1 => values.push((squares() / (n - 1.0)).sqrt()),
            3 => values.push(n),
            4 => values.extend(rows.windows(2).map(|pair| pair[1] - pair[0])),
            5 => values.push(rows.iter().copied().fold(f64::INFINITY, f64::min)),
            6 => values.push(rows.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            _ => {}
        }
        owners.resize(values.len(), user);
    }
    if values.is_empty() {
        let why = "no user has two rows";
        return Err(DiscrepancyError::Undefined { discrepancy: NAME, side, why });
    }
    Ok(Sample { values, user: owners, ..sample.clone() })
}

fn median(rows: &[f64]) -> f64 {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    low + (high - low) / 2.0
}

impl Discrepancy for Msas {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Sequence statistics"
    }

    fn definition(&self) -> &'static str {
        "max |F - G| over users of a statistic of their rows (statistic 0 mean, 1 median, 2 sd, \
         3 length, 5 smallest, 6 largest) or over differences between rows (4)"
    }

    fn reference(&self) -> &'static str {
        "DataCebo, Synthetic Data Metrics (SDMetrics), StatisticMSAS and InterRowMSAS, 2023"
    }

    fn cost(&self) -> &'static str {
        super::super::cost::SORT
    }

    fn parameters(&self) -> &'static [Parameter] {
        const {
            &[whole(
                "statistic",
                "0 mean, 1 median, 2 sd, 3 length, 4 differences between rows, 5 smallest, 6 largest",
                0.0,
                0.0,
                6.0,
            )]
        }
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { statistic: *values.first()? as usize }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn ordered(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        1.0
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Real, 1, internal, external)?;
        let p = statistics("internal", internal, self.statistic)?;
        let q = statistics("external", external, self.statistic)?;
        let line = Line::of_samples(NAME, &p, &q)?;
        Ok(shared::single(line, steps::reader::<KolmogorovSmirnov>()))
    }
}
