//! What came in and what was spent, as the effects of the kinds tell it.

use trueup_env::finance::Effect;
use trueup_env::{Event, Money};

/// Money of one user over the window.
pub(super) struct Flows {
    /// What came in from outside.
    pub inflow: Money,
    /// What was spent.
    pub spent: Money,
}

impl Flows {
    /// Adds up the events; none where no kind of the log brings money in, or none spends it.
    /// Moves between a user's own places (saving, investing) are neither.
    pub fn of(events: &[Event], effects: &[Effect]) -> Option<Self> {
        if !(effects.contains(&Effect::Receive) && effects.contains(&Effect::Spend)) {
            return None;
        }
        let mut flows = Self { inflow: Money::default(), spent: Money::default() };
        for event in events {
            match effects.get(usize::from(event.kind)) {
                Some(Effect::Receive) => flows.inflow += Money::of(event.amount),
                Some(Effect::Spend) => flows.spent += Money::of(event.amount),
                _ => {}
            }
        }
        Some(flows)
    }

    /// What came in less what was spent.
    pub fn net(&self) -> Money {
        let mut net = self.inflow;
        net -= self.spent;
        net
    }
}
