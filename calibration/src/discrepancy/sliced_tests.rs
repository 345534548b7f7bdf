//! Sliced distances against POT: its exact solver on each direction, and its means and maxima.

use super::*;
use crate::discrepancy::joint_fixture::{cases, sides, vectors};
use crate::discrepancy::sliced_wasserstein::{Over, SlicedWasserstein};
use crate::discrepancy::{Discrepancy, Prepared};

#[test]
fn agrees_with_pot() {
    for case in cases() {
        for (order, expected) in [(1, &case.sliced.order_1), (2, &case.sliced.order_2)] {
            let directions = &case.sliced.directions;
            for (over, expected) in [(Over::Mean, expected.mean), (Over::Max, expected.max)] {
                let sorts = Sorts::new(sides(&case), directions, over, order);
                let value = sorts.value(&case.u, &case.v).unwrap();
                assert!((value - expected).abs() < 1e-12 * (1.0 + expected), "{value} {expected}");
            }
            for (direction, exact) in directions.iter().zip(&expected.exact) {
                let sorts =
                    Sorts::new(sides(&case), std::slice::from_ref(direction), Over::Mean, order);
                let value = sorts.value(&case.u, &case.v).unwrap();
                let cost = if order == 2 { value * value } else { value };
                assert!((cost - exact).abs() < 1e-12 * (1.0 + exact), "{cost} {exact}");
            }
        }
    }
}

/// A shift by s moves every projection by u's, and the mean of its square is |s|^2 / width.
#[test]
fn a_shift_in_closed_form() {
    let rows = 200;
    let y: Vec<f64> = (0..3 * rows).map(|i| f64::from(i).sin()).collect();
    let shift = [0.3, -0.2, 0.5];
    let x = y.iter().enumerate().map(|(i, y)| y + shift[i % 3]).collect();
    let (x, y) = (vectors(x, 3), vectors(y, 3));
    let scaling = crate::discrepancy::scaling::Scaling::of_samples(&[&y]);
    let [from, to] = [[0.0; 3], shift].map(|row| scaling.standardised(&row).collect::<Vec<_>>());
    let square: f64 = from.iter().zip(&to).map(|(a, b)| (a - b) * (a - b)).sum();
    let sliced = SlicedWasserstein { projections: 10_000, ..SlicedWasserstein::new(Over::Mean) };
    let value = sliced.value(&x, &y).unwrap();
    // The standard error of the mean of 10,000 squares of u's is 0.9% of it.
    assert!((value * value / (square / 3.0) - 1.0).abs() < 0.03, "{value}");
}

#[test]
fn directions_are_of_length_one_and_fixed() {
    let directions = random_directions(500, 4);
    assert!(directions.iter().all(|u| (u.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12));
    assert_eq!(directions[..20], random_directions(20, 4));
    let mean: f64 = directions.iter().map(|u| u[0]).sum::<f64>() / 500.0;
    // Its standard error is 1 / sqrt(4 * 500).
    assert!(mean.abs() < 4.0 / 2000.0_f64.sqrt(), "{mean}");
}
