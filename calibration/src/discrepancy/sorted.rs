//! Two samples in which every row counts alike, each sorted: F - G without weights or users, for
//! samples of millions of rows.
//!
//! Rows are first dealt into buckets by the leading bits of a key that orders as the floats do, which
//! is nearly a logarithmic grid over the range of both sides. A bucket fits into the cache, where
//! it is sorted. The largest gap needs no more than the few buckets in which it can lie.

use rayon::prelude::*;

/// Both sides in ascending order, each with an infinity behind its last value.
pub(super) struct Sorted {
    internal: Vec<f64>,
    external: Vec<f64>,
}

impl Sorted {
    /// Sorts finite values; at least one a side.
    pub(super) fn of(internal: &[f64], external: &[f64]) -> Self {
        let sides = || rayon::join(|| sorted(internal), || sorted(external));
        let (internal, external) = sides();
        Self { internal, external }
    }

    /// The largest value of either side.
    pub(super) fn last(&self) -> Option<f64> {
        let last = |side: &[f64]| side.iter().rev().nth(1).copied();
        Some(last(&self.internal)?.max(last(&self.external)?))
    }

    /// Visits each interval between neighbouring values with (its left end, F - G on it, its
    /// width). Between equal values the width is 0 and F - G means nothing.
    #[inline(always)]
    pub(super) fn each(&self, mut visit: impl FnMut(f64, f64, f64)) {
        let (p, q) = (&self.internal[..], &self.external[..]);
        let (n, m) = (p.len() - 1, q.len() - 1);
        let scale = 1.0 / (n as f64 * m as f64);
        let (mut i, mut j) = (0, 0);
        let mut left = p[0].min(q[0]);
        for _ in 1..n + m {
            // No branch: which side comes next is a coin toss.
            let internal = usize::from(p[i] <= q[j]);
            i += internal;
            j += 1 - internal;
            let right = p[i].min(q[j]);
            // Counts are exact, so F - G is 0 where F = G.
            let gap = (i * m) as f64 - (j * n) as f64;
            visit(left, gap * scale, right - left);
            left = right;
        }
        visit(left, 0.0, 0.0);
    }
}

/// `max |F - G|` without sorting more than it takes: in most buckets, F - G cannot leave the range
/// between its values at the ends far enough to matter.
pub(super) fn largest_gap(internal: &[f64], external: &[f64]) -> f64 {
    let (p, q) = rayon::join(|| range(internal), || range(external));
    let grid = Grid::over([p[0].min(q[0]), p[1].max(q[1])]);
    let (p, q) = rayon::join(|| grid.counts(internal), || grid.counts(external));
    let (n, m) = (internal.len() as i64, external.len() as i64);
    // F - G times n m, before each bucket.
    let mut before = Vec::with_capacity(p.len());
    let (mut gap, mut largest) = (0, 0);
    for (&p, &q) in p.iter().zip(&q) {
        before.push(gap);
        gap += i64::from(p) * m - i64::from(q) * n;
        largest = largest.max(gap.abs());
    }
    let open = |bucket: usize| {
        let up = before[bucket] + i64::from(p[bucket]) * m;
        let down = before[bucket] - i64::from(q[bucket]) * n;
        up.max(-down) > largest
    };
    let open: Vec<bool> = (0..before.len()).map(open).collect();
    let of = |values: &[f64]| {
        let keys = values.iter().map(|&value| key(value));
        let mut keys: Vec<u64> = keys.filter(|&key| open[grid.bucket(key)]).collect();
        keys.sort_unstable();
        keys
    };
    let (p, q) = rayon::join(|| of(internal), || of(external));
    let (mut i, mut j) = (0, 0);
    for (bucket, _) in open.iter().enumerate().filter(|(_, open)| **open) {
        let mut gap = before[bucket];
        let own = |key: Option<&u64>| key.copied().filter(|&key| grid.bucket(key) == bucket);
        while let Some(next) = own(p.get(i)).into_iter().chain(own(q.get(j))).min() {
            while p.get(i) == Some(&next) {
                i += 1;
                gap += m;
            }
            while q.get(j) == Some(&next) {
                j += 1;
                gap -= n;
            }
            largest = largest.max(gap.abs());
        }
    }
    largest as f64 / (n as f64 * m as f64)
}

/// Bits of a float in an order that is that of the floats; both zeros are one.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    bits ^ (((bits as i64) >> 63) as u64 | 1 << 63)
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

/// The smallest and the largest key.
fn range(values: &[f64]) -> [u64; 2] {
    let ends = |[low, high]: [u64; 2], key: u64| [low.min(key), high.max(key)];
    values.iter().map(|&value| key(value)).fold([u64::MAX, 0], ends)
}

/// Buckets of equal width over a range of keys.
struct Grid {
    low: u64,
    shift: u32,
    buckets: usize,
}

/// Two to this power are the most buckets: their counts stay in the cache.
const BITS: u32 = 14;

impl Grid {
    fn over([low, high]: [u64; 2]) -> Self {
        let width = high.saturating_sub(low);
        let shift = (u64::BITS - width.leading_zeros()).saturating_sub(BITS);
        Self { low, shift, buckets: (width >> shift) as usize + 1 }
    }

    #[inline]
    fn bucket(&self, key: u64) -> usize {
        (key.saturating_sub(self.low) >> self.shift) as usize
    }

    fn counts(&self, values: &[f64]) -> Vec<u32> {
        let mut counts = vec![0; self.buckets];
        values.iter().for_each(|&value| counts[self.bucket(key(value))] += 1);
        counts
    }
}

/// Rows from which dealing into buckets is worth its passes.
const MANY: usize = 1 << 15;

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut keys = if values.len() < MANY {
        let mut keys: Vec<u64> = values.iter().map(|&value| key(value)).collect();
        // Equal keys are equal numbers: every order of them is the same.
        keys.sort_unstable();
        keys
    } else {
        dealt(values)
    };
    let mut sorted = Vec::with_capacity(keys.len() + 1);
    sorted.extend(keys.drain(..).map(value));
    sorted.push(f64::INFINITY);
    sorted
}

/// Sorted keys: dealt into buckets, which are then sorted.
fn dealt(values: &[f64]) -> Vec<u64> {
    let grid = Grid::over(range(values));
    let counts = grid.counts(values);
    let mut next = Vec::with_capacity(counts.len());
    let mut start = 0;
    for &count in &counts {
        next.push(start);
        start += count as usize;
    }
    let mut keys = vec![0; values.len()];
    for &value in values {
        let key = key(value);
        let place = &mut next[grid.bucket(key)];
        keys[*place] = key;
        *place += 1;
    }
    let mut rest = &mut keys[..];
    let mut buckets = Vec::with_capacity(counts.len());
    for count in counts {
        let (bucket, behind) = rest.split_at_mut(count as usize);
        rest = behind;
        buckets.push(bucket);
    }
    buckets.into_par_iter().with_min_len(64).for_each(<[u64]>::sort_unstable);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_env::Streams;

    #[test]
    fn keys_keep_the_order_and_the_numbers() {
        let numbers = [f64::MIN, -2.5, -1e-300, 0.0, 1e-300, 1.0, 1e30, f64::MAX];
        for pair in numbers.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        for number in numbers {
            assert_eq!(value(key(number)).to_bits(), number.to_bits());
        }
        assert_eq!(key(-0.0), key(0.0));
    }

    #[test]
    fn intervals_by_hand() {
        let sorted = Sorted::of(&[3.0, 1.0], &[2.0, 3.0, 5.0]);
        let mut seen = Vec::new();
        sorted.each(|left, gap, width| {
            if width > 0.0 {
                seen.push((left, (6.0 * gap).round(), width));
            }
        });
        assert_eq!(seen, [(1.0, 3.0, 1.0), (2.0, 1.0, 1.0), (3.0, 2.0, 2.0)]);
        assert_eq!(sorted.last(), Some(5.0));
    }

    /// Numbers of all signs and sizes, ties, far outliers: as a plain sort has it.
    #[test]
    fn dealt_and_sorted_are_the_same() {
        let mut stream = Streams::new(3).stream("sorted", 0);
        for case in 0..6 {
            let mut draw = || match case {
                0 => stream.uniform(),
                1 => -(stream.uniform().ln()) - 1.0,
                2 => (20.0 * stream.uniform()).floor() - 10.0,
                3 => 7.0,
                4 => (60.0 * stream.uniform() - 30.0).exp2() * (stream.uniform() - 0.5),
                _ => {
                    if stream.uniform() < 1e-4 {
                        1e30
                    } else {
                        1.0 + 1e-9 * stream.uniform()
                    }
                }
            };
            let values: Vec<f64> = (0..40_000).map(|_| draw()).collect();
            let other: Vec<f64> = (0..50_000).map(|_| draw()).collect();
            let mut plain = values.clone();
            plain.sort_by(f64::total_cmp);
            plain.push(f64::INFINITY);
            assert_eq!(sorted(&values), plain, "{case}");
            let mut largest = 0.0_f64;
            Sorted::of(&values, &other).each(|_, gap, width| {
                if width > 0.0 {
                    largest = largest.max(gap.abs());
                }
            });
            assert!((largest_gap(&values, &other) - largest).abs() < 1e-15, "{case}");
        }
    }
}
