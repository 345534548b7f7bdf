//! What the classifier test says: how well simulated users are told from real ones, and by what.

use trueup_calibration::classifier::{Judged, Telling};
use trueup_calibration::panel::CalibratorPanel;

use super::tables::{Cells, Table};
use super::words::feature_title;
use crate::plots::number;
use crate::summary::Summary;

/// What gives one simulation away: features with bars.
pub(super) struct Bars {
    pub name: String,
    pub rows: Vec<Bar>,
    pub empty: String,
}

/// One feature.
pub(super) struct Bar {
    pub feature: String,
    /// Which way simulated users differ; empty where it is not known.
    pub words: String,
    /// How much the AUC falls without it.
    pub fall: String,
    /// Length of the bar, in percent.
    pub length: f64,
}

/// The most features of a card.
const MOST: usize = 6;

/// What is known of a feature by its name; nothing in summaries of older versions.
pub(crate) fn telling<'a>(of: &'a CalibratorPanel, feature: &str) -> Option<&'a Telling> {
    of.examination.iter().flat_map(|e| &e.telling).find(|telling| telling.feature == feature)
}

/// Two rows a calibrator: boosted trees and logistic regression; none in summaries of older versions.
pub(super) fn table(summary: &Summary) -> Option<Table> {
    let examined = || summary.calibrators.iter().filter(|c| c.examination.is_some());
    examined().next()?;
    let best = summary.best().map(|c| c.name.as_str());
    let tested = examined().flat_map(|c| &c.examination).any(|e| e.trees.p_value.is_some());
    let mut columns = vec![
        "Calibrator",
        "Classifier",
        "AUC (95% interval)",
        "AUC, real against real",
        "Accuracy (95% interval)",
        "Accuracy, real against real",
    ];
    if tested {
        columns.push("p");
    }
    let rows = examined().flat_map(|c| {
        let both = c.examination.iter().flat_map(|examination| {
            [("boosted trees", &examination.trees), ("logistic regression", &examination.logistic)]
        });
        both.map(move |(classifier, judged)| Cells {
            head: c.name.clone(),
            cells: cells(classifier, judged, tested),
            strong: Some(c.name.as_str()) == best,
        })
    });
    Some(Table {
        caption:
            "How well classifiers tell simulated from real users that they have not seen; 0.5 \
                  is guessing"
                .to_owned(),
        rows: rows.collect(),
        columns: columns.into_iter().map(str::to_owned).collect(),
        empty: String::new(),
        open: true,
    })
}

fn cells(classifier: &str, judged: &Judged, tested: bool) -> Vec<String> {
    let plain = |value: f64| format!("{value:.3}");
    let with_interval =
        |value: f64, [low, high]: [f64; 2]| format!("{value:.3} ({low:.3} to {high:.3})");
    let optional = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    // Trees that cannot split so few users have 0.5 whatever the users.
    let found = |value: f64, interval: [f64; 2]| match judged.measured {
        true => with_interval(value, interval),
        false => "not measured".to_owned(),
    };
    let mut cells = vec![
        classifier.to_owned(),
        found(judged.auc, judged.auc_ci),
        optional(judged.auc_floor.map(plain)),
        found(judged.accuracy, judged.accuracy_ci),
        optional(judged.accuracy_floor.map(plain)),
    ];
    if tested {
        cells.push(optional(judged.p_value.filter(|_| judged.measured).map(number)));
    }
    cells
}

/// What gives each simulation away.
pub(super) fn bars(summary: &Summary) -> Vec<Bars> {
    let largest = summary.calibrators.iter().flat_map(|c| &c.c2st_importance);
    let largest = largest.fold(0.0, |most: f64, (_, fall)| most.max(*fall));
    let bars = |c: &CalibratorPanel| Bars {
        name: c.name.clone(),
        rows: c
            .c2st_importance
            .iter()
            .filter(|(_, fall)| *fall > 0.0)
            .take(MOST)
            .map(|(name, fall)| {
                let length = if largest > 0.0 { 100.0 * fall / largest } else { 0.0 };
                Bar {
                    feature: feature_title(name),
                    words: telling(c, name).map_or_else(String::new, short),
                    fall: number(*fall),
                    length: (length * 10.0).round() / 10.0,
                }
            })
            .collect(),
        empty: if c.c2st_auc.is_none() {
            "No classifier was fitted.".to_owned()
        } else {
            "No feature helped the classifier on held-out users.".to_owned()
        },
    };
    summary.calibrators.iter().map(bars).collect()
}

/// The direction in a few words: `lower, −0.62 sd`.
fn short(telling: &Telling) -> String {
    let mut words = format!("{}, {:+.2} sd", telling.direction().name(), telling.mean_difference);
    if telling.undefined_differs() {
        let [simulated, real] = telling.undefined.map(|share| 100.0 * share);
        words += &format!("; undefined for {simulated:.0}% (real {real:.0}%)");
    }
    words.replace('-', "−")
}

/// The feature that gives a simulation away most, in a sentence.
pub(super) fn sentence(of: &CalibratorPanel) -> Option<String> {
    let first = of.examination.as_ref()?.telling.first().filter(|t| t.importance > 0.0)?;
    Some(format!(
        "What gives {} away most is “{}”: {}.",
        of.name,
        feature_title(&first.feature),
        first.words().replace('-', "−")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{input, written};

    fn examination() -> serde_json::Value {
        let judged = |auc: f64| {
            serde_json::json!({
                "auc": auc, "auc_ci": [0.65, 0.75], "auc_floor": 0.51, "accuracy": 0.62,
                "accuracy_ci": [0.6, 0.64], "accuracy_floor": null, "p_value": 0.004,
            })
        };
        let telling = |feature: &str, importance: f64, auc: f64, difference: f64| {
            serde_json::json!({
                "feature": feature, "importance": importance, "auc": auc,
                "mean_difference": difference, "undefined": [0.5, 0.25],
            })
        };
        serde_json::json!({
            "trees": judged(0.7), "logistic": judged(0.6), "refitted": false,
            "telling": [telling("event_count", 0.1, 0.3, -0.6), telling("mean_gap", 0.0, 0.5, 0.0)],
        })
    }

    #[test]
    fn the_report_says_how_well_and_by_what() {
        let mut input = input("classifier");
        assert!(table(&input.summary).is_none(), "summaries of older versions have no table");
        let (_folder, html) = written(&input);
        assert!(!html.contains("logistic regression") && !html.contains("away most"));

        input.summary.calibrators[1].examination =
            Some(serde_json::from_value(examination()).unwrap());
        let (_folder, html) = written(&input);
        let row = "<td>boosted trees</td><td>0.700 (0.650 to 0.750)</td><td>0.510</td>\
                   <td>0.620 (0.600 to 0.640)</td><td>–</td><td>0.004</td>";
        assert!(html.contains(row), "{html}");
        assert!(html.contains("<td>logistic regression</td><td>0.600 ("));
        assert!(html.contains("lower, −0.60 sd; undefined for 50% (real 25%)"), "{html}");
        let words = "simulated users are lower (AUC 0.30, −0.60 standard deviations); undefined for \
                     50% of them and 25% of real users.";
        let sentence = sentence(&input.summary.calibrators[1]).unwrap();
        assert!(sentence.starts_with("What gives ppo away most is “") && sentence.ends_with(words));
        assert!(html.contains(words), "the verdict does not say it");
        assert!(html.contains("<dt>Accuracy</dt>"));
        let json = serde_json::to_string(&input.summary).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), input.summary);
    }
}
