//! Amounts that are drawn from the law of real ones, against the real users' own 95% intervals
//! (bootstrap over users): on the built-in log, and on two that do not come with trueup.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::Path;

use trueup_calibration::calibrator::{BgNbdCalibrator, Brief, Calibrator, Silent};
use trueup_calibration::external::{self, Map};
use trueup_calibration::statistics::privacy::{NoiseKey, PrivacyConfig, private};
use trueup_calibration::statistics::{AmountLaw, Statistics};
use trueup_env::{EventLog, Streams};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/");
const SHOP: (&str, &str) = (
    "online_retail_2009_2010/retail_orders_derived.csv.gz",
    r#"
    columns = { user = "customer_id", time = "invoice_date", amount = "amount_gbp" }
    kind = "order"
    negative_kind = "return"
    clock = "week"
    "#,
);
const BANK: (&str, &str) = (
    "berka_1993/trans_1993_01_to_1994_03.csv.gz",
    r#"
    columns = { user = "account_id", time = "date", amount = "amount", kind = "operation" }
    kinds = { VKLAD = "deposit", VYBER = "withdrawal", "PREVOD Z UCTU" = "in", "PREVOD NA UCET" = "out" }
    filters = [{ column = "operation", one_of = ["VKLAD", "VYBER", "PREVOD Z UCTU", "PREVOD NA UCET"] }]
    clock = "month"
    "#,
);

/// Users are drawn so often.
const REPLICATES: usize = 200;
/// Logs that are drawn; their median is compared, so that nothing hangs on one of them.
const DRAWS: u64 = 9;

/// A log that may not be here.
fn beside((file, map): (&str, &str)) -> Option<EventLog> {
    let path = format!("{DATA}{file}");
    if !Path::new(&path).is_file() {
        println!("skipped: {path} is not there");
        return None;
    }
    Some(external::load(&path, Some(&toml::from_str::<Map>(map).unwrap()), "key").unwrap().log)
}

/// Mean, share of money in the largest 1% of events, and 99.9% quantile of amounts, ascending, each
/// so often.
fn figures(amounts: &[f64], weights: &[f64]) -> [f64; 3] {
    let events: f64 = weights.iter().sum();
    let money: f64 = amounts.iter().zip(weights).map(|(x, w)| x * w).sum();
    let (mut above, mut large, mut quantile) = (0.0, 0.0, f64::INFINITY);
    for (x, w) in amounts.iter().zip(weights).rev() {
        large += x * w.min((0.01 * events - above).max(0.0));
        if above <= 0.001 * events && *w > 0.0 {
            quantile = *x;
        }
        above += w;
        if above > 0.01 * events {
            break;
        }
    }
    [money / events, large / money, quantile]
}

fn drawn(mut amounts: Vec<f64>) -> [f64; 3] {
    amounts.sort_by(f64::total_cmp);
    figures(&amounts, &vec![1.0; amounts.len()])
}

/// Amounts of a kind, ascending, each with its user.
fn amounts(log: &EventLog, kind: u16) -> Vec<(f64, usize)> {
    let of = |user| log.events_of(user).iter().map(move |event| (event, user));
    let all = (0..log.user_count()).flat_map(of).filter(|(event, _)| event.kind == kind);
    let mut amounts: Vec<(f64, usize)> = all.map(|(event, user)| (event.amount, user)).collect();
    amounts.sort_by(|a, b| a.0.total_cmp(&b.0));
    amounts
}

/// 2.5% and 97.5% quantiles of the figures over logs of as many users, drawn from the real ones.
fn intervals(log: &EventLog, real: &[(f64, usize)]) -> [[f64; 2]; 3] {
    let mut stream = Streams::new(1).stream("bootstrap", 0);
    let values: Vec<f64> = real.iter().map(|(amount, _)| *amount).collect();
    let mut all: [Vec<f64>; 3] = Default::default();
    for _ in 0..REPLICATES {
        let mut users = vec![0.0; log.user_count()];
        for _ in 0..users.len() {
            users[stream.below(log.user_count())] += 1.0;
        }
        let weights: Vec<f64> = real.iter().map(|(_, user)| users[*user]).collect();
        for (all, figure) in all.iter_mut().zip(figures(&values, &weights)) {
            all.push(figure);
        }
    }
    all.map(|mut figures| {
        figures.sort_by(f64::total_cmp);
        [0.025, 0.975].map(|p| figures[(p * (REPLICATES - 1) as f64).round() as usize])
    })
}

fn middle(figures: &[[f64; 3]], i: usize) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(|figures| figures[i]).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn check(name: &str, found: &[[f64; 3]], intervals: &[[f64; 2]; 3], figures: usize) {
    let names = ["mean", "share of the largest 1%", "99.9% quantile"];
    for (i, what) in names.iter().enumerate().take(figures) {
        let (found, [low, high]) = (middle(found, i), intervals[i]);
        println!("{name}: {what} {found:.5}, real users {low:.5} to {high:.5}");
        assert!((low..=high).contains(&found), "{name}: {what} {found} is not in {low} to {high}");
    }
}

/// No amount above the 99.9% quantile is a real user's more often than the law makes it by chance:
/// within 5 standard errors (false alarm below 1e-6). Prices that many share are nobody's own.
fn nobodys(name: &str, law: &AmountLaw, real: &[(f64, usize)]) {
    let from = law.quantile(0.999);
    let half = 0.5 * law.parts().decimals.map_or(0.0, |decimals| 10f64.powi(-decimals));
    let shared: HashSet<u64> = law.parts().atoms.iter().map(|atom| atom.amount.to_bits()).collect();
    let own: HashSet<u64> = real
        .iter()
        .filter(|(x, _)| *x > from && !shared.contains(&x.to_bits()))
        .map(|(x, _)| x.to_bits())
        .collect();
    let n = 100_000;
    let mut stream = Streams::new(5).stream("draws", 0);
    let equal = (0..n).filter(|_| own.contains(&law.quantile(stream.uniform()).to_bits())).count();
    let hit = |x: f64| law.cdf(x + half) - law.cdf(x - half);
    let chance = f64::from(n) * own.iter().map(|x| hit(f64::from_bits(*x))).sum::<f64>();
    assert!(
        (equal as f64) <= chance + 5.0 * chance.sqrt() + 1.0,
        "{name}: {equal} of {n} are a real user's, {chance} by chance"
    );
}

/// Every kind with enough events that a 99.9% quantile says anything.
fn laws_are_within_the_real_intervals(log: &EventLog) {
    let statistics = Statistics::of(log);
    let brief = Brief {
        statistics: &statistics,
        train: Some(log),
        streams: Streams::new(1),
        progress: &Silent,
        checkpoints: None,
    };
    let model = BgNbdCalibrator.calibrate(&brief).unwrap();
    let model: Vec<EventLog> =
        (0..3).map(|i| model.simulate(log.user_count(), &Streams::new(i)).unwrap()).collect();
    let mut measured = 0;
    for (kind, name) in (0_u16..).zip(log.kinds()) {
        let real = amounts(log, kind);
        if real.len() < 1_000 {
            continue;
        }
        measured += 1;
        let law = statistics.amount_law(usize::from(kind)).unwrap();
        let intervals = intervals(log, &real);
        let mean = real.iter().map(|(amount, _)| amount).sum::<f64>() / real.len() as f64;
        assert!((law.mean() / mean - 1.0).abs() < 1e-9, "{name}: {} {mean}", law.mean());
        let draw = |seed| {
            let mut stream = Streams::new(seed).stream("draws", 0);
            drawn((0..real.len()).map(|_| law.quantile(stream.uniform())).collect())
        };
        check(name, &(0..DRAWS).map(draw).collect::<Vec<_>>(), &intervals, 3);
        nobodys(name, &law, &real);
        let of = |log: &EventLog| {
            drawn(amounts(log, kind).into_iter().map(|(amount, _)| amount).collect())
        };
        // A user of the model pays alike: the largest amounts of few users hang on who they are.
        let users: HashSet<usize> = real.iter().map(|(_, user)| *user).collect();
        let figures = if users.len() < 1_500 { 2 } else { 3 };
        let found: Vec<[f64; 3]> = model.iter().map(of).collect();
        check(&format!("{name}, bgnbd"), &found, &intervals, figures);
    }
    assert!(measured > 0);
}

#[test]
fn purchases_of_the_builtin_log_keep_mean_and_tail() {
    laws_are_within_the_real_intervals(&external::load("builtin:cdnow", None, "key").unwrap().log);
}

#[test]
fn orders_and_returns_of_a_shop_keep_mean_and_tail() {
    if let Some(log) = beside(SHOP) {
        laws_are_within_the_real_intervals(&log);
    }
}

#[test]
fn transactions_of_a_bank_keep_mean_and_tail() {
    if let Some(log) = beside(BANK) {
        laws_are_within_the_real_intervals(&log);
    }
}

/// The grid of a file of an earlier version keeps the mean, and its largest amount comes once in
/// more than 512 times.
#[test]
fn an_earlier_file_keeps_the_mean() {
    let log = external::load("builtin:cdnow", None, "key").unwrap().log;
    let statistics = Statistics { amount_laws: Vec::new(), ..Statistics::of(&log) };
    let law = statistics.amount_law(0).unwrap();
    let (mean, largest) = (statistics.amounts[0].as_ref().unwrap().mean, law.quantile(1.0));
    assert!((law.mean() / mean - 1.0).abs() < 1e-9);
    let mut stream = Streams::new(1).stream("draws", 0);
    let draws: Vec<f64> = (0..100_000).map(|_| law.quantile(stream.uniform())).collect();
    assert!(draws.iter().filter(|x| **x >= largest).count() < 10);
}

/// Private statistics at the epsilons of the README: the law of amounts has the real mean and 99.9%
/// quantile to what limits, bins and noise leave; the largest real amount is nowhere in it.
#[test]
fn private_laws_keep_mean_and_tail() {
    let log = external::load("builtin:cdnow", None, "key").unwrap().log;
    let exact = Statistics::of(&log).amount_law(0).unwrap();
    for (epsilon, allowed) in [(None, 0.05), (Some(3.0), 0.15), (Some(1.0), 0.3)] {
        for key in ["a", "b", "c"] {
            let config = PrivacyConfig { epsilon, ..PrivacyConfig::new([1.0, 1000.0]) };
            let key = NoiseKey::new(key.as_bytes());
            let law = private(&log, &config, &key).unwrap().amount_law(0).unwrap();
            let (mean, large) =
                (law.mean() / exact.mean(), law.quantile(0.999) / exact.quantile(0.999));
            println!(
                "{epsilon:?}: mean {mean:.3}, 99.9% quantile {large:.3} of the real one {:?}",
                law.parts().tail
            );
            assert!((mean - 1.0).abs() < allowed, "{epsilon:?}: mean {mean}");
            assert!((large - 1.0).abs() < 2.0 * allowed, "{epsilon:?}: 99.9% quantile {large}");
            assert!(law.quantile(1.0) <= 1000.0 + 1e-9);
        }
    }
}
