//! Rows of numbers, the two samples that a discriminator tells apart, and its memory.

use trueup_calibration::reward::StateError;
use trueup_calibration::reward::state::{Reader, Writer};
use trueup_env::Stream;

/// Standardised inputs are cut here: a few wild values must not rule a network.
pub(super) const CUT: f32 = 10.0;

/// Rows in one flat array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub width: usize,
    pub values: Vec<f32>,
}

impl Rows {
    pub fn new(width: usize) -> Self {
        Self { width, values: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// Some rows, in the order given.
    pub fn select(&self, rows: &[u32]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row as usize));
        Self { width: self.width, values: values.copied().collect() }
    }

    /// The columns `from .. from + width` of all rows.
    pub fn columns(&self, from: usize, width: usize) -> Self {
        let values = self.values.chunks_exact(self.width).flat_map(|row| &row[from..from + width]);
        Self { width, values: values.copied().collect() }
    }
}

/// The most rows of real users that a discriminator keeps: enough for what it can learn, and every
/// refit looks at all of them.
const MOST_REAL: usize = 16_384;

/// Keeps `rows`, or [`MOST_REAL`] of them chosen evenly, in the order in which they came.
pub(super) fn at_most(mut rows: Vec<u32>, stream: &mut Stream) -> Vec<u32> {
    if rows.len() > MOST_REAL {
        for i in 0..MOST_REAL {
            let other = i + stream.below(rows.len() - i);
            rows.swap(i, other);
        }
        rows.truncate(MOST_REAL);
        rows.sort_unstable();
    }
    rows
}

/// Rows with importance weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub rows: Rows,
    pub weights: Vec<f32>,
}

impl Sample {
    /// Rows that all count 1.
    pub fn even(rows: Rows) -> Self {
        Self { weights: vec![1.0; rows.len()], rows }
    }

    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// A row, uniformly drawn, with its weight.
    pub fn draw(&self, stream: &mut Stream) -> (&[f32], f32) {
        let row = stream.below(self.weights.len());
        (self.rows.row(row), self.weights[row])
    }
}

/// Rows of earlier rollouts: a fixed number, of which each rollout replaces a share.
///
/// A discriminator that saw the last rollout alone would forget why the policy left an earlier
/// fault, and the two would run in circles (fictitious play mixes the past in).
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(pub Sample);

/// Rows that a memory holds.
const MEMORY: usize = 4096;

impl Memory {
    /// Takes rows of a rollout in: each place keeps what it has with probability `decay`.
    pub fn remember(&mut self, now: &Sample, decay: f64, stream: &mut Stream) {
        if now.is_empty() {
            return;
        }
        let first = self.0.is_empty();
        let old = std::mem::take(&mut self.0);
        self.0.rows.width = now.rows.width;
        for place in 0..MEMORY {
            let (row, weight) = if first || stream.uniform() >= decay {
                now.draw(stream)
            } else {
                (old.rows.row(place), old.weights[place])
            };
            self.0.rows.values.extend_from_slice(row);
            self.0.weights.push(weight);
        }
    }

    pub fn write(&self, writer: &mut Writer) {
        writer.whole(self.0.weights.len() as u64);
        writer.singles(&self.0.rows.values);
        writer.singles(&self.0.weights);
    }

    pub fn read(width: usize, reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let rows = match reader.whole("the memory")? {
            0 => 0,
            rows if rows == MEMORY as u64 => MEMORY,
            rows => return Err(StateError(format!("the memory has {rows} rows, not {MEMORY}"))),
        };
        let values = reader.singles("the memory", rows * width)?;
        let weights = reader.singles("the weights of the memory", rows)?;
        Ok(Self(Sample { rows: Rows { width, values }, weights }))
    }
}

/// Brings columns to mean 0 and standard deviation 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standard {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

impl Standard {
    /// By the weighted moments of a sample. A column without spread is only moved to 0.
    pub fn of(sample: &Sample) -> Self {
        let width = sample.rows.width;
        let total: f64 = sample.weights.iter().map(|&w| f64::from(w)).sum();
        let moment = |power: i32, centre: &[f64]| -> Vec<f64> {
            let mut sums = vec![0.0; width];
            for (row, &weight) in sample.rows.values.chunks_exact(width).zip(&sample.weights) {
                for ((sum, &x), c) in sums.iter_mut().zip(row).zip(centre) {
                    *sum += f64::from(weight) * (f64::from(x) - c).powi(power);
                }
            }
            sums.into_iter().map(|sum| sum / total.max(f64::MIN_POSITIVE)).collect()
        };
        let mean = moment(1, &vec![0.0; width]);
        let variance = moment(2, &mean);
        let scale = |v: f64| if v > 1e-12 { (1.0 / v.sqrt()) as f32 } else { 1.0 };
        Self {
            mean: mean.into_iter().map(|m| m as f32).collect(),
            scale: variance.into_iter().map(scale).collect(),
        }
    }

    /// Standardises the leading columns of a row in place, and cuts at [`CUT`].
    pub fn apply(&self, row: &mut [f32]) {
        for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
            *x = ((*x - mean) * scale).clamp(-CUT, CUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    fn constant(value: f32) -> Sample {
        Sample::even(Rows { width: 2, values: vec![value; 20] })
    }

    /// The share of old rows after k more rollouts is decay^k: within 4.5 standard errors of
    /// [`MEMORY`] places (false alarm 1e-5).
    #[test]
    fn a_memory_decays_at_its_rate_and_is_restored_to_the_bit() {
        let mut stream = Streams::new(3).stream("memory", 0);
        let mut memory = Memory::default();
        memory.remember(&constant(1.0), 0.8, &mut stream);
        assert_eq!(memory.0.weights.len(), MEMORY);
        for _ in 0..3 {
            memory.remember(&constant(2.0), 0.8, &mut stream);
        }
        let old = memory.0.rows.values.iter().filter(|v| **v == 1.0).count() / 2;
        let (share, p) = (old as f64 / MEMORY as f64, 0.8_f64.powi(3));
        assert!((share - p).abs() < 4.5 * (p * (1.0 - p) / MEMORY as f64).sqrt(), "{share}");
        let mut writer = Writer::default();
        memory.write(&mut writer);
        let state = writer.finish();
        let read = Memory::read(2, &mut Reader::new(&state)).unwrap();
        assert_eq!((&read.0.rows, &read.0.weights), (&memory.0.rows, &memory.0.weights));
        assert!(Memory::read(3, &mut Reader::new(&state)).is_err());
    }

    #[test]
    fn too_many_rows_are_thinned_evenly() {
        let mut stream = Streams::new(1).stream("kept", 0);
        assert_eq!(at_most(vec![3, 9], &mut stream), [3, 9]);
        let count = 4 * MOST_REAL as u32;
        let kept = at_most((0..count).collect(), &mut stream);
        assert_eq!(kept.len(), MOST_REAL);
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
        // Half of them from the first half: within 4.5 standard errors (false alarm 1e-5).
        let low = kept.iter().filter(|&&row| row < count / 2).count() as f64;
        let n = MOST_REAL as f64;
        assert!((low - n / 2.0).abs() < 4.5 * (n * 0.25).sqrt(), "{low}");
    }

    #[test]
    fn standardised_columns_have_mean_zero_and_variance_one() {
        let rows = Rows { width: 2, values: vec![1.0, 5.0, 3.0, 5.0, 100.0, 5.0] };
        let sample = Sample { rows, weights: vec![1.0, 1.0, 0.0] };
        let standard = Standard::of(&sample);
        let mut row = [1.0, 5.0];
        standard.apply(&mut row);
        assert_eq!(row, [-1.0, 0.0]);
        let mut far = [100.0, 6.0];
        standard.apply(&mut far);
        assert_eq!(far, [CUT, 1.0]);
    }
}
