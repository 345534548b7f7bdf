//! What the kinds of a log do to money, and how that is known.

use serde::{Deserialize, Serialize};

use super::world::Effect;

/// How the effect of a kind was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// A config says so, or the world that made the log.
    Config,
    /// Balances move by the amounts of its events.
    Balance,
    /// Its name says so.
    Name,
    /// Nothing says so: it is taken to leave money where it is.
    Assumed,
}

/// What a kind does to money, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindEffect {
    /// What an event of the kind does to a wallet.
    pub effect: Effect,
    /// How that was found.
    pub found: Found,
}

impl KindEffect {
    /// The effect that a config or a world gives.
    pub fn given(effect: Effect) -> Self {
        Self { effect, found: Found::Config }
    }

    /// The effect that a name tells; letter case, spaces and hyphens do not matter.
    ///
    /// A name that says nothing is taken for a record: no wallet refuses or cuts such an event, and
    /// it counts neither as money in nor as money out.
    pub fn by_name(kind: &str) -> Self {
        let name = kind.trim().to_lowercase().replace([' ', '-'], "_");
        let effect = match name.as_str() {
            "purchase" | "order" | "withdrawal" | "payment" | "transfer_out" | "spend" | "fee"
            | "bill" | "card" | "credit_card" | "debit_card" | "cash_out" | "debit" => {
                Effect::Spend
            }
            "deposit" | "transfer_in" | "income" | "salary" | "pension" | "refund" | "return"
            | "receive" | "cash_in" | "credit" | "interest" => Effect::Receive,
            "invest" | "buy" | "subscribe" => Effect::Invest,
            "divest" | "sell" | "redeem" => Effect::Divest,
            "save" | "saving" => Effect::Save,
            "draw" => Effect::Draw,
            "record" | "login" | "logout" | "view" | "visit" | "click" => Effect::Record,
            _ => return Self { effect: Effect::Record, found: Found::Assumed },
        };
        Self { effect, found: Found::Name }
    }

    /// The effects that names tell, one a kind.
    pub fn by_names(kinds: &[String]) -> Vec<Self> {
        kinds.iter().map(|kind| Self::by_name(kind)).collect()
    }

    /// What an event does to money and how that is known, in a few words.
    pub fn words(self) -> String {
        let what = match self.effect {
            Effect::Spend => "money out",
            Effect::Receive => "money in",
            Effect::Invest => "cash to holdings",
            Effect::Divest => "holdings to cash",
            Effect::Save => "cash to savings",
            Effect::Draw => "savings to cash",
            Effect::Record => "moves no money",
        };
        let how = match self.found {
            Found::Config => "as the config says",
            Found::Balance => "by the balances",
            Found::Name => "by its name",
            Found::Assumed => "assumed",
        };
        format!("{what}, {how}")
    }

    /// What a reader must know of a kind whose effect is only assumed; none for others.
    pub fn warning(self, kind: &str) -> Option<String> {
        (self.found == Found::Assumed).then(|| {
            let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let key = match !kind.is_empty() && kind.chars().all(bare) {
                true => kind.to_owned(),
                false => format!("{kind:?}"),
            };
            format!(
                "kind {kind:?} has no known effect on money: assumed to move none, so it counts \
                 neither as money in nor as money out; if it does, set `[world.kinds]` {key} = \
                 \"spend\" or \"receive\" (or invest, divest, save, draw; \"record\" if it does not)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_effects_or_nothing() {
        for (name, effect) in [
            ("Transfer In", Effect::Receive),
            ("transfer-out", Effect::Spend),
            ("order", Effect::Spend),
            ("return", Effect::Receive),
            ("login", Effect::Record),
        ] {
            assert_eq!(KindEffect::by_name(name), KindEffect { effect, found: Found::Name });
        }
        for name in ["boleto", "VYDAJ", "", "orders of stock"] {
            let unknown = KindEffect::by_name(name);
            assert_eq!((unknown.effect, unknown.found), (Effect::Record, Found::Assumed), "{name}");
        }
    }

    #[test]
    fn an_assumption_says_the_key_that_replaces_it() {
        let warning = |name: &str| KindEffect::by_name(name).warning(name);
        assert_eq!(warning("salary"), None);
        assert!(warning("boleto").is_some_and(|text| text.contains("boleto = \"spend\"")));
        assert!(warning("a b").is_some_and(|text| text.contains("\"a b\" = \"spend\"")));
        assert!(warning("").is_some_and(|text| text.contains("\"\" = \"spend\"")));
        assert_eq!(KindEffect::given(Effect::Save).warning("boleto"), None);
    }
}
