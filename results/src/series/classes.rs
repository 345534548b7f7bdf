//! Names of categories.

use trueup_calibration::features::{Definition, Feature};
use trueup_env::EventLog;

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Names of the categories of a feature, in order: kinds of the log, weekdays, else the number of a
/// class, counted from 1 as days of a month are. None for features without categories.
pub(super) fn names(feature: &Feature, log: &EventLog) -> Vec<String> {
    match feature.definition {
        Definition::Category(_) => log.kinds().to_vec(),
        Definition::Class { classes, .. } if (feature.name, classes) == ("weekday", 7) => {
            WEEKDAYS.map(str::to_owned).to_vec()
        }
        Definition::Class { classes, .. } => (1..=classes).map(|i| i.to_string()).collect(),
        _ => Vec::new(),
    }
}
