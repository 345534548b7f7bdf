//! From noisy histograms to statistics. Nothing here sees the log: clock and kinds are public, and
//! all else is noisy.

use trueup_env::Clock;
use trueup_env::finance::KindEffect;

use super::amounts;
use super::bins::{Bins, consistent, of_grid};
use super::config::{PrivacyConfig, PrivacyError};
use super::queries::{AMOUNTS, COUNTS, IN_TICK, Layout, USERS};
use super::{Noisy, Statistics};
use crate::features::{self, Feature, Level};
use crate::statistics::{
    AmountLaw, CategoryStatistics, Distribution, FORMAT, FeatureStatistics, Form, GRID, VERSION,
};

/// What is known of the whole after the noise.
struct Whole {
    users: usize,
    /// Users with events.
    active: usize,
    events: usize,
    /// Users per bin of event counts, with those bins.
    counts: (Vec<f64>, Bins),
    /// Events per kind: amounts of 0, and the bins of the others.
    amounts: Vec<(f64, Vec<f64>)>,
    amount_bins: Bins,
    /// The latter as they were counted, and the standard deviation of their noise.
    noisy_amounts: Vec<Vec<f64>>,
    amount_noise: f64,
}

/// The histogram of a name.
fn find<'a>(noisy: &'a [Noisy], name: &'static str) -> Result<(&'a [f64], &'a Bins), PrivacyError> {
    let found = noisy.iter().find(|one| one.name == name);
    match found.map(|one| (&one.counts, &one.layout)) {
        Some((counts, Layout::Axis(bins) | Layout::Amounts(bins))) => Ok((counts, bins)),
        _ => Err(PrivacyError::NothingLeft { what: name }),
    }
}

fn positive_sum(noisy: &[f64]) -> f64 {
    noisy.iter().sum::<f64>().max(0.0)
}

impl Whole {
    fn of(kinds: usize, noisy: &[Noisy]) -> Result<Self, PrivacyError> {
        let nothing = |what| Err(PrivacyError::NothingLeft { what });
        let users = noisy.iter().find(|one| one.name == USERS).map_or(0.0, |one| one.counts[0]);
        if users < 1.0 {
            return nothing("users");
        }
        let (found, count_bins) = find(noisy, COUNTS)?;
        let counts = consistent(found, users);
        let active: f64 = users - counts.first().copied().unwrap_or(0.0);
        let events = count_bins.mean_of(&counts, |n| n).round();
        let (found, amount_bins) = find(noisy, AMOUNTS)?;
        let all = consistent(found, positive_sum(found));
        if events < 1.0 || all.iter().sum::<f64>() <= 0.0 {
            return nothing("events");
        }
        let width = amount_bins.len() + 1;
        let others = |counts: &[f64], k: usize| counts[k * width + 1..(k + 1) * width].to_vec();
        let kind = |k: usize| (all[k * width], others(&all, k));
        Ok(Self {
            users: users as usize,
            active: (active.round() as usize).clamp(1, users as usize),
            events: events as usize,
            counts: (counts, count_bins.clone()),
            amounts: (0..kinds).map(kind).collect(),
            amount_bins: amount_bins.clone(),
            noisy_amounts: (0..kinds).map(|k| others(found, k)).collect(),
            amount_noise: noisy.iter().find(|one| one.name == AMOUNTS).map_or(0.0, |one| one.noise),
        })
    }

    /// Noisy events of each kind.
    fn kind_masses(&self) -> Vec<f64> {
        self.amounts.iter().map(|(zero, others)| zero + others.iter().sum::<f64>()).collect()
    }

    /// Whole events per kind in the shares of the amounts, adding up to all events.
    fn kind_events(&self) -> Vec<usize> {
        let masses = self.kind_masses();
        let total: f64 = masses.iter().sum();
        let exact: Vec<f64> = masses.iter().map(|m| m / total * self.events as f64).collect();
        let mut whole: Vec<usize> = exact.iter().map(|share| *share as usize).collect();
        // Those that were rounded down most get what is left.
        let mut order: Vec<usize> = (0..whole.len()).filter(|&k| masses[k] > 0.0).collect();
        order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
        let left = self.events.saturating_sub(whole.iter().sum());
        order.iter().cycle().take(left).for_each(|&k| whole[k] += 1);
        whole
    }

    /// Amounts of a kind.
    fn amounts(&self, kind: usize) -> Option<Distribution> {
        let (zero, others) = self.amounts.get(kind)?;
        let positive: f64 = others.iter().sum();
        let share = zero / (zero + positive);
        let quantile = |i: usize| {
            let p = i as f64 / (GRID - 1) as f64;
            if positive <= 0.0 || p < share || (p == share && share > 0.0) {
                return (zero + positive > 0.0).then_some(0.0);
            }
            self.amount_bins.quantile(others, (p - share) / (1.0 - share)).map(f64::exp)
        };
        Some(of_grid((0..GRID).map(quantile).collect::<Option<Vec<f64>>>()?))
    }

    /// What the amounts of a kind are drawn from.
    fn amount_law(&self, kind: usize) -> Option<AmountLaw> {
        let (zero, others) = self.amounts.get(kind)?;
        let noisy = self.noisy_amounts.get(kind)?;
        amounts::law(*zero, &self.amount_bins, others, noisy, self.amount_noise)
    }

    /// A feature that follows from counts and amounts.
    fn derived(&self, feature: &Feature) -> Option<(f64, Form)> {
        let (counts, bins) = &self.counts;
        let users = self.users as f64;
        match feature.name {
            "event_count" => Some((users, Form::Grid(bins.distribution(counts)?))),
            "log_count" => Some((users, Form::Grid(bins.image(counts, f64::ln_1p)?))),
            "kind" => Some((self.events as f64, Form::Counts { counts: self.kind_masses() })),
            "log_amount" => {
                let mut all = vec![0.0; self.amount_bins.len()];
                for (_, others) in &self.amounts {
                    all.iter_mut().zip(others).for_each(|(sum, x)| *sum += x);
                }
                Some((all.iter().sum(), Form::Grid(self.amount_bins.distribution(&all)?)))
            }
            _ => None,
        }
    }
}

/// The statistics that noisy histograms give.
pub(super) fn assemble(
    clock: Clock,
    kinds: &[String],
    categories: &[(String, Vec<String>)],
    config: &PrivacyConfig,
    noisy: &[Noisy],
) -> Result<Statistics, PrivacyError> {
    let whole = Whole::of(kinds.len(), noisy)?;
    let chosen = config.chosen()?;
    let mut entries = Vec::new();
    for feature in features::FEATURES {
        let asked = chosen.iter().any(|other| other.name == feature.name);
        let found = if asked {
            noisy.iter().find(|one| one.name == feature.name).and_then(measured)
        } else {
            whole.derived(feature)
        };
        let Some((rows, form)) = found else { continue };
        let rows = (rows.round() as usize).max(1);
        let users = match feature.level {
            Level::User => whole.users.min(rows),
            _ => whole.active.min(rows),
        };
        entries.push(FeatureStatistics {
            feature: feature.name.into(),
            level: feature.level,
            rows: if feature.level == Level::User { users } else { rows },
            users,
            form,
        });
    }
    let kind_events = whole.kind_events();
    let amounts = |k: usize| (kind_events[k] > 0).then(|| whole.amounts(k)).flatten();
    let law = |k: usize| (kind_events[k] > 0).then(|| whole.amount_law(k)).flatten();
    Ok(Statistics {
        format: FORMAT.into(),
        version: VERSION,
        clock,
        kinds: kinds.to_vec(),
        // Balances would tell of single users: only what names tell is released.
        effects: KindEffect::by_names(kinds),
        users: whole.users,
        events: whole.events,
        amounts: (0..kinds.len()).map(amounts).collect(),
        amount_laws: (0..kinds.len()).map(law).collect(),
        kind_events,
        max_events_in_tick: max_events_in_tick(&whole, noisy)?,
        same_tick_share: same_tick_share(&whole, noisy),
        features: entries,
        covariates: covariates(noisy),
        categories: with_categories(categories, noisy),
        dependence: None,
        joint: Vec::new(),
        privacy: None,
        origin: None,
        population: None,
    })
}

/// The most events of a user in a tick, but for users so few that they cannot be told from noise.
fn max_events_in_tick(whole: &Whole, noisy: &[Noisy]) -> Result<u32, PrivacyError> {
    let (found, bins) = find(noisy, IN_TICK)?;
    let users = whole.users as f64;
    let noise = noisy.iter().find(|one| one.name == IN_TICK).map_or(0.0, |one| one.noise);
    let seen = 1.0 - (3.0 * noise / users).clamp(1e-3, 0.5);
    let most = bins.quantile(&consistent(found, users), seen);
    Ok(most.unwrap_or(1.0).max(1.0) as u32)
}

/// Rows and form of a histogram of a feature.
fn measured(one: &Noisy) -> Option<(f64, Form)> {
    let rows = positive_sum(&one.counts);
    let counts = consistent(&one.counts, rows);
    match &one.layout {
        Layout::Axis(bins) => Some((rows, Form::Grid(bins.distribution(&counts)?))),
        Layout::Categories(_) if rows > 0.0 => Some((rows, Form::Counts { counts })),
        _ => None,
    }
}

/// Share of gaps of 0 ticks, times gaps per event; 0 where gaps were not asked for.
fn same_tick_share(whole: &Whole, noisy: &[Noisy]) -> f64 {
    let Ok((gaps, bins)) = find(noisy, "gap") else { return 0.0 };
    let gaps = consistent(gaps, positive_sum(gaps));
    let total: f64 = gaps.iter().sum();
    if total <= 0.0 || bins.bounds()[0] != 0.0 {
        return 0.0;
    }
    let per_event = 1.0 - whole.active as f64 / whole.events as f64;
    (gaps[0] / total * per_event).clamp(0.0, 1.0)
}

/// The covariates that are categories, whose names are public.
fn with_categories(names: &[(String, Vec<String>)], noisy: &[Noisy]) -> Vec<CategoryStatistics> {
    let one = |(name, categories): &(String, Vec<String>)| {
        let query = format!("category.{name}");
        let (_, form) = measured(noisy.iter().find(|one| one.name == query)?)?;
        let Form::Counts { counts } = form else { return None };
        let (name, categories) = (name.clone(), categories.clone());
        Some(CategoryStatistics { name, categories, counts })
    };
    names.iter().filter_map(one).collect()
}

fn covariates(noisy: &[Noisy]) -> Vec<(String, Distribution)> {
    let one = |one: &Noisy| {
        let name = one.name.strip_prefix("covariate.")?;
        let (_, form) = measured(one)?;
        match form {
            Form::Grid(distribution) => Some((name.to_owned(), distribution)),
            _ => None,
        }
    };
    noisy.iter().filter_map(one).collect()
}
