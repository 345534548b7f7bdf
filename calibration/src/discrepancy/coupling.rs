//! Optimal transport on the line between two weighted sets of numbers: the monotone coupling, its
//! cost, and its dual potentials.
//!
//! The optimal plan for the cost `|x - y|^p`, p >= 1, fills up quantiles from below (Santambrogio,
//! *Optimal transport for applied mathematicians*, 2015, section 2.1).

use super::wide::{self, Kernel};

/// Numbers in ascending order.
pub(super) struct Sorted {
    /// The numbers.
    pub(super) values: Vec<f64>,
    /// The row that each comes from.
    pub(super) rows: Vec<u32>,
}

impl Sorted {
    /// Of numbers in the order of their rows, which stays that of equal numbers.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut pairs: Vec<Pair> =
            values.iter().zip(0..).map(|(&value, row)| (ascending(value), row)).collect();
        if pairs.len() < FEW {
            pairs.sort_unstable();
        } else {
            sort_many(&mut pairs);
        }
        let rows: Vec<u32> = pairs.into_iter().map(|pair| pair.1).collect();
        Self { values: rows.iter().map(|&row| values[row as usize]).collect(), rows }
    }
}

/// A number as an integer, and its row.
type Pair = (u64, u32);

/// As few numbers are sorted by comparing them.
const FEW: usize = 2048;
/// Where the digits of the upper half of a key begin, and their bits.
const DIGITS: [(u32, u32); 3] = [(32, 11), (43, 11), (54, 10)];

/// Sorts by the upper halves of keys, digit by digit from the lowest, then those that have one in
/// common by comparing them.
fn sort_many(pairs: &mut Vec<Pair>) {
    let mut other = vec![(0, 0); pairs.len()];
    for (from, bits) in DIGITS {
        let digit = |key: u64| (key >> from) as usize & ((1 << bits) - 1);
        let mut starts = vec![0_u32; 1 << bits];
        pairs.iter().for_each(|pair| starts[digit(pair.0)] += 1);
        let mut next = 0;
        for start in &mut starts {
            (*start, next) = (next, next + *start);
        }
        for &pair in pairs.iter() {
            let place = &mut starts[digit(pair.0)];
            other[*place as usize] = pair;
            *place += 1;
        }
        std::mem::swap(pairs, &mut other);
    }
    for same in pairs.chunk_by_mut(|a, b| a.0 >> 32 == b.0 >> 32) {
        same.sort_unstable();
    }
}

impl Sorted {
    /// Without the numbers that have no mass.
    fn with_mass(&self, masses: &[f64]) -> Self {
        let kept = || (0..self.rows.len()).filter(|&k| masses[self.rows[k] as usize] > 0.0);
        let rows = kept().map(|k| self.rows[k]).collect();
        Self { values: kept().map(|k| self.values[k]).collect(), rows }
    }
}

/// An integer that is ordered like the number: its bits, of negative numbers all turned, of others
/// the sign. -0 and 0 are one.
fn ascending(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// One side with its masses.
#[derive(Clone, Copy)]
pub(super) struct Masses<'a> {
    /// The numbers.
    pub(super) sorted: &'a Sorted,
    /// The mass of each row, in the order of rows.
    pub(super) masses: &'a [f64],
    /// What the masses add up to.
    pub(super) total: f64,
}

impl<'a> Masses<'a> {
    /// Of masses of at least 0 with a positive sum.
    pub(super) fn new(sorted: &'a Sorted, masses: &'a [f64]) -> Self {
        Self { sorted, masses, total: masses.iter().sum() }
    }
}

/// Where both sides are in the coupling.
struct Step {
    i: usize,
    j: usize,
    /// Whether the mass of either number is used up.
    used: [bool; 2],
}

/// Visits the pairs of the coupling from below. Masses are multiplied by the other side's total:
/// whole numbers stay whole, so it is exact where both sides are used up at once.
#[inline(always)]
fn visit(x: Masses<'_>, y: Masses<'_>, mut visit: impl FnMut(Step)) {
    let left = |i: usize| x.sorted.rows.get(i).map(|&row| x.masses[row as usize] * y.total);
    let right = |j: usize| y.sorted.rows.get(j).map(|&row| y.masses[row as usize] * x.total);
    let (mut i, mut j) = (0, 0);
    let (Some(mut p), Some(mut q)) = (left(0), right(0)) else { return };
    loop {
        let mass = if p < q { p } else { q };
        let used = [p <= q, q <= p];
        visit(Step { i, j, used });
        p -= mass;
        q -= mass;
        if used[0] {
            i += 1;
            let Some(next) = left(i) else { return };
            p = next;
        }
        if used[1] {
            j += 1;
            let Some(next) = right(j) else { return };
            q = next;
        }
    }
}

/// Room to work in, used again and again.
pub(super) struct Room<const L: usize> {
    ps: Vec<[f64; L]>,
    qs: Vec<[f64; L]>,
}

impl<const L: usize> Default for Room<L> {
    fn default() -> Self {
        Self { ps: Vec::new(), qs: Vec::new() }
    }
}

/// Masses of the rows of a side under several weightings, one a lane, and their totals.
#[derive(Clone, Copy)]
pub(super) struct Lanes<'a, const L: usize> {
    masses: &'a [[f64; L]],
    totals: [f64; L],
}

impl<'a, const L: usize> Lanes<'a, L> {
    /// Of masses of at least 0 with a positive sum in each lane.
    pub(super) fn new(masses: &'a [[f64; L]]) -> Self {
        let total = |lane: usize| masses.iter().map(|row| row[lane]).sum();
        Self { masses, totals: std::array::from_fn(total) }
    }

    /// Masses times a factor in the order of the numbers, with an end that is never reached.
    fn ascending(&self, sorted: &Sorted, factors: [f64; L], into: &mut Vec<[f64; L]>) {
        let scaled = |&row: &u32| -> [f64; L] {
            let masses = &self.masses[row as usize];
            std::array::from_fn(|lane| masses[lane] * factors[lane])
        };
        into.clear();
        into.extend(sorted.rows.iter().map(scaled));
        into.push([0.0; L]);
    }
}

/// `min over couplings of E |x - y|^order`, order 1 or 2, in each lane.
pub(super) fn costs<const L: usize>(
    [x, y]: [&Sorted; 2],
    [p, q]: [Lanes<'_, L>; 2],
    order: u8,
    room: &mut Room<L>,
) -> [f64; L] {
    p.ascending(x, q.totals, &mut room.ps);
    q.ascending(y, p.totals, &mut room.qs);
    let sides = Sides { xs: &x.values, ys: &y.values, ps: &room.ps, qs: &room.qs };
    let sums = wide::run(Coupling { sides, order });
    std::array::from_fn(|lane| sums[lane] / (p.totals[lane] * q.totals[lane]))
}

struct Coupling<'a, const L: usize> {
    sides: Sides<'a, L>,
    order: u8,
}

impl<const L: usize> Kernel for Coupling<'_, L> {
    type Output = [f64; L];

    #[inline(always)]
    fn work(self) -> [f64; L] {
        match self.order {
            1 => self.sides.sums(|gap| gap.abs()),
            _ => self.sides.sums(|gap| gap * gap),
        }
    }
}

/// Numbers and masses of both sides in ascending order.
struct Sides<'a, const L: usize> {
    xs: &'a [f64],
    ys: &'a [f64],
    ps: &'a [[f64; L]],
    qs: &'a [[f64; L]],
}

/// Where a lane is in the coupling of [`visit`], and what of the two masses there is left.
#[derive(Clone, Copy)]
struct At {
    i: usize,
    j: usize,
    p: f64,
    q: f64,
}

impl<const L: usize> Sides<'_, L> {
    /// `sum of mass x of(gap)` over the coupling of each lane. Lanes take their steps by turns: what
    /// one waits for, its next masses, does not keep the others.
    #[inline(always)]
    fn sums(&self, of: impl Fn(f64) -> f64) -> [f64; L] {
        let (n, m) = (self.xs.len(), self.ys.len());
        let mut sums = [0.0; L];
        let mut at: [At; L] =
            std::array::from_fn(|lane| At { i: 0, j: 0, p: self.ps[0][lane], q: self.qs[0][lane] });
        loop {
            // A step uses up one number of a side at most: nobody comes to an end before.
            let left = at.iter().map(|at| (n - at.i).min(m - at.j)).min().unwrap_or(0);
            if left == 0 {
                break;
            }
            for _ in 0..left {
                for lane in 0..L {
                    sums[lane] += self.step(&mut at[lane], lane, &of);
                }
            }
        }
        for lane in 0..L {
            while at[lane].i < n && at[lane].j < m {
                sums[lane] += self.step(&mut at[lane], lane, &of);
            }
        }
        sums
    }

    /// One step, without a branch: which side is used up first is a coin toss.
    #[inline(always)]
    fn step(&self, at: &mut At, lane: usize, of: impl Fn(f64) -> f64) -> f64 {
        let At { i, j, p, q } = *at;
        let mass = if p < q { p } else { q };
        let used = [p <= q, q <= p];
        at.i += usize::from(used[0]);
        at.j += usize::from(used[1]);
        // Read in any case, so that choosing is all that depends on it.
        let next = (self.ps[at.i][lane], self.qs[at.j][lane]);
        at.p = if used[0] { next.0 } else { p - mass };
        at.q = if used[1] { next.1 } else { q - mass };
        mass * of(self.xs[i] - self.ys[j])
    }
}

/// [`costs`] of one pair of masses.
pub(super) fn cost(x: Masses<'_>, y: Masses<'_>, order: u8) -> f64 {
    let alone = |side: Masses<'_>| -> Vec<[f64; 1]> { side.masses.iter().map(|&m| [m]).collect() };
    let (p, q) = (alone(x), alone(y));
    let lanes = [Lanes::new(&p), Lanes::new(&q)];
    let [cost] = costs([x.sorted, y.sorted], lanes, order, &mut Room::default());
    cost
}

/// The first variation in x of the cost of order 2, up to a constant: `phi(z) = min_j (z - y_j)^2 -
/// psi_j`, a parabola around another y_j between each two breaks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parabolas {
    breaks: Vec<f64>,
    centres: Vec<f64>,
    offsets: Vec<f64>,
}

impl Parabolas {
    /// From the dual potentials, `phi_i + psi_j = (x_i - y_j)^2` on the coupling. Where both sides
    /// are used up at once the next potential is free within an interval; it is put in the middle.
    pub(super) fn of(x: Masses<'_>, y: Masses<'_>) -> Self {
        let (xs, ys) = (x.sorted.with_mass(x.masses), y.sorted.with_mass(y.masses));
        let (x, y) = (Masses { sorted: &xs, ..x }, Masses { sorted: &ys, ..y });
        let squared = |i: usize, j: usize| (xs.values[i] - ys.values[j]).powi(2);
        let [last_i, last_j] = [&xs, &ys].map(|side| side.values.len().saturating_sub(1));
        // The potentials at the present pair. Rounding may leave the last numbers without mass.
        let mut psi = vec![f64::NAN; ys.values.len()];
        let (mut phi, mut now, mut end) = (0.0, f64::NAN, 0);
        visit(x, y, |Step { i, j, used, .. }| {
            if i == 0 && j == 0 {
                now = squared(0, 0);
            }
            psi[j] = now;
            end = i;
            match [used[0] && i < last_i, used[1] && j < last_j] {
                [true, true] => {
                    let low = squared(i + 1, j + 1) - squared(i, j + 1) + phi;
                    let high = squared(i + 1, j) - now;
                    phi = 0.5 * (low + high);
                    now = squared(i + 1, j + 1) - phi;
                }
                [true, false] => phi = squared(i + 1, j) - now,
                [false, true] => now = squared(i, j + 1) - phi,
                [false, false] => {}
            }
        });
        let mut parabolas = Self { breaks: Vec::new(), centres: Vec::new(), offsets: Vec::new() };
        for (j, &psi) in psi.iter().enumerate() {
            let psi = if psi.is_nan() { squared(end, j) - phi } else { psi };
            parabolas.push(ys.values[j], psi);
        }
        parabolas
    }

    fn push(&mut self, centre: f64, offset: f64) {
        if let (Some(last), Some(before)) = (self.centres.last(), self.offsets.last()) {
            if centre <= *last {
                return;
            }
            let cross = 0.5 * (before - offset) / (centre - last) + 0.5 * (centre + last);
            let floor = self.breaks.last().copied().unwrap_or(f64::NEG_INFINITY);
            self.breaks.push(cross.max(floor));
        }
        self.centres.push(centre);
        self.offsets.push(offset);
    }

    /// phi at z.
    pub(super) fn at(&self, z: f64) -> f64 {
        let piece = self.breaks.partition_point(|&place| place <= z);
        match (self.centres.get(piece), self.offsets.get(piece)) {
            (Some(centre), Some(offset)) => (z - centre) * (z - centre) - offset,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
#[path = "coupling_tests.rs"]
mod tests;
