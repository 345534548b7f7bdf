//! The law of the amounts of a kind: what simulated users draw their amounts from.
//!
//! Real amounts are bunched on prices, smooth between them, and have a long tail. So the law is
//!
//! - **atoms**: amounts with much repeated mass, with the share of events that have them;
//! - **a smooth part** for the others: cumulative shares, an amount at each, and the mean in each
//!   interval between two. With lower end a, upper end b and mean m the quantile at a share t of the
//!   interval is `a + (b - a) t^c`, `c = (b - m) / (m - a)`, which has this mean. Intervals have
//!   equal numbers of events, but for ever fewer towards the lower end;
//! - **a tail** beyond the last of these amounts, u: a generalised Pareto law of the excess y,
//!   `P(Y > y) = (1 + shape y / scale)^(-1 / shape)`. The shape is that of probability-weighted
//!   moments (Hosking and Wallis, *Parameter and Quantile Estimation for the Generalized Pareto
//!   Distribution*, Technometrics 29, 1987), from -1 to 0.9 so that the mean is finite, and the
//!   scale is the one with which the mean of the excess is the data's. It ends where one in ten
//!   logs of this size would reach.
//!
//! So the mean of the law, in each interval and in the tail, is the mean of the amounts it was made
//! of, and so is the share of money in the tail. Amounts that are no atoms are rounded to the
//! decimals that all amounts of the kind have.
//!
//! What a law reveals. Atoms are observed amounts, of at least [`ATOM_USERS`] users or of a share of
//! [`ATOM_SHARE`] of all events. Knots are means of two neighbouring amounts and the means of
//! intervals those of the events in them, of which there are few in a small log and towards the
//! lower end. The largest amount is not in it: the tail is a fit to at least [`TAIL_EVENTS`] events,
//! and what a log of fewer than ten times as many has instead is an interval around the mean of the
//! two largest.

use serde::{Deserialize, Serialize};

use super::Distribution;
use super::file::{BadField, bad};

/// An amount that at least so many users share is an atom, where it is not too rare.
pub const ATOM_USERS: usize = 5;
/// Share of events from which an amount is an atom, however few users have it.
pub const ATOM_SHARE: f64 = 1.0 / 128.0;
/// Share of events from which an amount that many users share is an atom.
const SHARED_ATOM_SHARE: f64 = 1.0 / 2048.0;
/// Intervals of the smooth part, without those at the lower end.
const INTERVALS: usize = 256;
/// An interval at the lower end has this share of the events below it.
const GROWTH: usize = 16;
/// The fewest events that a tail is fitted to.
pub const TAIL_EVENTS: usize = 25;
/// One in so many events lies in the tail.
const TAIL: usize = 200;
/// Shapes of a tail.
const SHAPES: (f64, f64) = (-1.0, 0.9);
/// The tail ends where one in so many logs of this size would reach.
const LOGS: f64 = 10.0;

/// The law of the amounts of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct AmountLaw {
    parts: Parts,
    /// Share of the smooth part.
    smooth: f64,
    /// Share of events below each atom.
    starts: Vec<f64>,
    /// Share of the atoms before each atom, and of all.
    before: Vec<f64>,
}

/// What a law is made of, as it is written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Amounts with much repeated mass, ascending.
    pub atoms: Vec<Atom>,
    /// Cumulative shares of the events that have no atom, from 0 to 1, or to where the tail begins.
    pub shares: Vec<f64>,
    /// The amount at each share; ascending.
    pub knots: Vec<f64>,
    /// The mean amount between two knots.
    pub means: Vec<f64>,
    /// What lies beyond the last knot.
    pub tail: Option<Tail>,
    /// Digits after the decimal point of all amounts; negative where they are whole tens, hundreds
    /// and so on; none where they have no common decimals.
    pub decimals: Option<i32>,
}

/// One amount with the share of all events that have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Atom {
    /// The amount.
    pub amount: f64,
    /// Share of the kind's events.
    pub share: f64,
}

/// A generalised Pareto law, cut off above.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Scale, in units of money.
    pub scale: f64,
    /// Shape: 0 is an exponential law, above it the tail is heavier, below it ends.
    pub shape: f64,
    /// The share of the uncut law that is kept.
    pub reach: f64,
}

impl Tail {
    /// The tail with the probability-weighted moments of excesses, ascending; none where they do not
    /// differ from 0.
    fn of(excesses: &[f64]) -> Option<Self> {
        let n = excesses.len() as f64;
        let mean = excesses.iter().sum::<f64>() / n;
        // E[Y (1 - F(Y))], which is E[Y] / 2 where all are equal.
        let above = (0..excesses.len()).rev().map(|above| above as f64);
        let first = excesses.iter().zip(above).map(|(y, above)| y * above).sum::<f64>();
        let first = first / (n * (n - 1.0));
        let spread = mean - 2.0 * first;
        let shape = if spread > 0.0 { 2.0 - mean / spread } else { SHAPES.0 };
        let shape = shape.clamp(SHAPES.0, SHAPES.1);
        let mut tail = Self { scale: 1.0, shape, reach: 1.0 - 1.0 / (LOGS * n) };
        tail.scale = mean / tail.mean();
        (tail.scale > 0.0 && tail.scale.is_finite()).then_some(tail)
    }

    /// The tail that is closest to noisy counts of excesses between edges, of which the first is 0
    /// and the last is the end of the tail: least squares, each by the variance of its noise and of
    /// its own, with the penalty on shapes near 1 of Coles and Dixon (*Likelihood-Based Inference for
    /// Extreme Value Models*, Extremes 2, 1999), so that noise is not taken for a heavy tail.
    pub(super) fn of_counts(edges: &[f64], counts: &[f64], noise: f64) -> Option<Self> {
        let events: f64 = counts.iter().sum();
        let (&narrow, &end) = (edges.get(1)?, edges.last()?);
        let loss = |tail: &Self| -> f64 {
            let part = |(pair, count): (&[f64], &f64)| {
                // What lies beyond the end was counted in the last of them.
                let above = if pair[1] >= end { 1.0 } else { tail.cdf(pair[1]) };
                let expected = events * (above - tail.cdf(pair[0]));
                (count - expected).powi(2) / (noise * noise + expected + 1.0)
            };
            let penalty = if tail.shape > 0.0 { tail.shape / (1.0 - tail.shape) } else { 0.0 };
            2.0 * penalty + edges.windows(2).zip(counts).map(part).sum::<f64>()
        };
        let mut best: Option<(f64, Self)> = None;
        for step in 0..=38 {
            let shape = SHAPES.0 + f64::from(step) / 20.0;
            let mut scale = narrow / 8.0;
            while scale < 4.0 * end {
                let tail = Self { scale, shape, reach: 1.0 };
                let loss = loss(&tail);
                if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                    best = Some((loss, tail));
                }
                scale *= 1.05;
            }
        }
        let mut tail = best?.1;
        tail.reach = tail.cdf(end).min(1.0 - 1.0 / (LOGS * events));
        (events > 1.0 && tail.reach > 0.0).then_some(tail)
    }

    /// The excess at a share of the tail.
    pub fn quantile(&self, share: f64) -> f64 {
        let rest = (-share.clamp(0.0, 1.0) * self.reach).ln_1p();
        if self.shape == 0.0 {
            return -self.scale * rest;
        }
        self.scale * (-self.shape * rest).exp_m1() / self.shape
    }

    /// The share of the tail with an excess of at most y.
    pub fn cdf(&self, y: f64) -> f64 {
        let y = y.max(0.0) / self.scale;
        let within = if self.shape == 0.0 {
            -(-y).exp_m1()
        } else if 1.0 + self.shape * y <= 0.0 {
            1.0
        } else {
            -(-(self.shape * y).ln_1p() / self.shape).exp_m1()
        };
        (within / self.reach).min(1.0)
    }

    /// The mean excess.
    pub fn mean(&self) -> f64 {
        let Self { scale, shape, reach } = *self;
        let rest = 1.0 - reach;
        // The integral of the quantile; near a shape of 0 its limit.
        if shape.abs() < 1e-7 {
            let cut = if rest > 0.0 { rest * rest.ln() } else { 0.0 };
            return scale * (1.0 + cut / reach);
        }
        scale * ((1.0 - rest.powf(1.0 - shape)) / ((1.0 - shape) * reach) - 1.0) / shape
    }
}

/// Ends of the groups of n ascending amounts: a `most`-th each, fewer towards the lower end.
fn groups(n: usize) -> Vec<usize> {
    let mut ends = vec![0];
    let mut end = 0;
    while end < n {
        end = (end + (end / GROWTH).clamp(1, (n / INTERVALS).max(1))).min(n);
        ends.push(end);
    }
    ends
}

/// The fewest decimals that all amounts have.
fn decimals(amounts: impl Iterator<Item = f64> + Clone) -> Option<i32> {
    let has = |decimals: i32| {
        let unit = 10f64.powi(decimals);
        // Sums of amounts are off by some last bits.
        amounts.clone().all(|x| (x * unit - (x * unit).round()).abs() <= 1e-14 * x * unit)
    };
    (-9..=6).find(|&decimals| has(decimals))
}

impl AmountLaw {
    /// The law of a kind's amounts, each with its user; none without amounts.
    pub fn of(amounts: &[(f64, usize)]) -> Option<Self> {
        let mut sorted = amounts.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let n = sorted.len();
        let (mut atoms, mut others) = (Vec::new(), Vec::new());
        for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
            let share = equal.len() as f64 / n as f64;
            let users = equal.chunk_by(|a, b| a.1 == b.1).count();
            if share >= ATOM_SHARE || share >= SHARED_ATOM_SHARE && users >= ATOM_USERS {
                atoms.push(Atom { amount: equal[0].0, share });
            } else {
                others.extend(equal.iter().map(|(amount, _)| *amount));
            }
        }
        let mut parts = Parts { atoms, ..Parts::default() };
        parts.decimals = decimals(sorted.iter().map(|(amount, _)| *amount));
        parts.smooth(&others, n);
        Self::try_from(parts).ok()
    }

    /// The law of a quantile grid, for files that hold no other: smooth between two grid points
    /// that differ, and of the grid's mean.
    pub fn of_grid(grid: &Distribution) -> Option<Self> {
        let q = &grid.quantiles;
        let last = q.len().checked_sub(2)?;
        let m = (last + 1) as f64;
        let shares = (0..q.len()).map(|i| i as f64 / m).collect();
        let mut means: Vec<f64> = q.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0).collect();
        // A mean that is not that of the grid's middles is a matter of the widest interval, the
        // last; what it cannot hold is spread over the others.
        means[last] += m * grid.mean - means.iter().sum::<f64>();
        means[last] = means[last].clamp(q[last], q[last + 1]);
        let left = m * grid.mean - means.iter().sum::<f64>();
        let width = q[last] - q[0];
        if width > 0.0 {
            for (mean, pair) in means.iter_mut().zip(q.windows(2)).take(last) {
                *mean = (*mean + left * (pair[1] - pair[0]) / width).clamp(pair[0], pair[1]);
            }
        }
        let decimals = decimals(q.iter().copied());
        let parts = Parts { shares, knots: q.clone(), means, decimals, ..Parts::default() };
        Self::try_from(parts).ok()
    }

    /// An amount to the decimals that all amounts have; what is above 0 stays so.
    pub fn rounded(&self, amount: f64) -> f64 {
        self.parts.rounded(amount)
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The amount at a cumulative share p.
    pub fn quantile(&self, p: f64) -> f64 {
        let p = p.clamp(0.0, 1.0);
        let started = self.starts.partition_point(|start| *start <= p);
        if let Some(i) = started.checked_sub(1) {
            let Atom { amount, share } = self.parts.atoms[i];
            if p < self.starts[i] + share || self.smooth <= 0.0 {
                return amount;
            }
        }
        let amount = self.parts.quantile((p - self.before[started]) / self.smooth);
        self.parts.rounded(amount)
    }

    /// The shares of events with an amount below x and of at most x, before rounding.
    pub fn shares(&self, x: f64) -> [f64; 2] {
        let atoms = &self.parts.atoms;
        let below = atoms.partition_point(|atom| atom.amount < x);
        let upto = atoms.partition_point(|atom| atom.amount <= x);
        let [low, high] = self.parts.within(x);
        [self.before[below] + self.smooth * low, self.before[upto] + self.smooth * high]
            .map(|share| share.min(1.0))
    }

    /// The share of events with an amount of at most x, before rounding.
    pub fn cdf(&self, x: f64) -> f64 {
        self.shares(x)[1]
    }

    /// The mean amount, before rounding.
    pub fn mean(&self) -> f64 {
        let atoms: f64 = self.parts.atoms.iter().map(|atom| atom.amount * atom.share).sum();
        atoms + self.smooth * self.parts.mean()
    }
}

/// The smooth part and the tail.
impl Parts {
    /// Takes up the amounts of n that are no atoms, ascending.
    fn smooth(&mut self, amounts: &[f64], n: usize) {
        let all = amounts.len();
        let large = (n / TAIL).max(TAIL_EVENTS).min(all / 10);
        let between = |i: usize| amounts[i - 1] / 2.0 + amounts[i] / 2.0;
        if large >= TAIL_EVENTS {
            let threshold = between(all - large);
            let excesses: Vec<f64> = amounts[all - large..].iter().map(|x| x - threshold).collect();
            self.tail = Tail::of(&excesses);
        }
        let body = if self.tail.is_some() { all - large } else { all };
        let ends = groups(body);
        for group in ends.windows(2) {
            let amounts = &amounts[group[0]..group[1]];
            self.means.push(amounts.iter().sum::<f64>() / amounts.len() as f64);
        }
        let (Some(first), Some(last)) = (self.means.first(), self.means.last()) else { return };
        self.shares = ends.iter().map(|&end| end as f64 / all as f64).collect();
        self.knots = ends[1..].iter().filter(|&&end| end < all).map(|&end| between(end)).collect();
        // Where nothing is beyond, the mean is the middle.
        let lowest = self.knots.first().map_or(*first, |next| (2.0 * first - next).max(0.0));
        let highest = self.knots.last().map_or(*last, |before| 2.0 * last - before);
        self.knots.insert(0, lowest);
        if body == all {
            self.knots.push(highest);
        }
    }

    /// Ends and mean of an interval.
    fn interval(&self, i: usize) -> [f64; 3] {
        [self.knots[i], self.knots[i + 1], self.means[i].clamp(self.knots[i], self.knots[i + 1])]
    }

    /// The amount at a share of the events without an atom.
    fn quantile(&self, share: f64) -> f64 {
        let reached = self.shares.partition_point(|known| *known <= share).max(1) - 1;
        let (from, start) = (self.knots[reached], self.shares[reached]);
        if reached + 1 == self.knots.len() {
            let part = (share - start) / (1.0 - start);
            return from + self.tail.map_or(0.0, |tail| tail.quantile(part));
        }
        let [low, high, mean] = self.interval(reached);
        if high <= low {
            return low;
        }
        let part = ((share - start) / (self.shares[reached + 1] - start)).clamp(0.0, 1.0);
        // The end of an interval whose mean is its end, exactly.
        let t = part.powf((high - mean) / (mean - low));
        if t >= 1.0 { high } else { low + (high - low) * t }
    }

    /// Shares of the events without an atom that lie below x and at most at x.
    fn within(&self, x: f64) -> [f64; 2] {
        let Some(last) = self.knots.len().checked_sub(1) else { return [0.0; 2] };
        if x > self.knots[last] {
            let start = self.shares[last];
            let beyond = self.tail.map_or(1.0, |tail| tail.cdf(x - self.knots[last]));
            return [start + (1.0 - start) * beyond; 2];
        }
        let at = |i: usize, below: bool| {
            let [low, high, mean] = self.interval(i);
            let (part, start) = ((x - low) / (high - low), self.shares[i]);
            let inside = part.powf((mean - low) / (high - mean));
            // All mass of an interval whose mean is its upper end lies there.
            let inside = if below && mean >= high { 0.0 } else { inside };
            start + (self.shares[i + 1] - start) * inside
        };
        let first = self.knots.partition_point(|knot| *knot < x);
        let below = first.checked_sub(1).map_or(0.0, |i| at(i, true));
        let after = self.knots.partition_point(|knot| *knot <= x);
        let upto = match after {
            0 => 0.0,
            after if after > last => self.shares[last],
            after => at(after - 1, false),
        };
        [below, upto.max(below)]
    }

    /// The mean of the events without an atom; 0 without any.
    fn mean(&self) -> f64 {
        let widths = self.shares.windows(2).map(|pair| pair[1] - pair[0]);
        let body: f64 = widths.zip(&self.means).map(|(width, mean)| width * mean).sum();
        let (Some(start), Some(from)) = (self.shares.last(), self.knots.last()) else { return 0.0 };
        body + self.tail.map_or(0.0, |tail| (1.0 - start) * (from + tail.mean()))
    }

    /// To the decimals of all amounts; what is above 0 stays so.
    fn rounded(&self, amount: f64) -> f64 {
        let Some(decimals) = self.decimals.filter(|_| amount > 0.0) else { return amount };
        let unit = 10f64.powi(decimals.abs());
        if decimals < 0 {
            (amount / unit).round().max(1.0) * unit
        } else {
            (amount * unit).round().max(1.0) / unit
        }
    }

    /// Share of all events that have an atom.
    fn atoms(&self) -> f64 {
        self.atoms.iter().map(|atom| atom.share).sum()
    }

    fn check(&self) -> Result<(), BadField> {
        let amounts = self.atoms.iter().map(|atom| atom.amount).chain(self.knots.iter().copied());
        if amounts.chain(self.means.iter().copied()).any(|x| !(x.is_finite() && x >= 0.0)) {
            return bad("amount law", "amounts are finite and at least 0");
        }
        let ascending = |a: &Atom, b: &Atom| a.amount < b.amount;
        let positive = self.atoms.iter().all(|atom| atom.share > 0.0);
        let total = self.atoms();
        if !(self.atoms.is_sorted_by(ascending) && positive && total <= 1.0 + 1e-9) {
            let why = "ascend, each with a positive share of at most 1 together";
            return bad("amount law: atoms", why);
        }
        if self.decimals.is_some_and(|decimals| !(-15..=15).contains(&decimals)) {
            return bad("amount law: decimals", "lie from -15 to 15");
        }
        let Parts { shares, knots, means, tail, .. } = self;
        let (Some(first), Some(last)) = (shares.first(), shares.last()) else {
            let nothing = knots.is_empty() && means.is_empty() && tail.is_none();
            if nothing && (total - 1.0).abs() <= 1e-9 {
                return Ok(());
            }
            return bad("amount law: shares", "are missing, and atoms are not everything");
        };
        if knots.len() != shares.len() || means.len() + 1 != shares.len() || means.is_empty() {
            return bad("amount law", "has a knot a share, and a mean between two of them");
        }
        let end = if tail.is_some() { *last < 1.0 } else { *last == 1.0 };
        if !(*first == 0.0 && end && shares.is_sorted_by(|a, b| a < b)) {
            let why = "ascend from 0 to 1, or to less where there is a tail";
            return bad("amount law: shares", why);
        }
        if !knots.is_sorted() {
            return bad("amount law: knots", "do not ascend: sort them");
        }
        let slack = 1e-9 * (1.0 + knots[knots.len() - 1]);
        let between =
            |(mean, ends): (&f64, &[f64])| (ends[0] - slack..=ends[1] + slack).contains(mean);
        if !means.iter().zip(knots.windows(2)).all(between) {
            return bad("amount law: means", "lie between their knots");
        }
        let sound = |tail: &Tail| {
            let Tail { scale, shape, reach } = *tail;
            (0.0..f64::INFINITY).contains(&scale)
                && scale > 0.0
                && (SHAPES.0..=SHAPES.1).contains(&shape)
                && (0.0..=1.0).contains(&reach)
                && reach > 0.0
        };
        if !tail.as_ref().is_none_or(sound) {
            let (low, high) = SHAPES;
            let why =
                format!("scale is positive, shape from {low} to {high}, and reach a share above 0");
            return bad("amount law: tail", why);
        }
        Ok(())
    }
}

impl TryFrom<Parts> for AmountLaw {
    type Error = BadField;

    fn try_from(parts: Parts) -> Result<Self, BadField> {
        parts.check()?;
        let smooth = if parts.shares.is_empty() { 0.0 } else { (1.0 - parts.atoms()).max(0.0) };
        let mut before = vec![0.0];
        let mut starts = Vec::with_capacity(parts.atoms.len());
        let mut sum = 0.0;
        for atom in &parts.atoms {
            starts.push(sum + smooth * parts.within(atom.amount)[0]);
            sum += atom.share;
            before.push(sum);
        }
        Ok(Self { parts, smooth, starts, before })
    }
}

impl From<AmountLaw> for Parts {
    fn from(law: AmountLaw) -> Self {
        law.parts
    }
}

#[cfg(test)]
mod tests;
