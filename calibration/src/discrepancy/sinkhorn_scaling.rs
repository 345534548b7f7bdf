//! Entropic optimal transport between two sides: Sinkhorn's algorithm, stabilised.
//!
//! `OT = max over f, g of E_P f + E_Q g - eps (E_{P x Q} exp((f + g - C) / eps) - 1)`, `C = |x - y|^2`:
//! the cost of the plan and eps times its relative entropy to P x Q. As the dual is flat at its
//! top, the error of the value is of the order of the square of that of the marginals.
//!
//! Potentials are held as `f = eps (phi + ln u)`, with phi absorbed in the kernel
//! `K_ij = exp(phi_i + gamma_j - C_ij / eps)` (Schmitzer, *Stabilized sparse scaling algorithms for
//! entropy regularized transport problems*, SIAM Journal on Scientific Computing 41, 2019): an
//! iteration is then one pass over K without an exponential, `u = 1 / K(q v)`, `v = 1 / K'(p u)`.
//! The first potentials, and new ones where scalings leave [`RANGE`], are soft minima in the log
//! domain. Where they leave it again, epsilon is far below the costs: then potentials are carried from
//! an epsilon of the size of the costs down to the present one, halved each time (epsilon scaling,
//! Schmitzer 2019, section 3.3). Of a side with itself f = g, and `u <- sqrt(u / K(p u))` takes a few iterations (Feydy
//! and others, AISTATS 2019). A kernel absorbed under equal weights serves all weightings of a
//! bootstrap.

use rayon::prelude::*;

use super::joint::Side;
use super::pairs::Columns;
use super::sinkhorn_pace::Pace;
use super::sinkhorn_pass::{Both, Rows, both, relaxed, rows};
use super::soft_minimum::SoftMinimum;
use super::wide::{self, Kernel, exp};

/// What an iteration may rely on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// eps, in squared external standard deviations.
    pub(super) epsilon: f64,
    /// The most passes over a kernel.
    pub(super) iterations: usize,
    /// The largest sum of errors of a marginal at which it stops.
    pub(super) tolerance: f64,
}

/// Scalings stay within; else they are absorbed.
const RANGE: std::ops::Range<f64> = 1e-150..1e150;
/// Iterations after which weightings that are not done go on alone.
const TOGETHER: usize = 32;
/// Entries of the kernel end at its exponential.
const LARGEST_EXPONENT: f64 = 300.0;
/// How often scalings are absorbed before it is given up.
const ROUNDS: usize = 30;
/// How often they are before potentials are carried down from a large epsilon.
const PATIENCE: usize = 2;
/// Steps in the log domain at each epsilon on the way down.
const STEPS: usize = 5;
/// A weighting whose marginals are no nearer than this, as a sum of errors, has not converged.
const CLOSE: f64 = 0.05;

/// A transport problem with potentials absorbed, in units of epsilon.
pub(super) struct Problem {
    kernel: Vec<f64>,
    pub(super) phi: Vec<f64>,
    pub(super) gamma: Vec<f64>,
    /// Whether both sides are one.
    within: bool,
    settings: Settings,
}

/// How one weighting of a problem ended.
pub(super) struct Scaled {
    /// OT / epsilon.
    value: f64,
    /// Scalings of either side.
    scalings: [Vec<f64>; 2],
    /// Whether the scalings left their range.
    left_range: bool,
    /// The sum of errors of a marginal.
    error: f64,
}

/// What came of one weighting of a problem.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// OT.
    Value(f64),
    /// It needs other potentials than the absorbed ones.
    LeftRange,
    /// It ran out of iterations.
    Unfinished,
}

impl Outcome {
    pub(super) fn value(self) -> Option<f64> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

impl Problem {
    /// Solves the problem between two sides with shares.
    pub(super) fn between(x: &Side, y: &Side, p: &[f64], q: &[f64], settings: Settings) -> Self {
        let columns = [Columns::of(x), Columns::of(y)];
        let soft = |side: usize, potentials: &[f64], shares: &[f64]| {
            SoftMinimum::new(columns[side].clone(), potentials, shares, settings.epsilon)
        };
        let mut phi = vec![0.0; x.len()];
        let mut problem = Self::empty(false, settings);
        for round in 0..ROUNDS {
            if round == PATIENCE {
                phi = carried_down([x, y], &columns, [p, q], settings.epsilon);
            }
            problem.gamma = soft(0, &phi, p).of_side(y);
            problem.phi = soft(1, &problem.gamma, q).of_side(x);
            problem.fill(x, &columns[1]);
            let [scaled] = problem.scale([p], [q]);
            problem.absorb(&scaled);
            if !scaled.left_range {
                break;
            }
            phi.clone_from(&problem.phi);
        }
        problem
    }

    /// Solves the problem of a side with itself.
    pub(super) fn within(x: &Side, p: &[f64], settings: Settings) -> Self {
        let columns = Columns::of(x);
        let mut problem = Self::empty(true, settings);
        problem.phi = vec![0.0; x.len()];
        for _ in 0..ROUNDS {
            for _ in 0..2 {
                let soft = SoftMinimum::new(columns.clone(), &problem.phi, p, settings.epsilon);
                let next = soft.of_side(x);
                problem.phi.iter_mut().zip(next).for_each(|(now, next)| *now = 0.5 * (*now + next));
            }
            problem.gamma.clone_from(&problem.phi);
            problem.fill(x, &columns);
            let [scaled] = problem.scale([p], [p]);
            problem.absorb(&scaled);
            if !scaled.left_range {
                break;
            }
        }
        problem
    }

    fn empty(within: bool, settings: Settings) -> Self {
        Self { kernel: Vec::new(), phi: Vec::new(), gamma: Vec::new(), within, settings }
    }

    /// The kernel at the potentials.
    fn fill(&mut self, x: &Side, y: &Columns) {
        let (phi, gamma, rate) = (&self.phi, &self.gamma, 1.0 / self.settings.epsilon);
        self.kernel.resize(x.len() * y.len(), 0.0);
        let rows = self.kernel.par_chunks_exact_mut(y.len().max(1)).enumerate();
        rows.for_each(|(i, entries)| {
            wide::run(Fill { entries, row: x.row(i), y, phi: phi[i], gamma, rate });
        });
    }

    /// Takes the scalings into the potentials and the kernel.
    fn absorb(&mut self, scaled: &Scaled) {
        let usual = |scaling: &f64| if RANGE.contains(scaling) { *scaling } else { 1.0 };
        let [u, v] = scaled.scalings.each_ref().map(|u| u.iter().map(usual).collect::<Vec<_>>());
        self.phi.iter_mut().zip(&u).for_each(|(phi, u)| *phi += u.ln());
        self.gamma.iter_mut().zip(&v).for_each(|(gamma, v)| *gamma += v.ln());
        let rows = self.kernel.par_chunks_exact_mut(v.len().max(1)).zip(&u);
        rows.for_each(|(row, u)| row.iter_mut().zip(&v).for_each(|(k, v)| *k *= u * v));
    }

    /// `E |x - y|^2` under the plan of the shares that it was solved for.
    pub(super) fn cost(&self, x: &Side, y: &Side, p: &[f64], q: &[f64]) -> f64 {
        let columns = Columns::of(y);
        let mut squares = vec![0.0; y.len()];
        let rows = self.kernel.chunks_exact(y.len().max(1)).zip(p).enumerate();
        let costs = rows.map(|(i, (row, p))| {
            columns.squares(x.row(i), 0, &mut squares);
            let terms = row.iter().zip(&squares).zip(q);
            p * terms.map(|((k, square), q)| k * square * q).sum::<f64>()
        });
        costs.sum()
    }

    /// OT of each weighting.
    pub(super) fn values<const L: usize>(&self, p: [&[f64]; L], q: [&[f64]; L]) -> [Outcome; L] {
        let Settings { epsilon, tolerance, .. } = self.settings;
        self.scale(p, q).map(|scaled| match scaled {
            Scaled { left_range: true, .. } => Outcome::LeftRange,
            Scaled { error, value, .. } if error <= tolerance.max(CLOSE) => {
                Outcome::Value(epsilon * value)
            }
            _ => Outcome::Unfinished,
        })
    }

    fn scale<const L: usize>(&self, p: [&[f64]; L], q: [&[f64]; L]) -> [Scaled; L] {
        if self.within { self.scale_within(p) } else { self.scale_between(p, q) }
    }

    fn scale_between<const L: usize>(&self, p: [&[f64]; L], q: [&[f64]; L]) -> [Scaled; L] {
        let mut progress = Progress::new(self.phi.len(), self.gamma.len());
        let mut done = self.advance(p, q, &mut progress, if L > 1 { TOGETHER } else { usize::MAX });
        // What takes longer than others does not make them wait.
        std::array::from_fn(|lane| {
            done[lane].take().unwrap_or_else(|| {
                let mut alone = progress.lane(lane);
                let [done] = self.advance([p[lane]], [q[lane]], &mut alone, usize::MAX);
                done.unwrap_or_else(Scaled::none)
            })
        })
    }

    /// Iterates until all weightings are done, or the iteration `until`.
    fn advance<const L: usize>(
        &self,
        p: [&[f64]; L],
        q: [&[f64]; L],
        progress: &mut Progress<L>,
        until: usize,
    ) -> [Option<Scaled>; L] {
        let (n, m) = (self.phi.len(), self.gamma.len());
        let (p_lanes, q_lanes) = (in_lanes(p, n), in_lanes(q, m));
        let Progress { u, v, pace, iteration } = progress;
        let mut done: [Option<Scaled>; L] = [const { None }; L];
        while *iteration < until && done.iter().any(Option::is_none) {
            *iteration += 1;
            let (right, w) = (times(&q_lanes, v), pace.map(|pace| pace.relaxation));
            let Both { sums, scalings, columns } = both(&self.kernel, &p_lanes, u, &right, w);
            *u = scalings;
            let last = *iteration >= self.settings.iterations;
            for (lane, done) in done.iter_mut().enumerate().filter(|(_, done)| done.is_none()) {
                let rows = marginal_error(p[lane], u, &sums, lane);
                let error = rows.max(marginal_error(q[lane], v, &columns, lane));
                pace[lane].after(*iteration, error);
                let left_range = leaves_range(p[lane], u, lane) || leaves_range(q[lane], v, lane);
                if left_range || last || error <= self.settings.tolerance {
                    let mass = (0..m).map(|j| right[j][lane] * columns[j][lane]).sum::<f64>();
                    let scalings = [lane_of(u, lane), lane_of(v, lane)];
                    let value = dual(p[lane], &self.phi, &scalings[0])
                        + dual(q[lane], &self.gamma, &scalings[1])
                        - (mass - 1.0);
                    *done = Some(Scaled { value, scalings, left_range, error });
                }
            }
            for (v, columns) in v.iter_mut().zip(&columns) {
                *v = std::array::from_fn(|lane| relaxed(v[lane], columns[lane], w[lane]));
            }
        }
        done
    }

    fn scale_within<const L: usize>(&self, p: [&[f64]; L]) -> [Scaled; L] {
        let n = self.phi.len();
        let lanes = in_lanes(p, n);
        let mut u = vec![[1.0; L]; n];
        let mut done: [Option<Scaled>; L] = [const { None }; L];
        for iteration in 1.. {
            let left = times(&lanes, &u);
            let Rows { sums } = rows(&self.kernel, &left);
            let last = iteration >= self.settings.iterations;
            for (lane, done) in done.iter_mut().enumerate().filter(|(_, done)| done.is_none()) {
                let error = marginal_error(p[lane], &u, &sums, lane);
                let left_range = leaves_range(p[lane], &u, lane);
                if left_range || last || error <= self.settings.tolerance {
                    let mass = (0..n).map(|i| left[i][lane] * sums[i][lane]).sum::<f64>();
                    let scaling = lane_of(&u, lane);
                    let value = 2.0 * dual(p[lane], &self.phi, &scaling) - (mass - 1.0);
                    let scalings = [scaling.clone(), scaling];
                    *done = Some(Scaled { value, scalings, left_range, error });
                }
            }
            if done.iter().all(Option::is_some) {
                break;
            }
            for (u, sums) in u.iter_mut().zip(&sums) {
                *u = std::array::from_fn(|lane| (u[lane] / sums[lane]).sqrt());
            }
        }
        done.map(|done| done.unwrap_or_else(Scaled::none))
    }
}

/// Where iterations stand.
struct Progress<const L: usize> {
    u: Vec<[f64; L]>,
    v: Vec<[f64; L]>,
    pace: [Pace; L],
    iteration: usize,
}

impl<const L: usize> Progress<L> {
    fn new(n: usize, m: usize) -> Self {
        Self {
            u: vec![[1.0; L]; n],
            v: vec![[1.0; L]; m],
            pace: [Pace::default(); L],
            iteration: 0,
        }
    }

    /// One weighting alone.
    fn lane(&self, lane: usize) -> Progress<1> {
        let alone = |all: &[[f64; L]]| all.iter().map(|row| [row[lane]]).collect();
        Progress {
            u: alone(&self.u),
            v: alone(&self.v),
            pace: [self.pace[lane]],
            iteration: self.iteration,
        }
    }
}

/// `sum_i share_i |u_i s_i - 1|`.
fn marginal_error<const L: usize>(
    shares: &[f64],
    scalings: &[[f64; L]],
    sums: &[[f64; L]],
    lane: usize,
) -> f64 {
    let rows = shares.iter().zip(scalings).zip(sums).filter(|((share, _), _)| **share > 0.0);
    rows.map(|((share, u), s)| share * (u[lane] * s[lane] - 1.0).abs()).sum()
}

impl Scaled {
    fn none() -> Self {
        Self { value: f64::NAN, scalings: [vec![], vec![]], left_range: true, error: f64::NAN }
    }
}

/// `sum_i share_i (phi_i + ln u_i)`.
fn dual(shares: &[f64], phi: &[f64], u: &[f64]) -> f64 {
    let rows = shares.iter().zip(phi).zip(u).filter(|((share, _), _)| **share > 0.0);
    rows.map(|((share, phi), u)| share * (phi + u.ln())).sum()
}

fn in_lanes<const L: usize>(shares: [&[f64]; L], rows: usize) -> Vec<[f64; L]> {
    let row = |i: usize| std::array::from_fn(|lane| shares[lane][i]);
    (0..rows).map(row).collect()
}

fn lane_of<const L: usize>(rows: &[[f64; L]], lane: usize) -> Vec<f64> {
    rows.iter().map(|row| row[lane]).collect()
}

/// Shares times scalings; a row without a share counts for nothing, whatever its scaling.
fn times<const L: usize>(shares: &[[f64; L]], scalings: &[[f64; L]]) -> Vec<[f64; L]> {
    let product = |(p, u): (&[f64; L], &[f64; L])| {
        std::array::from_fn(|lane| if p[lane] > 0.0 { p[lane] * u[lane] } else { 0.0 })
    };
    shares.iter().zip(scalings).map(product).collect()
}

fn leaves_range<const L: usize>(shares: &[f64], scalings: &[[f64; L]], lane: usize) -> bool {
    let outside = |(share, u): (&f64, &[f64; L])| *share > 0.0 && !RANGE.contains(&u[lane]);
    shares.iter().zip(scalings).any(outside)
}

/// Potentials of the rows of x, in units of epsilon, carried down from one of the size of the costs.
fn carried_down(
    [x, y]: [&Side; 2],
    columns: &[Columns; 2],
    [p, q]: [&[f64]; 2],
    target: f64,
) -> Vec<f64> {
    let mut epsilon = largest_cost(x, y).max(target);
    let mut phi = vec![0.0; x.len()];
    loop {
        for _ in 0..STEPS {
            let gamma = SoftMinimum::new(columns[0].clone(), &phi, p, epsilon).of_side(y);
            phi = SoftMinimum::new(columns[1].clone(), &gamma, q, epsilon).of_side(x);
        }
        if epsilon <= target {
            return phi;
        }
        let next = (0.5 * epsilon).max(target);
        phi.iter_mut().for_each(|phi| *phi *= epsilon / next);
        epsilon = next;
    }
}

/// The square of the diagonal of the box around all rows: no cost is larger.
fn largest_cost(x: &Side, y: &Side) -> f64 {
    let edge = |column: usize| {
        let values =
            [x, y].into_iter().flat_map(|side| (0..side.len()).map(|i| side.row(i)[column]));
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        (high - low) * (high - low)
    };
    (0..x.width).map(edge).sum()
}

struct Fill<'a> {
    entries: &'a mut [f64],
    row: &'a [f64],
    y: &'a Columns,
    phi: f64,
    gamma: &'a [f64],
    rate: f64,
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        self.y.squares(self.row, 0, self.entries);
        for (entry, gamma) in self.entries.iter_mut().zip(self.gamma) {
            // Between rows without a share it may be anything; it must not be infinite times 0.
            *entry = exp((self.phi + gamma - self.rate * *entry).min(LARGEST_EXPONENT));
        }
    }
}
