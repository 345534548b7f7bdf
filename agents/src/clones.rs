//! What a policy is cloned from: the decisions that real users took, with what they would have seen
//! in the world.
//!
//! Real users are followed through the world ([`follow`]); the amount of each event becomes one of
//! the bins that policies choose among ([`Amounts::bin_of`]).

use rayon::prelude::*;
use trueup_env::finance::{FollowError, follow};
use trueup_env::{CheckedWorld, EventLog, Stream, Streams};

use crate::amounts::Amounts;
use crate::step_reward::Choices;

/// Users per parallel piece. Fixed, so that nothing depends on the number of threads.
const CHUNK: usize = 1024;

/// Decisions of real users in flat arrays, one entry a row; rows of one user are in time order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demonstrations {
    /// Observations, rows x size.
    pub observations: Vec<f32>,
    /// Feasible choices, rows x choices; what was done is among them.
    pub masks: Vec<bool>,
    /// The user: an index into the log.
    pub lane: Vec<u32>,
    /// Kind (0 for "nothing") and amount bin (0 for "nothing"), rows x 2.
    pub whole: Vec<u16>,
    /// Numbers per observation.
    pub size: usize,
    /// Choices: "nothing" and the kinds.
    pub choices: usize,
    /// Events left out because a tick of the world holds no more.
    pub skipped: u64,
}

impl Demonstrations {
    /// Follows all users of a log.
    ///
    /// # Errors
    /// A log of another world.
    pub fn record(
        world: &CheckedWorld,
        log: &EventLog,
        amounts: &Amounts,
        streams: &Streams,
    ) -> Result<Self, FollowError> {
        let starts: Vec<usize> = (0..log.user_count()).step_by(CHUNK).collect();
        let parts: Result<Vec<Self>, FollowError> = starts
            .par_iter()
            .map(|&first| {
                let count = CHUNK.min(log.user_count() - first);
                Self::piece(world, log, first, count, amounts, streams)
            })
            .collect();
        let mut all = Self {
            size: trueup_env::finance::observation_fields(world).len(),
            choices: world.choices(),
            ..Self::default()
        };
        for part in parts? {
            all.observations.extend(part.observations);
            all.masks.extend(part.masks);
            all.lane.extend(part.lane);
            all.whole.extend(part.whole);
            all.skipped += part.skipped;
        }
        Ok(all)
    }

    fn piece(
        world: &CheckedWorld,
        log: &EventLog,
        first: usize,
        count: usize,
        amounts: &Amounts,
        streams: &Streams,
    ) -> Result<Self, FollowError> {
        let mut part = Self::default();
        let mut bins: Vec<Stream> =
            (first..first + count).map(|user| streams.stream("bin", user as u64)).collect();
        part.skipped = follow(world, log, first..first + count, streams, &mut |round| {
            part.observations.extend_from_slice(round.observations);
            part.masks.extend_from_slice(round.masks);
            for (i, &user) in round.users.iter().enumerate() {
                let choice = round.actions.kind[i];
                let bin = choice.checked_sub(1).map_or(0, |kind| {
                    let amount = round.actions.amount[i];
                    amounts.bin_of(usize::from(kind), amount, &mut bins[user - first])
                });
                part.lane.push(user as u32);
                part.whole.extend([choice, bin as u16]);
            }
        })?;
        Ok(part)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.lane.len()
    }

    /// All decisions.
    pub fn choices(&self) -> Choices<'_> {
        Choices { observations: &self.observations, masks: &self.masks, whole: &self.whole }
    }

    /// Some rows, in the order given.
    pub fn select(&self, rows: &[u32]) -> Self {
        let mut selected = Self { size: self.size, choices: self.choices, ..Self::default() };
        for &row in rows {
            let row = row as usize;
            let (size, choices) = (self.size, self.choices);
            selected.observations.extend_from_slice(&self.observations[row * size..][..size]);
            selected.masks.extend_from_slice(&self.masks[row * choices..][..choices]);
            selected.lane.push(self.lane[row]);
            selected.whole.extend_from_slice(&self.whole[row * 2..][..2]);
        }
        selected
    }
}

/// Rows with an event, all of them, and each other row with probability `idle_share`, ascending;
/// with the weight of the latter, 1 / share. Most decisions are for nothing and say little; the
/// weight keeps sums unbiased.
pub fn thin(whole: &[u16], idle_share: f64, streams: &Streams) -> (Vec<u32>, f32) {
    let mut stream = streams.stream("thin", 0);
    let kept = whole
        .chunks_exact(2)
        .zip(0_u32..)
        .filter(|(whole, _)| whole[0] > 0 || stream.uniform() < idle_share)
        .map(|(_, row)| row)
        .collect();
    (kept, (1.0 / idle_share) as f32)
}

#[cfg(test)]
mod tests {
    use trueup_calibration::statistics::Statistics;

    use super::*;
    use crate::personas::{Personas, PersonasConfig};
    use crate::policy::simulate;
    use crate::test_world::{statistics, world};

    /// Personas of the small world, as if they were real: more users than one piece holds.
    fn log() -> EventLog {
        let personas = Personas::new(PersonasConfig::default(), world(), &statistics());
        simulate(&world(), &personas, CHUNK + 200, &Streams::new(1)).unwrap()
    }

    #[test]
    fn demonstrations_are_the_events_of_the_log_in_time_order() {
        let log = log();
        let amounts = Amounts::new(&Statistics::of(&log), 8);
        let record = || Demonstrations::record(&world(), &log, &amounts, &Streams::new(2)).unwrap();
        let all = record();
        assert_eq!(all.observations.len(), all.rows() * all.size);
        assert_eq!(all.masks.len(), all.rows() * all.choices);
        assert_eq!(all.skipped, 0);
        let mut next = log.offsets().to_vec();
        let mut nothing = vec![0_u32; log.user_count()];
        let law = Statistics::of(&log).amount_law(0).unwrap();
        for (row, &user) in all.lane.iter().enumerate() {
            let user = user as usize;
            let (choice, bin) = (all.whole[row * 2], usize::from(all.whole[row * 2 + 1]));
            assert!(all.masks[row * all.choices + usize::from(choice)]);
            if choice == 0 {
                nothing[user] += 1;
                continue;
            }
            let event = log.events()[next[user]];
            next[user] += 1;
            assert_eq!(event.kind + 1, choice);
            // The first field of an observation is the share of the window that is over.
            let elapsed = all.observations[row * all.size];
            assert!((elapsed - event.tick as f32 / log.clock().horizon as f32).abs() < 1e-6);
            // The amount lies in its bin, to half an interval of the law.
            let (low, high) = (bin as f64 / 8.0, (bin as f64 + 1.0) / 8.0);
            let [low, high] = [low - 1.0 / 512.0, high + 1.0 / 512.0].map(|p| law.quantile(p));
            assert!((low..=high).contains(&event.amount), "{low} {} {high}", event.amount);
            if row > 2000 {
                break;
            }
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert!(pool.install(record) == all);
        let some = all.select(&[7, 3]);
        assert_eq!(some.lane, [all.lane[7], all.lane[3]]);
        assert_eq!(some.observations[..all.size], all.observations[7 * all.size..8 * all.size]);
    }

    /// The weighted number of idle rows is unbiased: within 4.5 standard errors (false alarm 1e-5).
    #[test]
    fn thinning_keeps_every_event_and_the_weight_of_the_rest() {
        let whole: Vec<u16> = (0..20_000_u16).flat_map(|i| [u16::from(i % 5 == 0), 0]).collect();
        let (kept, weight) = thin(&whole, 0.25, &Streams::new(4));
        assert!(kept.is_sorted());
        let idle = kept.iter().filter(|&&row| row % 5 != 0).count();
        assert_eq!(kept.len() - idle, 4000);
        let (found, n) = (idle as f64 * f64::from(weight), 16_000.0_f64);
        assert!((found - n).abs() < 4.5 * (n * 0.25 * 0.75).sqrt() * 4.0, "{found}");
    }
}
