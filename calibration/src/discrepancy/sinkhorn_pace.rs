//! How far an iteration of Sinkhorn's algorithm goes: `relaxation` times as far as the next scalings,
//! as long as that brings the marginals nearer (Thibault, Chizat, Dossal and Papadakis, *Overrelaxed
//! Sinkhorn-Knopp algorithm for regularized optimal transport*, Algorithms 14, 2021).
//!
//! Near the solution it is successive over-relaxation. Where errors fall by a factor r an iteration
//! under the relaxation w, they would fall by m^2 without one, `m = (r + w - 1) / (w sqrt r)`, and the
//! best relaxation is `2 / (1 + sqrt(1 - m^2))` (Lehmann, von Renesse, Sambale and Uschmajew, *A note
//! on overrelaxation in the Sinkhorn algorithm*, Optimization Letters 16, 2022). What falls slowest is
//! seen last, so the relaxation starts low and rises.

/// Iterations before the first look at how fast errors fall, and between that and the second.
const FIRST_LOOK: usize = 3;
/// Iterations between later looks.
const LOOK_BACK: usize = 8;
/// The most relaxation; below 2 it converges near the solution.
const MOST_RELAXATION: f64 = 1.92;
/// Errors that are so many times the least one are those of too much relaxation.
const WORSE: f64 = 10.0;

/// The relaxation of one weighting.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// The present one.
    pub(super) relaxation: f64,
    most: f64,
    /// Iteration and error since which the errors fall under the present relaxation.
    since: Option<(usize, f64)>,
    /// The iteration of the next look.
    next: usize,
    least: f64,
}

impl Default for Pace {
    fn default() -> Self {
        let (relaxation, most) = (1.0, MOST_RELAXATION);
        Self { relaxation, most, since: None, next: FIRST_LOOK, least: f64::INFINITY }
    }
}

impl Pace {
    /// Looks back every few iterations.
    pub(super) fn after(&mut self, iteration: usize, error: f64) {
        if iteration != self.next {
            return;
        }
        let first = iteration == FIRST_LOOK;
        self.next += if first { FIRST_LOOK } else { LOOK_BACK };
        if error.is_nan() || error > WORSE * self.least {
            self.most = 0.5 * (1.0 + self.relaxation);
            (self.relaxation, self.since) = (self.most, None);
            return;
        }
        self.least = self.least.min(error);
        let before = self.since.replace((iteration, error));
        let Some((since, before)) = before else { return };
        let fall = (error / before).powf(1.0 / (iteration - since) as f64);
        let w = self.relaxation;
        // Errors that fall faster than by w - 1 are past the best relaxation.
        if fall > w - 1.0 && fall < 1.0 {
            let unrelaxed = (fall + w - 1.0) / (w * fall.sqrt());
            let best = 2.0 / (1.0 + (1.0 - unrelaxed * unrelaxed).max(0.0).sqrt());
            if best.min(self.most) > w + 0.01 {
                // The next errors are those of the change.
                (self.relaxation, self.since) = (best.min(self.most), None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors of a linear iteration whose slowest part falls by 0.9 a step: the relaxation becomes
    /// `2 / (1 + sqrt(1 - 0.9))`, and stays.
    #[test]
    fn a_known_fall_gives_the_best_relaxation() {
        let mut pace = Pace::default();
        (1..=6).for_each(|i| pace.after(i, 0.9_f64.powi(i as i32)));
        let best = 2.0 / (1.0 + 0.1_f64.sqrt());
        assert!((pace.relaxation - best).abs() < 1e-12);
        // Under it errors fall by best - 1.
        let fall = |i: i32| 0.5 * (best - 1.0).powi(i - 6);
        (7..=40).for_each(|i| pace.after(i, fall(i as i32)));
        assert!((pace.relaxation - best).abs() < 1e-9);
    }

    /// Where errors grow it goes back towards 1.
    #[test]
    fn growing_errors_lower_the_relaxation() {
        let mut pace = Pace::default();
        (1..=6).for_each(|i| pace.after(i, 0.9_f64.powi(i as i32)));
        let mut last = pace.relaxation;
        assert!(last > 1.5);
        for i in 7..=200 {
            pace.after(i, 0.5 * 1.5_f64.powi(i as i32 - 6));
            assert!(pace.relaxation <= last, "{i}");
            last = pace.relaxation;
        }
        assert!((1.0..1.001).contains(&last), "{last}");
        pace.after(206, f64::NAN);
        assert!(pace.relaxation.is_finite());
    }
}
