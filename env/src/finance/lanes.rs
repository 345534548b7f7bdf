//! The finance world over flat arrays: many users who live through the same ticks.
//!
//! Each tick every user decides. "Nothing" ends his tick; an event moves money and lets him decide
//! again in the same tick, up to `max_events_per_tick` events. So all lanes wait in the first
//! round of a tick, and afterwards only those that have just acted. Every choice above 0 makes
//! exactly one event in the log. The end of the horizon is a truncation; nobody terminates.
//!
//! An amount above what its source holds is cut to what there is, also to 0 where the kind was
//! masked; [`FinanceLanes::cuts`] counts such cuts. Amounts are not rounded. All random numbers are
//! drawn at the reset.

use std::sync::Arc;

use super::fixed;
use super::observation::{DECAY, Layout, Money, Pulse, observation_fields};
use super::path::Path;
use super::wallet::{Source, Wallets};
use super::world::{CheckedWorld, MAX_AMOUNT};
use crate::environment::StepError;
use crate::event_log::Event;
use crate::history::History;
use crate::lanes::{Actions, Lanes};
use crate::payment::Payment;
use crate::random::Streams;
use crate::space::Space;

mod view;

/// Many users of one [`World`](super::World), stepped together.
pub struct FinanceLanes {
    world: CheckedWorld,
    layout: Layout,
    observation_space: Space,
    action_space: Space,
    first: u64,
    payment: Option<Arc<dyn Payment>>,
    // Per lane.
    wallets: Wallets,
    histories: Vec<History>,
    pulses: Vec<Pulse>,
    profile: Vec<f64>,
    /// Observations of all lanes; kept up to date, so that a tick rewrites only what changed.
    rows: Vec<f32>,
    masks: Vec<bool>,
    // Of the episode.
    path: Path,
    sources: Vec<Source>,
    events: Vec<(u32, Event)>,
    tick: u32,
    steps: u64,
    cuts: u64,
    running: bool,
    // Of the round.
    everyone_waits: bool,
    waiting: Vec<u32>,
    waiting_rows: Vec<f32>,
    waiting_masks: Vec<bool>,
    stepped: Vec<u32>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

impl FinanceLanes {
    /// `lanes` users of a world. They wait for a [`Lanes::reset`].
    pub fn new(world: CheckedWorld, lanes: usize) -> Self {
        let layout = Layout::new(&world);
        let fields = observation_fields(&world);
        let observation_space = Space::Box {
            low: fields.iter().map(|field| field.low).collect(),
            high: fields.iter().map(|field| field.high).collect(),
        };
        Self {
            observation_space,
            action_space: Space::KindAndAmount { n: world.choices(), high: MAX_AMOUNT },
            first: 0,
            payment: None,
            wallets: Wallets::new(&world.wallet, &world.clock, lanes),
            histories: vec![History::default(); lanes],
            pulses: vec![Pulse::default(); lanes],
            profile: Vec::with_capacity(lanes * world.profile.names.len()),
            rows: vec![0.0; lanes * layout.size],
            masks: vec![true; lanes * world.choices()],
            path: Path::default(),
            sources: world.kinds.iter().map(|kind| kind.effect.source()).collect(),
            events: Vec::new(),
            tick: 0,
            steps: 0,
            cuts: 0,
            running: false,
            everyone_waits: false,
            waiting: Vec::with_capacity(lanes),
            waiting_rows: Vec::new(),
            waiting_masks: Vec::new(),
            stepped: Vec::with_capacity(lanes),
            rewards: Vec::with_capacity(lanes),
            terminated: Vec::with_capacity(lanes),
            truncated: Vec::with_capacity(lanes),
            layout,
            world,
        }
    }

    /// Makes lane 0 user number `first` of a larger population: streams and labels are those of
    /// users `first ..`, so that a population simulated in pieces is the same as in one.
    pub fn first_user(mut self, first: u64) -> Self {
        self.first = first;
        self
    }

    /// What events pay from now on; nothing without a payment.
    pub fn set_payment(&mut self, payment: Option<Arc<dyn Payment>>) {
        self.payment = payment;
    }

    /// Rewrites what a new tick changes in all rows and masks.
    fn fill_tick(&mut self) {
        let shared = self.layout.shared(&self.world, &self.path, self.tick);
        let price = self.path.price[self.tick as usize];
        for (lane, row) in self.rows.chunks_exact_mut(self.layout.size).enumerate() {
            row[..shared.len()].copy_from_slice(&shared);
            let money = Money::of(&self.wallets, lane, price);
            self.layout.fill_now(row, self.tick, &self.histories[lane], &self.pulses[lane], money);
        }
        let choices = self.world.choices();
        for (lane, mask) in self.masks.chunks_exact_mut(choices).enumerate() {
            self.wallets.fill_mask(lane, &self.sources, price, mask);
        }
    }

    /// Gives the users the profiles of somebody: row-major, lanes x covariates, all finite.
    pub(super) fn set_profile(&mut self, profile: Vec<f64>) {
        self.profile = profile;
        fixed::show_profile(&mut self.rows, &self.layout, &self.world.profile, &self.profile);
    }

    /// A step of events that were made already: no amount is cut, and cash takes the balance after
    /// the event of each waiting lane where it is known (NaN where it is not).
    ///
    /// # Errors
    /// As for [`Lanes::step`].
    pub(super) fn step_recorded(
        &mut self,
        actions: &Actions,
        balances: &[f64],
    ) -> Result<(), StepError> {
        self.advance(actions, Some(balances))
    }

    /// One event of one lane; returns what it pays. `recorded` is the balance after an event that
    /// was made already.
    fn act(&mut self, lane: usize, kind: u16, amount: f64, recorded: Option<f64>) -> f64 {
        let price = self.path.price[self.tick as usize];
        let effect = self.world.kinds[usize::from(kind)].effect;
        let moved = match recorded {
            None => self.wallets.apply(lane, effect, amount, price),
            Some(balance) => self.wallets.record(lane, effect, amount, price, balance),
        };
        self.cuts += u64::from(moved < amount);
        let event =
            Event { tick: self.tick, kind, amount: moved, balance: self.wallets.cash[lane] };
        let before = self.histories[lane];
        self.histories[lane].push(&event);
        let after = &self.histories[lane];
        self.events.push((lane as u32, event));

        let pulse = &mut self.pulses[lane];
        pulse.in_tick += 1;
        pulse.last_ticks[usize::from(kind)] = self.tick + 1;
        if before.count > 0 {
            pulse.last_gap = self.tick - before.last_tick;
        }
        for (rate, decay) in pulse.rates.iter_mut().zip(DECAY) {
            *rate += 1.0 - decay;
        }
        let size = self.layout.size;
        let row = &mut self.rows[lane * size..(lane + 1) * size];
        let money = Money::of(&self.wallets, lane, price);
        self.layout.fill_now(row, self.tick, after, pulse, money);
        self.layout.fill_own(row, after, pulse);
        let choices = self.world.choices();
        let mask = &mut self.masks[lane * choices..(lane + 1) * choices];
        self.wallets.fill_mask(lane, &self.sources, price, mask);
        self.payment.as_ref().map_or(0.0, |payment| payment.event(&before, &event, after))
    }

    /// Everybody has decided: the next tick, or the end of the horizon.
    fn next_tick(&mut self) {
        self.tick += 1;
        for pulse in &mut self.pulses {
            pulse.in_tick = 0;
            pulse.rates[0] *= DECAY[0];
            pulse.rates[1] *= DECAY[1];
        }
        self.running = self.tick < self.world.clock.horizon;
        if self.running {
            self.wallets.tick();
            self.all_wait();
        }
        self.fill_tick();
    }

    fn all_wait(&mut self) {
        self.everyone_waits = true;
        self.waiting.clear();
        self.waiting.extend(0..self.histories.len() as u32);
    }

    /// Copies the rows of the lanes that go on in this tick.
    fn compact(&mut self) {
        self.everyone_waits = false;
        self.waiting_rows.clear();
        self.waiting_masks.clear();
        let (size, choices) = (self.layout.size, self.world.choices());
        for &lane in &self.waiting {
            let lane = lane as usize;
            self.waiting_rows.extend_from_slice(&self.rows[lane * size..(lane + 1) * size]);
            self.waiting_masks.extend_from_slice(&self.masks[lane * choices..(lane + 1) * choices]);
        }
    }

    fn check(&self, actions: &Actions) -> Result<(), StepError> {
        let waiting = self.waiting.len();
        for given in [actions.kind.len(), actions.amount.len()] {
            if given != waiting {
                return Err(StepError::WrongCount { given, waiting });
            }
        }
        let choices = self.world.choices();
        for (i, (&kind, &amount)) in actions.kind.iter().zip(&actions.amount).enumerate() {
            if kind > 0 && (usize::from(kind) >= choices || !(0.0..=MAX_AMOUNT).contains(&amount)) {
                return Err(StepError::OutsideSpace {
                    lane: self.waiting[i] as usize,
                    action: vec![f64::from(kind), amount],
                    space: format!("choice 0 to {}, amount 0 to {MAX_AMOUNT}", choices - 1),
                });
            }
        }
        Ok(())
    }

    /// Advances all waiting lanes; `recorded` holds balances for [`FinanceLanes::step_recorded`].
    fn advance(&mut self, actions: &Actions, recorded: Option<&[f64]>) -> Result<(), StepError> {
        if !self.running {
            return Err(StepError::NeedsReset);
        }
        self.check(actions)?;
        std::mem::swap(&mut self.waiting, &mut self.stepped);
        self.waiting.clear();
        self.rewards.clear();
        self.truncated.clear();
        self.terminated.clear();
        self.terminated.resize(self.stepped.len(), false);
        let last_tick = self.tick + 1 == self.world.clock.horizon;
        let mut bad = None;
        for i in 0..self.stepped.len() {
            let lane = self.stepped[i] as usize;
            let mut pay = 0.0;
            let mut done = true;
            if let Some(kind) = actions.kind[i].checked_sub(1) {
                let balance = recorded.map(|balances| balances[i]);
                pay = self.act(lane, kind, actions.amount[i], balance);
                done = self.pulses[lane].in_tick >= self.world.max_events_per_tick;
                if !done {
                    self.waiting.push(lane as u32);
                }
            }
            let end = done && last_tick;
            if end && let Some(payment) = &self.payment {
                pay += payment.end(&self.histories[lane]);
            }
            if !pay.is_finite() && bad.is_none() {
                bad = Some((lane, pay));
            }
            self.rewards.push(pay);
            self.truncated.push(end);
        }
        self.steps += 1;
        if let Some((lane, value)) = bad {
            self.running = false;
            self.waiting.clear();
            self.compact();
            let field = "reward".into();
            let (environment, step) = ("finance", self.steps);
            return Err(StepError::NotFinite { environment, lane, step, field, value });
        }
        if self.waiting.is_empty() {
            self.next_tick();
        } else {
            self.compact();
        }
        if !self.running {
            self.compact();
        }
        Ok(())
    }
}

impl Lanes for FinanceLanes {
    fn lanes(&self) -> usize {
        self.histories.len()
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, streams: &Streams) {
        self.path = Path::draw(&self.world.market, &self.world.clock, streams);
        self.wallets.reset(&self.world.wallet, streams, self.first);
        self.set_profile(fixed::draw_profile(
            &self.world.profile,
            streams,
            self.first,
            self.lanes(),
        ));
        fixed::draw_latent(&mut self.rows, &self.layout, &self.world, streams, self.first);
        self.histories.fill(History::default());
        self.pulses.fill(Pulse::default());
        self.events.clear();
        (self.tick, self.steps, self.cuts) = (0, 0, 0);
        self.rewards.clear();
        self.terminated.clear();
        self.truncated.clear();
        for (lane, row) in self.rows.chunks_exact_mut(self.layout.size).enumerate() {
            self.layout.fill_own(row, &self.histories[lane], &self.pulses[lane]);
        }
        self.running = !self.histories.is_empty();
        self.all_wait();
        self.fill_tick();
    }

    fn waiting(&self) -> &[u32] {
        &self.waiting
    }

    fn observations(&self) -> &[f32] {
        if self.everyone_waits { &self.rows } else { &self.waiting_rows }
    }

    fn masks(&self) -> &[bool] {
        if self.everyone_waits { &self.masks } else { &self.waiting_masks }
    }

    fn step(&mut self, actions: &Actions) -> Result<(), StepError> {
        self.advance(actions, None)
    }

    fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    fn terminated(&self) -> &[bool] {
        &self.terminated
    }

    fn truncated(&self) -> &[bool] {
        &self.truncated
    }
}
