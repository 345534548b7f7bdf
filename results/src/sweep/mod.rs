//! The folder of a sweep: what was planned, and what came of it.
//!
//! ```text
//! sweep.toml          the config as it was planned; nothing reads the original afterwards
//! plan.jsonl          a header, then one line a trial (`plan`)
//! configs.jsonl       the resolved config of each trial, without its seed
//! provenance.json     who planned it, with which program
//! runs/TRIAL/SEED/    run directories; beside each, SEED.log
//! failures/RUN.jsonl  one line a failed attempt (`failures`)
//! rungs.jsonl         which trials went on from which rung, where trials are pruned (`rungs`)
//! leases/             who works on which run (`lease`)
//! summary.json        derived (`summary`), as are report.html, plots/ and
//! tables/             the same for other programs
//! ```
//! The run directories are the truth: each has one writer. Everything that is derived can be
//! deleted and made again.

pub mod failures;
mod interval;
pub mod lease;
pub mod objective;
pub mod owner;
pub mod plan;
pub mod pruning;
mod report;
pub mod rungs;
pub mod state;
pub mod summary;

pub use interval::objective_over_seeds;
pub use lease::{Claim, Lease};
pub use objective::{Direction, Objective};
pub use plan::{AxisValue, CUT, Phase, Plan, PlanHeader, PlannedTrial, RunId};
pub use pruning::{Pause, Pruning, PruningRule};
pub use report::write_sweep_report;
pub use rungs::{RungDecision, Stop};
pub use state::{RunState, SweepState, sweep_state};
pub use summary::{RunSummary, SweepSummary, TrialSummary};

use std::path::Path;

/// The config as it was planned.
pub const SWEEP_CONFIG: &str = "sweep.toml";

/// Whether a folder is that of a sweep.
pub fn is_sweep(folder: &Path) -> bool {
    folder.join(plan::PLAN).is_file()
}
