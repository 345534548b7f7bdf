//! Recorded users who live their events through the world.

use proptest::prelude::*;

use super::random_worlds::worlds;
use super::*;
use crate::event_log::Covariates;
use crate::finance::follow::live;

/// One round, with everything to the bit.
#[derive(Clone, Debug, PartialEq)]
struct Round {
    tick: u32,
    users: Vec<usize>,
    observations: Vec<u32>,
    masks: Vec<bool>,
    kind: Vec<u16>,
    amount: Vec<u64>,
}

fn bits(row: &[f32]) -> Vec<u32> {
    row.iter().map(|x| x.to_bits()).collect()
}

/// Simulates random play, and returns what each round showed and did. Amounts are those that were
/// moved, and what was done counts as feasible.
fn simulate(lanes: &mut FinanceLanes, streams: &Streams) -> Vec<Round> {
    lanes.reset(streams);
    let choices = lanes.world().choices();
    let mut stream = streams.stream("actions", 0);
    let mut rounds = Vec::new();
    while !lanes.waiting().is_empty() {
        let mut actions = random_actions(lanes, &mut stream);
        // Half of the time nobody acts, so that ticks of all lengths occur.
        for kind in &mut actions.kind {
            *kind *= u16::from(stream.uniform() < 0.5);
        }
        let mut round = Round {
            tick: lanes.tick(),
            users: lanes.waiting().iter().map(|&lane| lane as usize).collect(),
            observations: bits(lanes.observations()),
            masks: lanes.masks().to_vec(),
            kind: actions.kind.clone(),
            amount: Vec::new(),
        };
        let events = lanes.events().len();
        lanes.step(&actions).unwrap();
        let mut moved = lanes.events()[events..].iter().map(|(_, event)| event.amount.to_bits());
        for (i, &kind) in actions.kind.iter().enumerate() {
            round.masks[i * choices + usize::from(kind)] = true;
            round.amount.push(if kind > 0 { moved.next().unwrap() } else { 0 });
        }
        rounds.push(round);
    }
    rounds
}

fn followed(
    world: &CheckedWorld,
    log: &EventLog,
    users: std::ops::Range<usize>,
    streams: &Streams,
) -> (Vec<Round>, FinanceLanes) {
    let mut rounds = Vec::new();
    let lanes = live(world, log, users, streams, &mut |round| {
        rounds.push(Round {
            tick: round.tick,
            users: round.users.to_vec(),
            observations: bits(round.observations),
            masks: round.masks.to_vec(),
            kind: round.actions.kind.clone(),
            amount: round.actions.amount.iter().map(|amount| amount.to_bits()).collect(),
        });
    });
    (rounds, lanes.unwrap())
}

fn same_events(a: &EventLog, b: &EventLog) -> bool {
    let bits = |log: &EventLog| -> Vec<_> {
        let events = log.events().iter();
        events.map(|e| (e.tick, e.kind, e.amount.to_bits(), e.balance.to_bits())).collect()
    };
    a.offsets() == b.offsets() && bits(a) == bits(b)
}

/// The log without what it knows of balances.
fn forget_balances(log: &EventLog) -> EventLog {
    let events = log.events().iter().map(|event| Event { balance: f64::NAN, ..*event }).collect();
    let (kinds, users) = (log.kinds().to_vec(), log.users().to_vec());
    let (offsets, covariates) = (log.offsets().to_vec(), log.covariates().clone());
    EventLog::from_sorted(*log.clock(), kinds, users, offsets, events, covariates).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whoever follows the log of simulated users sees at every decision what they saw: with the
    /// balances of the log in any world, and without them where no wallet ever binds.
    #[test]
    fn followers_see_what_the_simulated_saw(world in worlds(), users in 0usize..5, seed: u64) {
        let streams = Streams::new(seed);
        let mut generous = world.clone();
        generous.wallet.credit = 1e5;
        generous.wallet.initial_savings = 1e5;
        generous.wallet.initial_risky = 1e5;
        generous.wallet.income_median = 1e9;
        generous.wallet.income_sigma = 0.0;
        generous.market = MarketModel::Gbm(Gbm { mean: 0.05, volatility: 0.2 });
        for (world, known) in [(world, true), (generous, false)] {
            let world = world.check().unwrap();
            let mut lanes = FinanceLanes::new(world.clone(), users);
            let expected = simulate(&mut lanes, &streams);
            let log = lanes.log("").unwrap();
            if !known {
                // 19 x 4 amounts of at most exp(20) stay far inside of the holdings.
                prop_assert_eq!(lanes.cuts(), 0);
            }
            let given = if known { log.clone() } else { forget_balances(&log) };
            let (rounds, own) = followed(&world, &given, 0..users, &streams);
            prop_assert_eq!(&rounds, &expected);
            prop_assert!(same_events(&own.log("").unwrap(), &log));
            prop_assert_eq!(own.all_observations(), lanes.all_observations());
            let skipped = follow(&world, &given, 0..users, &streams, &mut |_| {});
            prop_assert_eq!(skipped, Ok(0));
        }
    }

    #[test]
    fn users_in_pieces_see_the_same(world in worlds(), seed: u64) {
        let (world, streams) = (world.check().unwrap(), Streams::new(seed));
        let mut lanes = FinanceLanes::new(world.clone(), 5);
        let whole = simulate(&mut lanes, &streams);
        let log = lanes.log("").unwrap();
        let size = lanes.observation_space().size();
        for (start, end) in [(0, 2), (2, 5), (3, 3)] {
            let (rounds, own) = followed(&world, &log, start..end, &streams);
            prop_assert!(same_events(&own.log("").unwrap(), &log.select(&(start..end).collect::<Vec<_>>())));
            // By user: what he saw and did.
            let by_user = |rounds: &[Round], user: usize| -> Vec<_> {
                let places = rounds.iter().filter_map(|round| {
                    let i = round.users.iter().position(|&other| other == user)?;
                    let row = round.observations[i * size..(i + 1) * size].to_vec();
                    Some((round.tick, round.kind[i], round.amount[i], row))
                });
                places.collect()
            };
            for user in start..end {
                prop_assert_eq!(by_user(&rounds, user), by_user(&whole, user));
            }
        }
    }
}

/// Three users of a bank: one with balances, one beyond what a tick holds, one who does nothing.
fn bank() -> (CheckedWorld, EventLog) {
    let mut world = rich_world();
    world.clock.horizon = 4;
    world.wallet.income_sigma = 0.0;
    world.wallet.credit = 0.0;
    let event = |tick, kind, amount, balance| Event { tick, kind, amount, balance };
    let events = [
        (0, event(0, 0, 500.0, 70.0)),
        (0, event(0, 3, 8.0, f64::NAN)),
        (0, event(2, 1, 5.0, -3.5)),
        (1, event(1, 6, 0.0, f64::NAN)),
        (1, event(1, 0, 1.0, f64::NAN)),
        (1, event(1, 0, 2.0, f64::NAN)),
        (1, event(1, 0, 4.0, f64::NAN)),
        (1, event(1, 5, 8.0, f64::NAN)),
        (1, event(3, 1, 16.0, f64::NAN)),
        (1, event(3, 1, 16.0, f64::NAN)),
        (1, event(3, 1, 16.0, f64::NAN)),
        (1, event(3, 1, 32.0, f64::NAN)),
    ];
    let log = EventLog::new(
        world.clock,
        world.kinds.iter().map(|kind| kind.name.clone()).collect(),
        ["a", "b", "c"].map(String::from).into(),
        events,
        Covariates {
            names: vec!["size".into(), "age".into()],
            values: vec![0.0, 40.0, 0.0, 1e9, 0.0, 20.0],
            ..Covariates::default()
        },
    );
    (world.check().unwrap(), log.unwrap())
}

#[test]
fn real_users_are_not_bound_by_their_wallets() {
    let (world, log) = bank();
    let fields = observation_fields(&world);
    let place = |name: &str| fields.iter().position(|field| field.name == name).unwrap();
    let (size, choices) = (fields.len(), world.choices());
    let mut of_a = Vec::new();
    let mut of_b = Vec::new();
    let streams = Streams::new(1);
    let skipped = follow(&world, &log, 0..3, &streams, &mut |round| {
        for (i, &user) in round.users.iter().enumerate() {
            let row = &round.observations[i * size..(i + 1) * size];
            let (kind, amount) = (round.actions.kind[i], round.actions.amount[i]);
            let mask = &round.masks[i * choices..(i + 1) * choices];
            assert!(mask[usize::from(kind)]);
            match user {
                0 => of_a.push((round.tick, kind, amount, row[place("cash")], mask.to_vec())),
                1 => of_b.push((round.tick, kind, amount)),
                _ => assert_eq!(kind, 0),
            }
            // The grid 20, 30, 70 has mean 40 and standard deviation sqrt(1400 / 3).
            let age = [0.0, 5.0, -20.0 / (1400.0_f32 / 3.0).sqrt()][user];
            assert!((row[place("profile.age")] - age).abs() < 1e-6);
        }
    });
    // Beyond the three of a tick: two in tick 1, one in tick 3.
    assert_eq!(skipped, Ok(3));
    let b = [(0, 0, 0.0), (1, 7, 0.0), (1, 1, 1.0), (1, 1, 2.0), (2, 0, 0.0)];
    assert_eq!(of_b[..5], b);
    assert_eq!(of_b[5..], [(3, 2, 16.0); 3]);

    // Income is 10 a tick, initial cash 20. Nothing is invested, yet the user divests.
    let cash = [20.0, 70.0, 78.0, 88.0, 98.0, -3.5, 6.5].map(|cash: f32| (cash / 10.0).asinh());
    let a = [
        (0, 1, 500.0),
        (0, 4, 8.0),
        (0, 0, 0.0),
        (1, 0, 0.0),
        (2, 2, 5.0),
        (2, 0, 0.0),
        (3, 0, 0.0),
    ];
    assert_eq!(of_a.len(), a.len());
    for ((seen, did), cash) in of_a.iter().zip(a).zip(cash) {
        assert_eq!((seen.0, seen.1, seen.2), did);
        assert!((seen.3 - cash).abs() < 1e-6, "{seen:?}");
    }
    assert!(of_a[1].4[4] && !of_a[2].4[4], "only what was done becomes feasible");
}

#[test]
fn the_lanes_end_with_the_log_that_they_followed() {
    let (world, log) = bank();
    let (_, lanes) = followed(&world, &log, 0..3, &Streams::new(1));
    let own = lanes.log("").unwrap();
    let given = log.events().iter().enumerate().filter(|(i, _)| ![6, 7, 11].contains(i));
    assert_eq!(own.events().len(), 9);
    for (own, (_, given)) in own.events().iter().zip(given) {
        assert_eq!((own.tick, own.kind, own.amount), (given.tick, given.kind, given.amount));
        assert!(given.balance.is_nan() || own.balance == given.balance);
    }
    assert_eq!(own.covariates().values, [40.0, 1e9, 20.0]);
    assert_eq!(lanes.cuts(), 0);
}

#[test]
fn a_log_of_another_world_is_refused_by_name() {
    let (world, log) = bank();
    let error = |world: &CheckedWorld, log: &EventLog, users| {
        follow(world, log, users, &Streams::new(1), &mut |_| panic!("shown")).unwrap_err()
    };
    let changed = |change: fn(&mut World)| {
        let mut world = World::clone(&world);
        change(&mut world);
        world.check().unwrap()
    };
    let other = changed(|world| world.kinds.truncate(1));
    let text = error(&other, &log, 0..3).to_string();
    assert!(
        text.contains(r#"["purchase", "deposit","#) && text.contains(r#"["purchase"]"#),
        "{text}"
    );
    let other = changed(|world| world.clock.horizon = 5);
    let text = error(&other, &log, 0..3).to_string();
    assert!(text.contains("horizon: 4") && text.contains("horizon: 5"), "{text}");
    let other = changed(|world| world.profile.names[0] = "income".into());
    let text = error(&other, &log, 0..3).to_string();
    assert!(text.contains("income") && text.contains("age"), "{text}");
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    for users in [0..4, 4..4, 2..1, 1..0, 0..usize::MAX, usize::MAX..usize::MAX] {
        assert!(matches!(error(&world, &log, users), FollowError::UsersOutside { users: 3, .. }));
    }
    assert_eq!(follow(&world, &log, 3..3, &Streams::new(1), &mut |_| panic!("shown")), Ok(0));

    let rebuild = |event: Event, age: f64| {
        let covariates =
            Covariates { names: vec!["age".into()], values: vec![age], ..Covariates::default() };
        EventLog::new(
            *log.clock(),
            log.kinds().to_vec(),
            vec!["x".into()],
            [(0, event)],
            covariates,
        )
    };
    let event = Event { tick: 2, kind: 0, amount: 2.0 * MAX_AMOUNT, balance: f64::NAN };
    let beyond = error(&world, &rebuild(event, 1.0).unwrap(), 0..1);
    assert_eq!(beyond, FollowError::AmountBeyond { user: 0, tick: 2, amount: event.amount });
    let event = Event { amount: 1.0, ..event };
    let bad = error(&world, &rebuild(event, f64::INFINITY).unwrap(), 0..1);
    assert!(matches!(bad, FollowError::BadCovariate { user: 0, .. }), "{bad}");
}
