//! What a training step is: a minibatch, an objective, and who takes the step.
//!
//! Two learners take it: [`crate::fused`] on the CPU, and [`crate::graph`] (burn's autodiff) for
//! every other device. They agree to rounding.

use crate::architecture::Architecture;

/// Rows of an update in flat arrays, reused from step to step.
///
/// For a hybrid head rows that chose an amount come first, ordered by kind, so that the amount
/// layer runs on them alone: the caller sees to it.
#[derive(Clone, Debug, Default)]
pub struct Minibatch {
    /// Number of rows.
    pub rows: usize,
    /// Observations, rows x observation.
    pub observations: Vec<f32>,
    /// Feasible choices, rows x [`Head::mask`](crate::architecture::Head::mask); empty where all
    /// are.
    pub masks: Vec<bool>,
    /// Whole numbers of the actions, rows x [`Head::whole`](crate::architecture::Head::whole).
    pub whole: Vec<u16>,
    /// Real numbers of the actions, rows x [`Head::real`](crate::architecture::Head::real).
    pub real: Vec<f32>,
    /// Log probability of each action under the policy that took it.
    pub log_probability: Vec<f32>,
    /// Advantages, normalised as the caller likes.
    pub advantages: Vec<f32>,
    /// Targets of the value.
    pub returns: Vec<f32>,
    /// Values before the update; read only where values are clipped.
    pub values: Vec<f32>,
    /// Importance weights, summing to 1.
    pub weights: Vec<f32>,
    /// Outputs of a reference policy for these rows, for the anchor; empty without one.
    /// rows x [`Head::outputs`](crate::architecture::Head::outputs): normalised log probabilities
    /// (Discrete: per component; masked choices hold anything) or means and log standard
    /// deviations (Gaussian: always 2 x size, whether state-dependent or not).
    pub reference: Vec<f32>,
    /// For a hybrid head: the reference's log probabilities of the bins of the kind that was
    /// chosen, (rows with an amount) x bins; empty where it has none.
    pub reference_amounts: Vec<f32>,
}

/// What a step minimises, a weighted mean over rows (weights w, summing to 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// PPO's, with r = exp(log pi - log pi_old), A the advantage, V the value, R the return:
    ///
    /// ```text
    /// - sum w min(r A, clamp(r, 1 - clip, 1 + clip) A) - entropy * sum w H(pi)
    /// + value * sum w L_V + anchor * sum w KL(pi || reference)
    /// L_V = (V - R)^2, or with value_clip max((V - R)^2, (V_old + clamp(V - V_old, +-c) - R)^2)
    /// ```
    ///
    /// H: of all components (Discrete), of the choice alone (Hybrid), of the normal law
    /// (Gaussian). KL for a hybrid head: of the choice, plus for rows with an amount that of the
    /// bins of their kind. Gradients stop at a clipped branch: where the clamped term is the
    /// strictly smaller one it has none, ties go to the unclamped one.
    Clipped {
        /// Clip range of the ratio.
        clip: f32,
        /// Clip range of the value around the old one.
        value_clip: Option<f32>,
        /// Weight of the entropy.
        entropy: f32,
        /// Weight of the value loss.
        value: f32,
        /// Weight of the divergence from the reference.
        anchor: f32,
    },
    /// `sum w (V - R)^2`: fits the values alone. With separate trunks the policy's parameters and
    /// their moments stay as they are; a shared trunk moves, and the policy with it.
    Value,
    /// `- sum w log pi(action)`: fits the policy to actions, for cloning. With separate trunks the
    /// values' parameters and their moments stay as they are; a shared trunk moves, and they with
    /// it.
    Likelihood,
}

impl Objective {
    /// Whether it moves the policy's parameters, and the values'. What it does not move has moments
    /// of its own that wait: moments that decayed meanwhile would make the next step too long.
    pub fn moves(&self) -> [bool; 2] {
        match self {
            Self::Clipped { .. } => [true, true],
            Self::Value => [false, true],
            Self::Likelihood => [true, false],
        }
    }
}

/// What one step saw, before it moved. Weighted means where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// The whole objective.
    pub loss: f64,
    /// Policy term (Likelihood: the loss itself).
    pub policy_loss: f64,
    /// `L_V` without its weight.
    pub value_loss: f64,
    /// Entropy, nats.
    pub entropy: f64,
    /// KL from the acting policy by the estimator r - 1 - ln r (Schulman 2020, "k3").
    pub kl: f64,
    /// Share of weight whose ratio is outside the clip range.
    pub clip_fraction: f64,
    /// Largest deviation of a ratio from 1.
    pub ratio_deviation: f64,
    /// KL from the reference; 0 without one.
    pub anchor: f64,
    /// Norm of the gradient over all parameters, before clipping.
    pub gradient_norm: f64,
}

/// Adam (Kingma and Ba 2015) as every learner has it: beta 0.9 and 0.999, epsilon 1e-5, bias
/// correction, no weight decay: `p -= rate * m_hat / (sqrt(v_hat) + epsilon)`.
pub const ADAM: (f32, f32, f32) = (0.9, 0.999, 1e-5);

/// Why a learner could not take up a state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the optimiser's state does not fit the network: {0}")]
pub struct StateError(pub String);

/// Takes training steps: gradient, clipping by its norm over all parameters, Adam.
pub trait Learner: Send {
    /// The network's shape.
    fn architecture(&self) -> &Architecture;

    /// The parameters as they are now, flat ([`Architecture::slots`]). `&mut` because a device may
    /// have to be read.
    fn parameters(&mut self) -> &[f32];

    /// One step of Adam at `rate` on the gradient of `objective`, scaled by
    /// min(1, largest_norm / (norm + 1e-6)).
    fn step(
        &mut self,
        batch: &Minibatch,
        objective: &Objective,
        rate: f32,
        largest_norm: f32,
    ) -> Seen;

    /// The gradient of `objective`, flat and unclipped, with what was seen; moves nothing.
    fn gradient(&mut self, batch: &Minibatch, objective: &Objective) -> (Vec<f32>, Seen);

    /// The optimiser's state; with the parameters all that a resumed learner needs.
    fn optimiser(&mut self) -> Vec<u8>;

    /// Takes up parameters and an optimiser's state (empty for a fresh optimiser).
    ///
    /// # Errors
    /// A state of another network or kind of learner.
    fn restore(&mut self, parameters: &[f32], optimiser: &[u8]) -> Result<(), StateError>;
}
