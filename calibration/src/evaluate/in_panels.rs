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

/// What a reader must know of them.
pub fn notes(panel: &Panel) -> impl Iterator<Item = String> {
    let mut names: Vec<&str> = OTHERWISE.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    names.into_iter().filter_map(|name| {
        let mut own = panel.metrics.iter().map(|metric| &metric.discrepancy);
        let set = own.find_map(|own| (own.name() == name).then(|| unsaid(own)).flatten())?;
        Some(format!(
            "`{name}` is measured with {set}, because a panel takes hundreds of values of it; \
             named among the metrics, it is measured as it is alone."
        ))
    })
}

/// The parameters that are not at their defaults without the label saying so.
fn unsaid(discrepancy: &Named) -> Option<String> {
    let one = |parameter: &Parameter| {
        let Parameter { name, default, .. } = parameter;
        let value = discrepancy.parameter(name).filter(|value| value != default)?;
        let said = discrepancy.label().contains(&format!("{name}="));
        (!said).then(|| format!("{name} = {value} (alone {default})"))
    };
    let all: Vec<String> = discrepancy.parameters().iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_stays() {
        let of = |text: &str, joint_users: usize| {
            let own = find(text, joint_users, false).unwrap();
            let [rows, tolerance] = ["rows", "tolerance"].map(|name| own.parameter(name));
            (own.label().to_owned(), rows, tolerance, unsaid(&own))
        };
        let told = |rows: f64, tolerance: f64| {
            format!("rows = {rows} (alone 1000) and tolerance = {tolerance} (alone 0.000001)")
        };
        let (short, name) = (Some(1e-3), "sinkhorn".to_owned());
        assert_eq!(
            of("sinkhorn", 2000),
            (name.clone(), Some(500.0), short, Some(told(500.0, 1e-3)))
        );
        assert_eq!(of("sinkhorn", 200), (name.clone(), Some(50.0), short, Some(told(50.0, 1e-3))));
        let alone = "sinkhorn(rows=1000, tolerance=0.000001)";
        assert_eq!(of(alone, 2000), (name, Some(1000.0), Some(1e-6), None));
        assert_eq!(find("sinkhorn", 2000, true).unwrap().parameter("rows"), Some(1000.0));
        let (label, rows, ..) = of("sinkhorn(epsilon=2)", 2000);
        assert_eq!((label.as_str(), rows), ("sinkhorn(epsilon=2)", Some(500.0)));
        let energy = ("energy-nd".to_owned(), Some(500.0), None, Some("rows = 500 (alone 2000)"));
        let found = of("energy-nd", 500);
        assert_eq!((found.0, found.1, found.2, found.3.as_deref()), energy);
    }
}
