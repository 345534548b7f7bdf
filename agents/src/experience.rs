//! Where a trainer's steps come from: the tasks of classic control, or the finance world.

use trueup_env::Streams;

use crate::architecture::Network;
use crate::rollout::Rollout;

/// Whatever goes wrong while steps are made.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A source of rollouts.
pub trait Experience: Send {
    /// Name and version of what is acted in: a checkpoint of another is refused.
    fn name(&self) -> String;

    /// Steps under a network, with their rewards. What is random comes from `streams` and from the
    /// state of the source.
    ///
    /// # Errors
    /// Rewards or observations that are not finite, and whatever the source cannot do.
    fn collect(&mut self, network: &Network, streams: &Streams) -> Result<Rollout, Failed>;

    /// Numbers about the last rollout, for people.
    fn metrics(&self) -> Vec<(&'static str, f64)>;

    /// Seconds of the last rollout spent in the environment and in the network, over all threads.
    fn seconds(&self) -> [f64; 2];

    /// Judges weights that might be shipped after iteration `done` of `total`; none where no
    /// judgement is due.
    ///
    /// # Errors
    /// As [`Experience::collect`].
    fn judge(
        &mut self,
        network: &Network,
        done: usize,
        total: usize,
    ) -> Result<Option<Judgement>, Failed>;

    /// All that outlives a rollout; with it a restored source goes on to the same bits.
    fn state(&self) -> Vec<u8>;

    /// Takes up a state.
    ///
    /// # Errors
    /// A state of another source.
    fn restore(&mut self, state: &[u8]) -> Result<(), Failed>;
}

/// What was found about a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Smaller is better; the weights with the smallest are shipped. None: the last are.
    pub score: Option<f64>,
    /// Numbers for people.
    pub metrics: Vec<(&'static str, f64)>,
}
