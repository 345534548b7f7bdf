//! Draws how the time of a panel grows, from the table that `panel_growth` of trueup-calibration
//! writes:
//!
//! ```text
//! cargo run -p trueup-calibration --example panel_growth -- FOLDER
//! cargo run -p trueup-results --example panel_growth_plot -- FOLDER/panel_growth.csv docs
//! ```
//!
//! `panel_growth.svg` has seconds over users, `panel_growth_replicates.svg` over replicates of the
//! bootstrap; all else is as in the row of the table that a run would take.

use std::path::PathBuf;

use trueup_results::plots::{Group, LearningCurves, Render};
use trueup_results::write_atomically;

type Failure = Box<dyn std::error::Error>;

/// What is held while the others grow.
const USERS: f64 = 5000.0;
const REPLICATES: f64 = 200.0;
const PERMUTATIONS: f64 = 200.0;

/// One row of the table.
struct Row {
    panel: String,
    users: f64,
    replicates: f64,
    permutations: f64,
    metrics: f64,
    seconds: f64,
}

fn rows(text: &str) -> Result<Vec<Row>, Failure> {
    let (head, lines) = text.split_once('\n').unwrap_or((text, ""));
    if head.trim() != "panel,users,replicates,permutations,metrics,seconds" {
        return Err(
            format!("the first line is \"{head}\": this is no table of panel_growth").into()
        );
    }
    let row = |line: &str| -> Result<Row, Failure> {
        let wrong = || format!("\"{line}\" is no row of a name and five numbers");
        let (panel, numbers) = line.split_once(',').ok_or_else(wrong)?;
        let numbers: Result<Vec<f64>, _> = numbers.split(',').map(str::parse).collect();
        let Ok([users, replicates, permutations, metrics, seconds]) = numbers.as_deref() else {
            return Err(wrong().into());
        };
        let [users, replicates, permutations, metrics, seconds] =
            [*users, *replicates, *permutations, *metrics, *seconds];
        Ok(Row { panel: panel.to_owned(), users, replicates, permutations, metrics, seconds })
    };
    lines.lines().filter(|line| !line.trim().is_empty()).map(row).collect()
}

/// One line a panel, over what `along` takes of a row.
fn groups(rows: &[&Row], along: fn(&Row) -> f64) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let name = format!("{} panel, {} metrics", row.panel, row.metrics);
        let point = (along(row), row.seconds);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.seeds[0].push(point),
            None => {
                groups.push(Group { name, place: groups.len(), seeds: vec![vec![point]] });
            }
        }
    }
    groups.iter_mut().for_each(|group| group.seeds[0].sort_by(|a, b| a.0.total_cmp(&b.0)));
    groups
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let table = arguments.next().unwrap_or_else(|| "panel_growth.csv".into());
    let folder = arguments.next().unwrap_or_else(|| "docs".into());
    let rows = rows(&std::fs::read_to_string(&table)?)?;
    let draw = |name: &str, axis: &str, rows: Vec<&Row>, along: fn(&Row) -> f64| {
        let title = "Seconds of a panel with its uncertainty";
        let curves = LearningCurves::new(title, (axis, "seconds"), &groups(&rows, along));
        let curves = curves.ok_or("no panel has two rows to draw a line through")?.from_zero();
        let words = format!("Seconds over {axis}: {}.", curves.ends());
        let path = folder.join(format!("{name}.svg"));
        let svg = curves.svg(name, title, &words).map_err(|error| error.to_string())?;
        write_atomically(&path, svg.as_bytes())?;
        println!("{}: {words}", path.display());
        Ok::<(), Failure>(())
    };
    let labels = |row: &&Row| row.permutations == PERMUTATIONS;
    let by_users = rows.iter().filter(labels).filter(|row| row.replicates == REPLICATES);
    draw("panel_growth", "users a side", by_users.collect(), |row| row.users)?;
    let by_replicates = rows.iter().filter(labels).filter(|row| row.users == USERS);
    let axis = "replicates of the bootstrap";
    draw("panel_growth_replicates", axis, by_replicates.collect(), |row| row.replicates)
}
