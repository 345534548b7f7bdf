//! The random policy: every feasible choice equally likely, amounts uniform below a month's median
//! income. The lower end of every comparison.

use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Simulator};
use trueup_env::{Actions, CheckedWorld, Stream, Streams, Tick};

use crate::policy::{Actor, Decision, Policy, PolicySimulator};

/// Chooses without looking.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    /// Amounts are uniform below this.
    pub largest_amount: f64,
}

struct RandomActor {
    largest_amount: f64,
    streams: Vec<Stream>,
}

impl Policy for Random {
    fn actor(&self, first: u64, count: usize, streams: &Streams) -> Box<dyn Actor + '_> {
        let streams = (0..count as u64).map(|i| streams.stream("random", first + i)).collect();
        Box::new(RandomActor { largest_amount: self.largest_amount, streams })
    }
}

impl Actor for RandomActor {
    fn act(&mut self, decision: &Decision<'_>, actions: &mut Actions) {
        actions.kind.clear();
        actions.amount.clear();
        for (&lane, mask) in decision.lanes.iter().zip(decision.masks.chunks(decision.choices)) {
            let stream = &mut self.streams[lane as usize];
            let feasible = mask.iter().filter(|&&feasible| feasible).count();
            let pick = stream.below(feasible);
            let choice = mask.iter().enumerate().filter(|(_, feasible)| **feasible).nth(pick);
            actions.kind.push(choice.map_or(0, |(choice, _)| choice as u16));
            actions.amount.push(stream.uniform() * self.largest_amount);
        }
    }
}

/// The calibrator `random`: calibrates nothing.
pub struct RandomUsers(pub CheckedWorld);

impl Calibrator for RandomUsers {
    fn name(&self) -> &'static str {
        "random"
    }

    fn calibrate(&mut self, _brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let months = self.0.clock.tick.days() / Tick::Month.days();
        let policy = Random { largest_amount: self.0.wallet.income_median / months };
        Ok(Box::new(PolicySimulator::plain(self.0.clone(), policy)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::simulate;
    use crate::test_world::{HORIZON, world};

    /// Two choices at every decision and at most two events a tick: 1/2 + 1/4 events a tick, within
    /// 4.5 standard errors (false alarm 1e-5).
    #[test]
    fn chooses_without_looking() {
        let (world, users) = (world(), 2_000);
        let policy = Random { largest_amount: 10.0 };
        let log = simulate(&world, &policy, users, &Streams::new(1)).unwrap();
        let ticks = users as f64 * f64::from(HORIZON);
        // Events of a tick: 0, 1, 2 with probability 1/2, 1/4, 1/4; variance 11/16.
        let mean = log.events().len() as f64 / ticks;
        assert!((mean - 0.75).abs() < 4.5 * (11.0 / 16.0 / ticks).sqrt(), "{mean}");
        assert!(log.events().iter().all(|event| event.amount < 10.0));
    }
}
