//! What a step pays. The world knows no statistics: it is handed a payment that is frozen for an
//! episode, and pays each event by it.

use crate::event_log::Event;
use crate::history::History;

/// A frozen reward: a function of what a user had done before an event, and of the event.
///
/// The same payment gives the same sum whether it is paid step by step by a world, or afterwards
/// by replaying the log ([`replay`]).
pub trait Payment: Send + Sync {
    /// Paid at an event; `after` is `before` with the event pushed.
    fn event(&self, before: &History, event: &Event, after: &History) -> f64;

    /// Paid once, at the user's last step of the horizon.
    fn end(&self, _history: &History) -> f64 {
        0.0
    }
}

/// Pays one user's events in time order: calls `sink` with each event's pay, and returns what is
/// paid at the end of the horizon.
pub fn replay(payment: &dyn Payment, events: &[Event], mut sink: impl FnMut(f64)) -> f64 {
    let mut before = History::default();
    for event in events {
        let mut after = before;
        after.push(event);
        sink(payment.event(&before, event, &after));
        before = after;
    }
    payment.end(&before)
}
