//! Properties over random worlds and random play.

use proptest::prelude::*;

use super::*;
use crate::market::Bootstrap;

const EFFECTS: [Effect; 7] = [
    Effect::Spend,
    Effect::Receive,
    Effect::Invest,
    Effect::Divest,
    Effect::Save,
    Effect::Draw,
    Effect::Record,
];

prop_compose! {
    fn wallets()(
        income_median in 0.01..1e4f64,
        income_sigma in 0.0..2.0f64,
        initial in prop::array::uniform3(0.0..20.0f64),
        savings_rate in -0.5..1.0f64,
        credit in 0.0..5.0f64,
    ) -> WalletModel {
        let [initial_cash, initial_savings, initial_risky] = initial;
        WalletModel {
            income_median, income_sigma, initial_cash, initial_savings, initial_risky,
            savings_rate, credit,
        }
    }
}

fn markets() -> impl Strategy<Value = MarketModel> {
    let gbm = (-1.0..1.0f64, 0.0..3.0f64)
        .prop_map(|(mean, volatility)| MarketModel::Gbm(Gbm { mean, volatility }));
    let bootstrap = (prop::collection::vec(-10.0..10.0f64, 1..9), 1.0..9.0f64).prop_map(
        |(returns, mean_block)| MarketModel::Bootstrap(Bootstrap { returns, mean_block }),
    );
    prop_oneof![gbm, bootstrap]
}

prop_compose! {
    pub(super) fn worlds()(
        tick in prop::sample::select(vec![Tick::Day, Tick::Week, Tick::Month]),
        horizon in 1u32..20,
        start_day in prop::option::of(-100_000i64..100_000),
        effects in prop::collection::vec(prop::sample::select(EFFECTS.to_vec()), 1..9),
        wallet in wallets(),
        market in markets(),
        max_events_per_tick in 1u32..5,
        latent in 0usize..5,
        grid in prop::collection::vec(-1e6..1e6f64, 1..5),
        mean_log_amount in -9.0..9.0f64,
        sd_log_amount in 1e-6..4.0f64,
        typical_count in 1e-6..100.0f64,
    ) -> World {
        let kinds = effects.iter().enumerate();
        World {
            clock: Clock { tick, horizon, start_day },
            kinds: kinds.map(|(i, &effect)| Kind { name: format!("kind{i}"), effect }).collect(),
            wallet,
            market,
            max_events_per_tick,
            latent,
            profile: Profile {
                names: vec!["fact".into(), "group".into()],
                grids: vec![grid, vec![0.0, 2.0]],
                categories: vec![vec![], ["a", "b", "c"].map(String::from).to_vec()],
                joint: None,
            },
            scales: Scales { mean_log_amount, sd_log_amount, typical_count },
        }
    }
}

/// What the users own, in money.
fn wealth(lanes: &FinanceLanes) -> Vec<[f64; 3]> {
    (0..lanes.lanes()).map(|lane| lanes.holdings(lane).unwrap()).collect()
}

/// Money that an event brought in from outside.
fn inflow(lanes: &FinanceLanes, event: &Event) -> f64 {
    match lanes.world().kinds[usize::from(event.kind)].effect {
        Effect::Spend => -event.amount,
        Effect::Receive => event.amount,
        _ => 0.0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_play_stays_inside_the_spaces(world in worlds(), users in 1usize..5, seed: u64) {
        let mut lanes = FinanceLanes::new(world.check().unwrap(), users);
        let streams = Streams::new(seed);
        lanes.reset(&streams);
        let mut stream = streams.stream("actions", 0);
        let size = lanes.observation_space().size();
        let choices = lanes.world().choices();
        while !lanes.waiting().is_empty() {
            prop_assert_eq!(lanes.observations().len(), lanes.waiting().len() * size);
            prop_assert_eq!(lanes.masks().len(), lanes.waiting().len() * choices);
            for row in lanes.observations().chunks(size) {
                let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
                prop_assert!(lanes.observation_space().contains(&row), "{row:?}");
            }
            let actions = random_actions(&lanes, &mut stream);
            let masks = lanes.masks().to_vec();
            let waiting = lanes.waiting().to_vec();
            let events = lanes.events().len();
            lanes.step(&actions).unwrap();
            let mut made = lanes.events()[events..].iter();
            for (i, &kind) in actions.kind.iter().enumerate() {
                prop_assert!(masks[i * choices]);
                if kind > 0 {
                    let (lane, event) = made.next().unwrap();
                    prop_assert_eq!((*lane, event.kind + 1), (waiting[i], kind));
                    // A feasible kind moves what was asked for or at least the smallest unit; a
                    // masked one moves less than that.
                    let least = actions.amount[i].min(SMALLEST_UNIT);
                    let feasible = masks[i * choices + usize::from(kind)];
                    prop_assert!(!feasible || event.amount >= least);
                    prop_assert!(feasible || event.amount < SMALLEST_UNIT);
                }
            }
            prop_assert!(made.next().is_none());
        }
        for row in lanes.all_observations().chunks(size) {
            let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            prop_assert!(lanes.observation_space().contains(&row), "{row:?}");
        }
        prop_assert_eq!(lanes.tick(), lanes.world().clock.horizon);
    }

    /// Within a tick, holdings change only by what comes in and goes out.
    #[test]
    fn money_is_neither_made_nor_lost(world in worlds(), seed: u64) {
        let credit = world.wallet.credit;
        let mut lanes = FinanceLanes::new(world.check().unwrap(), 3);
        let streams = Streams::new(seed);
        lanes.reset(&streams);
        let mut stream = streams.stream("actions", 0);
        while !lanes.waiting().is_empty() {
            let (tick, before, events) = (lanes.tick(), wealth(&lanes), lanes.events().len());
            let actions = random_actions(&lanes, &mut stream);
            lanes.step(&actions).unwrap();
            let after = wealth(&lanes);
            for (lane, holdings) in after.iter().enumerate() {
                let income = lanes.income(lane).unwrap();
                prop_assert!(holdings[0] >= -credit * income);
                prop_assert!(holdings[1] >= 0.0 && holdings[2] >= 0.0);
            }
            if lanes.tick() == tick {
                for (lane, (before, after)) in before.iter().zip(&after).enumerate() {
                    let own = lanes.events()[events..].iter().filter(|(l, _)| *l == lane as u32);
                    let expected: f64 = own.map(|(_, event)| inflow(&lanes, event)).sum();
                    let change: f64 = after.iter().sum::<f64>() - before.iter().sum::<f64>();
                    let size: f64 = before.iter().chain(after).map(|x| x.abs()).sum();
                    prop_assert!((change - expected).abs() <= 1e-9 * (1.0 + size));
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_episode(world in worlds(), users in 1usize..5, seed: u64) {
        let world = world.check().unwrap();
        let (mut one, mut two) = (FinanceLanes::new(world.clone(), users), FinanceLanes::new(world, users));
        // Whatever happened before leaves no trace.
        play(&mut two, seed ^ 1);
        let (first, second) = (play(&mut one, seed).0, play(&mut two, seed).0);
        let same = |a: &Event, b: &Event| {
            (a.tick, a.kind, a.amount.to_bits(), a.balance.to_bits())
                == (b.tick, b.kind, b.amount.to_bits(), b.balance.to_bits())
        };
        prop_assert_eq!(first.offsets(), second.offsets());
        prop_assert!(first.events().iter().zip(second.events()).all(|(a, b)| same(a, b)));
        prop_assert_eq!(one.all_observations(), two.all_observations());
    }
}
