//! What is in a log, for a person and for programs.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use trueup_env::Clock;
use trueup_env::finance::KindEffect;

use super::account::Account;
use super::field::on_one_line;
use super::load::{Loaded, Understood};
use super::window::clock_text;

/// The shares of [`Quantiles::at`].
pub const QUANTILES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

/// A distribution in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Number of values.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation with n - 1; none for one value.
    pub sd: Option<f64>,
    /// For each of [`QUANTILES`], the smallest value with at least that share at or below it.
    pub at: [f64; 7],
}

impl Quantiles {
    /// The quantiles of finite values; none for an empty slice.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let n = count as f64;
        if count == 0 {
            return None;
        }
        // A running mean: sums of very large amounts do not overflow.
        let mut mean = 0.0;
        for (i, value) in sorted.iter().enumerate() {
            mean += (value - mean) / (i + 1) as f64;
        }
        let square = sorted.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
        let sd = (count > 1).then(|| (square / (n - 1.0)).sqrt()).filter(|sd| sd.is_finite());
        let rank = |share: f64| ((share * n).ceil() as usize).clamp(1, count) - 1;
        Some(Self { count, mean, sd, at: QUANTILES.map(|share| sorted[rank(share)]) })
    }
}

/// One kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindDescription {
    /// Its name.
    pub kind: String,
    /// What it does to money, and how that was found.
    #[serde(flatten)]
    pub effect: KindEffect,
    /// Its events.
    pub events: usize,
    /// Users with at least one such event.
    pub users: usize,
    /// Amounts of its events.
    pub amount: Option<Quantiles>,
}

/// What is in a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Where it comes from.
    pub source: String,
    /// SHA-256 of the file as stored.
    pub sha256: String,
    /// Columns of the file.
    pub columns: Vec<String>,
    /// First and last day of the usable rows; none where the file has ticks.
    pub days: Option<(String, String)>,
    /// The clock.
    pub clock: Clock,
    /// Users.
    pub users: usize,
    /// Share of users without events.
    pub idle_share: f64,
    /// Events.
    pub events: usize,
    /// Events with an amount of 0.
    pub zero_amounts: usize,
    /// The kinds.
    pub kinds: Vec<KindDescription>,
    /// Amounts of all events.
    pub amount: Option<Quantiles>,
    /// Ticks between consecutive events of a user.
    pub gap: Option<Quantiles>,
    /// Events of a user.
    pub events_per_user: Option<Quantiles>,
    /// Covariates of users that are numbers.
    pub covariates: Vec<(String, Option<Quantiles>)>,
    /// Covariates of users that are categories: each with its number of users.
    #[serde(default)]
    pub categories: Vec<(String, Vec<(String, usize)>)>,
    /// What a person should look at, with the remedy.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The first rows as understood.
    pub first_rows: Vec<Understood>,
    /// What became of every row and user.
    pub account: Account,
}

/// Describes what was loaded; one user is enough.
pub fn describe(loaded: &Loaded) -> Description {
    let log = &loaded.log;
    let users = log.user_count();
    let kinds = log.kinds().iter().enumerate().map(|(number, kind)| {
        let is_kind = |event: &&trueup_env::Event| usize::from(event.kind) == number;
        let amounts: Vec<f64> = log.events().iter().filter(is_kind).map(|e| e.amount).collect();
        let has = |user: &usize| log.events_of(*user).iter().any(|event| is_kind(&event));
        KindDescription {
            kind: kind.clone(),
            effect: log.effects()[number],
            events: amounts.len(),
            users: (0..users).filter(has).count(),
            amount: Quantiles::of(&amounts),
        }
    });
    let amounts: Vec<f64> = log.events().iter().map(|event| event.amount).collect();
    let gaps: Vec<f64> = (0..users)
        .flat_map(|user| log.events_of(user).windows(2))
        .map(|pair| f64::from(pair[1].tick - pair[0].tick))
        .collect();
    let counts: Vec<f64> = (0..users).map(|user| log.events_of(user).len() as f64).collect();
    let idle = counts.iter().filter(|count| **count == 0.0).count();
    let facts = log.covariates();
    let (mut covariates, mut categories) = (Vec::new(), Vec::new());
    for (i, name) in facts.names.iter().enumerate() {
        let known = facts.categories_of(i);
        if known.is_empty() {
            let values: Vec<f64> = facts.column(i).collect();
            covariates.push((name.clone(), Quantiles::of(&values)));
            continue;
        }
        let users = |k: usize| facts.column(i).filter(|value| *value == k as f64).count();
        let one = |(k, category): (usize, &String)| (category.clone(), users(k));
        categories.push((name.clone(), known.iter().enumerate().map(one).collect()));
    }
    Description {
        source: loaded.source.clone(),
        sha256: loaded.sha256.clone(),
        columns: loaded.columns.clone(),
        days: loaded.days.clone(),
        clock: *log.clock(),
        users,
        idle_share: if users == 0 { 0.0 } else { idle as f64 / users as f64 },
        events: log.events().len(),
        zero_amounts: amounts.iter().filter(|amount| **amount == 0.0).count(),
        kinds: kinds.collect(),
        amount: Quantiles::of(&amounts),
        gap: Quantiles::of(&gaps),
        events_per_user: Quantiles::of(&counts),
        covariates,
        categories,
        warnings: loaded.warnings.clone(),
        first_rows: loaded.first_rows.clone(),
        account: loaded.account.clone(),
    }
}

impl Description {
    /// The description as plain text, at most 100 characters a line where names are short.
    pub fn text(&self) -> String {
        let mut text = format!("{}\nsha256 {}\n", self.source, self.sha256);
        text += &format!("columns: {}\n", self.columns.join(", "));
        if let Some((first, last)) = &self.days {
            text += &format!("rows from {first} to {last}\n");
        }
        text += &format!("clock: {}\n", clock_text(&self.clock));
        for warning in &self.warnings {
            text += &format!("warning: {warning}\n");
        }
        text.push('\n');
        text += &format!(
            "{} users, {:.1}% of them without events; {} events, {} with an amount of 0\n\n",
            self.users,
            100.0 * self.idle_share,
            self.events,
            self.zero_amounts
        );
        self.write_quantiles(&mut text);
        text += "\nkinds\n";
        for kind in &self.kinds {
            let KindDescription { kind, effect, events, users, .. } = kind;
            let kind = on_one_line(kind);
            text += &format!("  {kind}: {events} events of {users} users; {}\n", effect.words());
        }
        let warnings = self.kinds.iter().filter_map(|kind| kind.effect.warning(&kind.kind));
        warnings.for_each(|warning| text += &format!("  warning: {warning}\n"));
        for (name, categories) in &self.categories {
            text += &format!("\n{name}\n");
            for (category, users) in categories {
                text += &format!("  {}: {users} users\n", on_one_line(category));
            }
        }
        text += "\nfirst rows as understood\n";
        for row in &self.first_rows {
            let date = row.date.as_deref().unwrap_or("no date");
            let Understood { line, user, tick, kind, amount, .. } = row;
            text += &format!(
                "  line {line}: user {user}, {date}, tick {tick}, {kind}, {}\n",
                number(*amount)
            );
        }
        text += "\n";
        for line in self.account.lines() {
            text += &line;
            text.push('\n');
        }
        text
    }

    fn write_quantiles(&self, text: &mut String) {
        let mut rows: Vec<(String, &Quantiles)> = Vec::new();
        let named = [
            ("events per user", &self.events_per_user),
            ("ticks between events", &self.gap),
            ("amount", &self.amount),
        ];
        rows.extend(named.iter().filter_map(|(name, q)| Some((name.to_string(), q.as_ref()?))));
        if self.kinds.len() > 1 {
            let of_kind = |kind: &KindDescription| format!("amount of {}", kind.kind);
            rows.extend(self.kinds.iter().filter_map(|k| Some((of_kind(k), k.amount.as_ref()?))));
        }
        rows.extend(self.covariates.iter().filter_map(|(n, q)| Some((n.clone(), q.as_ref()?))));
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let _ = write!(text, "{:width$} {:>9}", "", "mean");
        for share in QUANTILES {
            let _ = write!(text, " {:>9}", format!("{:.0}%", 100.0 * share));
        }
        text.push('\n');
        for (name, quantiles) in rows {
            let _ = write!(text, "{name:width$} {:>9}", number(quantiles.mean));
            for value in quantiles.at {
                let _ = write!(text, " {:>9}", number(value));
            }
            text.push('\n');
        }
    }
}

/// A number in at most nine characters.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.').to_string();
    let lost = value != 0.0 && value.abs() < 0.005;
    if text.len() <= 9 && !lost { text } else { format!("{value:.2e}") }
}
