//! What all users do together, tick by tick.

use serde::{Deserialize, Serialize};
use trueup_calibration::features::Feature;
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::EventLog;

/// One feature of all users together on all sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TickSeries {
    /// Name of the feature.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its unit.
    pub unit: String,
    /// What it is, in one sentence.
    pub definition: String,
    /// One entry a side with rows, external first.
    pub sides: Vec<TickSide>,
}

/// One side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TickSide {
    /// Name of the calibrator; that of the external side first.
    pub name: String,
    /// One value a tick, per user. Of a calibrator it is the first evaluation seed alone: a mean
    /// over seeds would be smoother than any simulation.
    pub values: Vec<f64>,
}

impl TickSeries {
    /// Measures a feature whose rows are what events add to their tick; none for other features and
    /// where no external event has it.
    pub fn of(feature: &Feature, sides: &[(&str, Vec<&EventLog>)]) -> Option<Self> {
        if feature.shape() != Shape::Series {
            return None;
        }
        let side = |(name, logs): &(&str, Vec<&EventLog>)| {
            let values = per_user(&feature.sample(logs.first()?))?;
            Some(TickSide { name: (*name).to_owned(), values })
        };
        let (external, others) = sides.split_first()?;
        let external = side(external)?;
        Some(Self {
            name: feature.name.to_owned(),
            title: feature.title.to_owned(),
            unit: feature.unit.to_owned(),
            definition: feature.definition_text.to_owned(),
            sides: std::iter::once(external).chain(others.iter().filter_map(side)).collect(),
        })
    }
}

/// The sum of the (tick, amount) rows of each tick, per user; none without rows.
fn per_user(sample: &Sample) -> Option<Vec<f64>> {
    let mut values = vec![0.0; sample.categories];
    for row in sample.values.chunks_exact(2) {
        if let Some(value) = values.get_mut(row[0] as usize) {
            *value += row[1];
        }
    }
    values.iter_mut().for_each(|value| *value /= sample.users.max(1) as f64);
    (sample.rows() > 0).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::super::tests::log;
    use super::*;
    use trueup_calibration::features::{Definition, Level};

    #[test]
    fn amounts_are_summed_tick_by_tick_and_shared_among_all_users() {
        let feature = Feature {
            name: "volume",
            title: "Volume",
            unit: "amount",
            level: Level::Population,
            definition_text: "",
            definition: Definition::Series(|_, event| Some(event.amount)),
        };
        let real = log(&[&[(0, 1.0), (2, 2.0)], &[(2, 6.0)], &[], &[]]);
        let (first, second) = (log(&[&[(9, 3.0)]]), log(&[&[(1, 5.0)]]));
        let empty = log(&[&[]]);
        let sides = [("real", vec![&real]), ("a", vec![&first, &second]), ("none", vec![&empty])];
        let series = TickSeries::of(&feature, &sides).unwrap();
        assert_eq!(series.sides[0].values, [0.25, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((series.sides[1].values[9], series.sides[1].values[1]), (3.0, 0.0));
        assert_eq!(series.sides.len(), 2, "a side without events has no series");
        assert_eq!(TickSeries::of(&feature, &sides[2..]), None);
        let other = trueup_calibration::features::find("log_amount").unwrap();
        assert_eq!(TickSeries::of(other, &sides), None);
    }
}
