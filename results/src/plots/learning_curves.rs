//! Curves of a metric while training goes on: the mean over seeds, and how sure it is.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Entry, PlotError};
use super::frame::Frame;
use super::style::{Look, MUTED, look};
use crate::interval::{Estimate, mean_over_seeds};
use crate::metrics::{ENV_STEPS, Metric};

/// Most places of a curve over several seeds.
const PLACES: usize = 400;

/// Seeds that share a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the legend says.
    pub name: String,
    /// Its colour and mark, by place in the palette.
    pub place: usize,
    /// Points (along, value) of each seed, ascending along.
    pub seeds: Vec<Vec<(f64, f64)>>,
}

/// Curves of one value of `metrics.jsonl`, one group a calibrator, in the order in which they come;
/// and whether they lie along environment steps, not iterations: some line does not know its steps.
pub fn groups(metrics: &[Metric], value: &str) -> (Vec<Group>, bool) {
    let told = || metrics.iter().filter(|m| m.values.contains_key(value));
    let steps = told().all(|m| m.values.contains_key(ENV_STEPS));
    let mut groups: Vec<Group> = Vec::new();
    let mut seeds: Vec<Vec<Option<u64>>> = Vec::new();
    for metric in told() {
        let along = metric.values.get(ENV_STEPS).filter(|_| steps).copied();
        let along = along.unwrap_or(metric.iteration as f64);
        let Some(&y) = metric.values.get(value) else { continue };
        let place = groups.iter().position(|g| g.name == metric.calibrator);
        let place = place.unwrap_or_else(|| {
            let (name, place) = (metric.calibrator.clone(), groups.len());
            groups.push(Group { name, place, seeds: Vec::new() });
            seeds.push(Vec::new());
            place
        });
        let seed = seeds[place].iter().position(|seed| *seed == metric.seed);
        let seed = seed.unwrap_or_else(|| {
            seeds[place].push(metric.seed);
            groups[place].seeds.push(Vec::new());
            seeds[place].len() - 1
        });
        groups[place].seeds[seed].push((along, y));
    }
    for points in groups.iter_mut().flat_map(|group| &mut group.seeds) {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    (groups, steps)
}

/// The mean over seeds at every place of theirs, thinned to [`PLACES`]. Each seed is interpolated
/// linearly between its own points and counts from its first to its last: none is extrapolated.
pub(crate) fn over_seeds(seeds: &[Vec<(f64, f64)>]) -> Vec<(f64, Estimate)> {
    let mut places: Vec<f64> = seeds.iter().flatten().map(|point| point.0).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let count = places.len().min(PLACES);
    // Evenly thinned, with both ends.
    let kept = (0..count).map(|i| places[i * (places.len() - 1) / (count - 1).max(1)]);
    let estimate = |x: f64| {
        let values: Vec<f64> = seeds.iter().filter_map(|points| interpolate(points, x)).collect();
        mean_over_seeds(&values).map(|estimate| (x, estimate))
    };
    kept.filter_map(estimate).collect()
}

/// The value at `x` on the line through ascending points; none beyond its ends.
fn interpolate(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.0 < x);
    let next = points.get(after)?;
    if next.0 == x {
        return Some(next.1);
    }
    let before = points.get(after.checked_sub(1)?)?;
    Some(before.1 + (next.1 - before.1) * (x - before.0) / (next.0 - before.0))
}

/// One group as it is drawn.
#[derive(Clone, Debug)]
struct Curve {
    label: String,
    look: Look,
    points: Vec<(f64, Estimate)>,
    seeds: Vec<Vec<(f64, f64)>>,
}

/// Curves of one metric for several groups: the mean over seeds with a band of Student's 95%
/// interval; a single group also shows its seeds as thin lines.
#[derive(Clone, Debug)]
pub struct LearningCurves {
    title: String,
    x: Axis,
    y: Axis,
    curves: Vec<Curve>,
    reference: Option<(f64, String)>,
    size: (u32, u32),
    /// Whether seeds of a single group are shown, and legends.
    whole: bool,
}

impl LearningCurves {
    /// Curves of `groups` along `x_title`, with the value `y_title`; none where no seed has two
    /// points. The vertical axis reaches over what seeds did; intervals that are wider than that
    /// are cut off at its ends.
    pub fn new(
        title: impl Into<String>,
        (x_title, y_title): (&str, &str),
        groups: &[Group],
    ) -> Option<Self> {
        let curve = |group: &Group| {
            let mut seeds = group.seeds.clone();
            seeds.retain(|points| points.len() > 1);
            let label = match seeds.len() {
                0 => return None,
                1 => group.name.clone(),
                n => format!("{} ({n} seeds)", group.name),
            };
            let look = Look { width: 2.0, ..look(group.place) };
            Some(Curve { label, look, points: over_seeds(&seeds), seeds })
        };
        let curves: Vec<Curve> = groups.iter().filter_map(curve).collect();
        let points = || curves.iter().flat_map(|curve| &curve.seeds).flatten();
        let first = points().next()?;
        let ends = |of: fn(&(f64, f64)) -> f64| {
            let values = points().map(of);
            values.fold((of(first), of(first)), |(low, high), v| (low.min(v), high.max(v)))
        };
        let ((left, right), (bottom, top)) = (ends(|p| p.0), ends(|p| p.1));
        // A flat curve does not lie on the frame either.
        let rim = 0.05 * if top > bottom { top - bottom } else { top.abs() };
        Some(Self {
            title: title.into(),
            x: Axis::new(Scale::Plain, left.min(0.0), right, 5, x_title),
            y: Axis::new(Scale::Plain, bottom - rim, top + rim, 5, y_title),
            curves,
            reference: None,
            size: (460, 320),
            whole: true,
        })
    }

    /// The vertical axis begins at 0.
    #[must_use]
    pub fn from_zero(mut self) -> Self {
        let tops = self.curves.iter().flat_map(|curve| &curve.seeds).flatten().map(|p| p.1);
        let top = tops.fold(0.0, f64::max) * 1.05;
        self.y = Axis::new(Scale::Plain, 0.0, top, 5, self.y.title);
        self
    }

    /// A value that means something, with its name in the legend; the axis reaches to it.
    #[must_use]
    pub fn with_reference(mut self, value: f64, name: impl Into<String>) -> Self {
        let (low, high) = self.y.ends();
        let rim = (high - low) * 0.03;
        let (low, high) = (low.min(value - rim), high.max(value + rim));
        self.y = Axis::new(Scale::Plain, low, high, 5, self.y.title);
        self.reference = Some((value, name.into()));
        self
    }

    /// Width and height in CSS pixels.
    #[must_use]
    pub fn with_size(mut self, size: (u32, u32)) -> Self {
        self.size = size;
        self
    }

    /// A small picture: no seeds, and no legend where there is one group.
    #[must_use]
    pub fn small(mut self) -> Self {
        (self.size, self.whole) = ((330, 240), false);
        self
    }

    /// First and last value of every group, in words.
    pub fn ends(&self) -> String {
        let words = self.curves.iter().map(|curve| {
            let value = |point: Option<&(f64, Estimate)>| {
                super::number(point.map_or(f64::NAN, |(_, estimate)| estimate.mean))
            };
            let (first, last) = (value(curve.points.first()), value(curve.points.last()));
            format!("{} from {first} to {last}", curve.label)
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// What bands and thin lines are; empty where every group has one seed.
    pub fn key(&self) -> &'static str {
        match &self.curves[..] {
            [only] if only.seeds.len() > 1 => {
                " Bold: mean over seeds, each interpolated between its own points and counted as \
                 far as it got; band: Student's 95% interval of that mean; thin: each seed."
            }
            curves if curves.iter().any(|curve| curve.seeds.len() > 1) => {
                " Mean over seeds, each interpolated between its own points and counted as far as \
                 it got; band: Student's 95% interval of that mean."
            }
            _ => "",
        }
    }
}

impl Plot for LearningCurves {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let line = |look, name| Entry { name, look, area: false };
        let alone = self.curves.len() == 1;
        // A curve that is alone needs no mark to be known by.
        let known = |look: Look| Look { mark: look.mark.filter(|_| !alone), ..look };
        let mut legend: Vec<_> =
            self.curves.iter().map(|c| line(known(c.look), &*c.label)).collect();
        let plain = Look { colour: MUTED, width: 1.5, mark: None, start: 0.0 };
        legend.extend(self.reference.iter().map(|(_, name)| line(plain, &**name)));
        let top = if alone && !self.whole { 24.0 } else { canvas.legend(&legend, 38.0)? };
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        if let Some((value, _)) = self.reference {
            let (left, right) = self.x.ends();
            frame.curve([(left, value), (right, value)], plain)?;
        }
        for Curve { look, points, .. } in &self.curves {
            let sure = points.iter().filter_map(|(x, e)| e.ci.map(|[low, high]| (*x, low, high)));
            frame.band(&sure.collect::<Vec<_>>(), look.colour)?;
        }
        if let [only] = &self.curves[..] {
            for seed in only.seeds.iter().filter(|_| self.whole && only.seeds.len() > 1) {
                frame.thread(seed, only.look.colour)?;
            }
        }
        for Curve { look, points, .. } in &self.curves {
            frame.curve(points.iter().map(|(x, e)| (*x, e.mean)), known(*look))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_meet_on_a_common_grid_and_none_is_extrapolated() {
        let seeds = [
            vec![(0.0, 0.0), (10.0, 10.0), (20.0, 20.0)],
            vec![(5.0, 15.0), (10.0, 20.0), (15.0, 30.0)],
        ];
        let points = over_seeds(&seeds);
        let means: Vec<_> = points.iter().map(|(x, e)| (*x, e.mean, e.seeds)).collect();
        let wanted =
            [(0.0, 0.0, 1), (5.0, 10.0, 2), (10.0, 15.0, 2), (15.0, 22.5, 2), (20.0, 20.0, 1)];
        assert_eq!(means, wanted);
        // At 5: values 5 and 15, standard error 5, t(0.975, 1) = 12.7062.
        let [low, high] = points[1].1.ci.unwrap();
        assert!((low - (10.0 - 63.531)).abs() < 1e-3 && (high - (10.0 + 63.531)).abs() < 1e-3);
        assert_eq!(points[0].1.ci, None);
        assert_eq!(over_seeds(&[vec![(3.0, 1.0)]])[0].1.mean, 1.0);
        assert!(over_seeds(&[]).is_empty());
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends() {
        let seed: Vec<_> = (0..5000).map(|i| (f64::from(i), f64::from(i))).collect();
        let points = over_seeds(&vec![seed; 4]);
        assert_eq!(points.len(), PLACES);
        assert_eq!((points[0].0, points[PLACES - 1].0), (0.0, 4999.0));
        assert!(points.iter().all(|(x, e)| e.mean == *x && e.ci == Some([*x, *x])));
    }

    #[test]
    fn a_flat_curve_keeps_away_from_the_frame() {
        let seeds = vec![vec![(0.0, -200.0), (10.0, -200.0)]];
        let group = Group { name: "ppo".into(), place: 0, seeds };
        let curves = LearningCurves::new("", ("", ""), &[group]).unwrap();
        assert_eq!(curves.y.ends(), (-210.0, -190.0));
        let (low, high) = curves.with_reference(-110.0, "solved").y.ends();
        assert!(low == -210.0 && high > -110.0, "{low} {high}");
    }

    #[test]
    fn lines_are_sorted_into_groups_and_seeds() {
        let line = |calibrator: &str, seed, iteration: u64, steps: Option<f64>| Metric {
            calibrator: calibrator.into(),
            seed,
            iteration,
            total: 9,
            values: [("kl".to_owned(), iteration as f64)]
                .into_iter()
                .chain(steps.map(|steps| (ENV_STEPS.to_owned(), steps)))
                .collect(),
        };
        let mut metrics = vec![
            line("ppo", Some(1), 1, Some(64.0)),
            line("gail", None, 1, Some(32.0)),
            line("ppo", Some(2), 1, Some(64.0)),
            line("ppo", Some(1), 2, Some(128.0)),
        ];
        let (groups, steps) = super::groups(&metrics, "kl");
        assert!(steps);
        assert_eq!((groups[0].name.as_str(), groups[1].name.as_str()), ("ppo", "gail"));
        assert_eq!(groups[0].seeds, [vec![(64.0, 1.0), (128.0, 2.0)], vec![(64.0, 1.0)]]);
        metrics.push(line("gail", None, 2, None));
        let (groups, steps) = super::groups(&metrics, "kl");
        assert_eq!((groups[1].seeds[0].last(), steps), (Some(&(2.0, 2.0)), false));
        assert!(super::groups(&metrics, "entropy").0.is_empty());
    }
}
