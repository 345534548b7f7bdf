//! Covariates that are categories, and how the covariates of a user hang together.
//!
//! The joint law is the one that worlds draw from (`trueup_env::finance::Joint`): a user's categories
//! are a cell; the normal scores of the numbers are sums of one effect a category, and of a normal
//! rest. Numbers are scored by mid-ranks, `Phi^-1((below + equal / 2) / n)`, and effects are least
//! squares, each drawn towards 0 by one user's worth. So the file holds how many users are alike in
//! all categories, and correlations, but no user's numbers beside each other.

use libm::erfc;
use serde::{Deserialize, Serialize};
use trueup_env::finance::{Cell, Joint, Profile};
use trueup_env::{Covariates, MAX_CATEGORIES};

use super::file::{BadField, bad};
use super::{GRID, Statistics};

/// The most cells of a file that this program writes: those of most users.
const MOST_CELLS: usize = 512;
/// Rounds over the covariates of categories until their effects are least squares.
const ROUNDS: usize = 50;
/// The least standard deviation of what effects leave of a score.
const LEAST_SD: f64 = 0.02;
/// The largest mean score; beyond it all users are at an end of their distribution.
const FAR: f64 = 6.0;

/// A covariate that is categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryStatistics {
    /// Its name.
    pub name: String,
    /// Names of its categories.
    pub categories: Vec<String>,
    /// Users of each.
    pub counts: Vec<f64>,
}

/// Users who are alike in all categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellStatistics {
    /// The category of each covariate of [`Statistics::categories`].
    pub categories: Vec<u16>,
    /// Number of users.
    pub users: f64,
}

/// How covariates hang together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependence {
    /// Cells, those of most users first.
    pub cells: Vec<CellStatistics>,
    /// Of each covariate of numbers, by covariate of categories and category: how much the category
    /// adds to the normal score.
    pub effects: Vec<Vec<Vec<f64>>>,
    /// Covariance of what effects leave of the scores, numbers x numbers.
    pub covariance: Vec<Vec<f64>>,
}

/// Columns of numbers, and columns of categories, in the order of the log.
fn columns(covariates: &Covariates) -> (Vec<usize>, Vec<usize>) {
    (0..covariates.names.len()).partition(|&c| covariates.categories_of(c).is_empty())
}

/// The covariates that are categories.
pub(super) fn categories(covariates: &Covariates) -> Vec<CategoryStatistics> {
    let one = |&c: &usize| {
        let categories = covariates.categories_of(c).to_vec();
        let mut counts = vec![0.0; categories.len()];
        covariates.column(c).for_each(|value| counts[value as usize] += 1.0);
        CategoryStatistics { name: covariates.names[c].clone(), categories, counts }
    };
    columns(covariates)
        .1
        .iter()
        .map(one)
        .filter(|own| own.counts.iter().sum::<f64>() > 0.0)
        .collect()
}

impl Dependence {
    /// Of several covariates of several users; none where there is nothing to hang together.
    pub(super) fn of(covariates: &Covariates) -> Option<Self> {
        let (numbers, categories) = columns(covariates);
        let column = |&c: &usize| -> Vec<f64> { covariates.column(c).collect() };
        let codes: Vec<Vec<f64>> = categories.iter().map(column).collect();
        let users = covariates.values.len().checked_div(covariates.names.len())?;
        if covariates.names.len() < 2 || users < 2 {
            return None;
        }
        let sizes: Vec<usize> =
            categories.iter().map(|&c| covariates.categories_of(c).len()).collect();
        let mut effects = Vec::with_capacity(numbers.len());
        let mut rests = Vec::with_capacity(numbers.len());
        for c in &numbers {
            let (own, rest) = least_squares(scores(&column(c)), &codes, &sizes);
            effects.push(own);
            rests.push(rest);
        }
        let covariance = |a: &Vec<f64>| -> Vec<f64> {
            let with = |b: &Vec<f64>| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
            rests.iter().map(|b| with(b) / users as f64).collect()
        };
        Some(Self {
            covariance: rests.iter().map(covariance).collect(),
            effects,
            cells: cells(&codes, users),
        })
    }

    /// The law as worlds draw from it.
    fn joint(&self) -> Joint {
        let cell = |cell: &CellStatistics| {
            let mean = |effects: &Vec<Vec<f64>>| {
                let own = effects.iter().zip(&cell.categories);
                let own = own.filter_map(|(effects, &k)| effects.get(usize::from(k)));
                own.sum::<f64>().clamp(-FAR, FAR)
            };
            Cell {
                categories: cell.categories.clone(),
                share: cell.users,
                means: self.effects.iter().map(mean).collect(),
            }
        };
        let cells = self.cells.iter().map(cell).collect();
        Joint { cells, factor: factor(&self.covariance) }
    }

    /// Checks that every field can be.
    pub(super) fn check(&self, whole: &Statistics) -> Result<(), BadField> {
        let numbers = whole.covariates.len();
        let sizes: Vec<usize> = whole.categories.iter().map(|own| own.categories.len()).collect();
        let fits = |cell: &CellStatistics| {
            cell.categories.len() == sizes.len()
                && cell.categories.iter().zip(&sizes).all(|(&own, &size)| usize::from(own) < size)
                && cell.users.is_finite()
                && cell.users > 0.0
        };
        if self.cells.is_empty() || !self.cells.iter().all(fits) {
            let why = "hold users each, and one category of each covariate of `categories`";
            return bad("dependence.cells", why);
        }
        let sound = |x: &f64| x.abs() <= 100.0;
        let own = |own: &Vec<Vec<f64>>| {
            own.len() == sizes.len()
                && own.iter().zip(&sizes).all(|(own, &size)| own.len() == size)
                && own.iter().flatten().all(sound)
        };
        if self.effects.len() != numbers || !self.effects.iter().all(own) {
            let why = "hold a number a category for each covariate of numbers";
            return bad("dependence.effects", why);
        }
        let row = |row: &Vec<f64>| row.len() == numbers && row.iter().all(sound);
        if self.covariance.len() != numbers || !self.covariance.iter().all(row) {
            let why = format!("holds {numbers} rows of {numbers} numbers");
            return bad("dependence.covariance", why);
        }
        Ok(())
    }
}

/// Checks the covariates that are categories.
pub(super) fn check(own: &[CategoryStatistics]) -> Result<(), BadField> {
    for CategoryStatistics { name, categories, counts } in own {
        let field = format!("categories ({name})");
        if categories.is_empty() || categories.len() > MAX_CATEGORIES {
            return bad(field, format!("names 1 to {MAX_CATEGORIES} categories"));
        }
        let sound = |count: &f64| count.is_finite() && *count >= 0.0;
        if counts.len() != categories.len() || !counts.iter().all(sound) {
            return bad(field, "has a count of at least 0 for each category");
        }
        if counts.iter().sum::<f64>() <= 0.0 {
            return bad(field, "has no users; delete the entry");
        }
    }
    Ok(())
}

/// The covariates of users as a world draws them: numbers, then categories.
pub(crate) fn profile(statistics: &Statistics) -> Profile {
    let mut profile = Profile::default();
    for (name, law) in &statistics.covariates {
        profile.names.push(name.clone());
        profile.grids.push(law.quantiles.clone());
        profile.categories.push(Vec::new());
    }
    for CategoryStatistics { name, categories, counts } in &statistics.categories {
        let total: f64 = counts.iter().sum();
        let mut sum = 0.0;
        let ends: Vec<f64> = counts
            .iter()
            .map(|count| {
                sum += count / total;
                sum
            })
            .collect();
        let place = |i: usize| {
            let at = (i as f64 + 0.5) / GRID as f64;
            ends.partition_point(|end| *end <= at).min(ends.len() - 1) as f64
        };
        profile.names.push(name.clone());
        profile.grids.push((0..GRID).map(place).collect());
        profile.categories.push(categories.clone());
    }
    if statistics.categories.is_empty() {
        profile.categories.clear();
    }
    profile.joint = statistics.dependence.as_ref().map(Dependence::joint);
    profile
}

/// Normal scores of mid-ranks.
fn scores(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut scores = vec![0.0; values.len()];
    let mut below = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let score = normal_quantile((below as f64 + equal.len() as f64 / 2.0) / n);
        equal.iter().for_each(|&i| scores[i] = score);
        below += equal.len();
    }
    scores
}

/// By halving, to 2^-50.
fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..54 {
        let middle = (low + high) / 2.0;
        let below = 0.5 * erfc(-middle / std::f64::consts::SQRT_2);
        if below < p { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The effects of categories on scores, and what they leave.
fn least_squares(
    scores: Vec<f64>,
    codes: &[Vec<f64>],
    sizes: &[usize],
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut rest = scores;
    let mut effects: Vec<Vec<f64>> = sizes.iter().map(|&size| vec![0.0; size]).collect();
    let rounds = if codes.len() > 1 { ROUNDS } else { codes.len() };
    for _ in 0..rounds {
        for (own, codes) in effects.iter_mut().zip(codes) {
            let mut sums = vec![(0.0, 0.0); own.len()];
            for (x, &k) in rest.iter().zip(codes) {
                let sum = &mut sums[k as usize];
                *sum = (sum.0 + x + own[k as usize], sum.1 + 1.0);
            }
            let new: Vec<f64> = sums.into_iter().map(|(sum, n)| sum / (n + 1.0)).collect();
            for (x, &k) in rest.iter_mut().zip(codes) {
                *x += own[k as usize] - new[k as usize];
            }
            *own = new;
        }
    }
    (effects, rest)
}

fn cells(codes: &[Vec<f64>], users: usize) -> Vec<CellStatistics> {
    let cell = |user: usize| -> Vec<u16> { codes.iter().map(|own| own[user] as u16).collect() };
    let mut all: Vec<Vec<u16>> = (0..users).map(cell).collect();
    all.sort_unstable();
    let mut cells: Vec<CellStatistics> = all
        .chunk_by(|a, b| a == b)
        .map(|own| CellStatistics { categories: own[0].clone(), users: own.len() as f64 })
        .collect();
    cells.sort_by(|a, b| b.users.total_cmp(&a.users));
    cells.truncate(MOST_CELLS);
    cells
}

/// Cholesky's factor; where a pivot is no more than rounding, what is left varies by [`LEAST_SD`].
fn factor(covariance: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(covariance.len());
    for (i, own) in covariance.iter().enumerate() {
        let mut row = Vec::with_capacity(i + 1);
        for (j, before) in factor.iter().enumerate() {
            let known: f64 = before[..j].iter().zip(&row).map(|(a, b)| a * b).sum();
            row.push((own[j] - known) / before[j]);
        }
        let rest = own[i] - row.iter().map(|x| x * x).sum::<f64>();
        row.push(rest.max(LEAST_SD * LEAST_SD).sqrt());
        factor.push(row);
    }
    factor
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use trueup_env::finance::{Effect, FinanceLanes};
    use trueup_env::{Clock, Event, EventLog, Lanes, Streams, Tick};

    use super::*;
    use crate::world::{WorldConfig, fit_world};

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let (ma, mb) = (mean(a), mean(b));
        let sum = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
            x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
        };
        sum(a, ma, b, mb) / (sum(a, ma, a, ma) * sum(b, mb, b, mb)).sqrt()
    }

    fn ranks(values: &[f64]) -> Vec<f64> {
        values.iter().map(|x| values.iter().filter(|y| *y < x).count() as f64).collect()
    }

    /// Users whose income follows their age, whose region follows their income, and whose segment
    /// follows the region.
    fn log(users: usize) -> EventLog {
        let mut stream = Streams::new(5).stream("users", 0);
        let mut values = Vec::new();
        for _ in 0..users {
            let age = 20.0 + (50.0 * stream.random::<f64>()).floor();
            let income = (8.0 + 0.03 * age + stream.random::<f64>()).exp();
            let region = if income.ln() - 8.0 > 1.8 { 2.0 } else { stream.below(2) as f64 };
            let segment = if stream.random::<f64>() < 0.8 { region } else { 0.0 };
            values.extend([age, region, income, segment]);
        }
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        EventLog::new(
            Clock { tick: Tick::Week, horizon: 3, start_day: None },
            vec!["purchase".into()],
            (0..users).map(|user| user.to_string()).collect(),
            [(0, Event { tick: 0, kind: 0, amount: 5.0, balance: f64::NAN })],
            Covariates {
                names: names(&["age", "region", "income", "segment"]),
                values,
                categories: vec![vec![], names(&["a", "b", "c"]), vec![], names(&["x", "y", "z"])],
            },
        )
        .unwrap()
    }

    /// Simulated users of a world that is fitted on the statistics alone have the marginals, the
    /// rank correlation, the contingency and the means by category of the real ones. With 3,000 real
    /// and as many simulated users, differences of means of ranks have a standard error below
    /// 0.013 of the range in the smallest group, those of shares below 0.013: the bounds are four of
    /// them and some for what the model leaves out.
    #[test]
    fn simulated_users_are_alike_in_all_covariates() {
        let n = 3000;
        let log = log(n);
        let statistics = Statistics::of(&log);
        statistics.check().unwrap();
        let text = serde_json::to_string(&statistics).unwrap();
        assert_eq!(serde_json::from_str::<Statistics>(&text).unwrap(), statistics);
        let config = WorldConfig {
            kinds: [("purchase".to_owned(), Effect::Record)].into(),
            ..WorldConfig::default()
        };
        let world = fit_world(&config, &statistics).unwrap();
        let mut lanes = FinanceLanes::new(world, n);
        lanes.reset(&Streams::new(6));
        let simulated = lanes.log("s").unwrap();
        let column = |log: &EventLog, name: &str| -> Vec<f64> {
            let covariates = log.covariates();
            covariates.column(covariates.place(name).unwrap()).collect()
        };
        let facts = |log: &EventLog| {
            let [age, income] = ["age", "income"].map(|name| ranks(&column(log, name)));
            let [region, segment] = ["region", "segment"].map(|name| column(log, name));
            let mut facts = vec![correlation(&age, &income)];
            for a in 0..3 {
                for b in 0..3 {
                    let both = |(x, y): &(&f64, &f64)| **x == a as f64 && **y == b as f64;
                    let count = region.iter().zip(&segment).filter(both).count();
                    facts.push(count as f64 / n as f64);
                }
                for ranks in [&age, &income] {
                    let own = region.iter().zip(ranks).filter(|(r, _)| **r == a as f64);
                    let own: Vec<f64> = own.map(|(_, rank)| *rank).collect();
                    facts.push(mean(&own) / n as f64);
                }
            }
            facts
        };
        let (real, own) = (facts(&log), facts(&simulated));
        assert!(real[0] > 0.7, "{real:?}");
        for (i, (real, own)) in real.iter().zip(&own).enumerate() {
            assert!((real - own).abs() < 0.06, "fact {i}: real {real}, simulated {own}");
        }
        let deciles = |values: Vec<f64>| {
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            [1, 3, 5, 7, 9].map(|i| sorted[i * n / 10])
        };
        for name in ["age", "income"] {
            let pairs =
                deciles(column(&log, name)).into_iter().zip(deciles(column(&simulated, name)));
            for (real, own) in pairs {
                assert!((real / own - 1.0).abs() < 0.15, "{name}: {real} {own}");
            }
        }
    }

    #[test]
    fn odd_covariates_have_a_law_too() {
        // One is a function of another, one is constant, and one category has no users.
        let covariates = Covariates {
            names: ["a", "twice", "flat", "k"].map(String::from).to_vec(),
            values: (0..20)
                .flat_map(|i| [f64::from(i), f64::from(2 * i), 7.0, f64::from(i / 10)])
                .collect(),
            categories: vec![vec![], vec![], vec![], ["x", "y", "z"].map(String::from).to_vec()],
        };
        let dependence = Dependence::of(&covariates).unwrap();
        assert_eq!(dependence.cells.len(), 2);
        let joint = dependence.joint();
        assert!(joint.factor.iter().flatten().all(|x| x.is_finite()));
        assert!(joint.cells[0].means[0] < -0.5 && joint.cells[1].means[0] > 0.5);
        let one =
            Covariates { names: vec!["a".into()], values: vec![1.0, 2.0], ..Default::default() };
        assert_eq!(Dependence::of(&one), None);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-9);
    }
}
