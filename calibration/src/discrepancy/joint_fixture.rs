//! The fixture of the joint discrepancies, for their tests.

use serde::Deserialize;

use super::joint::{Side, sides_of_samples};
use crate::sample::{Sample, Shape};

#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) width: usize,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) u: Vec<f64>,
    pub(super) v: Vec<f64>,
    pub(super) mmd: Mmd,
    pub(super) sliced: Sliced,
    pub(super) sinkhorn: Vec<Sinkhorn>,
}

#[derive(Deserialize)]
pub(super) struct Mmd {
    pub(super) width: f64,
    pub(super) biased: f64,
    pub(super) unbiased: f64,
}

#[derive(Deserialize)]
pub(super) struct Sliced {
    pub(super) directions: Vec<Vec<f64>>,
    pub(super) order_1: Order,
    pub(super) order_2: Order,
}

#[derive(Deserialize)]
pub(super) struct Order {
    pub(super) exact: Vec<f64>,
    pub(super) mean: f64,
    pub(super) max: f64,
}

#[derive(Deserialize)]
pub(super) struct Sinkhorn {
    pub(super) epsilon: f64,
    pub(super) value: f64,
    pub(super) plans: Option<f64>,
}

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

pub(super) fn cases() -> Vec<Case> {
    let text = include_str!("../../tests/fixtures/joint.json");
    serde_json::from_str::<Fixture>(text).unwrap().cases
}

/// Each row a user.
pub(super) fn vectors(values: Vec<f64>, width: usize) -> Sample {
    let users = values.len() / width;
    let user = (0..users as u32).collect();
    Sample { shape: Shape::Vector, width, values, user, users, categories: 0 }
}

impl Case {
    pub(super) fn samples(&self) -> (Sample, Sample) {
        (vectors(self.x.clone(), self.width), vectors(self.y.clone(), self.width))
    }
}

/// Both sides, standardised.
pub(super) fn sides(case: &Case) -> [Side; 2] {
    let (x, y) = case.samples();
    sides_of_samples("fixture", &x, &y, usize::MAX / 4).unwrap()
}
