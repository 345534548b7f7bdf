//! Functions with known minima, and what searches reach on them; shared with `examples/search.rs`.

use std::f64::consts::PI;

use trueup_env::random::Streams;

use super::{Assignment, Document, Refused, Space, Told};

/// A function of the values that a trial sets.
pub struct Problem {
    pub name: &'static str,
    /// `[sweep.groups.axes]`.
    pub axes: String,
    pub value: fn(&Assignment) -> f64,
    /// The least value that there is.
    pub least: f64,
    /// Whether all axes are numbers.
    pub numeric: bool,
}

/// `count` axes `x.0`, `x.1` ... with the same bounds.
fn box_of(count: usize, low: f64, high: f64) -> String {
    (0..count).map(|i| format!("\"x.{i}\" = {{ low = {low:?}, high = {high:?} }}\n")).collect()
}

fn numbers(assignment: &Assignment) -> Vec<f64> {
    (0..).map_while(|i| assignment.get(&format!("x.{i}"))?.as_float()).collect()
}

/// The minimum lies at (1, -2, 1, -2 ...), off the middle, where CMA-ES starts.
fn sphere(assignment: &Assignment) -> f64 {
    let shift = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -2.0 };
    numbers(assignment).iter().enumerate().map(|(i, x)| (x - shift(i)).powi(2)).sum()
}

fn rosenbrock(assignment: &Assignment) -> f64 {
    let x = numbers(assignment);
    x.windows(2).map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2)).sum()
}

/// The minimum lies at (1, 1, ...).
fn rastrigin(assignment: &Assignment) -> f64 {
    let one = |x: &f64| {
        let x = x - 1.0;
        10.0 + x * x - 10.0 * (2.0 * PI * x).cos()
    };
    numbers(assignment).iter().map(one).sum()
}

fn branin(assignment: &Assignment) -> f64 {
    let x = numbers(assignment);
    let (x, y) = (15.0 * x[0] - 5.0, 15.0 * x[1]);
    let curve = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    curve * curve + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

fn hartmann(assignment: &Assignment) -> f64 {
    const ALPHA: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [1312.0, 1696.0, 5569.0, 124.0, 8283.0, 5886.0],
        [2329.0, 4135.0, 8307.0, 3736.0, 1004.0, 9991.0],
        [2348.0, 1451.0, 3522.0, 2883.0, 3047.0, 6650.0],
        [4047.0, 8828.0, 8732.0, 5743.0, 1091.0, 381.0],
    ];
    let x = numbers(assignment);
    let bump = |i: usize| -> f64 {
        let inside: f64 = (0..6).map(|j| A[i][j] * (x[j] - 1e-4 * P[i][j]).powi(2)).sum();
        ALPHA[i] * (-inside).exp()
    };
    -(0..4).map(bump).sum::<f64>()
}

/// Three methods with settings of their own; the second is the best one, at a rate of 1e-3, five
/// epochs and the second of two kernels, where it is 0.
fn methods(assignment: &Assignment) -> f64 {
    let number = |path: &str| assignment.get(path).and_then(|v| v.as_float()).unwrap_or(f64::NAN);
    match assignment.get("method").and_then(|value| value.as_str()) {
        Some("a") => 0.5 + (number("a.x") - 0.3).powi(2),
        Some("b") => {
            let epochs = assignment.get("b.epochs").and_then(|v| v.as_integer()).unwrap_or(0);
            let wrong = assignment.get("b.kernel").and_then(|v| v.as_str()) != Some("box");
            0.3 * (number("b.rate").log10() + 3.0).powi(2)
                + 0.05 * (epochs as f64 - 5.0).powi(2)
                + if wrong { 0.4 } else { 0.0 }
        }
        _ => 0.3 + number("c.x") + number("c.y"),
    }
}

const METHODS: &str = "\"method\" = [\"a\", \"b\", \"c\"]\n\
    \"a.x\" = { low = 0, high = 1, when = { \"method\" = \"a\" } }\n\
    \"b.rate\" = { low = 1e-6, high = 1, scale = \"log\", when = { \"method\" = \"b\" } }\n\
    \"b.epochs\" = { low = 1, high = 12, integer = true, when = { \"method\" = \"b\" } }\n\
    \"b.kernel\" = { values = [\"normal\", \"box\"], when = { \"method\" = \"b\" } }\n\
    \"c.x\" = { low = 0, high = 1, when = { \"method\" = \"c\" } }\n\
    \"c.y\" = { low = 0, high = 1, when = { \"method\" = \"c\" } }\n";

/// The functions, with minima from their definitions; of Branin's and Hartmann's, as published
/// (Dixon and Szego, *Towards global optimisation 2*, 1978).
pub fn problems() -> Vec<Problem> {
    let problem = |name, axes, value, least, numeric| Problem { name, axes, value, least, numeric };
    vec![
        problem("sphere, 5 axes", box_of(5, -5.0, 5.0), sphere, 0.0, true),
        problem("Rosenbrock, 4 axes", box_of(4, -2.0, 2.0), rosenbrock, 0.0, true),
        problem("Rastrigin, 3 axes", box_of(3, -5.12, 5.12), rastrigin, 0.0, true),
        problem("Branin, 2 axes", box_of(2, 0.0, 1.0), branin, 0.397_887_357_729_738_1, true),
        problem("Hartmann, 6 axes", box_of(6, 0.0, 1.0), hartmann, -3.322_368_011_415_512, true),
        problem("methods, 7 axes", METHODS.to_owned(), methods, 0.0, false),
    ]
}

/// The space of a problem under a searcher (`kind = ...` and its options).
pub fn space(problem: &Problem, searcher: &str) -> Result<Space, Refused> {
    let text = format!("[[sweep.groups]]\n{searcher}\n[sweep.groups.axes]\n{}", problem.axes);
    let document = Document::new("benchmark", &text, &[]);
    let mut sweep = document.root()?.section("sweep")?;
    Space::read(&mut sweep, &|_| None)
}

/// How far above the least value the best trial ended, as a logarithm to base ten.
pub fn regret(problem: &Problem, searcher: &str, seed: u64) -> Result<f64, Refused> {
    let streams = Streams::new(seed);
    let space = space(problem, searcher)?;
    let mut values: Vec<f64> = space.expand(&streams).iter().map(problem.value).collect();
    for search in space.searches(&streams) {
        let mut history: Vec<Told> = Vec::new();
        loop {
            let batch = search.propose(&history, &streams);
            if batch.is_empty() {
                break;
            }
            history.extend(batch.into_iter().map(|assignment| {
                let objective = Some((problem.value)(&assignment));
                Told { assignment, objective }
            }));
        }
        values.extend(history.iter().filter_map(|told| told.objective));
    }
    let best = values.into_iter().fold(f64::INFINITY, f64::min);
    Ok((best - problem.least).max(1e-12).log10())
}

/// The mean difference of `a` and `b`, and a 95% percentile interval of it from 2,000 bootstrap
/// samples of the pairs.
pub fn difference(a: &[f64], b: &[f64]) -> (f64, f64, f64) {
    let pairs: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let n = pairs.len();
    let mean = pairs.iter().sum::<f64>() / n as f64;
    let streams = Streams::new(2);
    let replicate = |i: u64| {
        let mut stream = streams.stream("bootstrap", i);
        (0..n).map(|_| pairs[stream.below(n)]).sum::<f64>() / n as f64
    };
    let mut means: Vec<f64> = (0..2000).map(replicate).collect();
    means.sort_by(f64::total_cmp);
    (mean, means[49], means[1949])
}
