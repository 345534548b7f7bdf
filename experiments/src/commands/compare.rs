//! `trueup compare`: the report of two logs, without any training.

use std::path::PathBuf;

use trueup_calibration::evaluate::{self, Breadth, Metric, PanelConfig, Run};
use trueup_calibration::external::{self, Loaded};
use trueup_env::{EventLog, Streams};
use trueup_results::{
    DataSource, KindOfLog, Mode, Provenance, ProvenanceInput, ReportInput, RunDirectory, Series,
    State, Summary, write_report,
};

use crate::cli::{Common, Out, print_json, tell};
use crate::config::read_map;
use crate::failure::Failure;
use crate::prepare::pseudonym_key;
use crate::progress::Reporter;
use crate::run::REAL_USERS;
use crate::verdict;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// The log of simulated users.
    internal: String,
    /// The log of real users; `builtin:cdnow` is one.
    external: String,
    /// How to read both logs (TOML); a builtin needs none, nor does a log in the folder that
    /// `trueup run` wrote it to.
    #[arg(long, value_name = "MAP")]
    map: Option<PathBuf>,
    /// How to read the log of simulated users, where it differs from --map. A log that `trueup run`
    /// wrote needs none: it is read on the clock of the real users, which has to be its own.
    #[arg(long, value_name = "MAP")]
    internal_map: Option<PathBuf>,
    /// Seed of the bootstrap and of the halves behind the noise floor.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How much to look at: `standard`, or `full` for every discrepancy on every feature that it
    /// suits.
    #[arg(long, value_enum, default_value_t = Panel::Standard)]
    panel: Panel,
    /// Look at this metric, and only at those that are named: FEATURE:DISCREPANCY, e.g.
    /// `gap:psi(bins=20)`, `user_vector:energy-nd` or `log_amount:*`; may be repeated.
    #[arg(long = "metric", value_name = "METRIC", conflicts_with = "panel")]
    metrics: Vec<String>,
    #[command(flatten)]
    out: Out,
}

/// How much a panel looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Panel {
    /// A few well-known discrepancies on every feature.
    Standard,
    /// Every discrepancy on every feature that it suits.
    Full,
}

/// What a person should look at in the two logs, and what is assumed of their kinds.
fn notes(real: &Loaded, simulated: &Loaded) -> Vec<String> {
    let kinds = real.log.kinds().iter().zip(real.log.effects());
    let assumed = kinds.filter_map(|(kind, effect)| effect.warning(kind));
    let mut notes = real.warnings.clone();
    notes.extend(simulated.warnings.iter().filter(|note| !real.warnings.contains(note)).cloned());
    notes.into_iter().chain(assumed).collect()
}

/// Both logs over the kinds of either, those of the real users first, by one reading of what they do.
fn united(mut simulated: Loaded, mut real: Loaded) -> Result<(Loaded, Loaded), Failure> {
    let (kinds, effects) = EventLog::united_kinds([&real.log, &simulated.log]);
    for log in [&mut simulated.log, &mut real.log] {
        if log.kinds() != kinds || log.effects() != effects {
            *log = log.clone().over_kinds(&kinds, &effects).map_err(Failure::invalid)?;
        }
    }
    Ok((simulated, real))
}

impl Compare {
    /// Runs the command.
    ///
    /// # Errors
    /// Invalid maps or logs, logs that cannot be compared, or a failed write.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let config = self.panel()?;
        let reporter = Reporter::new(common.style());
        let read = |path: &Option<PathBuf>| path.as_ref().map(|p| read_map(p)).transpose();
        let (map, internal_map) = (read(&self.map)?, read(&self.internal_map)?);
        let key = pseudonym_key()?;
        reporter.line(&format!("reading {}", self.external));
        let real = external::load(&self.external, map.as_ref(), &key).map_err(Failure::invalid)?;
        reporter.line(&format!("reading {}", self.internal));
        let written = internal_map.is_none()
            && !self.internal.starts_with("builtin:")
            && external::is_written_log(&self.internal).map_err(Failure::invalid)?;
        let simulated = match written {
            true => external::read_like(&self.internal, &real.log),
            false => external::load(&self.internal, internal_map.or(map).as_ref(), &key),
        }
        .map_err(Failure::invalid)?;
        let (simulated, real) = united(simulated, real)?;
        let streams = Streams::new(self.seed).child("panel", 0);
        reporter.line("comparing");
        let name = self.internal.rsplit(['/', '\\']).next().unwrap_or(&self.internal).to_owned();
        let run = Run { name: name.clone(), logs: vec![simulated.log.clone()] };
        let share = reporter.share("comparing");
        let watch = |done, total| share.at(done, total);
        let panels =
            evaluate::evaluate_telling(&[run], None, &real.log, &[], &config, &streams, &watch);
        share.finish();
        let panels = panels.map_err(Failure::invalid)?;
        let summary = Summary {
            name: "compare".into(),
            mode: Mode::Compare,
            seed: self.seed,
            dataset: self.external.clone(),
            train_users: 0,
            test_users: real.log.user_count(),
            kinds: KindOfLog::all(real.log.kinds(), real.log.effects()),
            notes: notes(&real, &simulated),
            seconds: reporter.seconds(),
            calibrators: panels,
            ..Summary::default()
        };
        let report = self.write(&summary, &simulated, &real, &name)?;
        if common.json {
            print_json(&summary)?;
        }
        common.say(&verdict::comparison(&summary, &self.external));
        if !self.metrics.is_empty() {
            verdict::left_out(&summary.calibrators).iter().for_each(|line| tell(line));
        }
        common.say(&format!("Report: {}", report.display()));
        Ok(())
    }

    /// The panel that was asked for.
    fn panel(&self) -> Result<PanelConfig, Failure> {
        let metric = |text: &String| {
            let (feature, discrepancy) = text.split_once(':').ok_or_else(|| {
                let help = "name a feature and a discrepancy, e.g. `gap:wasserstein-1`; `trueup \
                            metrics` lists both";
                Failure::invalid_because(format!("`{text}` is not FEATURE:DISCREPANCY"), help)
            })?;
            Ok(Metric { feature: feature.trim().into(), discrepancy: discrepancy.trim().into() })
        };
        let metrics: Vec<Metric> =
            self.metrics.iter().map(metric).collect::<Result<_, Failure>>()?;
        Ok(PanelConfig {
            metrics: (!metrics.is_empty()).then_some(metrics),
            panel: match self.panel {
                Panel::Standard => Breadth::Standard,
                Panel::Full => Breadth::Full,
            },
            ..PanelConfig::default()
        })
    }

    fn write(
        &self,
        summary: &Summary,
        simulated: &Loaded,
        real: &Loaded,
        name: &str,
    ) -> Result<PathBuf, Failure> {
        let stem = name.split('.').next().unwrap_or(name);
        let directory =
            RunDirectory::create(&self.out.folder, &format!("compare-{stem}"), self.seed)
                .map_err(Failure::run)?;
        let sources = [(&self.internal, simulated), (&self.external, real)];
        let data = sources.map(|(source, loaded)| DataSource {
            source: source.clone(),
            sha256: loaded.sha256.clone(),
        });
        let provenance = Provenance::collect(ProvenanceInput {
            seeds: vec![("panel".into(), self.seed)],
            data: data.into(),
            threads: rayon::current_num_threads(),
            ..ProvenanceInput::default()
        });
        let series = Series::of(REAL_USERS, &real.log, &[(name, vec![&simulated.log])]);
        let written = directory
            .write_json("provenance.json", &provenance)
            .and_then(|_| {
                directory.write("account.txt", real.account.lines().join("\n").as_bytes())
            })
            .and_then(|_| directory.write_series(&series))
            .and_then(|_| directory.write_json("summary.json", summary))
            .and_then(|_| write_report(directory.path(), &ReportInput::read(directory.path())?))
            .map_err(Failure::run)?;
        directory.finish(State::Done, None).map_err(Failure::run)?;
        Ok(written)
    }
}
