//! What came in and what was spent, as the effects of the kinds tell it.

use trueup_env::Event;
use trueup_env::finance::Effect;

/// Money of one user over the window.
pub(super) struct Flows {
    /// What came in from outside.
    pub inflow: f64,
    /// What was spent.
    pub spent: f64,
}

impl Flows {
    /// Adds up the events; none where no kind of the log brings money in, or none spends it.
    /// Moves between a user's own places (saving, investing) are neither.
    pub fn of(events: &[Event], effects: &[Effect]) -> Option<Self> {
        if !(effects.contains(&Effect::Receive) && effects.contains(&Effect::Spend)) {
            return None;
        }
        let mut flows = Self { inflow: 0.0, spent: 0.0 };
        for event in events {
            match effects.get(usize::from(event.kind)) {
                Some(Effect::Receive) => flows.inflow += event.amount,
                Some(Effect::Spend) => flows.spent += event.amount,
                _ => {}
            }
        }
        Some(flows)
    }

    /// What came in less what was spent.
    pub fn net(&self) -> f64 {
        self.inflow - self.spent
    }
}
