use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

use super::*;

fn log(kinds: &[&str], users: &[Vec<(u16, f64)>]) -> EventLog {
    let clock = Clock { tick: Tick::Day, horizon: 100, start_day: None };
    let events = users.iter().enumerate().flat_map(|(user, events)| {
        events.iter().enumerate().map(move |(i, &(kind, amount))| {
            (user as u32, Event { tick: i as u32 % 100, kind, amount, balance: f64::NAN })
        })
    });
    let names = (0..users.len()).map(|user| user.to_string()).collect();
    let kinds = kinds.iter().map(|&kind| kind.to_owned()).collect();
    EventLog::new(clock, kinds, names, events, Covariates::default()).unwrap()
}

fn value(log: &EventLog, quantity: Quantity, kind: Option<&str>) -> Option<f64> {
    let ledger = Ledger::of(log, log.kinds(), log.user_count());
    let values = ledger.values(&vec![1.0; log.user_count()]);
    let mut all = ledger.names().zip(values);
    all.find(|((own, of), _)| *own == quantity && of.as_deref() == kind)?.1
}

/// One event a user, at the middles of `count` equal shares of a law given by its quantiles.
fn law(count: usize, quantile: impl Fn(f64) -> f64) -> EventLog {
    let at = |i: usize| vec![(0, quantile((i as f64 + 0.5) / count as f64))];
    log(&["buy"], &(0..count).map(at).collect::<Vec<_>>())
}

/// Pareto with index a: L(F) = 1 - (1 - F)^(1 - 1/a), Gini 1 / (2a - 1). Exponential: L(F) = F + (1 -
/// F) ln(1 - F), Gini 1/2. (Arnold, *Pareto distributions*, 2015; Gastwirth 1972.) A grid of quantiles
/// misses some of the far tail: to 1e-3 at a = 3.
#[test]
fn shares_of_the_largest_and_gini_are_those_of_pareto_and_exponential_laws() {
    let near = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-3, "{a:?} {b}");
    let pareto = law(100_000, |p| (1.0 - p).powf(-1.0 / 3.0));
    for top in [Quantity::TopEvents, Quantity::TopUsers] {
        near(value(&pareto, top, None), 0.01f64.powf(2.0 / 3.0));
    }
    near(value(&pareto, Quantity::Gini, None), 1.0 / 5.0);
    near(value(&pareto, Quantity::MeanAmount, None), 1.5);
    let exponential = law(100_000, |p| -(1.0 - p).ln());
    near(value(&exponential, Quantity::TopEvents, None), 0.01 * (1.0 - 0.01f64.ln()));
    near(value(&exponential, Quantity::Gini, None), 0.5);
    for (quantity, p) in [(Quantity::AmountQ99, 0.01f64), (Quantity::AmountQ999, 0.001)] {
        near(value(&exponential, quantity, None).map(|q| q / -p.ln()), 1.0);
    }
    let amounts: Vec<f64> = exponential.events().iter().map(|event| event.amount).collect();
    let curve = lorenz(&amounts, 100);
    assert!((150..400).contains(&curve.len()), "{}", curve.len());
    for [f, l] in curve {
        let wanted = if f < 1.0 { f + (1.0 - f) * (1.0 - f).ln() } else { 1.0 };
        assert!((l - wanted).abs() < 1e-3, "{f} {l} {wanted}");
    }
}

#[test]
fn numbers_by_hand() {
    let users = [vec![(0, 10.0), (1, 4.0)], vec![(0, 30.0)], vec![], vec![(1, 6.0)]];
    let log = log(&["pay", "refund"], &users);
    let of = |quantity, kind| value(&log, quantity, kind);
    assert_eq!(of(Quantity::MeanAmount, None), Some(12.5));
    assert_eq!(of(Quantity::MoneyPerUser, None), Some(12.5));
    assert_eq!(of(Quantity::Total, Some("pay")), Some(40.0));
    assert_eq!(of(Quantity::Total, Some("refund")), Some(10.0));
    assert_eq!(of(Quantity::MeanAmount, Some("refund")), Some(5.0));
    assert_eq!(of(Quantity::EventsPerUser, None), Some(1.0));
    assert_eq!(of(Quantity::AmountQ99, None), Some(30.0));
    // A hundredth of four users is a part of the largest, who has 30 of 50.
    assert_eq!(of(Quantity::TopUsers, None), Some(0.04 * 30.0 / 50.0));
    // Mean absolute difference of 0, 6, 14 and 30 over twice the mean: 250 / 16 / 25 (by hand).
    let pairs = [0.0, 6.0, 14.0, 30.0];
    let sum: f64 = pairs.iter().flat_map(|a| pairs.iter().map(move |b| f64::abs(a - b))).sum();
    assert!((of(Quantity::Gini, None).unwrap() - sum / 16.0 / 25.0).abs() < 1e-12);
    assert_eq!(lorenz(&[0.0, 0.0], 10), Vec::<[f64; 2]>::new());
    assert_eq!(lorenz(&[1.0, 3.0], 10), [[0.0, 0.0], [0.5, 0.25], [1.0, 1.0]]);
}

#[test]
fn the_99th_percentile_is_that_of_numpy() {
    // numpy.quantile(numpy.arange(1, 1001), [.99, .999], method="inverted_cdf") = [990, 999].
    let users: Vec<_> = (1..=1000).map(|i| vec![(0, f64::from(i))]).collect();
    let log = log(&["pay"], &users);
    assert_eq!(value(&log, Quantity::AmountQ99, None), Some(990.0));
    assert_eq!(value(&log, Quantity::AmountQ999, None), Some(999.0));
    // Of a thousand equal users, ten have a hundredth.
    let equal = self::log(&["pay"], &vec![vec![(0, 7.0)]; 1000]);
    assert!((value(&equal, Quantity::TopEvents, None).unwrap() - 0.01).abs() < 1e-12);
    assert!(value(&equal, Quantity::Gini, None).unwrap() < 1e-12);
}

/// Users who differ by a normal of sd 1 and amounts that differ by a normal of sd 1 within them: the
/// between-user share is 1/2, also the correlation of an amount with the next. Fixed seeds.
fn mixed(users: usize, between: f64, seed: u64) -> EventLog {
    let mut stream = Streams::new(4).stream("mixed", seed);
    let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
    let users: Vec<Vec<(u16, f64)>> = (0..users)
        .map(|_| {
            let own = between * normal();
            (0..6).map(|_| (0, (own + normal()).exp())).collect()
        })
        .collect();
    log(&["pay"], &users)
}

#[test]
fn lost_heterogeneity_is_found_and_kept_heterogeneity_is_not() {
    let real = mixed(400, 1.0, 1);
    let run = |name: &str, logs| Run { name: name.into(), logs };
    let runs = [
        run("same", vec![mixed(400, 1.0, 2), mixed(400, 1.0, 3)]),
        run("alike", vec![mixed(400, 0.0, 4)]),
        run("apart", vec![mixed(400, 2.0, 5)]),
    ];
    let of = figures(&runs, &real, 100, &Streams::new(7));
    let told = |run: usize, quantity: Quantity| {
        let figure = of[run].iter().find(|figure| figure.quantity == quantity).unwrap();
        (figure.heterogeneity().unwrap(), figure)
    };
    for quantity in [Quantity::BetweenShare, Quantity::AmountCorrelation] {
        assert_eq!(told(0, quantity).0, Heterogeneity::Kept, "{:?}", told(0, quantity));
        assert_eq!(told(1, quantity).0, Heterogeneity::Lost);
        assert_eq!(told(2, quantity).0, Heterogeneity::Overdone);
        let real = told(0, quantity).1.real;
        assert!(real.interval[0] < 0.5 && 0.5 < real.interval[1], "{real:?}");
    }
    // Halfway, with an interval that holds it: neither kept nor lost.
    let mut vague = told(1, Quantity::BetweenShare).1.clone();
    vague.differs = false;
    assert_eq!(vague.heterogeneity(), Some(Heterogeneity::Unclear));
    let mean = of[0].iter().find(|figure| figure.quantity == Quantity::MeanAmount).unwrap();
    assert!(mean.heterogeneity().is_none() && !mean.differs);
    let json = serde_json::to_string(&of).unwrap();
    assert!(json.contains("\"quantity\":\"between_share\""));
    assert_eq!(serde_json::from_str::<Vec<Vec<Figure>>>(&json).unwrap(), of);
}

#[test]
fn users_without_money_or_events_have_no_numbers_that_need_them() {
    let silent = log(&["pay"], &[vec![], vec![]]);
    assert_eq!(value(&silent, Quantity::MeanAmount, None), None);
    assert_eq!(value(&silent, Quantity::MoneyPerUser, None), Some(0.0));
    assert_eq!(value(&silent, Quantity::TopEvents, None), None);
    assert_eq!(value(&silent, Quantity::AmountQ999, None), None);
    // Simulated users who do nothing have lost how real ones differ.
    let runs = [Run { name: "silent".into(), logs: vec![silent] }];
    let of = figures(&runs, &mixed(40, 1.0, 1), 20, &Streams::new(7));
    let share = of[0].iter().find(|f| f.quantity == Quantity::BetweenShare).unwrap();
    assert!(share.simulated.is_none() && share.differs);
    assert_eq!(share.heterogeneity(), Some(Heterogeneity::Lost));
}
