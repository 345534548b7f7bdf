//! Expansions that can be counted by hand.

use super::{expand, labels, space};
use trueup_env::random::Streams;

#[test]
fn a_grid_has_every_combination_and_its_last_axis_varies_fastest() {
    let text = "[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\"b\" = [\"x\", \"y\"]\n\
        \"a\" = { low = 1e-4, high = 1e-2, scale = \"log\", points = 3 }\n";
    let expected =
        ["a=1e-4 b=x", "a=0.001 b=x", "a=0.01 b=x", "a=1e-4 b=y", "a=0.001 b=y", "a=0.01 b=y"];
    assert_eq!(labels(&expand(text)), expected);
    let first = &expand(text)[0];
    assert_eq!(first.overrides(), ["a=0.0001", "b=\"x\""]);
    assert_eq!(first.get("b").and_then(|value| value.as_str()), Some("x"));
}

#[test]
fn a_zip_goes_along_its_lists() {
    let text = "[[sweep.groups]]\nkind = \"zip\"\n[sweep.groups.axes]\n\"a\" = [1, 1, 2]\n\
        \"b\" = [3, 4, 4]\n";
    assert_eq!(labels(&expand(text)), ["a=1 b=3", "a=1 b=4", "a=2 b=4"]);
}

#[test]
fn a_sweep_without_groups_is_one_trial_that_sets_nothing() {
    let all = expand("[sweep]\n");
    assert_eq!((all.len(), all[0].values.len()), (1, 0));
    assert_eq!(expand("[sweep]\ngroups = []\n").len(), 1);
}

#[test]
fn conditional_axes_are_set_where_they_apply_and_equal_trials_are_one() {
    // weights only for the witness, rate only for adaptive weights: 1 + 1 + 2.
    let text = "[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\
        \"reward.rate\" = { values = [0.1, 0.3], when = { \"reward.weights\" = \"adaptive\" } }\n\
        \"reward.weights\" = { values = [\"fixed\", \"adaptive\"], when = { \"reward.kind\" = \"witness\" } }\n\
        \"reward.kind\" = [\"witness\", \"pwil\"]\n";
    let mut lines = labels(&expand(text));
    lines.sort();
    assert_eq!(
        lines,
        [
            "reward.kind=pwil",
            "reward.kind=witness reward.rate=0.1 reward.weights=adaptive",
            "reward.kind=witness reward.rate=0.3 reward.weights=adaptive",
            "reward.kind=witness reward.weights=fixed",
        ]
    );
}

#[test]
fn a_condition_sees_into_tables_and_into_the_config() {
    // The config has reward.weights = "fixed": it counts where the table does not say otherwise.
    let text = "[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\
        \"reward\" = [{ kind = \"witness\" }, { kind = \"pwil\", weights = \"adaptive\" }]\n\
        \"a\" = { values = [1], when = { \"reward.kind\" = \"pwil\" } }\n\
        \"b\" = { values = [2], when = { \"reward.weights\" = \"fixed\" } }\n\
        \"c\" = { values = [3], when = { \"evaluation.seeds\" = 4 } }\n";
    assert_eq!(labels(&expand(text)), ["b=2 c=3 reward=witness", "a=1 c=3 reward=pwil"]);
}

#[test]
fn where_an_axis_is_not_set_the_config_has_the_say() {
    // reward.weights is an axis for pwil alone; elsewhere it is "fixed", as the config says.
    let text = "[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\
        \"reward.kind\" = [\"witness\", \"pwil\"]\n\
        \"reward.weights\" = { values = [\"adaptive\"], when = { \"reward.kind\" = \"pwil\" } }\n\
        \"a\" = { values = [1], when = { \"reward.weights\" = \"fixed\" } }\n";
    assert_eq!(
        labels(&expand(text)),
        ["a=1 reward.kind=witness", "reward.kind=pwil reward.weights=adaptive"]
    );
}

#[test]
fn groups_multiply_and_spaces_are_laid_one_after_the_other() {
    let text = "[[sweep.groups]]\nkind = \"grid\"\nspace = \"a\"\naxes = { \"x\" = [1, 2] }\n\
        [[sweep.groups]]\nkind = \"grid\"\nspace = \"b\"\naxes = { \"x\" = [2, 3], \"y\" = [0] }\n\
        [[sweep.groups]]\nkind = \"grid\"\naxes = { \"z\" = [8, 9] }\n\
        [[sweep.groups]]\nkind = \"zip\"\nspace = \"a\"\naxes = { \"w\" = { values = [7], when = { \"x\" = 2 } } }\n";
    assert_eq!(
        labels(&expand(text)),
        [
            "x=1 z=8",
            "x=1 z=9",
            "w=7 x=2 z=8",
            "w=7 x=2 z=9",
            "x=2 y=0 z=8",
            "x=2 y=0 z=9",
            "x=3 y=0 z=8",
            "x=3 y=0 z=9",
        ]
    );
}

#[test]
fn a_condition_of_a_shared_group_counts_where_it_can_hold() {
    let text = "[[sweep.groups]]\nkind = \"grid\"\nspace = \"a\"\naxes = { \"x\" = [1, 2] }\n\
        [[sweep.groups]]\nkind = \"grid\"\nspace = \"b\"\naxes = { \"y\" = [1, 2] }\n\
        [[sweep.groups]]\nkind = \"grid\"\naxes = { \"z\" = { values = [3, 4], when = { \"y\" = 2 } } }\n";
    assert_eq!(labels(&expand(text)), ["x=1", "x=2", "y=1", "y=2 z=3", "y=2 z=4"]);
}

#[test]
fn equal_trials_of_two_spaces_are_one() {
    let text = "[[sweep.groups]]\nkind = \"grid\"\nspace = \"a\"\naxes = { \"x\" = [1, 2] }\n\
        [[sweep.groups]]\nkind = \"grid\"\nspace = \"b\"\naxes = { \"x\" = [2, 3] }\n";
    assert_eq!(labels(&expand(text)), ["x=1", "x=2", "x=3"]);
}

#[test]
fn labels_are_those_that_a_person_would_give() {
    let labels_of = |values: &str| -> Vec<String> {
        let text =
            format!("[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\"a\" = {values}\n");
        expand(&text).iter().map(|assignment| assignment.values[0].label.clone()).collect()
    };
    assert_eq!(labels_of("[1e-5, 1_000, 0.50, true]"), ["1e-5", "1_000", "0.50", "true"]);
    assert_eq!(labels_of("[\"1\", 1]"), ["1-0", "1-1"]);
    assert_eq!(labels_of("[[1, 2], [3], { x = 1 }]"), ["[1, 2]", "[3]", "{ x = 1 }"]);
    let long = labels_of("[[100000000, 200000000, 300000000], [100000000, 200000000, 3000000000]]");
    let cut = "[100000000, 200000000, 30000000";
    assert_eq!(long, [format!("{cut}\u{2026}-0"), format!("{cut}\u{2026}-1")]);
    // As the plan on file writes 1e30 and 1e-40.
    let zeros = format!("[1{}.0, 0.{}1]", "0".repeat(30), "0".repeat(39));
    assert_eq!(labels_of(&zeros), ["1e30", "1e-40"]);
    assert_eq!(
        labels_of(
            "[{ kind = \"witness\", a = 1 }, { kind = \"witness\", a = 2 }, { kind = \"witness\", name = \"w\" }]"
        ),
        ["witness-0", "witness-1", "w"]
    );
    assert_eq!(
        labels_of("{ values = [[1], [2]], labels = [\"KS\", \"energy\"] }"),
        ["KS", "energy"]
    );
}

#[test]
fn draws_make_as_many_different_trials_as_asked_for_where_there_are_so_many() {
    for kind in ["random", "sobol"] {
        let text = format!(
            "[[sweep.groups]]\nkind = \"{kind}\"\nbudget = 20\n[sweep.groups.axes]\n\
            \"k\" = [\"a\", \"b\"]\n\"r\" = {{ low = 0, high = 1, when = {{ \"k\" = \"b\" }} }}\n"
        );
        // `a` alone, and nineteen values of `r`.
        let all = expand(&text);
        assert_eq!(all.len(), 20, "{kind}");
        assert_eq!(all.iter().filter(|one| one.values.len() == 1).count(), 1);
        let small = format!(
            "[[sweep.groups]]\nkind = \"{kind}\"\nbudget = 20\n[sweep.groups.axes]\n\
            \"k\" = [1, 2, 3]\n\"l\" = {{ low = 1, high = 2, integer = true }}\n"
        );
        assert_eq!(expand(&small).len(), 6, "{kind}");
    }
}

/// Of eight Sobol points each eighth of each axis holds one; of 256 on a grid of four choices, each
/// choice has its quarter.
#[test]
fn sobol_points_cover_each_axis_evenly() {
    let text = "[[sweep.groups]]\nkind = \"sobol\"\nbudget = 8\n[sweep.groups.axes]\n\
        \"a\" = { low = 0, high = 8 }\n\"b\" = { low = 1, high = 256, scale = \"log\" }\n";
    let all = expand(text);
    for (path, place) in [("a", (|x| x) as fn(f64) -> f64), ("b", f64::log2)] {
        let cell = |a: &super::Assignment| place(a.get(path).unwrap().as_float().unwrap()) as usize;
        let mut cells: Vec<usize> = all.iter().map(cell).collect();
        cells.sort_unstable();
        assert_eq!(cells, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

/// Uniform on a logarithmic scale: each of four decades holds a quarter of 4,000 draws, within 4.5
/// standard errors (false alarm 3e-5 together).
#[test]
fn random_draws_are_uniform_on_their_scale() {
    let text = "[[sweep.groups]]\nkind = \"random\"\nbudget = 4000\n[sweep.groups.axes]\n\
        \"a\" = { low = 1e-5, high = 1e-1, scale = \"log\" }\n";
    let mut decades = [0.0f64; 4];
    for assignment in expand(text) {
        let x = assignment.get("a").unwrap().as_float().unwrap();
        decades[(x.log10() + 5.0) as usize] += 1.0;
    }
    for count in decades {
        assert!((count / 4000.0 - 0.25).abs() < 4.5 * (0.25 * 0.75 / 4000.0f64).sqrt());
    }
}

/// The numbers of a path do not depend on what else varies, and two seeds give two lists.
#[test]
fn draws_depend_on_seed_path_and_place_alone() {
    let group = |axes: &str| {
        format!("[[sweep.groups]]\nkind = \"random\"\nbudget = 5\n[sweep.groups.axes]\n{axes}\n")
    };
    let a = "\"a\" = { low = 0, high = 1 }\n";
    let b = "\"b\" = { low = 0, high = 1 }\n";
    let values = |text: &str, seed| -> Vec<f64> {
        let all = space(text).unwrap().expand(&Streams::new(seed));
        all.iter().map(|one| one.get("a").unwrap().as_float().unwrap()).collect()
    };
    let alone = values(&group(a), 1);
    assert_eq!(alone, values(&group(&format!("{b}{a}")), 1));
    assert_ne!(alone, values(&group(a), 2));
    let numbers = expand(&group(&format!("{b}{a}")));
    assert!(numbers.iter().all(|one| one.get("a") != one.get("b")));
}

#[test]
fn ten_thousand_trials_are_ten_thousand_assignments() {
    let text = "[[sweep.groups]]\nkind = \"grid\"\n[sweep.groups.axes]\n\
        \"a\" = { low = 0, high = 1, points = 100 }\n\"b\" = { low = 1, high = 2, points = 10 }\n\
        [[sweep.groups]]\nkind = \"random\"\nbudget = 10\naxes = { \"c\" = { low = 0, high = 1 } }\n";
    assert_eq!(expand(text).len(), 10_000);
}
