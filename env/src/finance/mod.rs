//! The finance world: users with wallets who, tick by tick, do nothing or move an amount of money.

mod effect;
mod environment;
mod fixed;
mod follow;
mod joint;
mod lanes;
mod observation;
mod path;
mod wallet;
mod world;

pub use effect::{Found, KindEffect};
pub use environment::{FinanceAction, FinanceEnvironment, FinanceInfo};
pub use follow::{Decisions, FollowError, follow};
pub use joint::{Cell, Joint};
pub use lanes::FinanceLanes;
pub use observation::{Field, observation_fields};
pub use wallet::WalletModel;
pub use world::{
    CheckedWorld, Effect, Kind, MAX_AMOUNT, MAX_HORIZON, Profile, SMALLEST_UNIT, Scales, World,
    WorldError,
};

#[cfg(test)]
mod tests;
