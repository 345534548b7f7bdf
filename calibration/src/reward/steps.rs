//! The largest gap between two distribution functions on a grid of values, while mass comes and
//! goes.
//!
//! With C the internal mass up to an interval, N all of it and G the external share there, it is
//! `max |C / N - G|`. Both functions rise, so on a stretch of intervals the gap is at most the larger
//! of `C at its end / N - G at its start` and `G at its end - C before it / N`. A search goes down
//! the tree of masses and leaves out the stretches whose bound does not exceed what it has found.

/// Masses at the left ends of intervals, summed up in a tree.
pub(super) struct Steps {
    /// Node 1 is the whole; the children of node n are 2n and 2n + 1.
    masses: Vec<f64>,
    /// External share up to each interval.
    shares: Vec<f64>,
    leaves: usize,
}

/// A stretch of intervals: its node, its first interval and the number of its leaves.
#[derive(Clone, Copy)]
struct Stretch {
    node: usize,
    first: usize,
    leaves: usize,
}

impl Steps {
    /// Without internal mass, from the external share up to each interval.
    pub fn new(shares: Vec<f64>) -> Self {
        let leaves = shares.len().next_power_of_two();
        Self { masses: vec![0.0; 2 * leaves], shares, leaves }
    }

    /// Mass comes to the left end of interval `at` (beyond the last: to the right of all).
    pub fn add(&mut self, at: usize, mass: f64) {
        if at >= self.shares.len() {
            return;
        }
        let mut node = self.leaves + at;
        while node > 0 {
            self.masses[node] += mass;
            node /= 2;
        }
    }

    /// The largest gap for this internal mass in all.
    pub fn largest(&self, mass: f64) -> f64 {
        let whole = Stretch { node: 1, first: 0, leaves: self.leaves };
        self.search(whole, 0.0, 1.0 / mass, 0.0)
    }

    /// The larger of `found` and the largest gap of a stretch, which has the mass `below` before it.
    fn search(&self, stretch: Stretch, below: f64, scale: f64, found: f64) -> f64 {
        let Stretch { node, first, leaves } = stretch;
        let last = (first + leaves).min(self.shares.len());
        let Some(shares) = self.shares.get(first..last).filter(|shares| !shares.is_empty()) else {
            return found;
        };
        let (before, after) = (below * scale, (below + self.masses[node]) * scale);
        if leaves == 1 {
            return found.max((after - shares[0]).abs());
        }
        if (after - shares[0]).max(shares[shares.len() - 1] - before) <= found {
            return found;
        }
        let leaves = leaves / 2;
        let left = Stretch { node: 2 * node, first, leaves };
        let right = Stretch { node: 2 * node + 1, first: first + leaves, leaves };
        let found = self.search(left, below, scale, found);
        self.search(right, below + self.masses[2 * node], scale, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random mass that comes and goes, against the largest of all gaps.
    #[test]
    fn the_largest_gap_is_found() {
        let mut stream = trueup_env::Streams::new(4).stream("steps", 0);
        for intervals in [1, 2, 5, 64, 150] {
            let mut shares: Vec<f64> = (0..intervals).map(|_| stream.uniform()).collect();
            shares.sort_by(f64::total_cmp);
            let mut steps = Steps::new(shares.clone());
            let mut masses = vec![0.0; intervals + 1];
            for step in 0..400 {
                let at = shares.partition_point(|share| *share < stream.uniform());
                let taken = step % 3 == 2 && masses[at] > 0.0;
                let mass = if taken { -1.0 } else { 1.0 };
                masses[at] += mass;
                steps.add(at, mass);
                let total: f64 = masses.iter().sum();
                let (mut below, mut largest) = (0.0, 0.0_f64);
                for (share, mass) in shares.iter().zip(&masses) {
                    below += mass;
                    largest = largest.max((below / total - share).abs());
                }
                assert!((steps.largest(total) - largest).abs() < 1e-12, "{intervals} {step}");
            }
        }
    }
}
