//! Optimal transport on the line between two weighted sets of numbers: the monotone coupling, its
//! cost, and its dual potentials.
//!
//! The optimal plan for the cost `|x - y|^p`, p >= 1, fills up quantiles from below (Santambrogio,
//! *Optimal transport for applied mathematicians*, 2015, section 2.1).

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

/// The values that have mass, and their masses times `factor`, in ascending order; with an end that
/// is never reached.
fn filled(side: Masses<'_>, factor: f64) -> (Vec<f64>, Vec<f64>) {
    let count = side.sorted.rows.len();
    let (mut values, mut masses) = (vec![0.0; count + 1], vec![0.0; count + 1]);
    let mut end = 0;
    for (&value, &row) in side.sorted.values.iter().zip(&side.sorted.rows) {
        let mass = side.masses[row as usize];
        // No branch: whether a user was drawn is a coin toss.
        (values[end], masses[end]) = (value, mass * factor);
        end += usize::from(mass > 0.0);
    }
    values.truncate(end + 1);
    masses.truncate(end + 1);
    (values, masses)
}

/// `min over couplings of E |x - y|^order`, order 1 or 2.
pub(super) fn cost(x: Masses<'_>, y: Masses<'_>, order: u8) -> f64 {
    if order == 1 { cost_of(x, y, |gap| gap.abs()) } else { cost_of(x, y, |gap| gap * gap) }
}

/// The coupling of [`visit`], without a branch: which side is used up first is a coin toss.
#[inline(always)]
fn cost_of(x: Masses<'_>, y: Masses<'_>, of: impl Fn(f64) -> f64) -> f64 {
    let (xs, ps) = filled(x, y.total);
    let (ys, qs) = filled(y, x.total);
    let (n, m) = (xs.len() - 1, ys.len() - 1);
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    let (mut p, mut q) = (ps[0], qs[0]);
    while i < n && j < m {
        let mass = if p < q { p } else { q };
        sum += mass * of(xs[i] - ys[j]);
        let used = [p <= q, q <= p];
        i += usize::from(used[0]);
        j += usize::from(used[1]);
        (p, q) = (if used[0] { ps[i] } else { p - mass }, if used[1] { qs[j] } else { q - mass });
    }
    sum / (x.total * y.total)
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
