//! Which metrics a panel holds when none are named: a line a feature, or a shape of features.

use super::metrics::Source;
use super::{Breadth, Metric};
use crate::discrepancy::energy_nd;
use crate::features::FEATURES;
use crate::panel::USER_VECTOR;
use crate::sample::Shape;

/// Every feature, or every discrepancy.
pub const ALL: &str = "*";

/// Which features a line is about.
pub enum Of {
    /// All registered features with such rows, but for those of [`MONEY`].
    Shape(Shape),
    /// One feature.
    Feature(&'static str),
}

/// Features in money itself. By rank they say what their logs say, so they are measured by what
/// depends on money: the mean, the distance in money, the tail.
const MONEY: [&str; 4] = ["amount", "total_amount", "mean_amount", "top_event_share"];

/// The standard panel. Names of features and discrepancies must exist; a test looks.
pub const STANDARD: &[(Of, &[&str])] = &[
    (
        Of::Shape(Shape::Real),
        &["kolmogorov-smirnov", "wasserstein-1", "cramer-von-mises", "mean-gap", "sd-gap"],
    ),
    (Of::Feature("amount"), &["wasserstein-1", "mean-gap", "quantile-gap(p=0.999)"]),
    (Of::Feature("total_amount"), &["wasserstein-1", "mean-gap", "tail-gap"]),
    (Of::Feature("mean_amount"), &["wasserstein-1", "mean-gap"]),
    (Of::Feature("top_event_share"), &["kolmogorov-smirnov", "mean-gap"]),
    (Of::Shape(Shape::Category), &["total-variation"]),
    (Of::Feature("amount_pair"), &["correlation-gap"]),
    (Of::Feature("gap_pair"), &["correlation-gap"]),
    (Of::Feature("log_amount"), &["between-share-gap"]),
    (Of::Feature("kind"), &["ngram-divergence"]),
    (Of::Feature("kind_pair"), &["transition-distance"]),
    (Of::Feature("daily_count"), &["autocorrelation-gap", "growth-gap"]),
    (Of::Feature("daily_volume"), &["autocorrelation-gap", "growth-gap"]),
    (Of::Feature("user_path"), &["signature-mmd"]),
    (Of::Feature(USER_VECTOR), &[energy_nd::NAME]),
];

/// The metrics of a panel, feature by feature; with [`ALL`] for wildcards.
pub fn metrics(breadth: Breadth) -> Vec<Metric> {
    let metric = |feature: &str, discrepancy: &str| Metric {
        feature: feature.into(),
        discrepancy: discrepancy.into(),
    };
    if breadth == Breadth::Full {
        return vec![metric(ALL, ALL)];
    }
    let sources = FEATURES.iter().map(Source::Feature).chain([Source::UserVector]);
    let of_source = |source: Source| {
        let applies = move |of: &Of| match of {
            Of::Feature(name) => *name == source.name(),
            // The user vector is no feature of the registry: it is asked for by name.
            Of::Shape(shape) => {
                let own = source.name() == USER_VECTOR || MONEY.contains(&source.name());
                *shape == source.shape() && !own
            }
        };
        let lines = STANDARD.iter().filter(move |(of, _)| applies(of));
        lines.flat_map(move |(_, names)| names.iter().map(move |name| (source.name(), *name)))
    };
    sources.flat_map(of_source).map(|(feature, name)| metric(feature, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{discrepancy, features};

    #[test]
    fn the_standard_panel_names_what_there_is() {
        for (of, names) in STANDARD {
            for name in *names {
                let discrepancy = discrepancy::named(name).unwrap();
                let shape = match of {
                    Of::Shape(shape) => *shape,
                    Of::Feature(USER_VECTOR) => Shape::Vector,
                    Of::Feature(feature) => features::find(feature).unwrap().shape(),
                };
                assert_eq!(discrepancy.shape(), shape, "{name}");
            }
        }
        assert!(MONEY.iter().all(|name| features::find(name).is_some()));
        let metrics = metrics(Breadth::Standard);
        assert!(metrics.len() > 60);
        for (i, metric) in metrics.iter().enumerate() {
            assert!(!metrics[..i].contains(metric), "{metric:?} twice");
        }
    }
}
