//! The notebook is valid for nbformat, and runs from top to bottom where Python can.

#![allow(clippy::unwrap_used)] // Helpers of tests are not seen as tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use trueup_notebooks_export::ipynb;
use trueup_results::metrics::{DISCREPANCY, ENV_STEPS};
use trueup_results::{
    Facts, FeatureSeries, Histogram, Metric, RunDirectory, Series, Side, State, Summary,
};

/// A small run with an awkward name, without the programs that make one.
fn run(folder: &Path) -> std::path::PathBuf {
    let run = RunDirectory::create(folder, "한국 \"run\"", 1).unwrap();
    let side = |name: &str, shift: f64| Side {
        name: name.to_owned(),
        rows: 5,
        distribution: trueup_calibration::statistics::Distribution::of(&[
            shift, 1.0, 2.0, 3.0, 4.0,
        ]),
        shares: vec![1.0],
        effective: 5.0,
    };
    let series = Series {
        tick: "week".into(),
        horizon: 52,
        kinds: vec!["구매".into()],
        features: vec![FeatureSeries {
            name: "log_amount".into(),
            title: "Amount".into(),
            unit: "ln amount".into(),
            definition: String::new(),
            sides: vec![side("real users", 0.0), side("한글", 0.5)],
            histogram: Some(Histogram { edges: vec![0.0, 5.0], whole: false }),
            classes: Vec::new(),
        }],
        facts: vec![Facts { name: "real users".into(), ..Facts::default() }],
        ..Series::default()
    };
    let panel = serde_json::json!([{
        "name": "한글", "gap_closed": 0.9, "gap_closed_ci": [0.8, 0.95], "gap_closed_unseen": null,
        "mean_excess": 0.1, "c2st_auc": 0.6, "c2st_auc_ci": [0.55, 0.65], "c2st_auc_floor": 0.5,
        "c2st_importance": [["event_count", 0.1]],
        "panel": [{
            "feature": "log_amount", "level": "event", "discrepancy": "kolmogorov-smirnov",
            "unit": "", "value": 0.1, "ci": [0.05, 0.15], "floor": 0.02, "floor_ci": [0.01, 0.03],
            "before": 0.5, "gap_closed": 0.83, "optimised": false, "feature_rewarded": true,
        }],
        "left_out": [], "notes": [],
    }]);
    let summary = Summary {
        name: "한국 \"run\"".into(),
        seed: 1,
        dataset: "builtin:cdnow".into(),
        calibrators: serde_json::from_value(panel).unwrap(),
        ..Summary::default()
    };
    run.write_json("summary.json", &summary).unwrap();
    run.write_json("series.json", &series).unwrap();
    run.write("logs/한글-1.csv", b"user,tick,kind,amount\na,0,p,1.5\na,3,p,2.5\nb,,,\n").unwrap();
    let mut metrics = run.metrics().unwrap();
    for iteration in 1..4 {
        let values = BTreeMap::from([
            (DISCREPANCY.to_owned(), 1.0 / iteration as f64),
            (ENV_STEPS.to_owned(), 100.0 * iteration as f64),
        ]);
        metrics
            .append(&Metric {
                calibrator: "한글".into(), seed: None, iteration, total: 3, values
            })
            .unwrap();
    }
    let path = run.path().to_owned();
    run.finish(State::Done, None).unwrap();
    path
}

fn python(code: &str, arguments: &[&Path]) -> Option<Result<String, String>> {
    let out = Command::new("python3").arg("-c").arg(code).args(arguments).output().ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) })
}

/// Whether python3 has the modules; prints why a test is skipped.
fn has(modules: &str) -> bool {
    let found = python(&format!("import {modules}"), &[]);
    if !matches!(found, Some(Ok(_))) {
        println!("skipped: python3 with {modules} is not installed");
    }
    matches!(found, Some(Ok(_)))
}

#[test]
fn the_notebook_is_what_the_format_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path());
    let text = ipynb(&path).unwrap();
    assert_eq!(text, ipynb(&path).unwrap());
    let notebook: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&notebook["nbformat"], &notebook["nbformat_minor"]), (&4.into(), &5.into()));
    let cells = notebook["cells"].as_array().unwrap();
    let mut ids: Vec<&str> = cells.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(cells[1]["metadata"]["tags"][0], "parameters");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cells.len(), "ids are unique");
    if !has("nbformat") {
        return;
    }
    let file = folder.path().join("n.ipynb");
    std::fs::write(&file, text).unwrap();
    let code = "import sys, nbformat; nbformat.validate(nbformat.read(sys.argv[1], 4))";
    python(code, &[&file]).unwrap().unwrap();
}

#[test]
fn the_notebook_runs_from_top_to_bottom() {
    if !has("nbformat, nbconvert, ipykernel, pandas, matplotlib") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path());
    let file = folder.path().join("n.ipynb");
    std::fs::write(&file, ipynb(&path).unwrap()).unwrap();
    let code = "import sys, nbformat\n\
        from nbconvert.preprocessors import ExecutePreprocessor\n\
        n = nbformat.read(sys.argv[1], 4)\n\
        ExecutePreprocessor(timeout=300, kernel_name='python3').preprocess(n, {'metadata': {'path': sys.argv[2]}})\n\
        out = [o for c in n.cells if c.cell_type == 'code' for o in c.outputs]\n\
        print(sum('image/png' in o.get('data', {}) for o in out))\n\
        print(''.join(o.get('data', {}).get('text/plain', '') for o in out))";
    let out = python(code, &[&file, folder.path()]).unwrap().unwrap();
    // Gap closed, distribution and learning; and the log of two users with two events.
    assert_eq!(out.lines().next(), Some("3"), "{out}");
    assert!(out.contains("한글-1"), "{out}");
}

#[test]
fn a_folder_that_is_no_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = ipynb(folder.path()).unwrap_err().to_string();
    assert!(error.contains("summary.json"), "{error}");
}
