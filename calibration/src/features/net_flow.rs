//! sign(x) ln(1 + |x|) of x = what came in less what was spent; none where no
//! kind of the log brings money in, or none spends it.

use trueup_env::Event;

use super::flows::Flows;
use super::{Definition, Feature, Level, Setting};

/// sign(x) ln(1 + |x|) of x = what came in less what was spent; none where no
/// kind of the log brings money in, or none spends it.
pub const FEATURE: Feature = Feature {
    name: "net_flow",
    title: "Net flow",
    unit: "signed ln amount",
    level: Level::User,
    definition_text: "sign(x) ln(1 + |x|) of x = what came in less what was spent; none where no kind \
        of the log brings money in, or none spends it.",
    definition: Definition::Whole(net_flow),
};

fn net_flow(events: &[Event], setting: &Setting) -> Option<f64> {
    let net = Flows::of(events, &setting.effects)?.net().value();
    Some(net.signum() * net.abs().ln_1p())
}
