//! Small made-up logs and configs.

use std::fmt::Write;

/// A generator of numbers in [0, 1) that needs nothing: a linear congruential one with Knuth's
/// constants, of which the upper bits are used.
pub struct Numbers(u64);

impl Numbers {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_number(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// A CSV `client,day,euros` of `users` users over 200 days of 2021, each with a rate, a price level
/// and a loyalty of his own: after a purchase some never come back, as BG/NBD supposes.
pub fn purchases(users: usize, seed: u64) -> String {
    let mut numbers = Numbers::new(seed);
    let mut text = String::from("client,day,euros\n");
    for user in 0..users {
        let every = 10.0 + 60.0 * numbers.next_number();
        let level = 2.0 + 2.0 * numbers.next_number();
        let leaves = 0.3 * numbers.next_number();
        let mut day = 20.0 * numbers.next_number();
        while day < 200.0 {
            let euros = (level + 1.5 * (numbers.next_number() - 0.5)).exp();
            let (month, date) = (1 + day as usize / 28, 1 + day as usize % 28);
            let _ = writeln!(text, "c{user},2021-{month:02}-{date:02},{euros:.2}");
            if numbers.next_number() < leaves {
                break;
            }
            day += 1.0 + every * -(1.0 - numbers.next_number()).ln();
        }
    }
    text
}

/// The map of [`purchases`].
pub const MAP: &str = "\
columns = { user = \"client\", time = \"day\", amount = \"euros\" }
clock = \"week\"
[window]
align = \"calendar\"
start = \"2021-01-01\"
horizon = 26
";

/// A config that runs on [`purchases`] (`log.csv`) in seconds.
pub const CONFIG: &str = "\
name = \"tiny\"
seed = 7

[external]
source = \"log.csv\"
columns = { user = \"client\", time = \"day\", amount = \"euros\" }
clock = \"week\"
window = { align = \"calendar\", start = \"2021-01-01\", horizon = 26 }

[reward]
kind = \"witness\"

[evaluation]
seeds = 2
replicates = 40

[[calibrators]]
kind = \"personas\"
[[calibrators]]
kind = \"scaling\"
[[calibrators]]
kind = \"bgnbd\"
[[calibrators]]
kind = \"ppo\"
iterations = 2
users = 64
network = { hidden = [16] }
";

/// A config of a task that learns CartPole within seconds: the settings of RL Baselines3 Zoo.
pub const TASK: &str = "\
name = \"cart\"
seeds = [1, 2]

[task]
environment = \"CartPole-v1\"
total_steps = 12_000
checkpoint_every = 5

[task.sampling]
environments = 8
steps = 32
evaluate_every = 20

[task.update]
learning_rate = 1e-3
final_learning_rate_share = 0.0
gamma = 0.98
lambda = 0.8
epochs = 20
minibatches = 1
final_clip_share = 0.0
value_epochs = 0
idle_share = 1.0
average = 0.0
";
