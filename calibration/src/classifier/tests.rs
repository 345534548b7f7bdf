//! The two-sample test against scikit-learn, against closed forms, and where nothing can be told.

use serde::Deserialize;

use super::held_out::HeldOut;
use super::*;
use crate::discrepancy::Prepared;
use crate::evaluate::bootstrap;
use crate::sample::Shape;

fn vectors(values: Vec<f64>, width: usize) -> Sample {
    let users = values.len() / width;
    Sample {
        shape: Shape::Vector,
        width,
        values,
        user: (0..users as u32).collect(),
        users,
        categories: 0,
    }
}

/// Uniform numbers to the power of `power`, so that sides differ in a known way.
fn uniforms(seed: u64, side: u64, users: usize, width: usize, power: f64) -> Sample {
    let mut stream = Streams::new(seed).stream("test sample", side);
    vectors((0..users * width).map(|_| stream.uniform().powf(power)).collect(), width)
}

fn trees(internal: &Sample, external: &Sample, rows: usize, seed: u64) -> Trees {
    let streams = Streams::new(seed);
    Trees::train(pool(internal, external, rows, &streams).unwrap(), &streams)
}

fn auc(trees: &Trees) -> f64 {
    let held_out: Vec<HeldOut> = trees.folds.iter().map(HeldOut::trees).collect();
    held_out::mean_auc(&held_out, &trees.pool)
}

#[derive(Deserialize)]
struct Fixture {
    same_bins: bool,
    width: usize,
    values: Vec<f64>,
    positive: Vec<bool>,
    fold: Vec<usize>,
    auc: Vec<f64>,
}

/// Against `HistGradientBoostingClassifier` (versions and settings in the fixture) on the same
/// folds. Where each distinct value has a bin of its own, the trees and so the AUC of every fold
/// are the same; where bins are quantiles, which are cut a little differently, the mean AUC is
/// within 0.01.
#[test]
fn agrees_with_scikit_learn() {
    let text = include_str!("../../tests/fixtures/boosting.json");
    let fixtures: Vec<Fixture> = serde_json::from_str(text).unwrap();
    for fixture in fixtures {
        let n = fixture.positive.len();
        let pool = Pool {
            width: fixture.width,
            values: fixture.values,
            positive: fixture.positive,
            user: (0..n as u32).collect(),
            fold: fixture.fold,
            unit: (0..n as u32).collect(),
        };
        let ones = vec![1.0; n];
        let (mut sum, mut expected_sum) = (0.0, 0.0);
        for (fold, &expected) in fixture.auc.iter().enumerate() {
            let auc = HeldOut::trees(&Fold::train(&pool, fold)).ranking(&pool);
            let auc = auc.auc(&ones, &ones).unwrap();
            let same = !fixture.same_bins || (auc - expected).abs() < 1e-9;
            assert!(same, "fold {fold}: {auc} against {expected}");
            sum += auc;
            expected_sum += expected;
        }
        assert!((sum - expected_sum).abs() < 0.01 * FOLDS as f64, "{sum} {expected_sum}");
    }
}

/// U against V^2 with U, V uniform: P(U > V^2) = 2/3 by integration, the best AUC there is.
/// Trees on 4,000 users a side come within 0.02 (standard error of an AUC here: 0.006).
#[test]
fn reaches_the_best_possible_auc_and_names_the_telling_feature() {
    let internal = uniforms(1, 0, 4000, 2, 1.0);
    let mut external = uniforms(1, 1, 4000, 2, 1.0);
    external.values.iter_mut().skip(1).step_by(2).for_each(|value| *value *= *value);
    let test = trees(&internal, &external, 4000, 1);
    let auc = auc(&test);
    assert!((auc - 2.0 / 3.0).abs() < 0.02, "{auc}");
    let importance = test.importance();
    assert!(importance[1] > 0.1 && importance[0].abs() < 0.02, "{importance:?}");
}

/// Equal laws. Were the folds independent, the standard error of an AUC would be that of the
/// Mann-Whitney statistic, sqrt((n + m + 1) / (12 n m)) per fold; their classifiers share training
/// users, and over 1,000 seeds the standard deviation was 1.35 times that. Each AUC lies within 4
/// of these, and the mean of 20 within 4 of its own (false alarm about 1e-3 in all).
#[test]
fn equal_laws_cannot_be_told_apart() {
    let (n, m, seeds) = (400, 300, 20);
    let (fold_n, fold_m) = ((n / FOLDS) as f64, (m / FOLDS) as f64);
    let fold_error = ((fold_n + fold_m + 1.0) / (12.0 * fold_n * fold_m)).sqrt();
    let error = 1.35 * fold_error / (FOLDS as f64).sqrt();
    let mut sum = 0.0;
    for seed in 0..seeds {
        let internal = uniforms(seed, 0, n, 3, 1.0);
        let external = uniforms(seed, 1, m, 3, 1.0);
        let auc = auc(&trees(&internal, &external, 1000, seed));
        assert!((auc - 0.5).abs() < 4.0 * error, "seed {seed}: {auc}, error {error}");
        sum += auc - 0.5;
    }
    assert!((sum / seeds as f64).abs() < 4.0 * error / (seeds as f64).sqrt(), "{sum}");
}

#[test]
fn disjoint_sides_are_always_told_apart() {
    let internal = vectors((0..120).map(f64::from).collect(), 1);
    let external = vectors((0..100).map(|i| 500.0 + f64::from(i)).collect(), 1);
    assert_eq!(auc(&trees(&internal, &external, 1000, 1)), 1.0);
}

#[test]
fn few_users_or_other_widths_have_no_test() {
    let ten = uniforms(1, 0, 10, 2, 1.0);
    let pool = |other: &Sample, rows| pool(&ten, other, rows, &Streams::new(1));
    assert!(pool(&uniforms(1, 1, 9, 2, 1.0), 100).is_none());
    assert!(pool(&uniforms(1, 1, 10, 3, 1.0), 100).is_none());
    assert!(pool(&ten, 9).is_none());
    assert!(pool(&ten, 100).is_some());
}

/// The cap keeps every side at so many rows, and the rankings still point to the right users.
#[test]
fn a_cap_on_users_keeps_the_answer() {
    let internal = uniforms(2, 0, 3000, 1, 1.0);
    let external = uniforms(2, 1, 2000, 1, 3.0);
    let [all, some] = [5000, 1500].map(|rows| auc(&trees(&internal, &external, rows, 1)));
    assert!((all - some).abs() < 0.04, "{all} {some}");
}

#[derive(Deserialize)]
struct LogisticFixture {
    cases: Vec<LogisticCase>,
}

#[derive(Deserialize)]
struct LogisticCase {
    width: usize,
    values: Vec<f64>,
    positive: Vec<bool>,
    fold: Vec<usize>,
    folds: Vec<LogisticFold>,
}

#[derive(Deserialize)]
struct LogisticFold {
    coefficients: Vec<f64>,
    intercept: f64,
    auc: f64,
    accuracy: f64,
}

/// Coefficients, AUC and balanced accuracy of every fold against scikit-learn's
/// `LogisticRegression` (versions and settings in the fixture): with undefined values, unequal
/// sides, and sides that are nearly separated.
#[test]
fn logistic_regression_agrees_with_scikit_learn() {
    let text = include_str!("../../tests/fixtures/logistic.json");
    let fixture: LogisticFixture = serde_json::from_str(text).unwrap();
    for case in fixture.cases {
        let n = case.positive.len();
        let pool = Pool {
            width: case.width,
            values: case.values,
            positive: case.positive,
            user: (0..n as u32).collect(),
            fold: case.fold,
            unit: (0..n as u32).collect(),
        };
        let (held_out, ones) = (held_out::Kind::Logistic.held_out(&pool), pool.ones());
        let close = |what: &str, found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-6, "{what}: {found}, expected {expected}");
        };
        for (k, (expected, held_out)) in case.folds.iter().zip(held_out).enumerate() {
            let (_, training) = pool.part(k);
            let data = Design::new(&pool.values, pool.width, &training);
            let model = Logistic::fit(&data, &training, &pool.positive);
            assert_eq!(model.coefficients.len(), expected.coefficients.len());
            for (found, expected) in model.coefficients.iter().zip(&expected.coefficients) {
                close("coefficient", *found, *expected);
            }
            close("intercept", model.intercept, expected.intercept);
            close("AUC", held_out.ranking(&pool).auc(&ones, &ones).unwrap(), expected.auc);
            let calls = held_out::Calls::of(&[held_out], &pool);
            close("accuracy", calls.value(&ones, &ones).unwrap(), expected.accuracy);
        }
    }
}

const QUICK: ExaminationConfig =
    ExaminationConfig { users: 500, relabellings: 99, refits: 0, telling: true };

/// Examines one simulation with 50 replicates.
fn examined(
    internal: &Sample,
    external: &Sample,
    names: &[&str],
    config: &ExaminationConfig,
) -> Option<Examined> {
    let draw = |side: &Sample, seed| bootstrap::weights(side.users, 50, &Streams::new(seed));
    let weights = [&draw(internal, 1), &draw(external, 2)];
    examine([internal, external], weights, names, config, &Streams::new(1))
}

/// Users whose second feature is lower and whose third is undefined more often, against real ones.
#[test]
fn an_examination_says_what_gives_the_simulation_away() {
    let side = |side: u64, shift: f64, undefined: f64| {
        let mut sample = uniforms(6, side, 400, 3, 1.0);
        for (i, row) in sample.values.chunks_mut(3).enumerate() {
            row[1] -= shift;
            if (i as f64) < undefined * 400.0 {
                row[2] = UNDEFINED;
            }
        }
        sample
    };
    let (internal, external) = (side(0, 0.3, 0.5), side(1, 0.0, 0.25));
    let names = ["count", "amount", "gap"];
    let one = examined(&internal, &external, &names, &QUICK).unwrap();
    let found = Examination::of(&[&one], None).unwrap();
    for judged in [&found.trees, &found.logistic] {
        assert!(
            judged.auc > 0.75 && judged.accuracy > 0.65 && judged.p_value.unwrap() <= 0.02,
            "{judged:?}"
        );
        for (value, ci) in [(judged.auc, judged.auc_ci), (judged.accuracy, judged.accuracy_ci)] {
            assert!(ci[0] < value && value < ci[1] && ci[1] - ci[0] < 0.2, "{judged:?}");
        }
    }
    let [first, second, third] = &found.telling[..] else { panic!("three features") };
    assert_eq!([&first.feature, &second.feature, &third.feature], ["amount", "gap", "count"]);
    // U - 0.3 against U: the chance of a larger value is 0.7^2 / 2 = 0.245, the difference
    // -0.3 sqrt(12) = -1.04; standard errors about 0.02 and 0.07.
    assert!((first.auc - 0.245).abs() < 0.07 && (first.mean_difference + 1.04).abs() < 0.28);
    assert!(first.words().starts_with("simulated users are lower (AUC 0.2"), "{}", first.words());
    assert_eq!((second.undefined, third.undefined), ([0.5, 0.25], [0.0, 0.0]));
    assert!((second.auc - 0.5).abs() < 0.12, "{second:?}");
    assert!(second.words().ends_with("undefined for 50% of them and 25% of real users"));
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Examination>(&text).unwrap(), found);
    assert!(examined(&internal, &uniforms(1, 1, 9, 3, 1.0), &names, &QUICK).is_none());
}

#[test]
fn directions_have_words() {
    let telling = |auc: f64, undefined: [f64; 2]| Telling {
        feature: "gap".into(),
        importance: 0.1,
        auc,
        mean_difference: 0.3,
        undefined,
    };
    let ways = [0.4, 0.481, 0.5, 0.519, 0.6].map(|auc| telling(auc, [0.0; 2]).direction());
    let level = Direction::Level;
    assert_eq!(ways, [Direction::Lower, level, level, level, Direction::Higher]);
    assert_eq!(
        telling(0.505, [0.1, 0.104]).words(),
        "simulated users are about as high (AUC 0.51, +0.30 standard deviations)"
    );
    assert_eq!(
        telling(0.4, [0.0; 2]).words(),
        "simulated users are lower (AUC 0.40, though the mean lies +0.30 standard deviations)"
    );
}

/// Seeds are averaged, with the p-value and the telling features of the first; the floor is what is
/// given for it. What was not asked for is not there.
#[test]
fn an_examination_averages_its_seeds() {
    let real = [uniforms(7, 0, 60, 2, 1.0), uniforms(7, 1, 60, 2, 1.0)];
    let plain = ExaminationConfig { relabellings: 0, telling: false, ..QUICK };
    let one = examined(&uniforms(8, 0, 50, 2, 3.0), &real[0], &["a", "b"], &QUICK).unwrap();
    let two = examined(&uniforms(9, 0, 50, 2, 2.0), &real[0], &["a", "b"], &plain).unwrap();
    let floor = examined(&real[1], &real[0], &["a", "b"], &plain).unwrap();
    assert!(two.telling.is_empty() && two.trees.p_value.is_none());
    let found = Examination::of(&[&one, &two], Some(&floor)).unwrap();
    type Of = fn(&Examined) -> &Scores;
    let sides: [(&Judged, Of); 2] =
        [(&found.trees, |seed| &seed.trees), (&found.logistic, |seed| &seed.logistic)];
    for (judged, of) in sides {
        let mean = |value: fn(&Scores) -> f64| 0.5 * (value(of(&one)) + value(of(&two)));
        assert!((judged.auc - mean(|scores| scores.auc.value)).abs() < 1e-15);
        assert!((judged.accuracy - mean(|scores| scores.accuracy.value)).abs() < 1e-15);
        assert_eq!(judged.auc_floor, Some(of(&floor).auc.value));
        assert_eq!(judged.accuracy_floor, Some(of(&floor).accuracy.value));
        assert_eq!(judged.p_value, of(&one).p_value);
        assert!(judged.p_value.is_some());
    }
    assert_eq!(found.telling, one.telling);
    assert_eq!(found.telling.len(), 2);
    assert_eq!(Examination::of(&[], None), None);
}

/// Equal laws, with classifiers trained again on 19 relabellings: a p-value is uniform on 1/20 to
/// 20/20. Over 200 seeds and four bins of 50, chi-squared has three degrees of freedom and stays
/// below 21.1 (false alarm 1e-4); with labels of one side moved to a different law it is always 1/20.
#[test]
fn refitted_p_values_are_uniform_between_equal_laws() {
    let mut bins = [0.0_f64; 4];
    let p_value = |seed: u64, power: f64| {
        let samples = [uniforms(seed, 0, 30, 2, 1.0), uniforms(seed, 1, 40, 2, power)];
        let streams = Streams::new(seed);
        let pool = pool(&samples[0], &samples[1], 100, &streams).unwrap();
        let held_out = held_out::Kind::Logistic.held_out(&pool);
        held_out::p_value_by_refits(held_out::Kind::Logistic, &held_out, &pool, 19, &streams)
    };
    for seed in 0..200 {
        let p = p_value(seed, 1.0);
        bins[((p * 20.0).round() as usize - 1) / 5] += 1.0;
    }
    let chi_squared: f64 = bins.iter().map(|count| (count - 50.0).powi(2) / 50.0).sum();
    assert!(chi_squared < 21.1, "{bins:?}");
    assert!((0..5).all(|seed| p_value(seed, 6.0) == 0.05));
}

/// Without training again, p-values of at most 0.1 come at most a tenth of the time: of 150, at most
/// 31 (false alarm 1e-4).
#[test]
fn fixed_classifiers_do_not_cry_wolf() {
    let mut early = 0;
    for seed in 0..150 {
        let samples = [uniforms(seed, 0, 60, 2, 1.0), uniforms(seed, 1, 50, 2, 1.0)];
        let streams = Streams::new(seed);
        let pool = pool(&samples[0], &samples[1], 100, &streams).unwrap();
        let held_out = held_out::Kind::Logistic.held_out(&pool);
        early += usize::from(held_out::p_value_by_folds(&held_out, &pool, 99, &streams) <= 0.1);
    }
    assert!(early <= 31, "{early}");
}

#[derive(Deserialize)]
struct Honest {
    copies: Copies,
}

#[derive(Deserialize)]
struct Copies {
    width: usize,
    real: Vec<f64>,
    copies: Vec<f64>,
    fair: Vec<f64>,
    auc_copies: f64,
    auc_fair: f64,
}

/// Half of the simulated users copies of real ones, the rest apart: the mean AUC over twenty ways to
/// make the folds against scikit-learn's trees with equal users in one fold (`fixtures/honest.py`).
/// One way to make the folds has a standard deviation of about 0.02, ten of them 0.007.
#[test]
fn copies_do_not_hide_what_else_differs() {
    let text = include_str!("../../tests/fixtures/honest.json");
    let Copies { width, real, copies, fair, auc_copies, auc_fair } =
        serde_json::from_str::<Honest>(text).unwrap().copies;
    let real = vectors(real, width);
    let mean = |own: Vec<f64>| {
        let own = vectors(own, width);
        (0..20).map(|seed| auc(&trees(&own, &real, 1000, seed))).sum::<f64>() / 20.0
    };
    let (found, found_fair) = (mean(copies), mean(fair));
    assert!((found - auc_copies).abs() < 0.03, "{found} {auc_copies}");
    assert!((found_fair - auc_fair).abs() < 0.03, "{found_fair} {auc_fair}");
    assert!((found - found_fair).abs() < 0.05, "{found} {found_fair}");
}

/// A log against itself: all that there is to tell is the noise of the labels.
#[test]
fn a_copy_is_not_told_apart() {
    let real = uniforms(4, 0, 150, 3, 1.0);
    let one = examined(&real, &real.clone(), &["a", "b", "c"], &QUICK).unwrap();
    let found = Examination::of(&[&one], None).unwrap();
    for judged in [&found.trees, &found.logistic] {
        assert_eq!((judged.auc, judged.p_value), (0.5, Some(1.0)));
        assert!(judged.measured && !judged.below_half, "{judged:?}");
        assert!(judged.auc_ci[0] <= 0.5 && 0.5 <= judged.auc_ci[1], "{judged:?}");
    }
    let refits = ExaminationConfig { refits: 19, ..QUICK };
    let one = examined(&real, &real.clone(), &["a", "b", "c"], &refits).unwrap();
    assert_eq!((one.trees.p_value, one.logistic.p_value), (Some(1.0), Some(1.0)));
}

/// Copies with a little noise are no twins, and mislead the classifiers: it is said.
#[test]
fn an_auc_below_a_half_is_seen() {
    let real = uniforms(4, 0, 300, 3, 1.0);
    let mut near = real.clone();
    near.values.iter_mut().for_each(|value| *value += 1e-9);
    let one = examined(&near, &real, &["a", "b", "c"], &QUICK).unwrap();
    assert!(Examination::of(&[&one], None).unwrap().trees.below_half, "{one:?}");
}

/// With copies among them, p-values of at most 0.1 between equal laws come at most a tenth of the
/// time: of 100, at most 22 (false alarm 1e-4). Half of the users are copies.
#[test]
fn p_values_are_right_where_users_are_copied() {
    let mut early = 0;
    for seed in 0..100 {
        let real = uniforms(seed, 0, 60, 2, 1.0);
        let mut own = uniforms(seed, 1, 60, 2, 1.0);
        own.values[..60].copy_from_slice(&real.values[..60]);
        let streams = Streams::new(seed);
        let pool = pool(&own, &real, 100, &streams).unwrap();
        let held_out = held_out::Kind::Logistic.held_out(&pool);
        let kind = held_out::Kind::Logistic;
        early +=
            usize::from(held_out::p_value_by_refits(kind, &held_out, &pool, 19, &streams) <= 0.1);
    }
    assert!(early <= 22, "{early}");
}

/// 22 users a side: the trees have nothing to say, and do not.
#[test]
fn trees_of_few_users_are_not_measured() {
    let sides = [uniforms(5, 0, 22, 2, 1.0), uniforms(5, 1, 22, 2, 5.0)];
    let one = examined(&sides[0], &sides[1], &["a", "b"], &QUICK).unwrap();
    let found = Examination::of(&[&one], None).unwrap();
    assert!(!found.trees.measured && found.logistic.measured);
    assert_eq!((found.trees.auc, found.trees.auc_ci), (0.5, [0.5, 0.5]));
    assert!(found.logistic.auc > 0.7, "{found:?}");
    let more = [uniforms(5, 0, 26, 2, 1.0), uniforms(5, 1, 26, 2, 5.0)];
    assert!(examined(&more[0], &more[1], &["a", "b"], &QUICK).unwrap().trees.measured);
}

/// Constants that differ have no standard deviation to be counted in, and rounding is none.
#[test]
fn a_difference_without_spread_is_told_in_words() {
    let (own, real) = (vectors(vec![1.1; 30], 1), vectors(vec![0.7; 30], 1));
    let one = examined(&own, &real, &["price"], &QUICK).unwrap();
    let words = one.telling[0].words();
    assert_eq!(words, "simulated users are higher (AUC 1.00, neither side varies)");
    let near = Telling { mean_difference: -9e13, auc: 0.0, ..one.telling[0].clone() };
    assert!(near.words().contains("more than 100 standard deviations"), "{}", near.words());
}
