//! Which trials a sweep makes: the axes that it varies, how they are laid out or searched, and the
//! values that each trial sets.
//!
//! A [`Space`] is read from `[[sweep.groups]]`. [`Space::expand`] gives the trials that are known
//! beforehand; [`Space::searches`] gives those that are proposed
//! batch by batch in the light of earlier ones. All of it is a pure function of the config and the random streams.

mod assignment;
mod cmaes;
mod domain;
mod eigen;
mod expand;
mod parts;
mod parzen;
mod read;
mod read_axis;
mod searcher;
mod sobol;
mod space;
mod tpe;

pub use assignment::{Assignment, Set};
pub use cmaes::CmaEs;
pub use domain::{Choice, Domain, Range};
pub use searcher::{Search, Told};
pub use space::{Axis, Condition, Group, Method, Part, Space};
pub use tpe::Tpe;

#[cfg(test)]
mod tests;
