//! What rows say about size, chance and numbers of users, in small worlds whose truth is known.

use super::tests::{panels, quick, row, run, world};
use super::*;
use crate::discrepancy::{self, DISCREPANCIES, named};
use crate::features::FEATURES;
use crate::panel::{PanelRow, USER_VECTOR, Verdict};

fn metric(feature: &str, discrepancy: &str) -> Metric {
    Metric { feature: feature.into(), discrepancy: discrepancy.into() }
}

fn tested() -> PanelConfig {
    PanelConfig { permutations: 199, ..quick() }
}

#[test]
fn verdicts_and_p_values_follow_the_truth() {
    let panels = panels(&tested(), &[], true);
    let share = |panel: &CalibratorPanel, of: &dyn Fn(&PanelRow) -> bool| {
        panel.panel.iter().filter(|row| of(row)).count() as f64 / panel.panel.len() as f64
    };
    let at_floor = |row: &PanelRow| row.verdict == Some(Verdict::AtFloor);
    let [personas, half, truth] = [0, 1, 2].map(|i| share(&panels[i], &at_floor));
    assert!(personas < 0.4 && half > 0.6 && truth > 0.9, "{personas} {half} {truth}");
    let effects = [0, 1, 2].map(|i| {
        bootstrap::median(&panels[i].panel.iter().filter_map(|row| row.effect).collect::<Vec<_>>())
    });
    assert!(effects[0] > effects[1] && effects[1] > effects[2], "{effects:?}");
    // Nothing that is of the true law is called a difference, half of the personas' rows are.
    let called = |row: &PanelRow| row.q.is_some_and(|q| q <= 0.05);
    assert_eq!(share(&panels[2], &called), 0.0);
    assert!(share(&panels[0], &called) > 0.5);
    let far = row(&panels[0], "mean_log_amount", "mean-gap");
    assert_eq!((far.p, far.verdict), (Some(0.005), Some(Verdict::Far)));
    assert!(far.effect.unwrap() > 0.5 && far.users_needed.unwrap() < 60, "{far:?}");
    let halfway = row(&panels[1], "mean_log_amount", "mean-gap");
    assert!(halfway.effect < far.effect && halfway.users_needed > far.users_needed);
    for row in panels.iter().flat_map(|panel| &panel.panel) {
        assert!(row.q >= row.p && row.q <= Some(1.0) && row.p >= Some(0.005), "{row:?}");
    }
}

/// With 99 relabellings p is never below 0.01, which cannot count among 70 rows.
#[test]
fn too_few_relabellings_are_told() {
    let few = panels(&PanelConfig { permutations: 99, ..quick() }, &[], true);
    let notes = few[0].notes.join("\n");
    assert!(notes.contains("0.0100, the smallest that 99 relabellings can give"), "{notes}");
    let none = panels(&quick(), &[], true);
    assert!(!none[0].notes.iter().any(|note| note.contains("relabellings")), "{:?}", none[0].notes);
}

#[test]
fn without_permutations_there_are_verdicts_only() {
    let with = panels(&tested(), &[], true);
    let without = panels(&quick(), &[], true);
    for (with, without) in with.iter().zip(&without) {
        for (with, without) in with.panel.iter().zip(&without.panel) {
            let bare = PanelRow { p: None, q: None, users_needed: None, ..with.clone() };
            assert_eq!(&bare, without);
        }
    }
    let bad = PanelConfig { permutations: 20, ..quick() }.check().unwrap_err();
    assert!(bad.contains("permutations is 20") && bad.contains("0 for none"), "{bad}");
}

#[test]
fn how_false_discoveries_are_controlled_changes_q_alone() {
    let strict = panels(&tested(), &[], true);
    let loose = PanelConfig { false_discovery: FalseDiscovery::BenjaminiHochberg, ..tested() };
    let loose = panels(&loose, &[], true);
    let rows = strict[1].panel.iter().zip(&loose[1].panel);
    assert!(rows.clone().all(|(strict, loose)| strict.p == loose.p && strict.q >= loose.q));
    assert!(rows.into_iter().any(|(strict, loose)| strict.q > loose.q));
}

#[test]
fn wildcards_stand_for_what_fits() {
    let test = world(2, 140, 1.0, 0.0, 1);
    let choose = |config: &PanelConfig| metrics::choose(config, &[&test], &[]);
    let names = |metrics: &[Metric]| -> Vec<(&'static str, String)> {
        let config = PanelConfig { metrics: Some(metrics.to_vec()), ..quick() };
        let panel = choose(&config).unwrap();
        let name =
            |m: &metrics::Chosen| (panel.sources[m.source].name(), m.discrepancy.label().into());
        panel.metrics.iter().map(name).collect()
    };
    let everywhere = names(&[metric("*", "energy"), metric("gap", "energy")]);
    assert!(everywhere.len() > 10 && everywhere.iter().all(|(_, name)| name == "energy"));
    assert_eq!(everywhere.iter().filter(|(feature, _)| *feature == "gap").count(), 1);
    let fitting = DISCREPANCIES.iter().filter(|d| d.shape() == Shape::Real).count();
    assert_eq!(names(&[metric("gap", "*")]).len(), fitting);
    assert_eq!(
        names(&[metric(USER_VECTOR, "energy-nd(rows=50)"), metric(USER_VECTOR, "energy-nd")]),
        [(USER_VECTOR, "energy-nd(rows=50)".into()), (USER_VECTOR, "energy-nd".into())]
    );
    let none = PanelConfig {
        metrics: Some(vec![metric("kind", "energy-nd"), metric("*", "enrgy")]),
        ..quick()
    };
    assert!(matches!(choose(&none), Err(PanelError::Lookup(_))));
    let none = PanelConfig { metrics: Some(vec![metric("log_amont", "*")]), ..quick() };
    assert!(matches!(choose(&none), Err(PanelError::UnknownFeature { .. })));
}

/// Every discrepancy on every feature of its shape, unless the real users do not show the feature.
#[test]
fn the_full_panel_holds_every_pair_that_fits() {
    let test = world(2, 140, 1.0, 0.0, 2);
    let config = PanelConfig { panel: Breadth::Full, ..quick() };
    let panel = metrics::choose(&config, &[&test], &[]).unwrap();
    let shapes = FEATURES.iter().map(|f| (f.name, f.shape())).chain([(USER_VECTOR, Shape::Vector)]);
    let mut expected = 0;
    for (feature, shape) in shapes {
        if panel.left_out.iter().any(|out| out.feature == feature) {
            continue;
        }
        // On pairs of events the gap of relations is that of correlations.
        let fits = |d: &&&dyn discrepancy::Discrepancy| {
            d.shape() == shape && d.name() != discrepancy::relation_gap::NAME
        };
        for discrepancy in DISCREPANCIES.iter().filter(fits) {
            let is_it = |m: &&metrics::Chosen| {
                panel.sources[m.source].name() == feature
                    && m.discrepancy.label() == discrepancy.name()
            };
            assert_eq!(panel.metrics.iter().filter(is_it).count(), 1, "{feature}");
            expected += 1;
        }
    }
    assert_eq!(panel.metrics.len(), expected);
    let rows = |name: &str| {
        panel.metrics.iter().find(|m| m.discrepancy.name() == name).unwrap().most_users()
    };
    // joint_users is 60 in these tests.
    assert_eq!((rows("energy-nd"), rows("energy")), (Some(60), None));
    assert_eq!(named("energy-nd").unwrap().parameter("rows"), Some(2000.0));
}

#[test]
fn small_and_unequal_samples_are_told() {
    let (train, test) = (world(1, 130, 1.0, 0.0, 1), world(2, 140, 1.0, 0.0, 1));
    let few = [run("few", vec![world(5, 40, 1.0, 0.0, 1)])];
    let panels = evaluate(&few, Some(&train), &test, &[], &quick(), &Streams::new(4)).unwrap();
    let notes = panels[0].notes.join("\n");
    assert!(notes.contains("only 40 simulated users"), "{notes}");
    assert!(notes.contains("1.5 times the floor"), "{notes}");
}

/// A row as files had it before there were verdicts.
#[test]
fn old_rows_are_read() {
    let text = r#"{"feature": "gap", "level": "gap", "discrepancy": "energy", "unit": "",
        "value": 0.5, "ci": [0.4, 0.6], "floor": 0.1, "floor_ci": [0.0, 0.2], "before": null,
        "gap_closed": null, "optimised": false, "feature_rewarded": false}"#;
    let row: PanelRow = serde_json::from_str(text).unwrap();
    assert_eq!(
        (row.verdict, row.effect, row.p, row.q, row.users_needed),
        (None, None, None, None, None)
    );
    let new = PanelRow { verdict: Some(Verdict::AtFloor), users_needed: Some(7), ..row };
    let text = serde_json::to_string(&new).unwrap();
    assert!(text.contains(r#""verdict":"at-floor""#), "{text}");
    assert_eq!(serde_json::from_str::<PanelRow>(&text).unwrap(), new);
    assert_eq!(Verdict::AtFloor.name(), "at-floor");
}
