//! A hundred users of a small bank who act at random for a year of weeks; prints what a user sees
//! and what they did. Run `cargo run -p trueup-env --example random_users`.

use trueup_env::finance::{
    Effect, FinanceLanes, Kind, Profile, Scales, WalletModel, World, observation_fields,
};
use trueup_env::market::{Gbm, MarketModel};
use trueup_env::{Actions, Clock, Lanes, Streams, Tick};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kinds = [("purchase", Effect::Spend), ("invest", Effect::Invest), ("sell", Effect::Divest)];
    let world = World {
        clock: Clock { tick: Tick::Week, horizon: 52, start_day: Some(9_862) },
        kinds: kinds.map(|(name, effect)| Kind { name: name.into(), effect }).into(),
        wallet: WalletModel {
            income_median: 500.0,
            income_sigma: 0.5,
            initial_cash: 4.0,
            initial_savings: 0.0,
            initial_risky: 0.0,
            savings_rate: 0.02,
            credit: 0.0,
        },
        market: MarketModel::Gbm(Gbm { mean: 0.08, volatility: 0.18 }),
        max_events_per_tick: 3,
        latent: 2,
        profile: Profile {
            names: vec!["age".into()],
            grids: vec![vec![25.0, 40.0, 60.0]],
            ..Profile::default()
        },
        scales: Scales { mean_log_amount: 4.0, sd_log_amount: 1.0, typical_count: 10.0 },
    };
    for field in observation_fields(&world) {
        println!(
            "{:18} {:9} {:4} to {:2}  {}",
            field.name, field.unit, field.low, field.high, field.doc
        );
    }

    let streams = Streams::new(7);
    let mut lanes = FinanceLanes::new(world.check()?, 100);
    lanes.reset(&streams);
    let mut stream = streams.stream("actions", 0);
    let mut actions = Actions::default();
    while !lanes.waiting().is_empty() {
        let choices = kinds.len() + 1;
        actions.kind.clear();
        actions.amount.clear();
        for mask in lanes.masks().chunks_exact(choices) {
            // One decision in ten is an event, of any kind; infeasible ones are let go.
            let choice = if stream.uniform() < 0.1 { 1 + stream.below(kinds.len()) } else { 0 };
            actions.kind.push(if mask[choice] { choice as u16 } else { 0 });
            actions.amount.push((4.0 + 2.0 * stream.uniform()).exp());
        }
        lanes.step(&actions)?;
    }
    let log = lanes.log("user-")?;
    println!(
        "\n{} events of {} users, {} amounts cut by the wallet",
        log.events().len(),
        log.user_count(),
        lanes.cuts()
    );
    for event in log.events_of(0).iter().take(5) {
        println!(
            "{}: week {:2} {:8} {:7.2}, cash then {:8.2}",
            log.users()[0],
            event.tick,
            log.kinds()[usize::from(event.kind)],
            event.amount,
            event.balance
        );
    }
    Ok(())
}
