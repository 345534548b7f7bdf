//! The monotone coupling by hand, and its potentials against the duality of optimal transport.

use rand::RngExt;
use trueup_env::Streams;

use super::*;

fn check(x: &[f64], p: &[f64], y: &[f64], q: &[f64]) {
    let (xs, ys) = (Sorted::of(x), Sorted::of(y));
    let (x_side, y_side) = (Masses::new(&xs, p), Masses::new(&ys, q));
    let squares = cost(x_side, y_side, 2);
    let phi = Parabolas::of(x_side, y_side);
    let psi = |j: usize| phi.centres.iter().zip(&phi.offsets).find(|(c, _)| **c == y[j]);
    let mean = |masses: &[f64], f: &dyn Fn(usize) -> f64| {
        let sum: f64 = (0..masses.len()).map(|i| masses[i] * f(i)).sum();
        sum / masses.iter().sum::<f64>()
    };
    // No gap between the plan and the dual, and the dual is feasible: both are optimal.
    let dual = mean(p, &|i| phi.at(x[i])) + mean(q, &|j| psi(j).map_or(0.0, |pair| *pair.1));
    assert!((dual - squares).abs() < 1e-12 * (1.0 + squares), "{dual} {squares}");
    for z in x.iter().copied().chain([-3.0, 0.1, 0.7, 4.0]) {
        for (centre, offset) in phi.centres.iter().zip(&phi.offsets) {
            assert!(phi.at(z) <= (z - centre) * (z - centre) - offset + 1e-12);
        }
    }
}

#[test]
fn costs_by_hand() {
    let (x, y) = (Sorted::of(&[3.0, 0.0]), Sorted::of(&[1.0, 4.0, -0.0]));
    let (x, y) = (Masses::new(&x, &[1.0, 1.0]), Masses::new(&y, &[1.0, 1.0, 0.0]));
    assert_eq!((cost(x, y, 1), cost(x, y, 2)), (1.0, 1.0));
    let whole = Masses::new(y.sorted, &[0.0, 2.0, 2.0]);
    assert_eq!((cost(x, whole, 1), cost(x, whole, 2)), (0.5, 0.5));
}

#[test]
fn potentials_are_optimal() {
    for case in 0..60 {
        let mut stream = Streams::new(5).stream("coupling", case);
        let sizes = [stream.random_range(1..9), stream.random_range(1..9)];
        let mut side = |n: usize| -> (Vec<f64>, Vec<f64>) {
            let value = |stream: &mut trueup_env::random::Stream| {
                let value = 3.0 * stream.random::<f64>();
                if case % 3 == 0 { value.round() } else { value }
            };
            let values = (0..n).map(|_| value(&mut stream)).collect();
            let mass = |stream: &mut trueup_env::random::Stream| match case % 4 {
                0 => 1.0,
                1 => f64::from(stream.random_range(0..3_u8)),
                _ => stream.random::<f64>(),
            };
            let mut masses: Vec<f64> = (0..n).map(|_| mass(&mut stream)).collect();
            masses[0] += 0.5;
            (values, masses)
        };
        let ((x, p), (y, q)) = (side(sizes[0]), side(sizes[1]));
        check(&x, &p, &y, &q);
    }
}

#[test]
fn many_numbers_are_sorted_as_by_comparing_them() {
    for case in 0..6 {
        let mut stream = Streams::new(6).stream("sort", case);
        let value = |stream: &mut trueup_env::random::Stream| match case {
            0 => stream.random_range(-3.0..3.0),
            1 => f64::from(stream.random_range(-2..3_i32)) * 0.0,
            2 => f64::from(stream.random_range(-20..20_i32)),
            // Equal in the upper halves of their bits.
            3 => 1.0 + 1e-12 * stream.random::<f64>(),
            4 => -1.0 - 1e-12 * stream.random::<f64>(),
            _ => {
                10_f64.powi(stream.random_range(-200..200))
                    - 10_f64.powi(stream.random_range(-9..9))
            }
        };
        let values: Vec<f64> = (0..5000).map(|_| value(&mut stream)).collect();
        let sorted = Sorted::of(&values);
        let mut rows: Vec<u32> = (0..5000).collect();
        rows.sort_by(|&a, &b| values[a as usize].partial_cmp(&values[b as usize]).unwrap());
        assert_eq!(sorted.rows, rows, "case {case}");
        assert!(sorted.values.iter().zip(&rows).all(|(v, &row)| *v == values[row as usize]));
    }
}
