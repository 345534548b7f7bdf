//! Tables, event files and LaTeX, opened by those that they are made for.

#![allow(clippy::unwrap_used)] // Helpers of tests are not seen as tests.

mod common;

use std::process::Command;

use common::{LABELS, SEEDS, has, objective, parts, python, run, sweep, training};
use serde_json::Value;
use trueup_notebooks_export::{latex, tensorboard, write_tables};
use trueup_results::tables::Format;

/// Both formats hold the same tables, and the objectives are those that the runs were made with.
#[test]
fn parquet_and_csv_hold_the_same_tables() {
    if !has("pandas, pyarrow") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for path in [run(folder.path()), sweep(folder.path()), training(folder.path())] {
        let [parquet, csv] = ["parquet", "csv"].map(|name| folder.path().join(name));
        write_tables(&path, &parquet, Format::Parquet).unwrap();
        write_tables(&path, &csv, Format::Csv).unwrap();
        let code = "import json, sys, pathlib, pandas as pd
for name in ['runs', 'calibrators', 'metrics', 'curves']:
    a = pd.read_parquet(f'{sys.argv[1]}/{name}.parquet')
    b = pd.read_csv(f'{sys.argv[2]}/{name}.csv', float_precision='round_trip', keep_default_na=False, na_values=[''])
    assert list(a.columns) == list(b.columns), name
    for column in a:
        # pandas takes empty text in CSV for nothing.
        x, y = ([None if pd.isna(v) or v == '' else v for v in t[column]] for t in (a, b))
        assert x == y, (name, column, x, y)
runs = pd.read_parquet(f'{sys.argv[1]}/runs.parquet')
print(json.dumps(runs.astype(object).where(runs.notna(), None).to_dict('records'), ensure_ascii=False))";
        let out = python(code, &[&parquet, &csv]).unwrap().unwrap();
        let runs: Vec<Value> = serde_json::from_str(&out).unwrap();
        if path.join("plan.jsonl").exists() {
            assert_eq!(runs.len(), 3 * SEEDS.len() - 1);
            for run in runs.iter().filter(|run| run["state"] == "done") {
                let label = run["reward.kind"].as_str().unwrap();
                let trial = LABELS.iter().position(|l| *l == label).unwrap();
                let wanted = objective(trial, run["seed"].as_u64().unwrap());
                assert_eq!(run["objective"].as_f64(), Some(wanted));
                assert_eq!(run["gap_closed"].as_f64(), Some(1.0 - wanted));
            }
        }
    }
}

/// TensorBoard's own reader: every curve with its steps, the figures, and the text.
#[test]
fn tensorboard_reads_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = sweep(folder.path());
    let out = path.join("tensorboard");
    let files = tensorboard::write(&path, &out).unwrap();
    assert_eq!(files.len(), 3 * SEEDS.len() - 1);
    let bytes = std::fs::read(&files[0]).unwrap();
    assert_eq!(tensorboard::write(&path, &out).unwrap(), files);
    assert!(bytes == std::fs::read(&files[0]).unwrap());
    assert_eq!(std::fs::read_dir(files[0].parent().unwrap()).unwrap().count(), 1);
    if !has("tensorboard") {
        return;
    }
    let code = "import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'tensors': 0}); a.Reload()
text = {t: a.Tensors(t)[0].tensor_proto.string_val[0].decode() for t in a.Tags()['tensors']}
kind = a.SummaryMetadata('hparams').plugin_data.plugin_name
print(json.dumps([{t: [(e.step, e.value) for e in a.Scalars(t)] for t in a.Tags()['scalars']}, text, kind]))";
    let place = path.join(format!("tensorboard/{}/11", parts::id(1)));
    let answer = python(code, &[&place]).unwrap().unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let last = objective(1, 11);
    let near = |value: &Value, wanted: f64| value.as_f64().unwrap() as f32 == wanted as f32;
    let curve = answer[0]["강화 ppo/discrepancy"].as_array().unwrap();
    assert_eq!(curve.len(), 20);
    assert!(curve[19][0] == 2000 && near(&curve[19][1], last + 0.05), "{curve:?}");
    assert!(near(&answer[0]["objective"][0][1], last));
    assert!(near(&answer[0]["강화 ppo/gap_closed"][0][1], 1.0 - last));
    assert!(near(&answer[0]["강화 ppo/panel/거래 간격/psi(bins=20)"][0][1], 0.02 + last));
    assert_eq!(answer[2], "text");
    let text = answer[1]["hparams"].as_str().unwrap();
    assert!(text.contains(&format!("| reward.kind | {} |", LABELS[1])), "{text}");
    assert!(text.contains("| seed | 11 |") && text.contains("| state | done |"), "{text}");
}

/// Two training seeds in one run keep their curves apart.
#[test]
fn seeds_of_a_training_are_curves_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = training(folder.path());
    let files = tensorboard::write(&path, &folder.path().join("out")).unwrap();
    let bytes = std::fs::read(&files[0]).unwrap();
    let there = |name: &str| bytes.windows(name.len()).any(|part| part == name.as_bytes());
    assert!(there("ppo/seed-1/return_last_100") && there("ppo/seed-2/return_last_100"));
}

/// Braces and environments close in the order in which they opened, and rows have as many cells as
/// columns.
fn is_balanced(tex: &str) {
    let mut depth = 0i64;
    let mut open = Vec::new();
    let mut escaped = false;
    for c in tex.lines().filter(|line| !line.starts_with('%')).flat_map(str::chars) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        assert!(depth >= 0, "{tex}");
    }
    assert_eq!(depth, 0, "{tex}");
    for part in tex.split('\\') {
        if let Some(name) = part.strip_prefix("begin{") {
            open.push(name.split('}').next().unwrap());
        } else if let Some(name) = part.strip_prefix("end{") {
            assert_eq!(open.pop(), name.split('}').next(), "{tex}");
        }
    }
    assert!(open.is_empty(), "{tex}");
    let columns = tex.split("\\begin{tabular}{").nth(1).unwrap().split('}').next().unwrap().len();
    let rows = tex.lines().filter(|line| line.ends_with(" \\\\"));
    for row in rows {
        assert_eq!(row.replace("\\&", "").matches('&').count() + 1, columns, "{row}");
    }
}

#[test]
fn latex_tables_hold_the_trials_best_first() {
    let folder = tempfile::tempdir().unwrap();
    let tables = [sweep(folder.path()), run(folder.path()), training(folder.path())]
        .map(|path| latex::table(&path).unwrap());
    tables.iter().for_each(|tex| is_balanced(tex));
    let [tex, run, training] = &tables;
    assert!(tex.contains("공유 50\\%\\_{[}다른{]} & $"), "{tex}");
    assert!(tex.contains("pwil \\& $<$co$>$ & $"), "{tex}");
    let rows: Vec<&str> = tex.lines().filter(|l| l.contains("& $")).collect();
    let value =
        |row: &&str| row.split(" & ").nth(1).unwrap().trim_matches('$').parse::<f64>().unwrap();
    let values: Vec<f64> = rows.iter().map(value).collect();
    // The trial that was pruned comes last, whatever it gave.
    assert!(values.len() == 3 && values[..2].is_sorted(), "{tex}");
    assert!(rows[2].contains("pwil"), "{tex}");
    // Two of five runs of one trial have a value; the others all.
    let mut seeds: Vec<&str> = rows.iter().map(|r| r.rsplit("& ").next().unwrap()).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, ["2 \\\\", "5 \\\\", "5 \\\\"]);
    assert!(run.contains("한글 & -- & -- & $0.900$ & {[$0.800$, $0.950$]} & $0.600$"), "{run}");
    assert!(training.contains("1 & $500.000$ & -- & -- & 5000"), "{training}");
    // A parser that knows nothing of this program reads the same text back.
    if has("pylatexenc") {
        let path = folder.path().join("table.tex");
        std::fs::write(&path, tex).unwrap();
        let code = "import sys
from pylatexenc.latexwalker import LatexWalker
from pylatexenc.latex2text import LatexNodes2Text
nodes, _, _ = LatexWalker(open(sys.argv[1], encoding='utf-8').read(), tolerant_parsing=False).get_latex_nodes()
print(LatexNodes2Text(math_mode='text').nodelist_to_text(nodes))";
        let text = python(code, &[&path]).unwrap().unwrap();
        assert!(LABELS.iter().all(|label| text.contains(label)), "{text}");
        assert!(text.contains("보상 \"sweep\""), "{text}");
    }
}

#[test]
fn latex_tables_compile() {
    let programs = ["tectonic", "xelatex", "lualatex", "pdflatex"];
    let there =
        |p: &&&str| Command::new(p).arg("--version").output().is_ok_and(|o| o.status.success());
    let Some(program) = programs.iter().find(there) else {
        println!("skipped: no LaTeX is installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let paths = [sweep(folder.path()), run(folder.path()), training(folder.path())];
    let tables: String = paths.map(|path| latex::table(&path).unwrap()).concat();
    // Letters beyond the default fonts take packages that a small LaTeX has not.
    let tables: String = tables.chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
    let document = format!(
        "\\documentclass{{article}}\\usepackage{{booktabs,graphicx}}\n\
         \\begin{{document}}\n{tables}\\end{{document}}\n"
    );
    std::fs::write(folder.path().join("t.tex"), document).unwrap();
    let mut command = Command::new(program);
    if *program != "tectonic" {
        command.args(["-halt-on-error", "-interaction=nonstopmode"]);
    }
    let out = command.arg("t.tex").current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}");
    assert!(folder.path().join("t.pdf").is_file(), "{said}");
    // Nothing stands in the margin.
    assert!(!said.contains("Overfull"), "{said}");
}
