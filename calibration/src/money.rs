//! Plain numbers of real and simulated users: money, and how users differ.
//!
//! Features of amounts are logarithms, which a few large payments do not move. A mean, a total and
//! the share of the largest payments are about just these. Every number has a 95% percentile
//! interval from a bootstrap over users (never over events).
//!
//! Shares of the largest are read off Lorenz's curve L, the share of money that the lowest share F of
//! events or users has (Lorenz, *Methods of measuring the concentration of wealth*, 1905), which is
//! linear between them: the largest hundredth has 1 - L(0.99). Gini's coefficient is 1 - 2 times the
//! area under it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trueup_env::{EventLog, Streams};

use crate::discrepancy::{between_share_gap, correlation_gap};
use crate::evaluate::Run;
use crate::evaluate::bootstrap::{Measured, draw};
use crate::features;
use crate::privacy::Estimate;

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Mean amount of an event.
    MeanAmount,
    /// All amounts over the number of users, those without an event among them.
    MoneyPerUser,
    /// Sum of all amounts; of simulated users for as many users as there are real ones.
    Total,
    /// Share of all money that is in the largest hundredth of the events.
    TopEvents,
    /// Share of all money that the largest hundredth of the users have.
    TopUsers,
    /// Gini's coefficient of money over users.
    Gini,
    /// 99% quantile of amounts: the smallest that is not below 99% of them.
    AmountQ99,
    /// 99.9% quantile of amounts.
    AmountQ999,
    /// Mean number of events a user.
    EventsPerUser,
    /// Share of the variance of log amounts that lies between users.
    BetweenShare,
    /// Correlation of a log amount with the user's next.
    AmountCorrelation,
    /// Correlation of a gap between events with the user's next.
    GapCorrelation,
}

impl Quantity {
    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::MeanAmount => "Mean amount",
            Self::MoneyPerUser => "Sum of amounts per user",
            Self::Total => "Sum of amounts",
            Self::TopEvents => "Share of money in the largest 1% of events",
            Self::TopUsers => "Share of money of the largest 1% of users",
            Self::Gini => "Gini coefficient of money over users",
            Self::AmountQ99 => "99% quantile of amounts",
            Self::AmountQ999 => "99.9% quantile of amounts",
            Self::EventsPerUser => "Events per user",
            Self::BetweenShare => "Between-user share of the variance of log amounts",
            Self::AmountCorrelation => "Correlation of an amount with the next",
            Self::GapCorrelation => "Correlation of a gap with the next",
        }
    }

    /// Whether it tells how users differ from each other, and not what all of them do.
    pub fn is_heterogeneity(self) -> bool {
        matches!(self, Self::BetweenShare | Self::AmountCorrelation | Self::GapCorrelation)
    }

    /// Whether it is a share of a whole.
    pub fn is_share(self) -> bool {
        matches!(self, Self::TopEvents | Self::TopUsers | Self::BetweenShare)
    }
}

/// One number of real and of simulated users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is.
    pub quantity: Quantity,
    /// The kind of event that it is about; none where it is about all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of the real users.
    pub real: Estimate,
    /// Of the simulated users, the mean over evaluation seeds; none where it is not defined for them.
    pub simulated: Option<Estimate>,
    /// Whether the 95% interval of the difference leaves out 0.
    pub differs: bool,
}

/// What became of how users differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heterogeneity {
    /// It is as among real users, or nearly.
    Kept,
    /// There is less of it.
    Weakened,
    /// Less than half is left, or the sign has turned.
    Lost,
    /// There is more of it.
    Overdone,
    /// The difference is not small, and chance may explain it.
    Unclear,
}

/// Shares and correlations that differ by less are alike: Cohen's small correlation (*Statistical
/// power analysis for the behavioral sciences*, 1988).
const SMALL: f64 = 0.1;

impl Figure {
    /// What became of it where it tells how users differ; none for other quantities. A difference
    /// counts that chance does not explain and that is not small.
    pub fn heterogeneity(&self) -> Option<Heterogeneity> {
        if !self.quantity.is_heterogeneity() {
            return None;
        }
        let real = self.real.value;
        let Some(simulated) = self.simulated.map(|simulated| simulated.value) else {
            // Users who all do the same have no share and no correlation.
            return Some(Heterogeneity::Lost);
        };
        let kept = simulated * real.signum();
        Some(match kept {
            _ if (simulated - real).abs() < SMALL => Heterogeneity::Kept,
            _ if !self.differs => Heterogeneity::Unclear,
            kept if kept > real.abs() => Heterogeneity::Overdone,
            kept if kept < real.abs() / 2.0 => Heterogeneity::Lost,
            _ => Heterogeneity::Weakened,
        })
    }
}

/// The figures of each run against the test users. Numbers that the test users do not have are left
/// out.
pub(crate) fn figures(
    runs: &[Run],
    test: &EventLog,
    replicates: usize,
    streams: &Streams,
) -> Vec<Vec<Figure>> {
    let streams = streams.child("figures", 0);
    let (kinds, users) = (test.kinds(), test.user_count());
    let real = measure(test, kinds, users, replicates, &streams.child("real", 0));
    let of = |run: &Run| {
        let measured = |(seed, log): (usize, &EventLog)| {
            measure(log, kinds, users, replicates, &streams.child(&run.name, seed as u64))
        };
        let seeds: Vec<_> = run.logs.iter().enumerate().map(measured).collect();
        let figure = |(i, (quantity, kind, real)): (usize, &Number)| {
            let defined: Vec<&Measured> =
                seeds.iter().filter_map(|seed| seed.get(i)?.2.as_ref()).collect();
            let simulated = Measured::mean(&defined);
            let real = real.as_ref()?;
            Some(Figure {
                quantity: *quantity,
                kind: kind.clone(),
                real: estimate(real),
                simulated: simulated.as_ref().map(estimate),
                differs: simulated.is_none_or(|simulated| differ(&simulated, real)),
            })
        };
        real.iter().enumerate().filter_map(figure).collect()
    };
    runs.iter().map(of).collect()
}

fn estimate(measured: &Measured) -> Estimate {
    let interval = measured.interval(f64::NEG_INFINITY, f64::INFINITY);
    Estimate { value: measured.value, interval }
}

/// Whether the interval of the difference leaves out 0. Both sides are drawn independently.
fn differ(a: &Measured, b: &Measured) -> bool {
    let pairs = a.replicates.iter().zip(&b.replicates);
    let replicates = pairs.map(|(a, b)| Some((*a)? - (*b)?)).collect();
    let difference = Measured { value: a.value - b.value, replicates };
    let [low, high] = difference.interval(f64::NEG_INFINITY, f64::INFINITY);
    low > 0.0 || high < 0.0
}

/// What is measured, of which kind, and what came out.
type Number = (Quantity, Option<String>, Option<Measured>);

/// All numbers of a log, with replicates. Totals are those of `scale` users.
fn measure(
    log: &EventLog,
    kinds: &[String],
    scale: usize,
    replicates: usize,
    streams: &Streams,
) -> Vec<Number> {
    let ledger = Ledger::of(log, kinds, scale);
    let users = log.user_count();
    let values = ledger.values(&vec![1.0; users]);
    let drawn: Vec<Vec<Option<f64>>> = (0..replicates)
        .into_par_iter()
        .map(|replicate| ledger.values(&draw(users, replicate, streams)))
        .collect();
    let measured = |(i, value): (usize, Option<f64>)| {
        let replicates = drawn.iter().map(|values| values.get(i).copied().flatten()).collect();
        value.map(|value| Measured { value, replicates })
    };
    let measured = values.into_iter().enumerate().map(measured);
    ledger.names().zip(measured).map(|((quantity, kind), of)| (quantity, kind, of)).collect()
}

const OVERALL: [Quantity; 12] = [
    Quantity::MeanAmount,
    Quantity::MoneyPerUser,
    Quantity::Total,
    Quantity::TopEvents,
    Quantity::TopUsers,
    Quantity::Gini,
    Quantity::AmountQ99,
    Quantity::AmountQ999,
    Quantity::EventsPerUser,
    Quantity::BetweenShare,
    Quantity::AmountCorrelation,
    Quantity::GapCorrelation,
];

type Weighted = Box<dyn Fn(&[f64]) -> Option<f64> + Sync>;

/// A log as its numbers need it.
struct Ledger<'a> {
    kinds: &'a [String],
    scale: f64,
    /// Amounts with their users, largest first.
    amounts: Vec<(f64, u32)>,
    /// Money of each user, largest first.
    wealth: Vec<(f64, u32)>,
    /// Events and money of each user and kind: user, kind, number, sum.
    cells: Vec<(u32, usize, f64, f64)>,
    heterogeneity: [Weighted; 3],
}

impl<'a> Ledger<'a> {
    fn of(log: &EventLog, kinds: &'a [String], scale: usize) -> Self {
        let (mut amounts, mut wealth, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        let place: Vec<usize> = log
            .kinds()
            .iter()
            .map(|kind| kinds.iter().position(|known| known == kind).unwrap_or(kinds.len()))
            .collect();
        for user in 0..log.user_count() {
            let mut own = vec![(0.0, 0.0); kinds.len() + 1];
            for event in log.events_of(user) {
                amounts.push((event.amount, user as u32));
                let kind = place.get(usize::from(event.kind)).copied().unwrap_or(kinds.len());
                if let Some((count, sum)) = own.get_mut(kind) {
                    (*count, *sum) = (*count + 1.0, *sum + event.amount);
                }
            }
            wealth.push((own.iter().map(|(_, sum)| sum).sum::<f64>(), user as u32));
            let filled = own.into_iter().enumerate().filter(|(_, (count, _))| *count > 0.0);
            cells.extend(filled.map(|(kind, (count, sum))| (user as u32, kind, count, sum)));
        }
        amounts.sort_by(|a, b| b.0.total_cmp(&a.0));
        wealth.sort_by(|a, b| b.0.total_cmp(&a.0));
        let sample = |name: &str| features::find(name).map(|feature| feature.sample(log));
        let correlation = |name: &str| -> Weighted {
            match sample(name) {
                Some(sample) => Box::new(correlation_gap::weighted(&sample)),
                None => Box::new(|_| None),
            }
        };
        let between: Weighted = match sample("log_amount") {
            Some(sample) => Box::new(between_share_gap::weighted(&sample)),
            None => Box::new(|_| None),
        };
        let heterogeneity = [between, correlation("amount_pair"), correlation("gap_pair")];
        Self { kinds, scale: scale as f64, amounts, wealth, cells, heterogeneity }
    }

    /// The names of [`Ledger::values`]: all together, then kind by kind where there are several.
    fn names(&self) -> impl Iterator<Item = (Quantity, Option<String>)> {
        let kinds = if self.kinds.len() > 1 { self.kinds } else { &[] };
        let of_kind = |kind: &'a String| {
            [Quantity::Total, Quantity::MeanAmount].map(|quantity| (quantity, Some(kind.clone())))
        };
        OVERALL.into_iter().map(|q| (q, None)).chain(kinds.iter().flat_map(of_kind))
    }

    fn values(&self, weights: &[f64]) -> Vec<Option<f64>> {
        let weight = |user: u32| weights.get(user as usize).copied().unwrap_or(0.0);
        let mut of_kind = vec![(0.0, 0.0); self.kinds.len() + 1];
        for &(user, kind, count, sum) in &self.cells {
            if let Some((counts, sums)) = of_kind.get_mut(kind) {
                *counts += weight(user) * count;
                *sums += weight(user) * sum;
            }
        }
        let (events, money) = of_kind.iter().fold((0.0, 0.0), |(n, m), (c, s)| (n + c, m + s));
        let users: f64 = weights.iter().sum();
        let over = |sum: f64, count: f64| (count > 0.0).then(|| sum / count);
        let wealth = || self.wealth.iter().map(|&(value, user)| (value, weight(user)));
        let amounts = || self.amounts.iter().map(|&(value, user)| (value, weight(user)));
        let mut values = vec![
            over(money, events),
            over(money, users),
            over(money * self.scale, users),
            top(amounts(), 0.01 * events, money),
            top(wealth(), 0.01 * users, money),
            gini(wealth(), users, money),
            upper(amounts(), (1.0 - 0.99) * events),
            upper(amounts(), (1.0 - 0.999) * events),
            over(events, users),
        ];
        values.extend(self.heterogeneity.iter().map(|of| of(weights)));
        if self.kinds.len() > 1 {
            let kinds = of_kind.iter().take(self.kinds.len());
            values.extend(
                kinds.flat_map(|&(count, sum)| [over(sum * self.scale, users), over(sum, count)]),
            );
        }
        values
    }
}

/// The share of the money that the largest values have, `room` of them by weight; the last one that
/// counts may count in part. None without money.
fn top(descending: impl Iterator<Item = (f64, f64)>, room: f64, money: f64) -> Option<f64> {
    let (mut room, mut sum) = (room, 0.0);
    for (value, weight) in descending {
        let counted = weight.min(room);
        sum += counted * value;
        room -= counted;
        if room <= 0.0 {
            break;
        }
    }
    (money > 0.0).then(|| (sum / money).min(1.0))
}

/// Twice the area between the diagonal and Lorenz's curve. None without money.
fn gini(descending: impl Iterator<Item = (f64, f64)>, users: f64, money: f64) -> Option<f64> {
    let (mut above, mut area) = (0.0, 0.0);
    for (value, weight) in descending {
        area += weight * (2.0 * above + weight * value);
        above += weight * value;
    }
    (money > 0.0).then(|| (area / (users * money) - 1.0).clamp(0.0, 1.0))
}

/// The largest value that has more than `room` at or above it, by weight.
fn upper(mut descending: impl Iterator<Item = (f64, f64)>, room: f64) -> Option<f64> {
    let mut above = 0.0;
    let reaches = |(_, weight): &(f64, f64)| {
        above += weight;
        *weight > 0.0 && above > room
    };
    descending.find(reaches).map(|(value, _)| value)
}

/// Points of Lorenz's curve: the share of all money that the lowest share of the values has, from
/// (0, 0) to (1, 1), at `count` even places and at the values themselves above 0.95. Empty without
/// money.
pub fn lorenz(values: &[f64], count: usize) -> Vec<[f64; 2]> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let total: f64 = values.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return Vec::new();
    }
    let last = values.len();
    let fine = last - last / 20;
    let every = (last / count.max(1)).max(1);
    let tail = ((last - fine) / count.max(1)).max(1);
    let mut points = vec![[0.0, 0.0]];
    let mut below = 0.0;
    for (i, value) in values.iter().enumerate() {
        below += value;
        let n = i + 1;
        let kept = if n > fine { (last - n).is_multiple_of(tail) } else { n.is_multiple_of(every) };
        if kept || n == last {
            points.push([n as f64 / last as f64, (below / total).min(1.0)]);
        }
    }
    points
}

#[cfg(test)]
mod tests;
