//! What a result costs: the objective against environment steps and against seconds, and the trials
//! that no other beats at both.

use super::data::{Data, Trial};
use crate::plots::{Axis, Picture, Point, Scale, Scatter, look};

/// A cost of a trial.
type Cost = fn(&Trial) -> Option<f64>;

/// Both pictures, or why one is missing.
pub(super) fn pictures(data: &Data) -> Vec<Result<Picture, String>> {
    let costs: [(&str, &str, Cost); 2] = [
        ("steps", "environment steps of a run", |trial| trial.env_steps),
        ("seconds", "wall-clock seconds of a run", |trial| trial.seconds),
    ];
    costs.into_iter().map(|(about, words, cost)| picture(data, about, words, cost)).collect()
}

fn picture(data: &Data, about: &str, words: &str, cost: Cost) -> Result<Picture, String> {
    let measure = &data.measure;
    let known: Vec<(&Trial, f64, f64)> = data
        .valued()
        .filter_map(|trial| Some((trial, cost(trial)?, trial.objective?.value)))
        .collect();
    let most = known.iter().map(|(_, cost, _)| *cost).fold(0.0, f64::max);
    let least = known.iter().map(|(_, cost, _)| *cost).fold(f64::INFINITY, f64::min);
    if known.len() < 2 {
        return Err(format!("No trade-off with {words}: fewer than two trials have a result."));
    }
    if least >= most {
        let why = format!("No trade-off with {words}: all trials took the same, {most}.");
        return Err(if most > 0.0 { why } else { format!("No trial counted {words}.") });
    }
    let pairs: Vec<(f64, f64)> =
        known.iter().map(|(_, cost, value)| (*cost, measure.score(*value))).collect();
    let front = front(&pairs);
    let at = |i: &usize| known.get(*i).map(|(_, cost, value)| (*cost, *value));
    let line: Vec<(f64, f64)> = front.iter().filter_map(at).collect();
    let point = |(i, (trial, cost, value)): (usize, &(&Trial, f64, f64))| {
        let on = front.contains(&i);
        Point {
            at: (*cost, *value),
            ci: trial.objective.and_then(|estimate| estimate.ci),
            label: if on || known.len() <= 30 { trial.rank.to_string() } else { String::new() },
            look: (on || known.len() <= 60).then(|| look(if on { 3 } else { 0 })),
        }
    };
    let points: Vec<Point> = known.iter().enumerate().map(point).collect();
    let ends = points.iter().flat_map(|point| point.ci.unwrap_or([point.at.1, point.at.1]));
    let y = measure.axis(ends, &measure.short_title);
    let names = front.iter().filter_map(|i| known.get(*i).map(|(trial, ..)| trial.label()));
    let names = names.collect::<Vec<_>>().join(", ");
    Ok(Picture {
        about: about.to_owned(),
        title: format!("Result against {words}"),
        description: format!(
            "Interquartile mean of the {} against the mean {words}, by rank; bars are 95% intervals \
             over seeds. On the line, the Pareto front, are the trials that no other beats at both: \
             {names}.",
            measure.title
        ),
        drawing: Box::new(Scatter {
            title: format!("Result against {words}"),
            size: (480, 340),
            x: Axis::new(Scale::Plain, 0.0, most * 1.06, 5, words),
            y,
            line,
            points,
        }),
    })
}

/// Places of the pairs (cost, score) that no other pair beats: none costs less and scores as much,
/// none scores more and costs as much. Ascending by cost.
fn front(pairs: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<(usize, (f64, f64))> = pairs.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut best = f64::NEG_INFINITY;
    let mut front = Vec::new();
    for (place, (_, score)) in order {
        if score > best {
            best = score;
            front.push(place);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_holds_what_no_other_beats() {
        let pairs = [(3.0, 9.0), (1.0, 2.0), (2.0, 1.0), (2.0, 5.0), (4.0, 9.0), (1.0, 1.0)];
        assert_eq!(front(&pairs), [1, 3, 0]);
        assert!(front(&[]).is_empty());
        // By definition, against all pairs.
        let grid: Vec<(f64, f64)> =
            (0..40).map(|i| (f64::from(i * 7 % 11), f64::from(i * 5 % 13))).collect();
        let found = front(&grid);
        for (i, a) in grid.iter().enumerate() {
            let beaten = grid.iter().any(|b| b.0 <= a.0 && b.1 >= a.1 && (b.0 < a.0 || b.1 > a.1));
            let twin = grid[..i].contains(a);
            assert_eq!(found.contains(&i), !beaten && !twin, "{i}");
        }
    }
}
