//! The scaled simulation has the moments that it was scaled to.

use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::calibrator::tests::{calibrated, calibrated_by, drawn, event, log, near};

/// A base with log-normal amounts and a fixed number of tries per user.
#[derive(Clone)]
struct Base {
    tries: usize,
    sd: f64,
}

impl Simulator for Base {
    fn simulate(&self, users: usize, streams: &Streams) -> Result<EventLog, CalibrationError> {
        let mut events = Vec::new();
        for user in 0..users as u32 {
            let mut stream = streams.stream("base", u64::from(user));
            for _ in 0..self.tries {
                let tick = stream.below(52) as u32;
                let normal: f64 = StandardNormal.sample(&mut stream);
                if stream.uniform() < 0.5 {
                    events.push((user, event(tick, 0, (1.0 + self.sd * normal).exp())));
                }
            }
        }
        Ok(log(&["purchase"], users as u32, events))
    }
}

impl Calibrator for Base {
    fn name(&self) -> &'static str {
        "base"
    }

    fn calibrate(&mut self, _: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        Ok(Box::new(self.clone()))
    }
}

/// Thinning (10 tries) and repeating (1 try): the three moments within 5 standard errors of the
/// 8,192 users measured and the 8,192 drawn.
#[test]
fn scaling_gives_the_three_moments() {
    let train = drawn(2000, 6);
    let target = Moments::of_statistics(&Statistics::of(&train)).unwrap();
    let direct = Moments::of_log(&train).unwrap();
    near(target.mean, direct.mean, 1e-12);
    near(target.sd, direct.sd, 1e-12);
    for tries in [1, 10] {
        let base = Box::new(Base { tries, sd: 0.4 });
        let simulator = calibrated(&mut Scaling::new(base), &train).unwrap();
        let log = simulator.simulate(8192, &Streams::new(3)).unwrap();
        let found = Moments::of_log(&log).unwrap();
        let events = log.events().len() as f64;
        near(found.events, target.events, 5.0 * 2.0 * target.events / (8192.0_f64 * 0.5).sqrt());
        near(found.mean, target.mean, 5.0 * 3.0 * target.sd / events.sqrt());
        near(found.sd, target.sd, 5.0 * 3.0 * target.sd / (2.0 * events).sqrt());
        // As text, because unknown balances are NaN.
        let text = |log| serde_json::to_string(&log).unwrap();
        assert_eq!(text(log), text(simulator.simulate(8192, &Streams::new(3)).unwrap()));
    }
}

#[test]
fn scaling_refuses_a_base_that_it_cannot_scale() {
    let train = drawn(300, 6);
    let why =
        |base| calibrated(&mut Scaling::new(Box::new(base)), &train).err().unwrap().to_string();
    assert!(why(Base { tries: 0, sd: 1.0 }).contains("raise its rates"));
    assert!(why(Base { tries: 3, sd: 0.0 }).contains("spread"));
    let empty = log(&["purchase"], 3, vec![]);
    let refused = calibrated(&mut Scaling::new(Box::new(Base { tries: 2, sd: 1.0 })), &empty);
    assert!(refused.err().unwrap().to_string().contains("check the map"));
}

/// Among active users it is their events that agree, thinned (10 tries) or repeated (1 try), though
/// some users of the base have none, and thinning leaves more without: within 5 standard errors of
/// the 8,192 users measured and the 8,192 drawn.
#[test]
fn scaling_gives_the_events_of_active_users() {
    let train = Population::Active.select(&drawn(4000, 6)).into_owned();
    let target = Moments::of_log(&train).unwrap().events;
    assert!(train.user_count() < 2200 && target < 5.0);
    for tries in [1, 4, 10, 40] {
        let mut scaling = Scaling::new(Box::new(Base { tries, sd: 0.4 }));
        let statistics =
            Statistics { population: Some(Population::Active), ..Statistics::of(&train) };
        let simulator = calibrated_by(&mut scaling, &train, &statistics).unwrap();
        let drawn = Population::Active.draw(&*simulator, 8192, &Streams::new(3)).unwrap();
        assert_eq!(drawn.log.user_count(), 8192);
        let found = Moments::of_log(&drawn.log).unwrap().events;
        near(found, target, 5.0 * 2.0 * target / (8192.0_f64 * 0.5).sqrt());
    }
}
