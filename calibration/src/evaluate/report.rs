//! Puts measurements together: one panel a calibrator.

use super::bootstrap::Measured;
use super::concentration::{self, Concentration};
use super::effect::Scale;
use super::in_panels;
use super::metrics::Panel;
use super::permutation::Null;
use super::power::{self, Order};
use super::summary::{Entry, against_floor, is_optimised, mean_excess, median_gap};
use super::warnings::{coarse, warnings};
use super::{Concentrations, Judged, PanelConfig, PanelError, Run, Users};
use crate::classifier::{Examination, Examined};
use crate::panel::{Anchor, CalibratorPanel, LeftOut, PanelRow, Verdict};
use crate::reward::Term;

/// A metric of the panel, averaged over the evaluation seeds, replicates centred; or why not.
type Averaged = Vec<Result<Measured, String>>;

/// What the panels of all runs are made for.
pub struct Study<'a> {
    /// How the rows of features are spread over users.
    pub concentrations: &'a Concentrations,
    /// The metrics.
    pub panel: &'a Panel,
    /// What rewards optimised.
    pub terms: &'a [Term],
    /// Settings.
    pub config: &'a PanelConfig,
    /// How many real users there are.
    pub users: Users,
    /// How many rows of each source the test users have.
    pub rows: Vec<usize>,
}

impl Study<'_> {
    /// The panels of all runs.
    pub fn panels(
        &self,
        runs: &[Run],
        judged: &[Vec<Judged>],
        floor: &Judged,
    ) -> Result<Vec<CalibratorPanel>, PanelError> {
        let panel = self.panel;
        let averaged: Vec<Averaged> = judged.iter().map(|seeds| average(seeds, panel)).collect();
        let left_out = panel.left_out.clone();
        let floors: Vec<Option<Floor>> =
            (0..panel.metrics.len()).map(|i| self.floor(i, floor)).collect();
        let unmeasured = |own: &Averaged| own.iter().all(Result::is_err);
        if floors.iter().all(Option::is_none) && averaged.iter().all(unmeasured) {
            let own = averaged.iter().take(1).flatten().enumerate();
            let own =
                own.filter_map(|(i, own)| Some(panel.leave_out(i, own.as_ref().err()?.clone())));
            let all: Vec<LeftOut> = left_out.into_iter().chain(own).collect();
            return Err(PanelError::NothingToMeasure(reasons(&all)));
        }
        let before = runs.iter().position(|run| run.name == self.config.before);
        let shared =
            Shared { study: self, floors: &floors, floor_examined: floor.examined.as_ref() };
        let one = |(number, (run, (seeds, own))): (usize, (&Run, (&Vec<Judged>, &Averaged)))| {
            let of = (number, run);
            let mut one = shared.panel_of(of, seeds, own, before.map(|b| &averaged[b]));
            one.left_out.splice(0..0, left_out.iter().cloned());
            one.notes = copies(&one).into_iter().collect();
            one.notes.extend(notes(&one, before.is_some(), self.users.halves));
            one.notes.extend(classifiers(&one));
            one.notes.extend(self.concentrated(number));
            one.notes.extend(without_floor(&one));
            one.notes.extend(in_panels::note(panel, &self.rows));
            one.notes.extend(warnings(run, &self.users));
            one.notes.extend(coarse(&one.panel, self.config));
            one
        };
        Ok(runs.iter().zip(judged.iter().zip(&averaged)).enumerate().map(one).collect())
    }

    /// Which features hang on a few users, side by side.
    fn concentrated(&self, run: usize) -> Vec<String> {
        let Concentrations { test, train, runs } = self.concentrations;
        let sides = [("simulated", &runs[run]), ("test", test), ("training", train)];
        let note = |(side, own): (&str, &Vec<Option<Concentration>>)| {
            let features = self.panel.sources.iter().zip(own);
            let features: Vec<(&str, Concentration)> =
                features.filter_map(|(source, own)| Some((source.name(), (*own)?))).collect();
            concentration::note(side, &features)
        };
        sides.into_iter().filter_map(note).collect()
    }

    fn floor(&self, metric: usize, floor: &Judged) -> Option<Floor> {
        let measured = floor.metrics.get(metric)?.as_ref().ok()?;
        let order = floor.orders.get(metric).copied().unwrap_or(Order::Root);
        let most = self.panel.metrics[metric].most_users();
        let users = power::effective(self.users.reference, most);
        let largest = self.panel.metrics[metric].discrepancy.most();
        let scale = |measured: &Measured| Scale::of(order, measured, users, largest);
        let alike = floor.alike.get(metric).and_then(Option::as_ref);
        let alike = alike.map(|alike| (alike.value, scale(alike)));
        Some(Floor { scale: scale(measured), measured: measured.clone().centred(), order, alike })
    }
}

/// The noise floor of one metric.
struct Floor {
    /// Replicates centred.
    measured: Measured,
    order: Order,
    scale: Scale,
    /// The same with every user counted alike, where a few weigh most.
    alike: Option<(f64, Scale)>,
}

impl Floor {
    /// Verdict and effect of a value. Where a few users weigh most it is by the value with every user
    /// counted alike: a difference between most users is one, whatever the few do. Where most users
    /// are near and the value is far, nothing is said.
    fn judge(&self, value: f64, alike: Option<f64>) -> (Option<Verdict>, Option<f64>) {
        let Some((alike, (_, scale))) = alike.zip(self.alike.as_ref()) else {
            return (self.scale.verdict(value), self.scale.effect(value));
        };
        let is_near = |verdict: &Verdict| *verdict <= Verdict::Near;
        let verdict = scale.verdict(alike).filter(|verdict| {
            !is_near(verdict) || scale.verdict(value).is_some_and(|of_rows| is_near(&of_rows))
        });
        (verdict, scale.effect(alike))
    }
}

fn reasons(left_out: &[LeftOut]) -> String {
    let words = left_out.iter().map(|entry| format!("{}: {}", entry.feature, entry.reason));
    words.collect::<Vec<_>>().join("; ")
}

fn average(seeds: &[Judged], panel: &Panel) -> Averaged {
    let of = |metric: usize| {
        let all = seeds.iter().filter_map(|seed| seed.metrics.get(metric));
        let defined: Vec<&Measured> = all.clone().filter_map(|m| m.as_ref().ok()).collect();
        match Measured::mean(&defined) {
            Some(mean) => Ok(mean.centred()),
            None => Err(all.filter_map(|m| m.clone().err()).next().unwrap_or_default()),
        }
    };
    (0..panel.metrics.len()).map(of).collect()
}

/// The value of a metric with every user counted alike, the mean over the seeds that have one.
fn alike(seeds: &[Judged], metric: usize) -> Option<f64> {
    let all = seeds.iter().filter_map(|seed| seed.alike.get(metric)?.as_ref());
    Measured::mean(&all.collect::<Vec<&Measured>>()).map(|mean| mean.value)
}

/// Which rows have no floor.
fn without_floor(one: &CalibratorPanel) -> Option<String> {
    let rows = one.panel.iter().filter(|row| !row.floor_known);
    let names: Vec<String> =
        rows.map(|row| format!("{} of {}", row.discrepancy, row.feature)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "No noise floor of {}: one of the two groups of real users has nothing to compare there, \
             or its users are all alike. Their values stand alone.",
            names.join(", ")
        )
    })
}

fn notes(one: &CalibratorPanel, before: bool, halves: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if halves {
        notes.push(
            "Without training users the noise floor compares two halves of the external users, and is \
             higher than between samples of full size (about 1.4 times; 2 times for squared \
             distances)."
                .into(),
        );
    }
    if before && one.gap_closed.is_none() {
        notes.push(
            "No metric that was not optimised has an uncalibrated value above its noise floor, so \
             there is no gap to close."
                .into(),
        );
    }
    if one.c2st_auc.is_none() {
        notes.push(format!(
            "No classifier test: it needs at least {} users a side.",
            crate::classifier::LEAST_USERS
        ));
    }
    notes
}

/// In a comparison of two logs: that one repeats the other.
fn copies(one: &CalibratorPanel) -> Option<String> {
    let twins = one.twins.filter(|_| one.copies == Some(true))?;
    let [all, single, chance] =
        [twins.test, twins.single, twins.single_by_chance].map(|share| 100.0 * share);
    Some(format!(
        "The simulation repeats real users: {all:.0}% of its users equal a real user in every \
         feature, {single:.0}% one whom no other real user equals, where chance explains \
         {chance:.0}%. Its distances to these real users say nothing of others."
    ))
}

/// What the classifier test cannot say.
fn classifiers(one: &CalibratorPanel) -> Vec<String> {
    let Some(test) = &one.examination else { return Vec::new() };
    let mut notes = Vec::new();
    if !test.trees.measured {
        let [low, high] = test.logistic.auc_ci;
        notes.push(format!(
            "There are too few users for boosted trees to split: their AUC is not measured. \
             Logistic regression has an AUC of {:.3} [{low:.3}, {high:.3}].",
            test.logistic.auc
        ));
    }
    for (name, judged) in [("boosted trees", &test.trees), ("logistic regression", &test.logistic)]
    {
        if judged.below_half {
            notes.push(format!(
                "The AUC of {name}, {:.3}, is below 0.5 by more than chance explains: the simulated \
                 users are not independent of these real users. That is so where they were made of \
                 them, nearly alike. Such an AUC is no sign of a good simulation.",
                judged.auc
            ));
        }
    }
    notes
}

impl Panel {
    fn leave_out(&self, metric: usize, reason: String) -> LeftOut {
        let chosen = &self.metrics[metric];
        let reason = match self.constants[chosen.source] {
            Some(one) => {
                format!("constant among the real users ({one}), not among the simulated: {reason}")
            }
            None => reason,
        };
        LeftOut {
            feature: self.sources[chosen.source].name().into(),
            discrepancy: Some(chosen.discrepancy.label().into()),
            reason,
        }
    }
}

/// What the panels of all runs share.
struct Shared<'a> {
    study: &'a Study<'a>,
    floors: &'a [Option<Floor>],
    floor_examined: Option<&'a Examined>,
}

impl Shared<'_> {
    fn panel_of(
        &self,
        (number, run): (usize, &Run),
        seeds: &[Judged],
        own: &Averaged,
        before: Option<&Averaged>,
    ) -> CalibratorPanel {
        let mut entries = Vec::new();
        let mut rows = Vec::new();
        let mut left_out = Vec::new();
        for (i, (own, floor)) in own.iter().zip(self.floors).enumerate() {
            let before = before.and_then(|all| all[i].as_ref().ok());
            let measured = floor.as_ref().map(|floor| &floor.measured);
            let mut entry = self.entry(i, own.as_ref().ok(), measured, before);
            let source = self.study.panel.metrics[i].source;
            let concentrated = self.study.concentrations.is_high(number, source);
            let alike = if concentrated { alike(seeds, i) } else { None };
            let floor_alike = floor.as_ref().and_then(|floor| floor.alike.as_ref());
            entry.concentrated = concentrated;
            entry.alike = alike.zip(floor_alike).map(|(alike, (floor, _))| alike - floor);
            match own {
                Ok(measured) => {
                    let row = PanelRow { concentrated, ..self.row(i, &entry, measured) };
                    let row = match floor {
                        Some(floor) => self.judge(row, (i, floor), alike, run, seeds),
                        None => row,
                    };
                    entry.at_floor = row.verdict == Some(Verdict::AtFloor);
                    rows.push(row);
                }
                Err(reason) => left_out.push(self.study.panel.leave_out(i, reason.clone())),
            }
            entries.push(entry);
        }
        self.control(&mut rows);
        let gap = median_gap(entries.iter().filter(|entry| !entry.optimised));
        let unseen = median_gap(entries.iter().filter(|entry| !entry.feature_rewarded));
        let examined: Vec<&Examined> =
            seeds.iter().filter_map(|seed| seed.examined.as_ref()).collect();
        let examination = Examination::of(&examined, self.floor_examined);
        let trees = examination.as_ref().map(|e| &e.trees).filter(|trees| trees.measured);
        let twins = seeds.first().and_then(|seed| seed.twins);
        let telling = examination.iter().flat_map(|examination| &examination.telling);
        let not_seen = entries.iter().filter(|entry| !entry.feature_rewarded);
        CalibratorPanel {
            name: run.name.clone(),
            against_floor: against_floor(entries.iter()),
            against_floor_unseen: against_floor(not_seen),
            anchor: before.map(|_| self.anchor(&entries)),
            gap_closed: gap.as_ref().map(|gap| gap.value),
            gap_closed_ci: gap.map(|gap| gap.interval(f64::NEG_INFINITY, f64::INFINITY)),
            gap_closed_unseen: unseen.map(|gap| gap.value),
            mean_excess: mean_excess(&entries),
            c2st_auc: trees.map(|trees| trees.auc),
            c2st_auc_ci: trees.map(|trees| trees.auc_ci),
            c2st_auc_floor: trees.and_then(|trees| trees.auc_floor),
            c2st_importance: telling.map(|one| (one.feature.clone(), one.importance)).collect(),
            examination,
            copies: twins.filter(|_| self.study.users.halves).map(|twins| {
                let simulated = run.logs.first().map_or(0, |log| log.user_count());
                twins.beyond_chance([simulated, self.study.users.test])
            }),
            twins,
            panel: rows,
            left_out,
            ..CalibratorPanel::default()
        }
    }

    /// What gap closed starts from: the same for all runs.
    fn anchor(&self, entries: &[Entry<'_>]) -> Anchor {
        let counted = entries.iter().filter(|entry| !entry.optimised);
        let (of, left): (Vec<&Entry<'_>>, Vec<_>) =
            counted.partition(|entry| entry.gap_closed().is_some());
        let name = |entry: &Entry<'_>| format!("{} of {}", entry.discrepancy, entry.feature);
        Anchor {
            name: self.study.config.before.clone(),
            metrics: of.len(),
            left_out: left.into_iter().map(name).collect(),
        }
    }

    /// Adds the size of the difference and what its test says.
    fn judge(
        &self,
        row: PanelRow,
        (metric, floor): (usize, &Floor),
        alike: Option<f64>,
        run: &Run,
        seeds: &[Judged],
    ) -> PanelRow {
        let first = seeds.first();
        let null = first.and_then(|seed| seed.nulls.get(metric)?.as_ref());
        let bootstrap = first.and_then(|seed| seed.metrics.get(metric)?.as_ref().ok());
        let simulated = run.logs.first().map_or(0, |log| log.user_count());
        let users = [simulated, self.study.users.test];
        let most = self.study.panel.metrics[metric].most_users();
        let needed = null.zip(bootstrap).and_then(|(null, bootstrap)| {
            power::users_needed(floor.order, null, bootstrap, users, most)
        });
        let (verdict, effect) = floor.judge(row.value, alike);
        PanelRow { verdict, effect, p: null.map(Null::p), users_needed: needed, ..row }
    }

    /// Adds q-values to the rows that have a p-value.
    fn control(&self, rows: &mut [PanelRow]) {
        let p: Vec<f64> = rows.iter().filter_map(|row| row.p).collect();
        let q = self.study.config.false_discovery.q(&p);
        let tested = rows.iter_mut().filter(|row| row.p.is_some());
        tested.zip(q).for_each(|(row, q)| row.q = Some(q));
    }

    fn entry<'a>(
        &'a self,
        metric: usize,
        measured: Option<&'a Measured>,
        floor: Option<&'a Measured>,
        before: Option<&'a Measured>,
    ) -> Entry<'a> {
        let chosen = &self.study.panel.metrics[metric];
        let source = self.study.panel.sources[chosen.source];
        let discrepancy = chosen.discrepancy.label();
        Entry {
            feature: source.name(),
            discrepancy,
            measured,
            floor,
            floor_high: floor
                .map_or(0.0, |floor| floor.interval(0.0, chosen.discrepancy.most())[1]),
            at_floor: false,
            before,
            alike: None,
            concentrated: false,
            optimised: is_optimised(self.study.terms, source, &chosen.discrepancy),
            feature_rewarded: self.study.terms.iter().any(|term| source.contains(&term.feature)),
        }
    }

    fn row(&self, metric: usize, entry: &Entry<'_>, measured: &Measured) -> PanelRow {
        let chosen = &self.study.panel.metrics[metric];
        entry.row(self.study.panel.sources[chosen.source], &chosen.discrepancy, measured)
    }
}
