use std::sync::Arc;

use super::*;
use crate::clock::{Clock, Tick};
use crate::environment::{Environment, StepError};
use crate::event_log::{Event, EventLog};
use crate::history::History;
use crate::lanes::{Actions, Lanes};
use crate::market::{Gbm, MarketModel};
use crate::payment::{Payment, replay};
use crate::random::{Stream, Streams};

mod following;
mod random_worlds;

/// All effects, dates, covariates, latent components and scarce money.
fn rich_world() -> World {
    let kinds = [
        ("purchase", Effect::Spend),
        ("deposit", Effect::Receive),
        ("invest", Effect::Invest),
        ("divest", Effect::Divest),
        ("save", Effect::Save),
        ("draw", Effect::Draw),
        ("login", Effect::Record),
    ];
    World {
        clock: Clock { tick: Tick::Day, horizon: 12, start_day: Some(9862) },
        kinds: kinds.map(|(name, effect)| Kind { name: name.into(), effect }).into(),
        wallet: WalletModel {
            income_median: 10.0,
            income_sigma: 0.5,
            initial_cash: 2.0,
            initial_savings: 0.0,
            initial_risky: 0.0,
            savings_rate: 0.02,
            credit: 1.0,
        },
        market: MarketModel::Gbm(Gbm { mean: 0.07, volatility: 0.2 }),
        max_events_per_tick: 3,
        latent: 2,
        profile: Profile {
            names: vec!["age".into()],
            grids: vec![vec![20.0, 30.0, 70.0]],
            ..Profile::default()
        },
        scales: Scales { mean_log_amount: 2.0, sd_log_amount: 1.0, typical_count: 4.0 },
    }
}

/// One kind, no dates, nothing scarce: a shop with customers.
fn shop() -> World {
    let mut world = rich_world();
    world.kinds.truncate(1);
    world.clock = Clock { tick: Tick::Week, horizon: 5, start_day: None };
    world.wallet.income_median = 1e6;
    world.profile = Profile::default();
    world
}

/// Uniform choices and heavy-tailed amounts, of which a share is far beyond any wallet.
fn random_actions(lanes: &FinanceLanes, stream: &mut Stream) -> Actions {
    let choices = lanes.world().choices();
    let mut actions = Actions::default();
    for _ in lanes.waiting() {
        actions.kind.push(stream.below(choices) as u16);
        actions.amount.push((stream.uniform() * 20.0).exp().min(MAX_AMOUNT) - 1.0);
    }
    actions
}

/// Pays something different for every part of what it is told.
struct Odd;

impl Payment for Odd {
    fn event(&self, before: &History, event: &Event, after: &History) -> f64 {
        0.1 * f64::from(event.kind)
            + event.amount.ln_1p()
            + event.balance.abs().sqrt()
            + f64::from(after.count) * 0.3
            - (before.log_sum.unsigned_abs() as f64).sqrt()
    }

    fn end(&self, history: &History) -> f64 {
        7.0 + history.amount_sum.value().sqrt()
    }
}

fn play(lanes: &mut FinanceLanes, seed: u64) -> (EventLog, Vec<Vec<f64>>) {
    let streams = Streams::new(seed);
    lanes.reset(&streams);
    let mut stream = streams.stream("actions", 0);
    let mut paid = vec![Vec::new(); lanes.lanes()];
    while !lanes.waiting().is_empty() {
        let actions = random_actions(lanes, &mut stream);
        let acted = lanes.waiting().to_vec();
        lanes.step(&actions).unwrap();
        assert_eq!(lanes.rewards().len(), acted.len());
        for (lane, (&reward, &end)) in
            acted.iter().zip(lanes.rewards().iter().zip(lanes.truncated()))
        {
            paid[*lane as usize].push(reward);
            let last = lanes.tick() + u32::from(lanes.tick() < lanes.world().clock.horizon);
            assert!(!end || last == lanes.world().clock.horizon);
        }
        assert!(lanes.terminated().iter().all(|&end| !end));
    }
    (lanes.log("u").unwrap(), paid)
}

#[test]
fn rewards_equal_the_replay_of_the_log() {
    let mut lanes = FinanceLanes::new(rich_world().check().unwrap(), 9);
    lanes.set_payment(Some(Arc::new(Odd)));
    let (log, paid) = play(&mut lanes, 4);
    assert!(log.events().len() > 100);
    for (user, paid) in paid.iter().enumerate() {
        let mut expected = Vec::new();
        let end = replay(&Odd, log.events_of(user), |pay| expected.push(pay));
        // A step without an event pays 0; the last one, with or without an event, pays the end on
        // top.
        let (last, before) = paid.split_last().unwrap();
        let events: Vec<f64> = before.iter().copied().filter(|&pay| pay != 0.0).collect();
        let at_last = if events.len() < expected.len() { expected.pop().unwrap() } else { 0.0 };
        assert_eq!(*last, at_last + end);
        assert_eq!(events, expected);
    }
}

#[test]
fn the_log_has_one_event_for_every_choice_above_nothing_in_order() {
    let mut lanes = FinanceLanes::new(rich_world().check().unwrap(), 5);
    let streams = Streams::new(8);
    lanes.reset(&streams);
    let mut stream = streams.stream("actions", 0);
    let mut chosen: Vec<Vec<(u32, u16)>> = vec![Vec::new(); 5];
    let mut steps_of_tick = 0;
    let mut tick = 0;
    while !lanes.waiting().is_empty() {
        assert!(lanes.waiting().is_sorted());
        if lanes.tick() != tick {
            assert_eq!(lanes.waiting().len(), 5);
            (tick, steps_of_tick) = (lanes.tick(), 0);
        }
        steps_of_tick += 1;
        assert!(steps_of_tick <= 3);
        let actions = random_actions(&lanes, &mut stream);
        for (&lane, &kind) in lanes.waiting().iter().zip(&actions.kind) {
            if kind > 0 {
                chosen[lane as usize].push((lanes.tick(), kind - 1));
            }
        }
        lanes.step(&actions).unwrap();
    }
    let log = lanes.log("user-").unwrap();
    assert_eq!(log.users()[4], "user-4");
    for (user, chosen) in chosen.iter().enumerate() {
        let events = log.events_of(user).iter().map(|event| (event.tick, event.kind));
        assert_eq!(events.collect::<Vec<_>>(), *chosen);
    }
    let ages = &log.covariates().values;
    assert!(ages.iter().all(|age| [20.0, 30.0, 70.0].contains(age)));
}

/// A category is a 1 among zeros, and a log brings its own numbers of the categories.
#[test]
fn categories_are_seen_and_logged() {
    let mut world = rich_world();
    let regions = ["north", "south", "west"].map(String::from).to_vec();
    world.profile.names.insert(0, "region".into());
    world.profile.grids.insert(0, vec![0.0, 2.0]);
    world.profile.categories = vec![regions.clone(), vec![]];
    let world = world.check().unwrap();
    let fields = observation_fields(&world);
    let place = |name: &str| fields.iter().position(|field| field.name == name).unwrap();
    let first = place("profile.region=north");
    assert_eq!(place("profile.age"), first + 3);
    let mut lanes = FinanceLanes::new(world.clone(), 9);
    lanes.reset(&Streams::new(2));
    let log = lanes.log("").unwrap();
    assert_eq!(log.covariates().categories_of(0), regions);
    for (row, facts) in
        lanes.all_observations().chunks(fields.len()).zip(log.covariates().values.chunks(2))
    {
        let seen: Vec<f32> = (0..3).map(|k| f32::from(u8::from(k as f64 == facts[0]))).collect();
        assert_eq!(row[first..first + 3], seen);
    }
    let mut other = log.covariates().clone();
    other.categories[0] = ["west", "north"].map(String::from).to_vec();
    other.values = vec![0.0, 20.0, 1.0, 30.0];
    let users = vec!["a".into(), "b".into()];
    let other = EventLog::new(world.clock, log.kinds().to_vec(), users, [], other).unwrap();
    let mut seen = Vec::new();
    let streams = Streams::new(1);
    follow(&world, &other, 0..2, &streams, &mut |round| {
        let rows = round.observations.chunks(fields.len());
        seen = rows.map(|row| row[first..first + 3].to_vec()).collect();
    })
    .unwrap();
    assert_eq!(seen, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    let mut strange = other.covariates().clone();
    strange.categories[0][0] = "east".into();
    let strange =
        EventLog::new(world.clock, log.kinds().to_vec(), other.users().to_vec(), [], strange);
    let error = follow(&world, &strange.unwrap(), 0..2, &streams, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("east"), "{error}");
}

/// The rows that steps keep up to date equal rows that are computed from nothing but the events.
#[test]
fn observations_are_a_function_of_what_happened() {
    let world = rich_world().check().unwrap();
    let fields = observation_fields(&world);
    let place = |name: &str| fields.iter().position(|field| field.name == name).unwrap();
    let mut lanes = FinanceLanes::new(world.clone(), 6);
    let streams = Streams::new(21);
    lanes.reset(&streams);
    let mut stream = streams.stream("actions", 0);
    let mut compared = 0;
    while !lanes.waiting().is_empty() {
        let actions = random_actions(&lanes, &mut stream);
        lanes.step(&actions).unwrap();
        let size = fields.len();
        for (i, &lane) in lanes.waiting().iter().enumerate() {
            let row = &lanes.observations()[i * size..(i + 1) * size];
            assert_eq!(row, &lanes.all_observations()[lane as usize * size..][..size]);
            let own = lanes.events().iter().filter(|(user, _)| *user == lane);
            let own: Vec<Event> = own.map(|(_, event)| *event).collect();
            let mut history = History::default();
            own.iter().for_each(|event| history.push(event));
            assert_eq!(lanes.history(lane as usize), Some(&history));
            let tick = lanes.tick();
            let close = |name: &str, expected: f64| {
                let seen = f64::from(row[place(name)]);
                assert!((seen - expected).abs() < 1e-4, "{name}: {seen}, {expected}");
            };
            close("elapsed", f64::from(tick) / 12.0);
            let here = own.iter().filter(|event| event.tick == tick).count();
            close("events_in_tick", here as f64 / 3.0);
            close("any_event", f64::from(u8::from(!own.is_empty())));
            close("count", (own.len() as f64).ln_1p() / 5f64.ln());
            // 1 - 2^(-1/4) and 1 - 2^(-1/13), decayed since each event.
            for (name, half_life) in [("rate_fast", 4.0), ("rate_slow", 13.0)] {
                let decay = 0.5f64.powf(1.0 / half_life);
                let ages = own.iter().map(|event| f64::from(tick - event.tick));
                let rate: f64 = ages.map(|age| (1.0 - decay) * decay.powf(age)).sum();
                close(name, rate.sqrt());
            }
            if let [.., before, last] = &own[..] {
                close("recency", f64::from(tick - last.tick).ln_1p() / 13f64.ln());
                close("last_gap", f64::from(last.tick - before.tick).ln_1p() / 13f64.ln());
                close("first_tick", f64::from(own[0].tick) / 12.0);
                let span = f64::from(last.tick - own[0].tick) / (own.len() - 1) as f64;
                close("mean_gap", span.ln_1p() / 13f64.ln());
                let name = &world.kinds[usize::from(last.kind)].name;
                close(&format!("last.{name}"), 1.0);
                for (number, kind) in world.kinds.iter().enumerate() {
                    let same = own.iter().rev().find(|event| usize::from(event.kind) == number);
                    let recency =
                        same.map_or(1.0, |event| f64::from(tick - event.tick).ln_1p() / 13f64.ln());
                    close(&format!("recency.{}", kind.name), recency);
                }
                let logins = own.iter().filter(|event| event.kind == 6).count();
                close("share.login", logins as f64 / own.len() as f64);
                let total: f64 = own.iter().map(|event| event.amount).sum();
                if total > 0.0 {
                    close("log_total", (total.ln() - 2.0).clamp(-5.0, 5.0));
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 50);
}

#[test]
fn an_amount_beyond_the_wallet_is_cut_and_a_source_without_money_is_masked() {
    let mut world = rich_world();
    world.wallet.income_sigma = 0.0;
    world.wallet.credit = 0.0;
    let mut environment = FinanceEnvironment::new(world.check().unwrap());
    let (_, info) = environment.reset(Some(1));
    // Nothing is invested or saved yet.
    assert_eq!(info.mask, [true, true, true, true, false, true, false, true]);
    let act = |environment: &mut FinanceEnvironment, kind: u16, amount: f64| {
        let step = environment.step(&FinanceAction { kind, amount }).unwrap();
        (step.info.event.map(|event| (event.amount, event.balance)), step.info)
    };
    let (event, info) = act(&mut environment, 5, 5.0);
    assert_eq!((event, info.cuts, info.mask[6]), (Some((5.0, 15.0)), 0, true));
    let (event, info) = act(&mut environment, 1, 99.0);
    assert_eq!((event, info.cuts), (Some((15.0, 0.0)), 1));
    assert_eq!(info.mask, [true, false, true, false, false, false, true, true]);
    let (event, info) = act(&mut environment, 4, 3.0);
    // The third event of the tick ends it: income of 10 has come in.
    assert_eq!((event, info.cuts, info.tick), (Some((0.0, 0.0)), 2, 1));
    let (event, _) = act(&mut environment, 1, 10.0);
    assert_eq!(event, Some((10.0, 0.0)));
}

#[test]
fn gymnasium_rules_hold() {
    let mut environment = FinanceEnvironment::new(shop().check().unwrap());
    let nothing = FinanceAction::default();
    assert_eq!(environment.step(&nothing).unwrap_err(), StepError::NeedsReset);
    let (first, _) = environment.reset(Some(3));
    let (second, _) = environment.reset(None);
    assert_ne!(first, second, "another episode of the same seed has other users");
    assert_eq!(environment.reset(Some(3)).0, first);
    assert_eq!(environment.reset(None).0, second);

    for bad in [(2, 1.0), (1, -1.0), (1, f64::NAN), (1, f64::INFINITY), (1, 2.0 * MAX_AMOUNT)] {
        let action = FinanceAction { kind: bad.0, amount: bad.1 };
        let error = environment.step(&action).unwrap_err();
        assert!(matches!(error, StepError::OutsideSpace { lane: 0, .. }), "{error}");
    }
    for tick in 0..5 {
        let step = environment.step(&nothing).unwrap();
        assert_eq!((step.terminated, step.truncated, step.reward), (false, tick == 4, 0.0));
        assert_eq!(step.observation[0], (tick + 1) as f32 / 5.0);
    }
    assert_eq!(environment.step(&nothing).unwrap_err(), StepError::NeedsReset);
    assert_eq!(environment.lanes().log("").unwrap().events().len(), 0);
}

#[test]
fn wrong_counts_are_refused_and_change_nothing() {
    let mut lanes = FinanceLanes::new(shop().check().unwrap(), 3);
    lanes.reset(&Streams::new(1));
    let before = lanes.all_observations().to_vec();
    let short = Actions { kind: vec![0, 0], amount: vec![0.0; 3] };
    assert_eq!(lanes.step(&short), Err(StepError::WrongCount { given: 2, waiting: 3 }));
    let short = Actions { kind: vec![1, 1, 1], amount: vec![1.0; 2] };
    assert_eq!(lanes.step(&short), Err(StepError::WrongCount { given: 2, waiting: 3 }));
    let outside = Actions { kind: vec![1, 1, 9], amount: vec![1.0; 3] };
    assert!(matches!(lanes.step(&outside), Err(StepError::OutsideSpace { lane: 2, .. })));
    assert_eq!(lanes.all_observations(), before);
    assert!(lanes.events().is_empty());
}

#[test]
fn nobody_at_all_is_a_world_that_waits_for_nobody() {
    let mut lanes = FinanceLanes::new(shop().check().unwrap(), 0);
    lanes.reset(&Streams::new(1));
    assert!(lanes.waiting().is_empty());
    assert_eq!(lanes.step(&Actions::default()), Err(StepError::NeedsReset));
    assert_eq!(lanes.log("").unwrap().user_count(), 0);
}

#[test]
fn what_a_lane_draws_does_not_depend_on_the_number_of_lanes() {
    let world = rich_world().check().unwrap();
    let (mut few, mut many) = (FinanceLanes::new(world.clone(), 2), FinanceLanes::new(world, 7));
    few.reset(&Streams::new(5));
    many.reset(&Streams::new(5));
    assert_eq!(few.observations(), &many.observations()[..few.observations().len()]);
}

#[test]
fn a_reward_that_is_not_a_number_stops_the_episode() {
    struct Broken;
    impl Payment for Broken {
        fn event(&self, _: &History, _: &Event, _: &History) -> f64 {
            f64::NAN
        }
    }
    let mut lanes = FinanceLanes::new(shop().check().unwrap(), 2);
    lanes.set_payment(Some(Arc::new(Broken)));
    lanes.reset(&Streams::new(1));
    let actions = Actions { kind: vec![0, 1], amount: vec![0.0, 1.0] };
    let error = lanes.step(&actions).unwrap_err();
    assert!(matches!(error, StepError::NotFinite { lane: 1, step: 1, .. }), "{error}");
    assert!(error.to_string().starts_with("finance, lane 1, step 1: reward is NaN"), "{error}");
    assert!(lanes.waiting().is_empty() && lanes.observations().is_empty());
    assert_eq!(lanes.step(&Actions::default()), Err(StepError::NeedsReset));
}

#[test]
fn a_world_that_makes_no_sense_is_refused_by_field() {
    let field = |change: fn(&mut World)| {
        let mut world = rich_world();
        change(&mut world);
        world.check().unwrap_err().field
    };
    assert_eq!(field(|world| world.clock.horizon = 0), "clock.horizon");
    assert_eq!(field(|world| world.kinds.clear()), "kinds");
    assert_eq!(field(|world| world.kinds[1].name = "purchase".into()), "kinds");
    assert_eq!(field(|world| world.wallet.income_median = 0.0), "wallet.income_median");
    assert_eq!(field(|world| world.wallet.credit = f64::NAN), "wallet.credit");
    assert_eq!(field(|world| world.max_events_per_tick = 0), "max_events_per_tick");
    assert_eq!(field(|world| world.latent = 65), "latent");
    assert_eq!(field(|world| world.profile.grids[0].clear()), "profile.grids");
    assert_eq!(field(|world| world.profile.names.clear()), "profile");
    assert_eq!(field(|world| world.scales.sd_log_amount = 0.0), "scales.sd_log_amount");
    let gbm = MarketModel::Gbm(Gbm { mean: 0.0, volatility: -1.0 });
    let mut world = rich_world();
    world.market = gbm;
    assert_eq!(
        world.check().unwrap_err().to_string(),
        "world: market: volatility is -1; it is a standard deviation per year between 0 and 3"
    );
}

#[test]
fn the_readme_lists_the_fields() {
    let readme = include_str!("../../README.md");
    let mut missing = String::new();
    // Names with a dot are families, which depend on the world.
    for field in observation_fields(&rich_world()).iter().filter(|f| !f.name.contains('.')) {
        let unit = if field.unit.is_empty() { "-" } else { field.unit };
        let bounds = format!("{} to {}", field.low, field.high);
        let line = format!("| `{}` | {unit} | {bounds} | {} |\n", field.name, field.doc);
        if !readme.contains(&line) {
            missing += &line;
        }
    }
    assert!(missing.is_empty(), "env/README.md lacks these lines:\n{missing}");
}
