//! What a user sees: bounded numbers of order 1, in a fixed order, one documented field each.
//!
//! A row is made of blocks: what all users share (calendar, market), what changes with every tick
//! (recency, rates, wallet), what changes with the user's own events (counts, gaps, amounts,
//! kinds), and what is fixed for the episode (profile, latent). Fields that cannot vary in a world
//! are left out: the calendar without dates, savings where no kind saves, the market where no kind
//! invests, kinds where there is only one (with several, each has a recency of its own: standing
//! orders are seen by it). Nothing of other users is seen.

use serde::Serialize;

use super::path::Path;
use super::wallet::Wallets;
use super::world::{Effect, World};
use crate::event_log::MAX_KINDS;
use crate::history::History;

/// One number of an observation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Unit; empty for a pure number.
    pub unit: &'static str,
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
    /// What it is, in one line.
    pub doc: String,
}

type Row = (&'static str, &'static str, f32, f32, &'static str);

const ELAPSED: [Row; 1] = [("elapsed", "", 0.0, 1.0, "share of the horizon that is over")];
const YEAR: [Row; 2] = [
    ("year_sin", "", -1.0, 1.0, "sine of the phase of the year; only with dates"),
    ("year_cos", "", -1.0, 1.0, "cosine of the phase of the year; only with dates"),
];
const WEEK: [Row; 2] = [
    ("week_sin", "", -1.0, 1.0, "sine of the phase of the week; only with dates and daily ticks"),
    ("week_cos", "", -1.0, 1.0, "cosine of the phase of the week; only with dates and daily ticks"),
];
const MARKET: [Row; 3] = [
    (
        "market_return",
        "sd",
        -5.0,
        5.0,
        "log return of the last tick; only if a kind invests or divests",
    ),
    ("market_return_4", "sd", -5.0, 5.0, "log return of the last four ticks; as above"),
    ("market_drawdown", "", 0.0, 1.0, "1 - price / highest price of the episode so far; as above"),
];
const NOW: [Row; 5] = [
    ("events_in_tick", "", 0.0, 1.0, "own events in this tick / the most possible"),
    (
        "recency",
        "",
        0.0,
        1.0,
        "ln(1 + ticks since the last event) / ln(1 + horizon); 1 before an event",
    ),
    (
        "rate_fast",
        "",
        0.0,
        4.0,
        "root of the own events a tick, moving mean with a half-life of 4 ticks",
    ),
    (
        "rate_slow",
        "",
        0.0,
        4.0,
        "root of the own events a tick, moving mean with a half-life of 13 ticks",
    ),
    ("cash", "ln income", -10.0, 10.0, "arsinh(cash / income of a tick)"),
];
const SAVINGS: [Row; 1] = [(
    "savings",
    "ln income",
    0.0,
    10.0,
    "ln(1 + savings / income of a tick); only if a kind saves or draws",
)];
const RISKY: [Row; 1] = [(
    "risky",
    "ln income",
    0.0,
    10.0,
    "ln(1 + risky holdings / income of a tick); only if a kind invests or divests",
)];
const OWN: [Row; 11] = [
    ("any_event", "", 0.0, 1.0, "1 after the first event, else 0"),
    ("count", "", 0.0, 8.0, "ln(1 + events) / ln(1 + typical count, at least 1)"),
    ("active_ticks", "", 0.0, 1.0, "ln(1 + ticks with an event) / ln(1 + horizon)"),
    ("first_tick", "", 0.0, 1.0, "tick of the first event / horizon; 1 before it"),
    (
        "last_gap",
        "",
        0.0,
        1.0,
        "ln(1 + ticks between the last two events) / ln(1 + horizon); 1 before two",
    ),
    ("mean_gap", "", 0.0, 1.0, "the same of the mean gap"),
    ("last_log_amount", "sd", -5.0, 5.0, "log of the last amount, standardised; 0 before one"),
    ("mean_log_amount", "sd", -5.0, 5.0, "mean log amount, standardised; 0 before one"),
    ("sd_log_amount", "sd", 0.0, 5.0, "standard deviation of the own log amounts; 0 before two"),
    ("max_log_amount", "sd", -5.0, 5.0, "largest log amount, standardised; 0 before one"),
    (
        "log_total",
        "sd",
        -5.0,
        5.0,
        "log of the sum of amounts, standardised like one amount; 0 before one",
    ),
];

fn field((name, unit, low, high, doc): Row) -> Field {
    Field { name: name.into(), unit, low, high, doc: doc.into() }
}

fn named(name: String, unit: &'static str, bound: (f32, f32), doc: String) -> Field {
    Field { name, unit, low: bound.0, high: bound.1, doc }
}

/// The fields of an observation of this world, in their order.
pub fn observation_fields(world: &World) -> Vec<Field> {
    let layout = Layout::new(world);
    let mut fields: Vec<Field> = ELAPSED.map(field).into();
    let optional: [(bool, &[Row]); 7] = [
        (layout.year, &YEAR),
        (layout.week, &WEEK),
        (layout.risky, &MARKET),
        (true, &NOW),
        (layout.savings, &SAVINGS),
        (layout.risky, &RISKY),
        (true, &OWN),
    ];
    for (present, rows) in optional {
        if present {
            fields.extend(rows.iter().copied().map(field));
        }
    }
    if layout.kinds > 0 {
        // They belong to what changes with every tick, and so stand before the own events.
        let own = fields.split_off(layout.own - layout.kinds);
        for kind in &world.kinds {
            let doc = format!("recency of the last {} alone; 1 before one", kind.name);
            fields.push(named(format!("recency.{}", kind.name), "", (0.0, 1.0), doc));
        }
        fields.extend(own);
        for kind in &world.kinds {
            let (name, doc) = (&kind.name, format!("share of {} in the own events", kind.name));
            fields.push(named(format!("share.{name}"), "", (0.0, 1.0), doc));
        }
        for kind in &world.kinds {
            let (name, doc) = (&kind.name, format!("1 if the last event was {}", kind.name));
            fields.push(named(format!("last.{name}"), "", (0.0, 1.0), doc));
        }
    }
    for (i, name) in world.profile.names.iter().enumerate() {
        let categories = world.profile.categories_of(i);
        for category in categories {
            let doc = format!("1 if the covariate {name} is {category}; fixed for the episode");
            fields.push(named(format!("profile.{name}={category}"), "", (0.0, 1.0), doc));
        }
        if categories.is_empty() {
            let doc = format!("covariate {name}, standardised; fixed for the episode");
            fields.push(named(format!("profile.{name}"), "sd", (-5.0, 5.0), doc));
        }
    }
    for i in 0..world.latent {
        let doc = "standard normal, fixed for the episode: what makes users differ".into();
        fields.push(named(format!("latent.{i}"), "", (-4.0, 4.0), doc));
    }
    fields
}

/// Where the blocks of a row start, and constants of the fields.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    year: bool,
    week: bool,
    savings: bool,
    risky: bool,
    /// Number of kinds that are seen: 0 where there is only one.
    kinds: usize,
    /// Length of the shared block.
    shared: usize,
    own: usize,
    /// Where the block that is fixed for the episode starts.
    pub(super) fixed: usize,
    pub(super) size: usize,
    horizon: f32,
    /// 1 / ln(1 + horizon).
    tick_unit: f32,
    /// The recency after 0, 1, 2 ... ticks.
    recencies: Vec<f32>,
    /// 1 / ln(1 + typical count).
    count_unit: f32,
    event_unit: f32,
    mean_log_amount: f64,
    amount_unit: f64,
}

/// The moving parts of one lane that are not in its history.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pulse {
    /// Moving mean of events a tick, with half-lives of 4 and 13 ticks.
    pub(super) rates: [f32; 2],
    /// Ticks between the last two events.
    pub(super) last_gap: u32,
    /// 1 + the tick of the last event of each kind; 0 before one.
    pub(super) last_ticks: [u32; MAX_KINDS],
    /// Events in the current tick.
    pub(super) in_tick: u32,
}

/// 0.5^(1/4) and 0.5^(1/13).
pub(super) const DECAY: [f32; 2] = [0.840_896_4, 0.948_077_5];

#[inline]
fn ln_1p(x: f32) -> f32 {
    (1.0 + x).ln()
}

impl Layout {
    pub(super) fn new(world: &World) -> Self {
        let year = world.clock.year_phase(0).is_some();
        let week = world.clock.week_phase(0).is_some();
        let savings = world.touches([Effect::Save, Effect::Draw]);
        let risky = world.touches([Effect::Invest, Effect::Divest]);
        let kinds = if world.kinds.len() > 1 { world.kinds.len() } else { 0 };
        let count = |present: bool, length: usize| if present { length } else { 0 };
        let shared = ELAPSED.len()
            + count(year, YEAR.len())
            + count(week, WEEK.len())
            + count(risky, MARKET.len());
        let own = shared + NOW.len() + count(savings, 1) + count(risky, 1) + kinds;
        let fixed = own + OWN.len() + 2 * kinds;
        let tick_unit = 1.0 / ln_1p(world.clock.horizon as f32);
        Self {
            year,
            week,
            savings,
            risky,
            kinds,
            shared,
            own,
            fixed,
            size: fixed + world.profile.width() + world.latent,
            horizon: world.clock.horizon as f32,
            tick_unit,
            recencies: (0..=world.clock.horizon)
                .map(|ticks| (ln_1p(ticks as f32) * tick_unit).min(1.0))
                .collect(),
            count_unit: 1.0 / world.scales.typical_count.max(1.0).ln_1p() as f32,
            event_unit: 1.0 / world.max_events_per_tick as f32,
            mean_log_amount: world.scales.mean_log_amount,
            amount_unit: 1.0 / world.scales.sd_log_amount,
        }
    }

    /// The block that all users share at a tick.
    pub(super) fn shared(&self, world: &World, path: &Path, tick: u32) -> Vec<f32> {
        let mut block = Vec::with_capacity(self.shared);
        block.push(tick as f32 / self.horizon);
        for phase in
            [world.clock.year_phase(tick), world.clock.week_phase(tick)].into_iter().flatten()
        {
            let angle = std::f64::consts::TAU * phase;
            block.extend([angle.sin() as f32, angle.cos() as f32]);
        }
        if self.risky {
            let t = tick as usize;
            block.extend([path.last_return[t], path.month_return[t], path.drawdown[t]]);
        }
        block
    }

    /// What changes with every tick.
    #[inline]
    pub(super) fn fill_now(
        &self,
        row: &mut [f32],
        tick: u32,
        history: &History,
        pulse: &Pulse,
        money: Money,
    ) {
        let recency = if history.count == 0 {
            1.0
        } else {
            ln_1p((tick - history.last_tick) as f32) * self.tick_unit
        };
        let ratio = money.cash;
        let cash = (ratio.abs() + (ratio * ratio + 1.0).sqrt()).ln().copysign(ratio);
        let now: [f32; NOW.len()] = [
            pulse.in_tick as f32 * self.event_unit,
            recency.min(1.0),
            pulse.rates[0].sqrt().min(4.0),
            pulse.rates[1].sqrt().min(4.0),
            cash.clamp(-10.0, 10.0),
        ];
        let mut at = self.shared + NOW.len();
        row[self.shared..at].copy_from_slice(&now);
        if self.savings {
            row[at] = ln_1p(money.savings).min(10.0);
            at += 1;
        }
        if self.risky {
            row[at] = ln_1p(money.risky).min(10.0);
            at += 1;
        }
        for (field, &last) in row[at..at + self.kinds].iter_mut().zip(&pulse.last_ticks) {
            *field = if last == 0 { 1.0 } else { self.recencies[(tick + 1 - last) as usize] };
        }
    }

    /// What changes with the user's own events.
    #[inline]
    pub(super) fn fill_own(&self, row: &mut [f32], history: &History, pulse: &Pulse) {
        let ticks = |ticks: f32| (ln_1p(ticks) * self.tick_unit).min(1.0);
        let standard =
            |log: f64| ((log - self.mean_log_amount) * self.amount_unit).clamp(-5.0, 5.0) as f32;
        let amount = |log: f64| {
            if history.log_count > 0 { standard(log) } else { 0.0 }
        };
        let gaps = history.count.saturating_sub(1);
        let span = history.last_tick.saturating_sub(history.first_tick) as f32;
        let any = history.count > 0;
        let own: [f32; OWN.len()] = [
            f32::from(u8::from(any)),
            (ln_1p(history.count as f32) * self.count_unit).min(8.0),
            ticks(history.active_ticks as f32),
            if any { history.first_tick as f32 / self.horizon } else { 1.0 },
            if gaps > 0 { ticks(pulse.last_gap as f32) } else { 1.0 },
            if gaps > 0 { ticks(span / gaps as f32) } else { 1.0 },
            amount(history.last_log_amount),
            history.mean_log_amount().map_or(0.0, standard),
            history.sd_log_amount().map_or(0.0, |sd| (sd * self.amount_unit).min(5.0) as f32),
            amount(history.log_max),
            if history.log_count > 0 { standard(history.amount_sum.value().ln()) } else { 0.0 },
        ];
        row[self.own..self.own + OWN.len()].copy_from_slice(&own);
        let kinds = &mut row[self.own + OWN.len()..self.fixed];
        let (shares, last) = kinds.split_at_mut(self.kinds);
        let unit = 1.0 / history.count.max(1) as f32;
        for (share, &count) in shares.iter_mut().zip(&history.kind_counts) {
            *share = count as f32 * unit;
        }
        last.fill(0.0);
        if any && let Some(flag) = last.get_mut(usize::from(history.last_kind)) {
            *flag = 1.0;
        }
    }
}

/// A wallet in ticks of income.
#[derive(Clone, Copy, Debug)]
pub(super) struct Money {
    cash: f32,
    savings: f32,
    risky: f32,
}

impl Money {
    #[inline]
    pub(super) fn of(wallets: &Wallets, lane: usize, price: f64) -> Self {
        // Income is positive; the bound keeps quotients of tiny incomes inside f32.
        let unit = 1.0 / wallets.income[lane];
        let ratio = |value: f64| (value * unit).clamp(-1e18, 1e18) as f32;
        Self {
            cash: ratio(wallets.cash[lane]),
            savings: ratio(wallets.savings[lane]),
            risky: ratio(wallets.units[lane] * price),
        }
    }
}
