//! Steps per second, on one core.
//!
//! The finance world: 4,096 users, 97% of decisions "nothing". One lane-step is one decision of one
//! user with its observation. Classic control: one environment, random actions, a reset after every
//! end; and many CartPoles in lanes, where one lane-step is counted as one. The actions are drawn before the clock starts. Run `cargo bench -p trueup-env`.

#![allow(clippy::expect_used, reason = "a bench that cannot start has nothing to measure")]

use divan::Bencher;
use divan::counter::ItemsCount;
use trueup_env::classic::{
    Acrobot, CartPole, ControlEnvironment, ControlLanes, MountainCar, Pendulum, Task,
};
use trueup_env::finance::{Effect, FinanceLanes, Kind, Profile, Scales, WalletModel, World};
use trueup_env::market::{Gbm, MarketModel};
use trueup_env::{Actions, Clock, Environment, Lanes, StepError, Streams, Tick, VectorEnvironment};

const USERS: usize = 4_096;
const IDLE: f64 = 0.97;

fn main() {
    divan::main();
}

fn world(effects: &[Effect]) -> World {
    let kinds = effects.iter().enumerate();
    World {
        clock: Clock { tick: Tick::Week, horizon: 52, start_day: None },
        kinds: kinds.map(|(i, &effect)| Kind { name: format!("kind{i}"), effect }).collect(),
        wallet: WalletModel {
            income_median: 300.0,
            income_sigma: 0.5,
            initial_cash: 10.0,
            initial_savings: 0.0,
            initial_risky: 0.0,
            savings_rate: 0.02,
            credit: 0.0,
        },
        market: MarketModel::Gbm(Gbm { mean: 0.08, volatility: 0.18 }),
        max_events_per_tick: 4,
        latent: 4,
        profile: Profile::default(),
        scales: Scales { mean_log_amount: 3.2, sd_log_amount: 0.8, typical_count: 1.5 },
    }
}

/// Plays one episode with actions cut from a prepared list; returns the number of lane-steps.
fn play(
    lanes: &mut FinanceLanes,
    all: &Actions,
    actions: &mut Actions,
) -> Result<usize, StepError> {
    lanes.reset(&Streams::new(1));
    let mut steps = 0;
    while !lanes.waiting().is_empty() {
        let n = lanes.waiting().len();
        let start = (steps * 7) % (all.kind.len() - n);
        actions.kind.clear();
        actions.kind.extend_from_slice(&all.kind[start..start + n]);
        actions.amount.clear();
        actions.amount.extend_from_slice(&all.amount[start..start + n]);
        lanes.step(actions)?;
        divan::black_box((lanes.observations(), lanes.masks(), lanes.rewards()));
        steps += n;
    }
    Ok(steps)
}

fn bench(bencher: Bencher, effects: &[Effect]) {
    let world = world(effects).check().expect("the world is valid");
    let mut lanes = FinanceLanes::new(world, USERS);
    let mut stream = Streams::new(2).stream("actions", 0);
    let mut all = Actions::default();
    for _ in 0..20 * USERS {
        let idle = stream.uniform() < IDLE;
        all.kind.push(if idle { 0 } else { 1 + stream.below(effects.len()) as u16 });
        all.amount.push((3.2 + stream.uniform()).exp());
    }
    let mut actions = Actions::default();
    let steps = play(&mut lanes, &all, &mut actions).expect("the actions are valid");
    bencher.counter(ItemsCount::new(steps)).bench_local(|| play(&mut lanes, &all, &mut actions));
}

/// A shop: one kind, as in a purchase log.
#[divan::bench]
fn purchases(bencher: Bencher) {
    bench(bencher, &[Effect::Spend]);
}

/// A bank: six kinds, savings and a market.
#[divan::bench]
fn bank(bencher: Bencher) {
    use Effect::{Divest, Draw, Invest, Receive, Save, Spend};
    bench(bencher, &[Spend, Receive, Invest, Divest, Save, Draw]);
}

const CONTROL_STEPS: usize = 10_000;

fn control<T: Task>(bencher: Bencher, action: impl Fn(f64) -> T::Action) {
    let mut stream = Streams::new(2).stream("actions", 0);
    let actions: Vec<_> = (0..CONTROL_STEPS).map(|_| action(stream.uniform())).collect();
    let mut env = ControlEnvironment::<T>::new();
    bencher.counter(ItemsCount::new(CONTROL_STEPS)).bench_local(|| -> Result<(), StepError> {
        env.reset(Some(1));
        for action in &actions {
            let step = divan::black_box(env.step(action)?);
            if step.terminated || step.truncated {
                env.reset(None);
            }
        }
        Ok(())
    });
}

#[divan::bench]
fn cart_pole(bencher: Bencher) {
    control::<CartPole>(bencher, |x| usize::from(x < 0.5));
}

#[divan::bench]
fn acrobot(bencher: Bencher) {
    control::<Acrobot>(bencher, |x| (3.0 * x) as usize);
}

#[divan::bench]
fn mountain_car(bencher: Bencher) {
    control::<MountainCar>(bencher, |x| (3.0 * x) as usize);
}

#[divan::bench]
fn pendulum(bencher: Bencher) {
    control::<Pendulum>(bencher, |x| (4.0 * x - 2.0) as f32);
}

/// Many CartPoles, random actions, new episodes included.
#[divan::bench(args = [8, 64])]
fn cart_pole_lanes(bencher: Bencher, lanes: usize) {
    let mut stream = Streams::new(2).stream("actions", 0);
    let steps = CONTROL_STEPS / lanes;
    let actions: Vec<f32> = (0..steps * lanes).map(|_| stream.below(2) as f32).collect();
    let mut env = ControlLanes::<CartPole>::new(lanes);
    env.reset(&Streams::new(1));
    bencher.counter(ItemsCount::new(actions.len())).bench_local(|| -> Result<(), StepError> {
        for actions in actions.chunks_exact(lanes) {
            env.step(actions)?;
            divan::black_box((env.observations(), env.rewards(), env.terminated()));
        }
        Ok(())
    });
}
