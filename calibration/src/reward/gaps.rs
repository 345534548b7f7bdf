//! The gap between two distribution functions on a grid of values, while mass comes and goes: sums
//! over the intervals in the logarithm of their number.
//!
//! On the interval after knot j, of width w, let C be the internal mass up to it, N all internal
//! mass and G the external share up to it. The tree keeps `H = C - N G = N (F - G)`. Mass m that
//! comes to knot k moves H by `m [j >= k] - m G`: on all intervals by a multiple of G, and from k on
//! by a constant. A node that is moved as a whole follows from its own sums and leaves a note for
//! what is below it (lazy propagation).
//!
//! [`Squares`] follow always. [`Absolutes`] do so as long as no H within changes its sign, which a
//! node knows from its smallest H on either side; otherwise its children are asked. Signs change
//! rarely, so that a move costs little more than the logarithm.

/// Sums over a stretch of intervals.
pub(super) trait Sums: Clone {
    /// One interval with H = 0: its width, and the external share up to it.
    fn leaf(width: f64, share: f64) -> Self;

    /// Two neighbouring stretches as one.
    fn join(left: &Self, right: &Self) -> Self;

    /// Moves every H by `add - times share`; false, and nothing done, where the sums do not tell
    /// the outcome. A single interval must be able to.
    fn moved(&mut self, add: f64, times: f64, single: bool) -> bool;
}

/// `sum w H^2`.
#[derive(Clone, Debug)]
pub(super) struct Squares {
    /// Sums of w, w G and w G^2.
    constant: [f64; 3],
    /// Sums of w H and w G H.
    linear: [f64; 2],
    /// Sum of w H^2.
    pub square: f64,
}

impl Sums for Squares {
    fn leaf(width: f64, share: f64) -> Self {
        let constant = [width, width * share, width * share * share];
        Self { constant, linear: [0.0; 2], square: 0.0 }
    }

    fn join(left: &Self, right: &Self) -> Self {
        Self {
            constant: std::array::from_fn(|i| left.constant[i] + right.constant[i]),
            linear: std::array::from_fn(|i| left.linear[i] + right.linear[i]),
            square: left.square + right.square,
        }
    }

    fn moved(&mut self, a: f64, t: f64, _single: bool) -> bool {
        let [w, wg, wgg] = self.constant;
        let [h, gh] = &mut self.linear;
        self.square += 2.0 * (a * *h - t * *gh) + a * a * w - 2.0 * a * t * wg + t * t * wgg;
        *h += a * w - t * wg;
        *gh += a * wg - t * wgg;
        true
    }
}

/// `sum w |H|`, from the intervals with H >= 0 and those below.
#[derive(Clone, Debug)]
pub(super) struct Absolutes {
    /// Smallest and largest external share.
    shares: [f64; 2],
    above: Part,
    below: Part,
}

/// The intervals on one side of 0.
#[derive(Clone, Debug)]
struct Part {
    /// Sums of w and w G.
    constant: [f64; 2],
    /// Sum of w H.
    sum: f64,
    /// No H of this side is nearer to 0 than this; infinite where there is none.
    nearest: f64,
}

impl Absolutes {
    /// `sum w |H|`.
    pub fn sum(&self) -> f64 {
        self.above.sum - self.below.sum
    }

    /// One interval with this H.
    fn interval(width: f64, share: f64, gap: f64) -> Self {
        let here = Part { constant: [width, width * share], sum: width * gap, nearest: gap };
        let none = |nearest| Part { constant: [0.0; 2], sum: 0.0, nearest };
        let shares = [share; 2];
        if gap >= 0.0 {
            return Self { shares, above: here, below: none(f64::NEG_INFINITY) };
        }
        Self { shares, above: none(f64::INFINITY), below: here }
    }
}

impl Part {
    fn join(left: &Self, right: &Self, nearest: f64) -> Self {
        Self {
            constant: std::array::from_fn(|i| left.constant[i] + right.constant[i]),
            sum: left.sum + right.sum,
            nearest,
        }
    }

    fn follow(&mut self, a: f64, t: f64, nearest: f64) {
        self.sum += a * self.constant[0] - t * self.constant[1];
        self.nearest = nearest;
    }
}

impl Sums for Absolutes {
    fn leaf(width: f64, share: f64) -> Self {
        Self::interval(width, share, 0.0)
    }

    fn join(left: &Self, right: &Self) -> Self {
        let above = left.above.nearest.min(right.above.nearest);
        let below = left.below.nearest.max(right.below.nearest);
        Self {
            shares: [left.shares[0].min(right.shares[0]), left.shares[1].max(right.shares[1])],
            above: Part::join(&left.above, &right.above, above),
            below: Part::join(&left.below, &right.below, below),
        }
    }

    fn moved(&mut self, a: f64, t: f64, single: bool) -> bool {
        let ends = self.shares.map(|share| a - t * share);
        if single {
            let up = self.above.nearest.is_finite();
            let side = if up { &self.above } else { &self.below };
            *self = Self::interval(side.constant[0], self.shares[0], side.nearest + ends[0]);
            return true;
        }
        let above = self.above.nearest + ends[0].min(ends[1]);
        let below = self.below.nearest + ends[0].max(ends[1]);
        if above < 0.0 || below >= 0.0 {
            return false;
        }
        self.above.follow(a, t, above);
        self.below.follow(a, t, below);
        true
    }
}

/// The intervals of a grid.
pub(super) struct Gaps<S> {
    /// Node 1 is the whole; the children of node n are 2n and 2n + 1.
    nodes: Vec<S>,
    /// What the children of a node have yet to be moved by.
    late: Vec<[f64; 2]>,
    intervals: usize,
}

impl<S: Sums> Gaps<S> {
    /// Without internal mass: each interval by its width and the external share up to it.
    pub fn new(intervals: impl ExactSizeIterator<Item = (f64, f64)>) -> Self {
        let count = intervals.len().next_power_of_two();
        // What is filled up has no width, and H = 0 whatever comes.
        let mut nodes = vec![S::leaf(0.0, 1.0); 2 * count];
        for (node, (width, share)) in nodes[count..].iter_mut().zip(intervals) {
            *node = S::leaf(width, share);
        }
        for node in (1..count).rev() {
            nodes[node] = S::join(&nodes[2 * node], &nodes[2 * node + 1]);
        }
        Self { nodes, late: vec![[0.0; 2]; count], intervals: count }
    }

    /// Mass comes to the left end of interval `at` (beyond the last: to the right of all).
    pub fn add(&mut self, at: usize, mass: f64) {
        self.descend(1, 0..self.intervals, at, [mass, mass]);
    }

    /// All intervals.
    pub fn whole(&self) -> &S {
        &self.nodes[1]
    }

    /// Moves a node by `times share`, and by `add` from interval `from` on.
    fn descend(&mut self, node: usize, span: std::ops::Range<usize>, from: usize, by: [f64; 2]) {
        let [add, times] = by;
        if from <= span.start {
            self.shift(node, by);
        } else if from >= span.end {
            self.shift(node, [0.0, times]);
        } else {
            self.catch_up(node);
            let middle = usize::midpoint(span.start, span.end);
            self.descend(2 * node, span.start..middle, from, [add, times]);
            self.descend(2 * node + 1, middle..span.end, from, [add, times]);
            self.nodes[node] = S::join(&self.nodes[2 * node], &self.nodes[2 * node + 1]);
        }
    }

    /// Moves a node as a whole.
    fn shift(&mut self, node: usize, by: [f64; 2]) {
        if self.nodes[node].moved(by[0], by[1], node >= self.intervals) {
            if let Some(late) = self.late.get_mut(node) {
                late.iter_mut().zip(by).for_each(|(late, by)| *late += by);
            }
            return;
        }
        self.catch_up(node);
        self.shift(2 * node, by);
        self.shift(2 * node + 1, by);
        self.nodes[node] = S::join(&self.nodes[2 * node], &self.nodes[2 * node + 1]);
    }

    /// Brings the children of a node up to date.
    fn catch_up(&mut self, node: usize) {
        let late = std::mem::take(&mut self.late[node]);
        if late != [0.0; 2] {
            self.shift(2 * node, late);
            self.shift(2 * node + 1, late);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random mass that comes and goes, against sums over all intervals.
    #[test]
    fn sums_follow_every_move() {
        let mut stream = trueup_env::Streams::new(3).stream("gaps", 0);
        for intervals in [1, 2, 3, 37, 64, 200] {
            let widths: Vec<f64> = (0..intervals).map(|_| stream.uniform() * 3.0).collect();
            let mut shares: Vec<f64> = (0..intervals).map(|_| stream.uniform()).collect();
            shares.sort_by(f64::total_cmp);
            let grid = || widths.iter().copied().zip(shares.iter().copied()).collect::<Vec<_>>();
            let mut squares = Gaps::<Squares>::new(grid().into_iter());
            let mut absolutes = Gaps::<Absolutes>::new(grid().into_iter());
            let mut masses = vec![0.0; intervals + 1];
            for step in 0..600 {
                // As the external law has it, so that signs change, and some of it leaves again.
                let at = shares.partition_point(|share| *share < stream.uniform());
                let taken = step % 3 == 2 && masses[at] > 0.0;
                let mass = if taken { -masses[at] } else { 1.0 };
                masses[at] += mass;
                squares.add(at, mass);
                absolutes.add(at, mass);
                let total: f64 = masses.iter().sum();
                let (mut below, mut square, mut absolute) = (0.0, 0.0, 0.0);
                for ((width, share), mass) in widths.iter().zip(&shares).zip(&masses) {
                    below += mass;
                    let gap = below - total * share;
                    square += width * gap * gap;
                    absolute += width * gap.abs();
                }
                let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * (1.0 + b);
                assert!(near(squares.whole().square, square), "{intervals} {step}");
                assert!(near(absolutes.whole().sum(), absolute), "{intervals} {step}");
            }
        }
    }
}
