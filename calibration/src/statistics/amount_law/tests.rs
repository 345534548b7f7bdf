//! The law against scipy, closed forms, and what must hold of any amounts.

use serde::Deserialize;
use trueup_env::Streams;

use super::*;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    shape: f64,
    scale: f64,
    reach: f64,
    mean: f64,
    shares: Vec<f64>,
    quantiles: Vec<f64>,
}

fn close(found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance * (1.0 + wanted.abs()), "{found}, not {wanted}");
}

/// Amounts of users of their own.
fn apart(amounts: &[f64]) -> Vec<(f64, usize)> {
    amounts.iter().copied().zip(0..).collect()
}

fn law(amounts: &[f64]) -> AmountLaw {
    AmountLaw::of(&apart(amounts)).unwrap()
}

fn mean(amounts: &[f64]) -> f64 {
    amounts.iter().sum::<f64>() / amounts.len() as f64
}

/// `tests/fixtures/amount_tail.py`: scipy's `genpareto`.
#[test]
fn tails_equal_scipys() {
    let text = include_str!("../../../tests/fixtures/amount_tail.json");
    for case in serde_json::from_str::<Fixture>(text).unwrap().cases {
        let tail = Tail { scale: case.scale, shape: case.shape, reach: case.reach };
        close(tail.mean() / case.scale, case.mean / case.scale, 1e-6);
        for (&share, &quantile) in case.shares.iter().zip(&case.quantiles) {
            close(tail.quantile(share) / case.scale, quantile / case.scale, 1e-10);
            close(tail.cdf(quantile), share, 1e-10);
        }
        assert_eq!(tail.cdf(-1.0), 0.0);
        close(tail.cdf(1e300), 1.0, 1e-12);
    }
}

/// Draws of a known tail: the mean of the fit is that of the draws, and the shape is within 4.5 of
/// Hosking and Wallis' asymptotic standard errors (false alarm 7e-6 each).
#[test]
fn a_known_tail_is_found_again() {
    for shape in [-0.4, 0.0, 0.3_f64] {
        let known = Tail { scale: 70.0, shape, reach: 1.0 };
        let mut stream = Streams::new(3).stream("tail", 0);
        let n = 20_000;
        let mut draws: Vec<f64> = (0..n).map(|_| known.quantile(stream.uniform())).collect();
        draws.sort_by(f64::total_cmp);
        let found = Tail::of(&draws).unwrap();
        close(found.mean(), mean(&draws), 1e-9);
        let variance = (1.0 - shape) * (2.0 - shape).powi(2) * (1.0 - shape + 2.0 * shape * shape)
            / ((1.0 - 2.0 * shape) * (3.0 - 2.0 * shape));
        let error = (variance / f64::from(n)).sqrt();
        assert!((found.shape - shape).abs() < 4.5 * error, "{shape}: {found:?}");
        // And from counts in bins without noise, to the step of the search.
        let edges: Vec<f64> = (0..=40).map(|i| 10.0 * f64::from(i)).collect();
        let mut counts = vec![0.0; 40];
        draws.iter().for_each(|y| counts[((y / 10.0) as usize).min(39)] += 1.0);
        let binned = Tail::of_counts(&edges, &counts, 0.0).unwrap();
        assert!((binned.shape - shape).abs() < 0.1, "{shape}: {binned:?}");
        assert!((binned.scale / 70.0 - 1.0).abs() < 0.1, "{shape}: {binned:?}");
    }
}

/// Samples of many kinds: small and large, bunched and smooth, with and without a tail.
fn samples() -> Vec<Vec<f64>> {
    let mut stream = Streams::new(1).stream("amounts", 0);
    let mut samples = vec![
        vec![5.0],
        vec![0.0],
        vec![5.0; 300],
        vec![1.0, 2.0],
        vec![5.0, 5.0, 5.0, 10.0, 10.0, 10.0],
        vec![0.0, 0.0, 7.5],
        vec![10.0, 20.0, 77_183.60],
        [vec![9.99; 150], vec![14.99; 150], vec![99.0]].concat(),
        // A limit that many reach.
        (0..4_000).map(|i| f64::from(i).min(3_800.0)).collect(),
        (1..=2_000).map(f64::from).collect(),
    ];
    for n in [30, 249, 250, 3_000, 40_000] {
        let mut draw =
            |f: &dyn Fn(f64) -> f64| -> Vec<f64> { (0..n).map(|_| f(stream.uniform())).collect() };
        samples.push(draw(&|u| -u.ln() * 30.0));
        samples.push(draw(&|u| ((1.0 - u).powf(-0.6) * 1e3).round() / 100.0));
        samples.push(draw(&|u| if u < 0.4 { 11.77 } else { (u * 1e4).round() / 100.0 }));
    }
    samples
}

/// The mean is the sample's, quantiles ascend from what is at least 0, a quantile lies where its
/// share says, and a file gives the law back.
#[test]
fn what_holds_of_the_law_of_any_amounts() {
    for amounts in samples() {
        let law = law(&amounts);
        let (n, largest) = (amounts.len(), amounts.iter().copied().fold(0.0, f64::max));
        let scale = 1.0 + mean(&amounts);
        assert!((law.mean() - mean(&amounts)).abs() < 1e-9 * scale, "{n} {largest}: {law:?}");
        let exact = AmountLaw::try_from(Parts { decimals: None, ..law.parts().clone() }).unwrap();
        let mut before = 0.0;
        for i in 0..=5_000 {
            let p = f64::from(i) / 5_000.0;
            let x = exact.quantile(p);
            assert!(x >= before && x.is_finite(), "{n} {largest}: {p} {x} {before}");
            // Where an interval is steep, many shares have one number.
            let last_bits = 1e-9 * (1.0 + x);
            let [low, high] = [exact.shares(x - last_bits)[0], exact.shares(x + last_bits)[1]];
            let slack = 1e-9;
            assert!(low <= p + slack && p <= high + slack, "{n} {largest}: {low} {p} {high}");
            before = x;
        }
        let text = serde_json::to_string(&law).unwrap();
        assert_eq!(serde_json::from_str::<AmountLaw>(&text).unwrap(), law);
    }
    assert!(AmountLaw::of(&[]).is_none());
    // Sums of such amounts are no numbers: no law, and no panic.
    assert!(AmountLaw::of(&apart(&[f64::MAX; 9])).is_none_or(|law| law.mean() > 0.0));
}

/// Prices have their share to the last event, and what lies between them lies between.
#[test]
fn bunched_amounts_keep_their_shares() {
    let amounts: Vec<f64> = (0..5_000)
        .map(|i| match i % 10 {
            0..3 => 11.77,
            3 => 50.0,
            _ => 20.0 + f64::from(i) / 100.0,
        })
        .collect();
    let law = law(&amounts);
    let share = |law: &AmountLaw, price: f64| {
        let [low, high] = law.shares(price);
        high - low
    };
    close(share(&law, 11.77), 0.3, 1e-12);
    // The grid of other amounts has one at 50 too.
    close(share(&law, 50.0), 0.1002, 1e-3);
    assert_eq!(law.quantile(0.29), 11.77);
    // One user who always pays the same is no price, but still a bunch where it is a large one.
    let own: Vec<(f64, usize)> =
        (0..5_000).map(|i| if i < 100 { (31.0, 0) } else { (f64::from(i), i as usize) }).collect();
    let bunch = AmountLaw::of(&own).unwrap();
    close(share(&bunch, 31.0), 0.02, 1e-12);
    let own: Vec<(f64, usize)> =
        (0..5_000).map(|i| if i < 30 { (31.5, 0) } else { (f64::from(i), i as usize) }).collect();
    assert!(AmountLaw::of(&own).unwrap().parts().atoms.is_empty());
}

/// A long tail: what is drawn beyond the 99.9% quantile is nobody's amount, the largest amount is
/// passed by some and reached by none, and none of it stands in the law.
#[test]
fn the_largest_amounts_are_nobodys() {
    let mut stream = Streams::new(9).stream("amounts", 0);
    let amounts: Vec<f64> = (0..20_000)
        .map(|_| (20_000.0 * (1.0 - stream.uniform()).powf(-0.5)).round() / 100.0)
        .collect();
    let law = law(&amounts);
    let largest = amounts.iter().copied().fold(0.0, f64::max);
    let from = law.quantile(0.999);
    let real: std::collections::HashSet<u64> =
        amounts.iter().filter(|x| **x > from).map(|x| x.to_bits()).collect();
    let (mut beyond, mut passed, mut equal) = (0.0, 0, 0.0);
    for _ in 0..200_000 {
        let x = law.quantile(stream.uniform());
        beyond += f64::from(u8::from(x > from));
        passed += usize::from(x > largest);
        equal += f64::from(u8::from(x > from && real.contains(&x.to_bits())));
    }
    // The share of the law that rounds to a real amount, by the law itself; 5 standard errors.
    let hit = |x: f64| law.cdf(x + 0.005) - law.cdf(x - 0.005);
    let chance: f64 = 200_000.0 * real.iter().map(|x| hit(f64::from_bits(*x))).sum::<f64>();
    assert!(beyond > 100.0 && passed > 0);
    assert!(equal <= chance + 5.0 * chance.sqrt() + 1.0, "{equal} of {beyond}, by chance {chance}");
    let text = serde_json::to_string(&law).unwrap();
    assert!(!text.contains(&largest.to_string()), "{largest}");
}

#[test]
fn decimals_are_those_of_the_amounts() {
    let of = |amounts: &[f64]| law(amounts).parts().decimals;
    assert_eq!(of(&[1.5, 20.0, 3.25]), Some(2));
    assert_eq!(of(&[1_554.580_000_000_000_2, 0.1 + 0.2]), Some(2));
    assert_eq!(of(&[300.0, 1200.0]), Some(-2));
    assert_eq!(of(&[1e15, 3e14]), Some(-9));
    assert_eq!(of(&[std::f64::consts::PI, 1.0]), None);
    let cents: Vec<f64> = (0..3_000).map(|i| f64::from(i * i % 7_919) / 100.0).collect();
    let law = law(&cents);
    for i in 0..1_000 {
        let x = law.quantile(f64::from(i) / 999.0);
        assert_eq!(format!("{x:.2}").parse::<f64>().unwrap(), x);
    }
    // What is above 0 is not rounded to it.
    let few = AmountLaw::of(&apart(&[0.01, 0.03, 0.02])).unwrap();
    assert!((0..100).all(|i| few.quantile(f64::from(i) / 99.0) >= 0.01));
}

/// Files of earlier versions hold a grid and a mean: the law has this mean, passes no grid point,
/// and is bunched where the grid is.
#[test]
fn a_grid_gives_a_law_with_its_mean() {
    for amounts in samples() {
        let grid = Distribution::of(&amounts).unwrap();
        let law = AmountLaw::of_grid(&grid).unwrap();
        close(law.mean(), grid.mean, 1e-9);
        let (first, last) = (grid.quantiles[0], grid.quantiles[512]);
        assert_eq!(law.quantile(0.0), first);
        assert!(law.quantile(1.0) <= last);
        for (i, pair) in grid.quantiles.windows(2).enumerate() {
            let x = law.quantile((i as f64 + 0.5) / 512.0);
            // Rounding may reach beyond by half a unit.
            let half = 0.5 * law.parts().decimals.map_or(0.0, |d| 10f64.powi(-d));
            assert!((pair[0] - half..=pair[1] + half).contains(&x), "{x} {pair:?}");
        }
    }
}

#[test]
fn what_is_no_law_is_refused() {
    let good = serde_json::to_value(law(&(1..=2_000).map(f64::from).collect::<Vec<_>>())).unwrap();
    let refused = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value::<AmountLaw>(changed).unwrap_err().to_string()
    };
    use serde_json::json;
    assert!(refused("/knots/3", json!(-1)).contains("at least 0"));
    assert!(refused("/knots/3", json!(1e9)).contains("do not ascend"));
    assert!(refused("/means/3", json!(1e9)).contains("between their knots"));
    assert!(refused("/means", json!([])).contains("a mean between"));
    assert!(refused("/shares/0", json!(0.1)).contains("ascend from 0"));
    assert!(refused("/shares", json!([])).contains("are missing"));
    assert!(refused("/tail", json!(null)).contains("ascend from 0 to 1"));
    assert!(refused("/tail/shape", json!(1.0)).contains("shape from -1 to 0.9"));
    assert!(refused("/tail/reach", json!(0.0)).contains("a share above 0"));
    assert!(refused("/decimals", json!(40)).contains("-15 to 15"));
    let two = json!([{"amount": 2.0, "share": 0.5}, {"amount": 1.0, "share": 0.1}]);
    assert!(refused("/atoms", two).contains("ascend"));
    assert!(refused("/atoms", json!([{"amount": 2.0, "share": 1.5}])).contains("at most 1"));
}
