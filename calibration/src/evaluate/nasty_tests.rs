//! Panels of logs that nobody tuned them to: ties, constants, copies, one user with most of the rows,
//! kinds that only one side has.

use trueup_env::{Clock, Covariates, Event, Tick};

use super::tests::{quick, row, run, world};
use super::*;
use crate::discrepancy::named;
use crate::panel::{PanelRow, Verdict};

/// A log of one list of (tick, kind, amount) a user.
fn log(kinds: &[&str], users: &[Vec<(u32, u16, f64)>]) -> EventLog {
    let clock = Clock { tick: Tick::Day, horizon: 40, start_day: None };
    let events = users.iter().zip(0..).flat_map(|(events, user)| {
        let event =
            move |&(tick, kind, amount)| (user, Event { tick, kind, amount, balance: f64::NAN });
        events.iter().map(event)
    });
    let kinds = kinds.iter().map(|kind| kind.to_string()).collect();
    let labels = (0..users.len()).map(|user| user.to_string()).collect();
    EventLog::new(clock, kinds, labels, events, Covariates::default()).unwrap()
}

/// Users with so many events each, on days of their own.
fn counts(counts: &[u32]) -> EventLog {
    let user = |&count: &u32| (0..count).map(|tick| (tick, 0, 5.0 + f64::from(tick))).collect();
    log(&["purchase"], &counts.iter().map(user).collect::<Vec<_>>())
}

fn metrics(names: &[(&str, &str)]) -> PanelConfig {
    let metric = |(feature, discrepancy): &(&str, &str)| Metric {
        feature: feature.to_string(),
        discrepancy: discrepancy.to_string(),
    };
    PanelConfig { metrics: Some(names.iter().map(metric).collect()), ..quick() }
}

fn compared(own: &EventLog, real: &EventLog, config: &PanelConfig, seed: u64) -> CalibratorPanel {
    let runs = [run("own", vec![own.clone()])];
    evaluate(&runs, None, real, &[], config, &Streams::new(seed)).unwrap().remove(0)
}

/// Every number of a panel is one, and lies in its range.
fn is_sound(panel: &CalibratorPanel) {
    for row in &panel.panel {
        let most = named(&row.discrepancy).unwrap().most();
        let within = |value: f64| (0.0..=most).contains(&value);
        let sides = [(row.value, row.ci), (row.floor, row.floor_ci)];
        for (value, [low, high]) in sides {
            let sound =
                within(value) && within(low) && within(high) && low <= value && value <= high;
            assert!(sound, "{row:?}, at most {most}");
        }
        let numbers = [row.effect, row.p, row.q, row.gap_closed];
        assert!(numbers.iter().flatten().all(|number| number.is_finite()), "{row:?}");
    }
    let text = serde_json::to_string(panel).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
}

/// Against scipy 1.17: `ks_2samp`, `wasserstein_distance`, `energy_distance` over the population
/// standard deviation of the second sample, and the integrals of its `ecdf` by hand, whatever halves
/// the floor takes.
#[test]
fn small_samples_with_ties_have_their_exact_values() {
    let (a, b) = (counts(&[1, 3, 6, 8, 8]), counts(&[2, 3, 4, 6]));
    let names =
        ["kolmogorov-smirnov", "wasserstein-1", "cramer-von-mises", "anderson-darling", "energy"];
    let config = metrics(&names.map(|name| ("event_count", name)));
    let ratio: f64 = 1.85 / 1.250_828_297;
    let forwards = [0.4, 1.250_828_297, 0.6175 / ratio, 0.342_987_315, 0.913_790];
    let ratio: f64 = 1.85 / 0.664_111_297;
    let backwards =
        [0.4, 0.664_111_297, 0.6175 / ratio, 0.342_987_315, (2.0 * 0.6175 / ratio).sqrt()];
    for seed in 1..9 {
        for (own, real, expected) in [(&a, &b, forwards), (&b, &a, backwards)] {
            let panel = compared(own, real, &config, seed);
            is_sound(&panel);
            for (name, expected) in names.iter().zip(expected) {
                let value = row(&panel, "event_count", name).value;
                assert!((value - expected).abs() < 1e-6, "{name}: {value} {expected}");
            }
            assert!(
                panel
                    .notes
                    .iter()
                    .any(|note| note.contains("side of the noise floor has only 2 users")),
                "{:?}",
                panel.notes
            );
        }
    }
}

/// 59 users with one event and one with two: one half is always alike.
#[test]
fn one_user_who_differs_is_enough() {
    let real = counts(&[&[1; 59][..], &[2]].concat());
    let own = counts(&[&[1; 50][..], &[2; 10]].concat());
    let names = ["kolmogorov-smirnov", "wasserstein-1", "mean-gap", "psi"];
    let config = metrics(&names.map(|name| ("event_count", name)));
    for seed in 1..6 {
        let panel = compared(&own, &real, &config, seed);
        is_sound(&panel);
        let shift = 10.0 / 60.0 - 1.0 / 60.0;
        assert!((row(&panel, "event_count", names[0]).value - shift).abs() < 1e-12);
        let sd = (59.0_f64).sqrt() / 60.0;
        assert!((row(&panel, "event_count", names[1]).value - shift / sd).abs() < 1e-9);
    }
}

/// Training users who are all alike have a floor to the test users, and test users who are all alike
/// have no spread to measure in.
#[test]
fn a_value_without_a_floor_stands_alone() {
    let (real, alike) = (counts(&[1, 2, 3, 4, 5, 6]), counts(&[3; 6]));
    let config = metrics(&[("event_count", "kolmogorov-smirnov"), ("event_count", "skewness-gap")]);
    let runs = [run("own", vec![real.clone()])];
    let nobody = log(&["purchase"], &vec![Vec::new(); 6]);
    let of_amounts = metrics(&[("mean_log_amount", "kolmogorov-smirnov")]);
    let judge = |train: &EventLog, test: &EventLog, config: &PanelConfig| {
        evaluate(&runs, Some(train), test, &[], config, &Streams::new(1))
    };
    let panel = judge(&alike, &real, &config).unwrap().remove(0);
    is_sound(&panel);
    assert!(panel.panel.iter().all(|row| row.floor_known));
    let panel = judge(&nobody, &real, &of_amounts).unwrap().remove(0);
    let only = &panel.panel[0];
    assert_eq!((only.floor_known, only.value, only.verdict, only.effect), (false, 0.0, None, None));
    assert!(panel.notes.iter().any(|note| note.contains("No noise floor of kolmogorov-smirnov")));
    assert_eq!(panel.mean_excess, None);
}

/// All real amounts are 5.00 and all simulated ones 6.00: a total miss, and nothing is divided by 0.
#[test]
fn a_constant_that_is_missed_is_a_total_miss() {
    let of = |price: f64| {
        let user = |user: u32| (0..1 + user % 4).map(|i| (3 * i + user % 7, 0, price)).collect();
        log(&["purchase"], &(0..60).map(user).collect::<Vec<_>>())
    };
    let (real, own) = (of(5.0), of(6.0));
    let config = PanelConfig { panel: Breadth::Full, ..quick() };
    let panel = compared(&own, &real, &config, 1);
    is_sound(&panel);
    let missed = row(&panel, "log_amount", "kolmogorov-smirnov");
    assert_eq!((missed.value, missed.floor, missed.verdict), (1.0, 0.0, Some(Verdict::Far)));
    assert!(missed.ci[0] > 1.0 - 1e-12 && missed.ci[1] == 1.0, "{missed:?}");
    for feature in ["mean_log_amount", "median_log_amount", "max_log_amount"] {
        assert_eq!(row(&panel, feature, "kolmogorov-smirnov").value, 1.0);
        // What is in the panel sees the miss; what cannot says why not.
        let rows: Vec<&PanelRow> =
            panel.panel.iter().filter(|row| row.feature == feature).collect();
        let blind: Vec<_> = rows.iter().filter(|row| row.value == 0.0).collect();
        assert!(blind.is_empty(), "{blind:?}");
    }
    let left_out = |feature: &str, name: &str| {
        let is_it = |out: &&crate::panel::LeftOut| {
            out.feature == feature && out.discrepancy.as_deref() == Some(name)
        };
        panel.left_out.iter().find(is_it).map(|out| out.reason.clone()).unwrap_or_default()
    };
    for name in ["wasserstein-1", "mean-gap", "psi"] {
        let reason = left_out("mean_log_amount", name);
        assert!(reason.starts_with("constant among the real users (1.6094"), "{name}: {reason}");
        assert!(reason.contains("not among the simulated"), "{reason}");
    }
    assert!(panel.mean_excess.unwrap() > 0.1, "{:?}", panel.mean_excess);
    let telling = &panel.examination.as_ref().unwrap().telling;
    let words: Vec<String> = telling.iter().map(|one| one.words()).collect();
    assert!(words.iter().any(|words| words.contains("neither side varies")), "{words:?}");
    // The same price on both sides has nothing to compare.
    let same = compared(&real, &real, &quick(), 1);
    let out = same.left_out.iter().find(|out| out.feature == "log_amount").unwrap();
    assert!(out.reason.contains("among the real users"), "{}", out.reason);
}

/// Users of a few events beside one with most of all.
fn with_a_machine(seed: u64, machine: bool) -> EventLog {
    let mut users = Vec::new();
    for user in 0..60 {
        let mut stream = Streams::new(seed).stream("user", user);
        let mut events = Vec::new();
        for _ in 0..1 + stream.below(5) {
            let amount = (3.0 + stream.uniform()).exp();
            events.push((stream.below(40) as u32, stream.below(2) as u16, amount));
        }
        users.push(events);
    }
    if machine {
        users[7] = (0..900).map(|i| (i % 40, 0, 400.0 + f64::from(i % 9))).collect();
    }
    log(&["purchase", "refund"], &users)
}

/// Intervals of all discrepancies end where their range does, whoever has most of the rows.
#[test]
fn intervals_stay_within_their_range() {
    let config = PanelConfig { panel: Breadth::Full, joint_users: 40, ..quick() };
    let silent = {
        let mut users = vec![Vec::new(); 30];
        users[3] = vec![(2, 0, 7.0), (5, 1, 7.0), (9, 0, 7.0)];
        users[4] = vec![(2, 0, 1e9), (39, 1, 1e-9)];
        log(&["purchase", "refund"], &users)
    };
    let plain = with_a_machine(2, false);
    for own in [with_a_machine(1, true), silent] {
        is_sound(&compared(&own, &plain, &config, 1));
        is_sound(&compared(&plain, &own, &config, 2));
    }
}

/// A machine has most of the rows: that is told, and no verdict rests on it.
#[test]
fn one_user_decides_no_verdict() {
    let (machine, plain) = (with_a_machine(1, true), with_a_machine(2, false));
    let config = metrics(&[("log_amount", "kolmogorov-smirnov"), ("event_count", "mean-gap")]);
    for (own, real, side) in [(&machine, &plain, "simulated"), (&plain, &machine, "test")] {
        for seed in 1..4 {
            let panel = compared(own, real, &config, seed);
            is_sound(&panel);
            let amounts = row(&panel, "log_amount", "kolmogorov-smirnov");
            assert!(amounts.value > 0.7 && amounts.concentrated, "{amounts:?}");
            assert_eq!(amounts.verdict, None, "{amounts:?}");
            // The others are of one law.
            assert!(amounts.effect.unwrap() < 0.5, "{amounts:?}");
            assert!(panel.mean_excess.unwrap().abs() < 0.2, "{:?}", panel.mean_excess);
            assert!(!row(&panel, "event_count", "mean-gap").concentrated);
            let note = format!("of the rows of `log_amount` among the {side} users");
            assert!(panel.notes.iter().any(|told| told.contains(&note)), "{:?}", panel.notes);
        }
    }
    // Other users who are far are far, machine or not.
    let moved = {
        let user =
            |user: u32| (0..1 + user % 4).map(|i| (3 * i, 0, 2.0 + f64::from(user))).collect();
        log(&["purchase", "refund"], &(0..60).map(user).collect::<Vec<_>>())
    };
    let panel = compared(&moved, &machine, &config, 1);
    let amounts = row(&panel, "log_amount", "kolmogorov-smirnov");
    assert_eq!((amounts.concentrated, amounts.verdict), (true, Some(Verdict::Far)), "{amounts:?}");
}

/// Shares .3 .3 .4 against .5 .5: a kind that only one log names is a kind of both. Values of scipy
/// 1.17 (`jensenshannon`, base 2, squared; `entropy` with a thousandth of each side in the other).
#[test]
fn kinds_of_both_logs_are_compared() {
    let user = |kinds: [u16; 10]| -> Vec<(u32, u16, f64)> {
        kinds.into_iter().zip(0..).map(|(kind, tick)| (tick, kind, 5.0)).collect()
    };
    let own = log(&["z", "y", "x"], &vec![user([2, 2, 2, 1, 1, 1, 0, 0, 0, 0]); 20]);
    let real = log(&["x", "y"], &vec![user([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]); 20]);
    let expected = [
        ("total-variation", 0.4),
        ("jensen-shannon-categories", 0.236_452_797_660_028),
        ("hellinger-categories", 0.474_766_606_6),
        ("kl-categories", 2.453_879_846_4),
        ("psi-categories", 2.960_672_340_0),
    ];
    let config = metrics(&expected.map(|(name, _)| ("kind", name)));
    let panel = compared(&own, &real, &config, 1);
    for (name, expected) in expected {
        let value = row(&panel, "kind", name).value;
        assert!((value - expected).abs() < 1e-9, "{name}: {value} {expected}");
    }
    let shortfall = metrics(&[("kind", "category-shortfall")]);
    let value = compared(&real, &own, &shortfall, 1).panel[0].value;
    assert!((value - 1.0 / 3.0).abs() < 1e-12, "{value}");
    // Nothing in common.
    let other = log(&["a", "b"], &[vec![(1, 0, 2.0), (2, 1, 3.0)], vec![(3, 0, 2.0), (4, 1, 2.5)]]);
    let names = [("kind", "total-variation"), ("kind", "jensen-shannon-categories")];
    let panel = compared(&other, &real, &metrics(&names), 1);
    assert!(panel.panel.iter().all(|row| (row.value - 1.0).abs() < 1e-12), "{:?}", panel.panel);
    assert!(panel.notes.iter().any(|note| note.contains("only the simulated log names: a, b")));
}

/// A log against itself is at the floor of everything, and marked; against fresh users it is not.
#[test]
fn a_copy_is_marked() {
    let (real, fresh) = (world(1, 120, 1.0, 0.0, 1), world(2, 120, 1.0, 0.0, 1));
    let copy = compared(&real, &real, &quick(), 1);
    assert_eq!((copy.copies, copy.c2st_auc), (Some(true), Some(0.5)));
    let twins = copy.twins.unwrap();
    assert!(twins.test == 1.0 && twins.single > 0.9 && twins.single_by_chance < 0.1, "{twins:?}");
    assert!(
        copy.notes[0].starts_with("The simulation repeats real users: 100%"),
        "{:?}",
        copy.notes
    );
    let [low, high] = copy.c2st_auc_ci.unwrap();
    assert!(low <= 0.5 && 0.5 <= high);
    let other = compared(&fresh, &real, &quick(), 1);
    assert_eq!(other.copies, Some(false));
    assert!(other.twins.unwrap().test < 0.2);
}

/// Trees cannot split 20 users a side: their AUC is no headline.
#[test]
fn few_users_have_no_auc_of_trees() {
    let panel = compared(&world(1, 20, 1.0, 1.0, 1), &world(2, 20, 1.0, 0.0, 1), &quick(), 1);
    assert_eq!((panel.c2st_auc, panel.c2st_auc_ci, panel.c2st_auc_floor), (None, None, None));
    let note = "Logistic regression has an AUC of";
    assert!(panel.notes.iter().any(|told| told.contains(note)), "{:?}", panel.notes);
}

/// The reason is the discrepancy's own, with the remedy.
#[test]
fn what_is_not_measured_says_why() {
    let (own, real) = (counts(&[9; 30]), counts(&(1..31).collect::<Vec<u32>>()));
    let config = metrics(&[("event_count", "psi(smoothing=0)"), ("event_count", "energy")]);
    let panel = compared(&own, &real, &config, 1);
    assert!(panel.left_out[0].reason.contains("give smoothing above 0"), "{:?}", panel.left_out);
}
