//! Against the package `rliable` (`tests/fixtures/seeds.py`) and closed forms.

use serde::Deserialize;
use trueup_env::{Stream, Streams};

use super::bootstrap::Estimate;
use super::*;

/// Places of runs by task.
type Places = Vec<Vec<usize>>;

#[derive(Deserialize)]
struct Fixture {
    taus: Vec<f64>,
    cases: Vec<Case>,
    pairs: Vec<Pair>,
    curve: Iqms,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    tasks: Vec<Vec<f64>>,
    aggregates: Intervals<Places>,
    run_scores: Intervals<Places>,
    average_scores: Intervals<Places>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    improvement: Intervals<[Places; 2]>,
}

/// Values and ends by the package, and the places of the runs that it drew, by task.
#[derive(Deserialize)]
struct Intervals<T> {
    value: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    resamples: Vec<T>,
}

#[derive(Deserialize)]
struct Iqms {
    tasks: Vec<Vec<Vec<f64>>>,
    iqm: Vec<f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/seeds.json")).unwrap()
}

/// Scores at the places that the package drew.
fn at(scores: &Scores, places: &[Vec<usize>]) -> Vec<Vec<f64>> {
    let task = |(runs, places): (&Vec<f64>, &Vec<usize>)| places.iter().map(|&i| runs[i]).collect();
    scores.tasks().iter().zip(places).map(task).collect()
}

fn same<T>(what: &str, ours: &[Estimate], theirs: &Intervals<T>) {
    assert_eq!(ours.len(), theirs.value.len(), "{what}");
    for (i, estimate) in ours.iter().enumerate() {
        let [low, high] = estimate.ci.unwrap();
        let pairs =
            [(estimate.value, theirs.value[i]), (low, theirs.low[i]), (high, theirs.high[i])];
        for (ours, theirs) in pairs {
            assert!((ours - theirs).abs() < 1e-12, "{what} {i}: {ours}, not {theirs}");
        }
    }
}

const AGGREGATES: [Aggregate; 5] = [
    Aggregate::Iqm,
    Aggregate::Mean,
    Aggregate::Median,
    Aggregate::OptimalityGap { gamma: 1.0 },
    Aggregate::OptimalityGap { gamma: 0.4 },
];

#[test]
fn values_and_intervals_are_those_of_rliable() {
    let fixture = fixture();
    for case in &fixture.cases {
        let scores = Scores::new(case.tasks.clone()).unwrap();
        let compare =
            |what: &str, wanted: &Intervals<Places>, f: &dyn Fn(&[Vec<f64>]) -> Vec<f64>| {
                let replicates = wanted.resamples.len() as u64;
                let bootstrap = Bootstrap { replicates, ..Bootstrap::default() };
                let draw = |i: u64| vec![at(&scores, &wanted.resamples[i as usize])];
                let ours = bootstrap.estimates_of(&[&scores], draw, |sides| f(sides[0]));
                same(&format!("{} {what}", case.name), &ours, wanted);
            };
        compare("aggregates", &case.aggregates, &|tasks| {
            AGGREGATES.iter().map(|aggregate| aggregate.of(tasks)).collect()
        });
        compare("run scores", &case.run_scores, &|tasks| {
            Profile::RunScores.of(tasks, &fixture.taus)
        });
        compare("average scores", &case.average_scores, &|tasks| {
            Profile::AverageScores.of(tasks, &fixture.taus)
        });
    }
}

#[test]
fn probabilities_of_improvement_are_those_of_rliable() {
    for pair in fixture().pairs {
        let [x, y] = [pair.x, pair.y].map(|side| Scores::new(side).unwrap());
        let drawn = &pair.improvement.resamples;
        let bootstrap = Bootstrap { replicates: drawn.len() as u64, ..Bootstrap::default() };
        let draw = |i: u64| {
            let [of_x, of_y] = &drawn[i as usize];
            vec![at(&x, of_x), at(&y, of_y)]
        };
        let ours =
            bootstrap.estimates_of(&[&x, &y], draw, |sides| vec![improvement::probability(sides)]);
        same(&pair.name, &ours, &pair.improvement);
    }
}

#[test]
fn learning_curves_are_the_iqm_at_every_iteration() {
    let Iqms { tasks, iqm } = fixture().curve;
    let curve =
        |values: &Vec<f64>| (10..).step_by(10).zip(values.iter().copied()).collect::<Curve>();
    let mut tasks: Vec<Vec<Curve>> =
        tasks.iter().map(|runs| runs.iter().map(curve).collect()).collect();
    let bootstrap = Bootstrap { replicates: 50, ..Bootstrap::default() };
    let points = bootstrap.learning_curve(&tasks, &Streams::new(1)).unwrap();
    assert_eq!(points.len(), iqm.len());
    for (point, wanted) in points.iter().zip(&iqm) {
        assert!((point.iqm.value - wanted).abs() < 1e-12);
        let [low, high] = point.iqm.ci.unwrap();
        assert!(point.runs == 18 && low <= high);
    }
    // A run that stopped is not carried on, and no point is made of fewer tasks.
    tasks[0][0].truncate(2);
    tasks[1].iter_mut().for_each(|run| run.truncate(4));
    let points = bootstrap.learning_curve(&tasks, &Streams::new(1)).unwrap();
    let runs: Vec<_> = points.iter().map(|point| (point.iteration, point.runs)).collect();
    assert_eq!(runs, [(10, 18), (20, 18), (30, 17), (40, 17)]);
    tasks[2][1][0].1 = f64::NAN;
    let error = bootstrap.learning_curve(&tasks, &Streams::new(1)).unwrap_err();
    assert!(matches!(error, SeedsError::NotFinite { task: 2, run: 1, .. }), "{error}");
}

/// Draws of n runs of which k are 1 and the others 0 have a binomial number of ones. Its quantiles
/// for n = 20, k = 10 are 6 and 14 (scipy 1.17.1, `binom.ppf([0.025, 0.975], 20, 0.5)`). Below 6 lie
/// 2.07%, which 20,000 draws know to 0.10%: a false alarm has a probability of 3e-5.
#[test]
fn draws_of_zeros_and_ones_have_the_quantiles_of_the_binomial_law() {
    let runs: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
    let bootstrap = Bootstrap { replicates: 20_000, ..Bootstrap::default() };
    let scores = Scores::new(vec![runs]).unwrap();
    let streams = Streams::new(5);
    let mean = bootstrap.aggregate(&scores, Aggregate::Mean, &streams);
    assert_eq!(mean.ci, Some([0.3, 0.7]));
    assert_eq!(mean, bootstrap.aggregate(&scores, Aggregate::Mean, &streams));
}

#[test]
fn runs_are_drawn_within_their_task() {
    // Drawn from one pot, the mean would move; each task alone is constant.
    let scores = Scores::new(vec![vec![0.0; 5], vec![1.0; 5]]).unwrap();
    let mean = Bootstrap::default().aggregate(&scores, Aggregate::Mean, &Streams::new(1));
    assert_eq!((mean.value, mean.ci), (0.5, Some([0.5, 0.5])));
}

/// The IQM of normal scores around 0, ten runs on each of four tasks. Draws of n runs vary by
/// (n - 1) / n of what fresh runs do, so that a 95% interval holds 0 in 93.7% of experiments; of 400
/// experiments the share is known to 1.2%, and a share outside of 0.88 to 0.98 is a false alarm with
/// a probability below 1e-4.
#[test]
fn intervals_cover_as_often_as_they_say() {
    let bootstrap = Bootstrap { replicates: 300, ..Bootstrap::default() };
    let normal = |stream: &mut Stream| {
        let radius = (-2.0 * (1.0 - stream.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * stream.uniform()).cos()
    };
    let covered = |&experiment: &u64| {
        let mut stream = Streams::new(77).stream("scores", experiment);
        let tasks = (0..4).map(|_| (0..10).map(|_| normal(&mut stream)).collect()).collect();
        let streams = Streams::new(78).child("experiment", experiment);
        let scores = Scores::new(tasks).unwrap();
        let [low, high] = bootstrap.aggregate(&scores, Aggregate::Iqm, &streams).ci.unwrap();
        low <= 0.0 && 0.0 <= high
    };
    let share = (0..400).filter(covered).count() as f64 / 400.0;
    assert!((0.88..0.98).contains(&share), "{share}");
}

#[test]
fn tasks_weigh_the_same_however_many_seeds_they_have() {
    // The second task has every run twice: nothing may change.
    let once = Scores::new(vec![vec![0.1, 0.9, 0.4, 0.6], vec![2.0, 1.0, 3.0, 4.0]]).unwrap();
    let twice: Vec<f64> = once.tasks()[1].iter().flat_map(|&x| [x, x]).collect();
    let unequal = Scores::new(vec![once.tasks()[0].clone(), twice]).unwrap();
    for aggregate in AGGREGATES {
        let [a, b] = [&once, &unequal].map(|scores| aggregate.of(scores.tasks()));
        assert!((a - b).abs() < 1e-12, "{}: {a}, {b}", aggregate.name());
    }
    for profile in [Profile::RunScores, Profile::AverageScores] {
        let [a, b] = [&once, &unequal].map(|s| profile.of(s.tasks(), &[0.5, 2.5]));
        assert_eq!(a, b);
    }
}

#[test]
fn few_seeds_have_no_interval_that_is_more_than_their_range() {
    let streams = Streams::new(1);
    let of = |runs: &[f64]| {
        let scores = Scores::new(vec![runs.to_vec()]).unwrap();
        Bootstrap::default().aggregate(&scores, Aggregate::Iqm, &streams)
    };
    // 2^-2 and 3^-3 of the draws are the lowest run alone, 4^-4 is less than 2.5%.
    let why = Some(NoInterval::TooFewRuns { least: LEAST_SEEDS });
    for few in [&[1.0, 1.0][..], &[0.4, 0.8], &[0.4, 0.6, 0.8]] {
        let estimate = of(few);
        assert_eq!((estimate.ci, estimate.no_interval), (None, why));
    }
    assert!(of(&[0.4, 0.6, 0.7, 0.8]).ci.is_some());
    // Three tasks of two runs each: 2^-6.
    let three = Scores::new(vec![vec![0.0, 1.0]; 3]).unwrap();
    let estimate = Bootstrap::default().aggregate(&three, Aggregate::Iqm, &streams);
    assert!(estimate.ci.is_some());
    let two = Scores::new(vec![vec![0.0, 1.0]; 2]).unwrap();
    let estimate = Bootstrap::default().aggregate(&two, Aggregate::Iqm, &streams);
    assert_eq!(estimate.no_interval, Some(NoInterval::TooFewRuns { least: 3 }));
}

#[test]
fn one_seed_has_a_value_and_no_interval_and_says_why() {
    let streams = Streams::new(1);
    let two = Scores::new(vec![vec![0.25, 0.75], vec![0.5]]).unwrap();
    let estimate = Bootstrap::default().aggregate(&two, Aggregate::Mean, &streams);
    let why = NoInterval::SingleRun { task: 1 };
    assert!(why.to_string().contains("task 1 has a single run"));
    assert_eq!(estimate, Estimate { value: 0.5, ci: None, no_interval: Some(why) });
    let profile = Profile::RunScores.at(&[0.3], &two, &Bootstrap::default(), &streams);
    assert_eq!((profile[0].value, profile[0].ci), (0.75, None));
    for bootstrap in [
        Bootstrap { replicates: 0, level: 0.95 },
        Bootstrap { replicates: 10, level: f64::NAN },
        Bootstrap { replicates: 10, level: 1.0 },
    ] {
        let scores = Scores::new(vec![vec![0.0, 1.0]]).unwrap();
        let none = bootstrap.aggregate(&scores, Aggregate::Iqm, &streams).no_interval;
        assert_eq!(none, Some(NoInterval::Settings));
    }
}

#[test]
fn what_cannot_be_summed_up_is_refused_by_place() {
    assert_eq!(Scores::new(vec![]), Err(SeedsError::Empty));
    assert_eq!(Scores::by_run(&[]), Err(SeedsError::Empty));
    assert_eq!(Scores::new(vec![vec![1.0], vec![]]), Err(SeedsError::NoRun { task: 1 }));
    let error = Scores::new(vec![vec![1.0, f64::INFINITY]]).unwrap_err();
    assert_eq!(error, SeedsError::NotFinite { task: 0, run: 1, value: f64::INFINITY });
    let ragged = Scores::by_run(&[vec![1.0, 2.0], vec![3.0]]).unwrap_err();
    assert_eq!(ragged, SeedsError::Ragged { run: 1, given: 1, wanted: 2 });
    let scores = Scores::by_run(&[vec![1.0, 2.0], vec![3.0, 4.0]]).unwrap();
    assert_eq!(scores.tasks(), [[1.0, 3.0], [2.0, 4.0]]);
    let other = Scores::new(vec![vec![1.0]]).unwrap();
    let error =
        probability_of_improvement(&scores, &other, &Bootstrap::default(), &Streams::new(1));
    assert_eq!(error, Err(SeedsError::Unmatched { x: 2, y: 1 }));
}

#[test]
fn improvement_is_symmetric_and_half_of_ties() {
    let streams = Streams::new(3);
    let [x, y] = [vec![vec![1.0, 2.0, 2.0]], vec![vec![2.0, 0.0]]].map(|s| Scores::new(s).unwrap());
    let of = |a, b| probability_of_improvement(a, b, &Bootstrap::default(), &streams).unwrap();
    // Of six pairs 1 > 0, 2 > 0 twice are won, 2 = 2 twice are ties, 1 < 2 is lost.
    assert_eq!(of(&x, &y).value, 4.0 / 6.0);
    assert!((of(&x, &y).value + of(&y, &x).value - 1.0).abs() < 1e-15);
    assert_eq!(of(&x, &x).value, 0.5);
    // (3 + 2 choose 2) = 10 arrangements: not even the most telling one is one in twenty.
    let why = Some(NoInterval::TooFewRuns { least: LEAST_SEEDS });
    assert_eq!((of(&x, &y).ci, of(&x, &y).no_interval), (None, why));
    let [x, y] = [vec![vec![1.0, 2.0, 2.0, 3.0]], vec![vec![2.0, 0.0, 1.0, 2.0]]]
        .map(|s| Scores::new(s).unwrap());
    let [low, high] = of(&x, &y).ci.unwrap();
    assert!((0.0..=1.0).contains(&low) && low < high && high <= 1.0);
}

#[test]
fn the_interquartile_mean_of_one_task_is_the_trimmed_mean() {
    // scipy 1.17.1, trim_mean(x, 0.25).
    let cases: [(&[f64], f64); 4] = [
        (&[3.0], 3.0),
        (&[1.0, 2.0, 6.0], 3.0),
        (&[8.0, 1.0, 2.0, 30.0, 4.0, 5.0, 6.0, 3.0], 4.5),
        (&[1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0, 170.0], 9.0),
    ];
    assert_eq!(iqm(&[]), None);
    for (runs, wanted) in cases {
        let found = iqm(runs).unwrap();
        assert!((found - wanted).abs() < 1e-12, "{runs:?}: {found}, not {wanted}");
    }
}
