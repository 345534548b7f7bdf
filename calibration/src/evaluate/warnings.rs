//! What a reader must know when samples are small or unequal.
//!
//! Chance alone puts about `sqrt(1/n + 1/m)` between n and m users of one law, on the scale of a
//! distance, and its square on the scale of a squared distance: a V-statistic is never below its
//! bias of order 1/n. So values and floors compare only between sides of about the same sizes.

use super::power::LEVEL;
use super::{PanelConfig, Run, Users};
use crate::panel::PanelRow;

/// Sides with fewer users than this are small.
const SMALL: usize = 100;
/// Chance may differ by this factor between value and floor before it is told.
const UNEQUAL: f64 = 1.25;

/// The warnings about the sizes of one run.
pub fn warnings(run: &Run, users: &Users) -> Vec<String> {
    let simulated = run.logs.iter().map(|log| log.user_count()).min().unwrap_or(0);
    small(simulated, users).into_iter().chain(unequal(simulated, users)).collect()
}

/// The warning about rows whose q-value is large only because there are few relabellings.
pub fn coarse(rows: &[PanelRow], config: &PanelConfig) -> Option<String> {
    let smallest = 1.0 / (1.0 + config.permutations as f64);
    let tests = rows.iter().filter(|row| row.p.is_some()).count();
    let held_up =
        |row: &&PanelRow| row.p.is_some_and(|p| p <= smallest) && row.q.is_some_and(|q| q > LEVEL);
    let held_up = rows.iter().filter(held_up).count();
    (held_up > 0).then(|| {
        format!(
            "{held_up} of {tests} rows have a p-value of {smallest:.4}, the smallest that {} \
             relabellings can give, and so a q-value above {LEVEL}: `permutations = {}` would \
             tell whether they differ.",
            config.permutations,
            config.false_discovery.relabellings(tests, held_up, LEVEL)
        )
    })
}

fn small(simulated: usize, users: &Users) -> Option<String> {
    let [left, right] = users.reference;
    let sides = [(simulated, "simulated"), (users.test, "test"), (left.min(right), "floor")];
    let (least, side) = sides.into_iter().min_by_key(|(count, _)| *count)?;
    let which = match side {
        "floor" => format!("One side of the noise floor has only {least} users"),
        side => format!("There are only {least} {side} users"),
    };
    (least < SMALL).then(|| {
        format!(
            "{which}: chance alone adds about {:.2} standard deviations to a gap of means, smaller \
             differences are not seen, and 95% intervals hold the truth less often than that.",
            (2.0 / least.max(1) as f64).sqrt()
        )
    })
}

fn unequal(simulated: usize, users: &Users) -> Option<String> {
    let chance = |[n, m]: [usize; 2]| 1.0 / n.max(1) as f64 + 1.0 / m.max(1) as f64;
    let squared = chance([simulated, users.test]) / chance(users.reference);
    let factor = squared.sqrt();
    let [left, right] = users.reference;
    let sizes = format!(
        "Values compare {simulated} simulated with {} test users, the noise floor {left} with \
         {right} real ones: a perfect simulation",
        users.test
    );
    if factor > UNEQUAL {
        return Some(format!(
            "{sizes} would stand at about {factor:.1} times the floor ({squared:.1} times for squared \
             distances), and look worse than it is."
        ));
    }
    // That halves are small is told once, with the floor.
    (factor < 1.0 / UNEQUAL && !users.halves).then(|| {
        format!(
            "{sizes} would stand at about {factor:.2} times the floor ({squared:.2} times for squared \
             distances): at the floor it is not yet perfect, and a gap may be closed by more than \
             100%."
        )
    })
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Covariates, EventLog, Tick};

    use super::*;

    fn told(simulated: usize, reference: [usize; 2], test: usize, halves: bool) -> String {
        let clock = Clock { tick: Tick::Week, horizon: 9, start_day: None };
        let labels = (0..simulated).map(|user| user.to_string()).collect();
        let kinds = vec!["purchase".to_string()];
        let log = EventLog::new(clock, kinds, labels, [], Covariates::default()).unwrap();
        let run = Run { name: "a".into(), logs: vec![log] };
        warnings(&run, &Users { reference, test, halves }).join(" | ")
    }

    #[test]
    fn sizes_are_told_where_they_matter() {
        assert_eq!(told(200, [210, 190], 190, false), "");
        assert_eq!(told(400, [200, 200], 400, true), "");
        assert!(told(30, [32, 31], 31, false).contains("only 30 simulated users"));
        // sqrt((1/100 + 1/400) / (2/400)) = 1.58.
        let few = told(100, [400, 400], 400, false);
        assert!(few.contains("about 1.6 times the floor") && few.contains("2.5 times"), "{few}");
        let many = told(4000, [400, 100], 400, false);
        assert!(many.contains("about 0.47 times the floor"), "{many}");
        assert!(told(300, [20, 300], 300, false).contains("side of the noise floor has only 20"));
    }
}
