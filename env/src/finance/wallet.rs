//! Wallets: what a user owns, and what he can therefore do.
//!
//! At the start of each tick after the first, income is paid into cash and savings earn interest.
//! Units of risky holdings are worth the market price. Every event moves at most what its source
//! holds; cash may go down to minus the credit limit. Credit bears no interest.

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::world::{Effect, SMALLEST_UNIT, WorldError};
use crate::clock::Clock;
use crate::random::Streams;

/// No holding grows beyond this; only centuries of interest ever meet it.
const MAX_HOLDING: f64 = 1e15;

/// The law of wallets. Money is in the log's currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletModel {
    /// Median income of a tick, positive. A user's income is lognormal and fixed for the episode.
    pub income_median: f64,
    /// Standard deviation of the natural log of income, 0 to 5.
    pub income_sigma: f64,
    /// Cash at the start, in ticks of income, 0 to 100,000.
    pub initial_cash: f64,
    /// Savings at the start, in ticks of income, 0 to 100,000.
    pub initial_savings: f64,
    /// Risky holdings at the start, in ticks of income, 0 to 100,000.
    pub initial_risky: f64,
    /// Interest on savings per year, -0.5 to 1 (0.02 is 2%).
    pub savings_rate: f64,
    /// How far cash may fall below 0, in ticks of income, 0 to 100,000.
    pub credit: f64,
}

impl WalletModel {
    pub(super) fn check(&self) -> Result<(), WorldError> {
        let fields = [
            ("wallet.income_median", self.income_median, SMALLEST_UNIT, 1e9),
            ("wallet.income_sigma", self.income_sigma, 0.0, 5.0),
            ("wallet.initial_cash", self.initial_cash, 0.0, 1e5),
            ("wallet.initial_savings", self.initial_savings, 0.0, 1e5),
            ("wallet.initial_risky", self.initial_risky, 0.0, 1e5),
            ("wallet.savings_rate", self.savings_rate, -0.5, 1.0),
            ("wallet.credit", self.credit, 0.0, 1e5),
        ];
        for (field, value, low, high) in fields {
            if !(low..=high).contains(&value) {
                return Err(WorldError::new(
                    field,
                    format!("{value}; {low} to {high} is possible"),
                ));
            }
        }
        Ok(())
    }
}

/// Where the money of an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Cash,
    Savings,
    Risky,
    Outside,
}

impl Effect {
    pub(super) fn source(self) -> Source {
        match self {
            Self::Spend | Self::Invest | Self::Save => Source::Cash,
            Self::Divest => Source::Risky,
            Self::Draw => Source::Savings,
            Self::Receive | Self::Record => Source::Outside,
        }
    }
}

/// The wallets of all lanes, one flat array a place.
#[derive(Clone, Debug)]
pub(super) struct Wallets {
    pub(super) income: Vec<f64>,
    pub(super) cash: Vec<f64>,
    pub(super) savings: Vec<f64>,
    /// Units of risky holdings; each is worth the market price.
    pub(super) units: Vec<f64>,
    credit: f64,
    growth: f64,
}

impl Wallets {
    pub(super) fn new(model: &WalletModel, clock: &Clock, lanes: usize) -> Self {
        Self {
            income: vec![0.0; lanes],
            cash: vec![0.0; lanes],
            savings: vec![0.0; lanes],
            units: vec![0.0; lanes],
            credit: model.credit,
            growth: (1.0 + model.savings_rate).powf(1.0 / clock.tick.per_year()),
        }
    }

    /// New wallets: only income is drawn.
    pub(super) fn reset(&mut self, model: &WalletModel, streams: &Streams, first: u64) {
        for (lane, income) in self.income.iter_mut().enumerate() {
            let mut stream = streams.stream("income", first + lane as u64);
            let z: f64 = StandardNormal.sample(&mut stream);
            *income = model.income_median * (model.income_sigma * z).exp();
        }
        // The price is 1 at tick 0, so that units are money.
        let initial = [model.initial_cash, model.initial_savings, model.initial_risky];
        let places = [&mut self.cash, &mut self.savings, &mut self.units];
        for (place, ticks) in places.into_iter().zip(initial) {
            for (holding, income) in place.iter_mut().zip(&self.income) {
                *holding = (ticks * income).min(MAX_HOLDING);
            }
        }
    }

    /// A tick begins: income is paid, savings earn interest.
    pub(super) fn tick(&mut self) {
        for (cash, income) in self.cash.iter_mut().zip(&self.income) {
            *cash = (*cash + income).min(MAX_HOLDING);
        }
        for savings in &mut self.savings {
            *savings = (*savings * self.growth).min(MAX_HOLDING);
        }
    }

    /// How much an event from `source` can move.
    #[inline]
    pub(super) fn available(&self, lane: usize, source: Source, price: f64) -> f64 {
        match source {
            Source::Cash => self.cash[lane] + self.credit * self.income[lane],
            Source::Savings => self.savings[lane],
            Source::Risky => self.units[lane] * price,
            Source::Outside => f64::INFINITY,
        }
    }

    /// Which kinds with these sources are feasible: those whose source holds the smallest unit.
    /// The first entry of the mask is "nothing" and stays.
    #[inline]
    pub(super) fn fill_mask(&self, lane: usize, sources: &[Source], price: f64, mask: &mut [bool]) {
        for (feasible, &source) in mask[1..].iter_mut().zip(sources) {
            *feasible = self.available(lane, source, price) >= SMALLEST_UNIT;
        }
    }

    /// Moves `amount`, or what there is if that is less; returns what was moved.
    pub(super) fn apply(&mut self, lane: usize, effect: Effect, amount: f64, price: f64) -> f64 {
        let moved = amount.min(self.available(lane, effect.source(), price).max(0.0));
        self.shift(lane, effect, moved, price);
        if effect.source() == Source::Cash {
            // Keeps the last bit of a rounded difference from going beyond the credit limit.
            self.cash[lane] = self.cash[lane].max(-self.credit * self.income[lane]);
        }
        moved
    }

    /// Moves all of an amount that somebody has moved already, whatever the wallet holds: cash may
    /// go below the credit limit, and takes the balance after the event if that is known (not
    /// NaN). Returns the amount.
    pub(super) fn record(
        &mut self,
        lane: usize,
        effect: Effect,
        amount: f64,
        price: f64,
        balance: f64,
    ) -> f64 {
        self.shift(lane, effect, amount, price);
        let cash = if balance.is_nan() { self.cash[lane] } else { balance };
        self.cash[lane] = cash.clamp(-MAX_HOLDING, MAX_HOLDING);
        amount
    }

    fn shift(&mut self, lane: usize, effect: Effect, moved: f64, price: f64) {
        match effect {
            Effect::Spend => self.pay(lane, moved),
            Effect::Receive => self.take(lane, moved),
            Effect::Invest => {
                self.pay(lane, moved);
                self.units[lane] += moved / price;
            }
            Effect::Divest => {
                self.units[lane] = (self.units[lane] - moved / price).max(0.0);
                self.take(lane, moved);
            }
            Effect::Save => {
                self.pay(lane, moved);
                self.savings[lane] = (self.savings[lane] + moved).min(MAX_HOLDING);
            }
            Effect::Draw => {
                self.savings[lane] = (self.savings[lane] - moved).max(0.0);
                self.take(lane, moved);
            }
            Effect::Record => {}
        }
    }

    fn pay(&mut self, lane: usize, amount: f64) {
        self.cash[lane] -= amount;
    }

    fn take(&mut self, lane: usize, amount: f64) {
        self.cash[lane] = (self.cash[lane] + amount).min(MAX_HOLDING);
    }
}
