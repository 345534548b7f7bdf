//! Decisions as rows: what the user's own record shows, and what he did.

use trueup_env::CheckedWorld;
use trueup_env::finance::observation_fields;

use super::rows::{Rows, Sample, Standard};
use crate::amounts::Amounts;

/// Fields of an observation that a discriminator must not see, by the start of their name.
///
/// Latent components, the market and the wallet of a real user are not known: following him draws
/// them, so they have nothing to do with what he did. For a simulated user, whose policy may act on
/// them, they have. A discriminator that saw both would pay for ignoring them.
const HIDDEN: [&str; 5] = ["latent.", "market_", "cash", "savings", "risky"];

/// Makes rows of observations and actions: the visible fields, one number a choice (1 for what was
/// chosen), and the log of the amount in the middle of the bin, all standardised by the real rows.
///
/// The middle stands for the amount because a policy chooses the bin and chance the rest: what it
/// cannot choose, it must not be judged by.
#[derive(Clone, Debug)]
pub(super) struct StepFeatures {
    visible: Vec<usize>,
    choices: usize,
    bins: usize,
    /// Per kind and bin.
    log_amounts: Vec<f32>,
    standard: Option<Standard>,
}

impl StepFeatures {
    pub fn new(world: &CheckedWorld, amounts: &Amounts) -> Self {
        let fields = observation_fields(world);
        let seen = |name: &str| !HIDDEN.iter().any(|hidden| name.starts_with(hidden));
        let log = |amount: f64| if amount > 0.0 { amount.ln() as f32 } else { 0.0 };
        let bins = amounts.bins();
        Self {
            visible: (0..fields.len()).filter(|&i| seen(&fields[i].name)).collect(),
            choices: world.choices(),
            bins,
            log_amounts: (0..(world.choices() - 1) * bins)
                .map(|i| log(amounts.middle(i / bins, i % bins).unwrap_or(0.0)))
                .collect(),
            standard: None,
        }
    }

    /// Numbers of what was seen; the leading ones of a row.
    pub fn state(&self) -> usize {
        self.visible.len()
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.visible.len() + self.choices + 1
    }

    /// Standardises rows from now on as these, which are brought up to date.
    pub fn standardise(&mut self, sample: &mut Sample) {
        let standard = Standard::of(sample);
        sample.rows.values.chunks_exact_mut(self.width()).for_each(|row| standard.apply(row));
        self.standard = Some(standard);
    }

    /// The rows of decisions: observations (rows x size), kinds and bins (rows x 2), of which those
    /// are taken whose number is in `which`.
    pub fn rows(
        &self,
        observations: &[f32],
        whole: &[u16],
        size: usize,
        which: impl Iterator<Item = usize>,
    ) -> Rows {
        let mut rows = Rows::new(self.width());
        for row in which {
            let start = rows.values.len();
            let observation = &observations[row * size..][..size];
            rows.values.extend(self.visible.iter().map(|&i| observation[i]));
            let (choice, bin) = (usize::from(whole[row * 2]), usize::from(whole[row * 2 + 1]));
            rows.values.extend((0..self.choices).map(|i| if i == choice { 1.0 } else { 0.0 }));
            let place = choice.checked_sub(1).map(|kind| kind * self.bins + bin);
            let log = place.and_then(|place| self.log_amounts.get(place));
            rows.values.push(log.copied().unwrap_or(0.0));
            if let Some(standard) = &self.standard {
                standard.apply(&mut rows.values[start..]);
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::{statistics, world};

    /// One kind, four bins of the amounts 1, 5, ..., 97. What a real user's record does not tell
    /// changes nothing; what he did does.
    #[test]
    fn rows_hold_the_record_and_the_choice_and_nothing_that_is_drawn() {
        let amounts = Amounts::new(&statistics(), 4);
        let mut features = StepFeatures::new(&world(), &amounts);
        let fields = observation_fields(&world());
        let size = fields.len();
        let mut observations = vec![0.5; 2 * size];
        let mut hidden = 0;
        for (i, field) in fields.iter().enumerate() {
            if ["latent.0", "cash"].contains(&field.name.as_str()) {
                observations[i] = 9.0;
                hidden += 1;
            }
        }
        assert_eq!((hidden, features.state()), (2, size - 2));
        let rows = features.rows(&observations, &[0, 0, 0, 0], size, 0..2);
        assert_eq!(rows.row(0), rows.row(1));
        let rows = features.rows(&observations, &[0, 0, 1, 2], size, 0..2);
        assert_eq!(rows.row(0)[size - 2..], [1.0, 0.0, 0.0]);
        let middle = amounts.middle(0, 2).unwrap();
        assert_eq!(rows.row(1)[size - 2..], [0.0, 1.0, middle.ln() as f32]);
        assert!((50.0..75.0).contains(&middle));

        // Standardised by themselves, two different values are -1 and 1.
        let mut sample = Sample::even(rows);
        features.standardise(&mut sample);
        let again = features.rows(&observations, &[0, 0, 1, 2], size, 0..2);
        assert_eq!(again, sample.rows);
        assert!((again.row(1)[size] - 1.0).abs() < 1e-5 && (again.row(0)[size] + 1.0).abs() < 1e-5);
    }
}
