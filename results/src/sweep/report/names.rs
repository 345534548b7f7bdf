//! What trials are called: by what tells them apart.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sweep::plan::{AxisValue, PlannedTrial};

/// Names by the values of those axes on which trials differ, in the order of the trials. Two trials
/// never have the same name.
pub(super) fn names(trials: &[&PlannedTrial], axes: &[String]) -> Vec<String> {
    let varying = varying(trials, axes);
    let name = |trial: &&PlannedTrial| {
        let value = |path: &&String| trial.values.iter().find(|v| v.path == **path);
        let words: Vec<String> = varying.iter().filter_map(value).map(word).collect();
        if words.is_empty() { trial.title() } else { words.join(" · ") }
    };
    let names: Vec<String> = trials.iter().map(name).collect();
    let alone = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let unique = |(name, trial): (&String, &&PlannedTrial)| {
        if alone(name) { name.clone() } else { format!("{name} ({})", trial.trial) }
    };
    names.iter().zip(trials).map(unique).collect()
}

/// Paths on which trials differ, in the order of the axes.
pub(super) fn varying<'a>(trials: &[&PlannedTrial], axes: &'a [String]) -> Vec<&'a String> {
    let differs = |path: &&String| {
        let labels: BTreeSet<Option<&str>> = trials.iter().map(|t| t.label(path)).collect();
        labels.len() > 1
    };
    axes.iter().filter(differs).collect()
}

/// Text speaks for itself; a number or a switch needs the name of what it sets.
fn word(value: &AxisValue) -> String {
    match value.value {
        Value::Number(_) | Value::Bool(_) => format!("{}={}", last(&value.path), value.label),
        _ => value.label.clone(),
    }
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Phase;

    fn trial(id: &str, values: &[(&str, Value)]) -> PlannedTrial {
        let value = |(path, value): &(&str, Value)| AxisValue {
            path: (*path).to_owned(),
            value: value.clone(),
            label: value.as_str().map_or(value.to_string(), str::to_owned),
        };
        let values = values.iter().map(value).collect();
        PlannedTrial { trial: id.into(), index: 0, phase: Phase::Planned, search: None, values }
    }

    #[test]
    fn names_tell_trials_apart_and_say_no_more() {
        let axes = ["reward.kind", "ppo.rate", "fixed"].map(str::to_owned);
        let all = [
            trial(
                "a",
                &[("reward.kind", "증인".into()), ("ppo.rate", 0.1.into()), ("fixed", 1.into())],
            ),
            trial("b", &[("reward.kind", "pwil".into()), ("fixed", 1.into())]),
            trial("c", &[("reward.kind", "pwil".into()), ("fixed", 1.into())]),
        ];
        let all: Vec<&PlannedTrial> = all.iter().collect();
        assert_eq!(names(&all, &axes), ["증인 · rate=0.1", "pwil (b)", "pwil (c)"]);
        assert_eq!(varying(&all, &axes), ["reward.kind", "ppo.rate"]);
        // One trial differs from nothing.
        assert_eq!(names(&all[1..2], &axes), ["kind=pwil fixed=1"]);
        let plain = trial("d", &[]);
        assert_eq!(names(&[&plain], &axes), ["as written"]);
    }
}
