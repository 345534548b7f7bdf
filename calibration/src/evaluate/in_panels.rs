//! How a discrepancy is set in a panel, which takes hundreds of values of it, where the metric does
//! not say so itself; whether it is named there, or one of all.
//!
//! Rows that are limited follow `joint_users`. In a panel of all discrepancies the sliced distances,
//! random features and copulas compare as many rows as the joint distances do, fewer than alone, and
//! Sinkhorn's algorithm, whose time grows with the square of the rows and with the iterations, a
//! quarter of that; it also stops earlier. On user vectors, amount pairs and gap pairs of the purchase
//! log, 200 bootstrap replicates and 200 relabellings of 500 rows have the same means and standard
//! deviations at the tolerance 1e-3 as at 1e-6 to a part of 1e-4, in half the time. Fewer rows are
//! more noise, in values, floors and relabellings alike: relabelled user vectors are 0.135 apart
//! (standard deviation 0.033) by `sliced-wasserstein` on 2,000 of the pooled rows and 0.070 (0.019) on
//! 20,000, 0.0022 (0.0009) by `copula-distance` on 2,000 and 0.0006 (0.0003) on all, and 2.1 (0.9) by
//! `sinkhorn` on 500 and 1.4 (0.6) on 1,000.

use super::metrics::Panel;
use crate::discrepancy::{LookupError, Named, Parameter, lookup, named};

/// The parameter of discrepancies that compare a limited number of rows.
pub const ROWS: &str = "rows";
/// `joint_users` at which discrepancies that compare a limited number of rows keep their default.
const USUAL_JOINT_USERS: f64 = 2000.0;

/// Discrepancies that panels of all discrepancies set otherwise: name, parameter, value.
const OTHERWISE: &[(&str, &str, f64)] = &[
    ("sliced-wasserstein", ROWS, USUAL_JOINT_USERS),
    ("max-sliced-wasserstein", ROWS, USUAL_JOINT_USERS),
    ("mmd-features", ROWS, USUAL_JOINT_USERS),
    ("copula-distance", ROWS, USUAL_JOINT_USERS),
    ("sinkhorn", ROWS, 500.0),
    ("sinkhorn", "tolerance", 1e-3),
];

/// Finds a discrepancy as panels set it; `is_named` where it was asked for by name, and not with all.
///
/// # Errors
/// As for [`named`].
pub fn find(text: &str, joint_users: usize, is_named: bool) -> Result<Named, LookupError> {
    let plain = named(text)?;
    let setting = |parameter: &Parameter| {
        let is_it =
            |(name, own, _): &&(&str, &str, f64)| *name == plain.name() && *own == parameter.name;
        let otherwise = OTHERWISE.iter().filter(|_| !is_named).find(is_it);
        let otherwise = otherwise.map(|(.., value)| *value);
        if parameter.name != ROWS {
            return otherwise.map(|value| (parameter.name, value));
        }
        let share = joint_users as f64 / USUAL_JOINT_USERS;
        let rows = (otherwise.unwrap_or(parameter.default) * share).round();
        Some((ROWS, rows.max(parameter.low).min(parameter.high)))
    };
    let settings: Vec<(&str, f64)> = plain.parameters().iter().filter_map(setting).collect();
    lookup::named_with(text, &settings)
}

/// What a reader must know of them, in one line: which discrepancies compare fewer rows here than
/// they do alone, and than there are. `rows` are those of each source among the real users.
pub fn note(panel: &Panel, rows: &[usize]) -> Option<String> {
    let mut limited: Vec<String> = Vec::new();
    for metric in &panel.metrics {
        let rows = rows.get(metric.source).copied().unwrap_or(0);
        let words = binding(&metric.discrepancy, rows);
        limited.extend(words.filter(|words| !limited.contains(words)));
    }
    (!limited.is_empty()).then(|| {
        format!(
            "A panel takes hundreds of values, so it compares fewer rows by {}; named among the \
             metrics, each is measured as it is alone.",
            limited.join(", ")
        )
    })
}

/// `sinkhorn (500, alone 1000)`, where the panel sets a limit that is lower than that of its own,
/// without the label saying so, and there are more rows.
fn binding(discrepancy: &Named, rows: usize) -> Option<String> {
    let parameter = discrepancy.parameters().iter().find(|parameter| parameter.name == ROWS)?;
    let limit = discrepancy.parameter(ROWS).filter(|limit| *limit < parameter.default)?;
    let said = discrepancy.label().contains(&format!("{ROWS}="));
    let binds = !said && rows as f64 > limit;
    binds.then(|| format!("{} ({limit}, alone {})", discrepancy.name(), parameter.default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_stays() {
        let of = |text: &str, joint_users: usize| {
            let own = find(text, joint_users, false).unwrap();
            let [rows, tolerance] = ["rows", "tolerance"].map(|name| own.parameter(name));
            (own.label().to_owned(), rows, tolerance, binding(&own, 501))
        };
        let (short, name) = (Some(1e-3), "sinkhorn".to_owned());
        let told = |rows: f64| Some(format!("sinkhorn ({rows}, alone 1000)"));
        assert_eq!(of("sinkhorn", 2000), (name.clone(), Some(500.0), short, told(500.0)));
        assert_eq!(of("sinkhorn", 200), (name.clone(), Some(50.0), short, told(50.0)));
        let alone = "sinkhorn(rows=1000, tolerance=0.000001)";
        assert_eq!(of(alone, 2000), (name, Some(1000.0), Some(1e-6), None));
        assert_eq!(find("sinkhorn", 2000, true).unwrap().parameter("rows"), Some(1000.0));
        let (label, rows, ..) = of("sinkhorn(epsilon=2)", 2000);
        assert_eq!((label.as_str(), rows), ("sinkhorn(epsilon=2)", Some(500.0)));
        let found = of("energy-nd", 500);
        assert_eq!((found.0.as_str(), found.1, found.2), ("energy-nd", Some(500.0), None));
        assert_eq!(found.3.as_deref(), Some("energy-nd (500, alone 2000)"));
        // A limit above the number of rows limits nothing.
        assert_eq!(binding(&find("energy-nd", 500, false).unwrap(), 500), None);
    }
}
