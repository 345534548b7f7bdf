//! Policies, and how a world full of users that follow one becomes an event log.

use rayon::prelude::*;
use trueup_calibration::calibrator::{CalibrationError, Remarks, Simulator};
use trueup_env::{Actions, CheckedWorld, EventLog, FinanceLanes, Lanes, Streams};

/// Users simulated together. Fixed, so that a log does not depend on the number of threads.
const CHUNK: usize = 1024;

/// What waits for a decision: rows of flat arrays, one a waiting user.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The waiting users' places in the chunk, ascending.
    pub lanes: &'a [u32],
    /// Observations, lanes x size.
    pub observations: &'a [f32],
    /// Numbers per observation.
    pub size: usize,
    /// Feasible choices, lanes x choices; choice 0 ("nothing") always is.
    pub masks: &'a [bool],
    /// Choices: "nothing" and the kinds.
    pub choices: usize,
}

/// A way to behave, shared by all users.
pub trait Policy: Send + Sync {
    /// Takes the place of the users `first .. first + count` of a simulation. What is random about
    /// user `u` comes from streams with index `u`.
    fn actor(&self, first: u64, count: usize, streams: &Streams) -> Box<dyn Actor + '_>;
}

/// A policy in the act, with the memory of its users.
pub trait Actor {
    /// Decides for every waiting user, in the order of `decision.lanes`.
    fn act(&mut self, decision: &Decision<'_>, actions: &mut Actions);
}

/// Simulates `users` users over the whole horizon.
///
/// # Errors
/// A policy that acts outside the action space, or a log that cannot be built.
pub fn simulate(
    world: &CheckedWorld,
    policy: &dyn Policy,
    users: usize,
    streams: &Streams,
) -> Result<EventLog, CalibrationError> {
    let starts: Vec<usize> = (0..users).step_by(CHUNK).collect();
    let logs: Result<Vec<EventLog>, CalibrationError> = starts
        .par_iter()
        .map(|&first| {
            let count = CHUNK.min(users - first);
            let mut lanes = FinanceLanes::new(world.clone(), count).first_user(first as u64);
            lanes.reset(streams);
            let mut actor = policy.actor(first as u64, count, streams);
            play(&mut lanes, actor.as_mut())?;
            lanes.log("").map_err(inner)
        })
        .collect();
    EventLog::concatenate(logs?).map_err(inner)
}

/// Plays the episodes of all lanes to their end.
///
/// # Errors
/// An action outside the action space.
pub fn play(lanes: &mut FinanceLanes, actor: &mut dyn Actor) -> Result<(), CalibrationError> {
    let (size, choices) = (lanes.observation_space().size(), lanes.world().choices());
    let mut actions = Actions::default();
    while !lanes.waiting().is_empty() {
        let decision = Decision {
            lanes: lanes.waiting(),
            observations: lanes.observations(),
            size,
            masks: lanes.masks(),
            choices,
        };
        actor.act(&decision, &mut actions);
        lanes.step(&actions).map_err(inner)?;
    }
    Ok(())
}

/// Wraps an error of a simulation.
pub(crate) fn inner(error: impl std::error::Error + Send + Sync + 'static) -> CalibrationError {
    CalibrationError::Inner { calibrator: "simulation", source: Box::new(error) }
}

/// A policy in a world, as the panel sees it.
pub struct PolicySimulator<P> {
    /// The world.
    pub world: CheckedWorld,
    /// The policy.
    pub policy: P,
    /// Parameters to show.
    pub parameters: Vec<(String, f64)>,
    /// Files to keep.
    pub files: Vec<(String, Vec<u8>)>,
    /// What a reader must know.
    pub remarks: Remarks,
}

impl<P> PolicySimulator<P> {
    /// A policy that was not fitted.
    pub fn plain(world: CheckedWorld, policy: P) -> Self {
        let (parameters, files) = (Vec::new(), Vec::new());
        Self { world, policy, parameters, files, remarks: Remarks::default() }
    }
}

impl<P: Policy> Simulator for PolicySimulator<P> {
    fn simulate(&self, users: usize, streams: &Streams) -> Result<EventLog, CalibrationError> {
        simulate(&self.world, &self.policy, users, streams)
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        self.parameters.clone()
    }

    fn remarks(&self) -> Remarks {
        self.remarks.clone()
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        self.files.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personas::{Personas, PersonasConfig};
    use crate::test_world::{statistics, world};

    /// A user does the same whoever is simulated beside him, and on however many threads.
    #[test]
    fn users_do_not_depend_on_each_other_or_on_threads() {
        let world = world();
        let personas = Personas::new(PersonasConfig::default(), world.clone(), &statistics());
        let few = simulate(&world, &personas, 100, &Streams::new(1)).unwrap();
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let many = |threads| {
            pool(threads)
                .install(|| simulate(&world, &personas, CHUNK + 300, &Streams::new(1)))
                .unwrap()
        };
        let (one, two) = (many(1), many(2));
        assert!(!few.events().is_empty());
        assert_eq!(one.users(), two.users());
        for user in 0..one.user_count() {
            assert_eq!(one.events_of(user).len(), two.events_of(user).len());
            for (a, b) in one.events_of(user).iter().zip(two.events_of(user)) {
                assert_eq!((a.tick, a.amount.to_bits()), (b.tick, b.amount.to_bits()));
            }
        }
        for user in 0..100 {
            assert_eq!(few.events_of(user), one.events_of(user));
        }
    }

    #[test]
    fn nobody_is_no_log() {
        let world = world();
        let personas = Personas::new(PersonasConfig::default(), world.clone(), &statistics());
        assert!(simulate(&world, &personas, 0, &Streams::new(1)).is_err());
    }
}
