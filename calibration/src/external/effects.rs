//! The effects of kinds on money, as balances show them.
//!
//! A balance after an event less the balance before it is +amount where money came in and -amount
//! where it went out. Rows that filters leave out move balances too, so every row with a balance is
//! a link of its user's chain, and only those that are used are evidence.

use std::collections::HashMap;

use trueup_env::finance::{Effect, Found, KindEffect};

/// How far a balance may be from what the amount says, as a share of the amount: balances may be
/// rounded more coarsely than amounts.
const ROUNDING: f64 = 0.01;
/// The least share of a kind's steps that follow its amounts: others have rows missing before them.
const FOLLOWING: f64 = 0.5;
/// The least share of those that go the same way.
const AGREEING: f64 = 0.95;
/// The fewest steps that show something.
const STEPS: usize = 2;

/// A row with a balance.
struct Link {
    user: u32,
    time: i64,
    line: u64,
    balance: f64,
    /// Kind and amount of a row that is used.
    event: Option<(u32, f64)>,
}

/// The balances of all users, row by row.
#[derive(Default)]
pub(super) struct Chains {
    users: HashMap<String, u32>,
    links: Vec<Link>,
}

/// Steps of one kind.
#[derive(Clone, Copy, Default)]
struct Steps {
    all: usize,
    up: usize,
    down: usize,
    still: usize,
}

impl Chains {
    /// Notes a row with a known balance; `event` is its kind and amount where the row is used.
    pub fn note(
        &mut self,
        user: &str,
        time: i64,
        line: u64,
        balance: f64,
        event: Option<(u32, f64)>,
    ) {
        let next = self.users.len() as u32;
        let user = match self.users.get(user) {
            Some(&known) => known,
            None => *self.users.entry(user.into()).or_insert(next),
        };
        self.links.push(Link { user, time, line, balance, event });
    }

    /// The effects of kinds: what balances show, else what names tell.
    pub fn effects(mut self, kinds: &[String]) -> Vec<KindEffect> {
        // Within a time the file is in order, or, in exports with the newest row first, in reverse.
        self.links.sort_by_key(|link| (link.user, link.time, link.line));
        let forwards = self.steps(kinds.len());
        self.links.sort_by_key(|link| (link.user, link.time, u64::MAX - link.line));
        let backwards = self.steps(kinds.len());
        let followed = |steps: &[Steps]| steps.iter().map(|s| s.up + s.down).sum::<usize>();
        let steps = if followed(&backwards) > followed(&forwards) { backwards } else { forwards };
        kinds.iter().zip(steps).map(|(kind, steps)| steps.effect(kind)).collect()
    }

    fn steps(&self, kinds: usize) -> Vec<Steps> {
        let mut steps = vec![Steps::default(); kinds];
        for pair in self.links.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            let Some((kind, amount)) = after.event.filter(|_| before.user == after.user) else {
                continue;
            };
            // Digits that numbers of this size do not have.
            let blur = 1e-12 * (before.balance.abs() + after.balance.abs());
            let tolerance = ROUNDING * amount + blur;
            // An amount of 0, or too small to be seen in the balance, shows nothing.
            if let Some(steps) = steps.get_mut(kind as usize)
                && tolerance < 0.5 * amount
            {
                let step = after.balance - before.balance;
                let near = |value: f64| usize::from((step - value).abs() <= tolerance);
                steps.all += 1;
                steps.up += near(amount);
                steps.down += near(-amount);
                steps.still += near(0.0);
            }
        }
        steps
    }
}

impl Steps {
    /// What the steps of a kind show; what its name tells where they show nothing, or where it says
    /// more than the steps (money out that is invested).
    fn effect(self, kind: &str) -> KindEffect {
        let named = KindEffect::by_name(kind);
        let seen = self.up + self.down + self.still;
        if seen < STEPS || (seen as f64) < FOLLOWING * self.all as f64 {
            return named;
        }
        let most = |count: usize| count as f64 >= AGREEING * seen as f64;
        let (effect, like) = match () {
            () if most(self.up) => (Effect::Receive, &[Effect::Divest, Effect::Draw][..]),
            () if most(self.down) => (Effect::Spend, &[Effect::Invest, Effect::Save][..]),
            () if most(self.still) => (Effect::Record, &[][..]),
            () => return named,
        };
        let effect = if like.contains(&named.effect) { named.effect } else { effect };
        KindEffect { effect, found: Found::Balance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of one user: kind, amount, balance after; kind 9 is a row that filters leave out.
    fn effects(kinds: &[&str], rows: &[(u32, f64, f64)]) -> Vec<KindEffect> {
        let mut chains = Chains::default();
        for (i, &(kind, amount, balance)) in rows.iter().enumerate() {
            let event = (kind < 9).then_some((kind, amount));
            chains.note("a", 0, i as u64, balance, event);
        }
        chains.effects(&kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>())
    }

    fn seen(effect: Effect) -> KindEffect {
        KindEffect { effect, found: Found::Balance }
    }

    #[test]
    fn balances_tell_what_names_do_not() {
        let rows = [
            (0, 100.0, 100.0),
            (1, 30.0, 70.0),
            (0, 50.0, 120.0),
            (1, 20.5, 99.5),
            (0, 7.0, 106.5),
            (2, 5.0, 106.5),
            (2, 8.0, 106.5),
        ];
        let found = effects(&["PRIJEM", "VYDAJ", "VKLAD", "x"], &rows);
        let [receive, spend, record] = [Effect::Receive, Effect::Spend, Effect::Record].map(seen);
        assert_eq!(found, [receive, spend, record, KindEffect::by_name("x")]);
        // The newest row first, all within one day.
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        assert_eq!(effects(&["PRIJEM", "VYDAJ", "VKLAD", "x"], &reversed), found);
    }

    #[test]
    fn balances_go_before_names_unless_the_name_says_more() {
        let rows = [(0, 1.0, 50.0), (0, 10.0, 40.0), (0, 5.0, 35.0), (0, 5.0, 30.0)];
        assert_eq!(effects(&["deposit"], &rows[1..]), [seen(Effect::Spend)]);
        assert_eq!(effects(&["invest"], &rows[1..]), [seen(Effect::Invest)]);
        // One step is not enough, and kinds that go both ways show nothing.
        assert_eq!(effects(&["deposit"], &rows[2..]), [KindEffect::by_name("deposit")]);
        let both = [(0, 1.0, 1.0), (0, 2.0, 3.0), (0, 1.0, 2.0), (0, 1.0, 3.0), (0, 2.0, 1.0)];
        assert_eq!(effects(&["x"], &both), [KindEffect::by_name("x")]);
    }

    #[test]
    fn rows_that_filters_leave_out_are_links_of_the_chain() {
        let rows: Vec<_> = (0..20)
            .flat_map(|i| {
                [(9, 100.0, f64::from(i) * 70.0 + 100.0), (0, 30.0, f64::from(i + 1) * 70.0)]
            })
            .collect();
        assert_eq!(effects(&["x"], &rows), [seen(Effect::Spend)]);
    }

    #[test]
    fn amounts_that_balances_cannot_show_are_no_evidence() {
        let zero = [(0, 0.0, 5.0), (0, 0.0, 5.0), (0, 0.0, 5.0)];
        assert_eq!(effects(&["x"], &zero), [KindEffect::by_name("x")]);
        let tiny = [(0, 1e-9, 1e9), (0, 1e-9, 1e9), (0, 1e-9, 1e9)];
        assert_eq!(effects(&["x"], &tiny), [KindEffect::by_name("x")]);
        // Balances in whole units.
        let whole = [(0, 1.0, 500.0), (0, 99.7, 400.0), (0, 50.3, 350.0), (0, 120.2, 230.0)];
        assert_eq!(effects(&["x"], &whole), [seen(Effect::Spend)]);
    }
}
