//! What is fixed for a user's episode: the covariates of his profile, and latent components.

use rand_distr::{Distribution, StandardNormal};

use super::joint::Drawing;
use super::observation::Layout;
use super::world::{Profile, World};
use crate::event_log::Covariates;
use crate::random::Streams;

/// Draws the covariates of users `first ..`: row-major, lanes x covariates, by their joint law, or
/// each a uniformly chosen entry of its grid.
pub(super) fn draw_profile(
    profile: &Profile,
    streams: &Streams,
    first: u64,
    lanes: usize,
) -> Vec<f64> {
    let mut values = Vec::with_capacity(lanes * profile.grids.len());
    let joint = profile.joint.as_ref().map(Drawing::of);
    for lane in 0..lanes {
        let mut stream = streams.stream("profile", first + lane as u64);
        match &joint {
            Some(joint) => joint.draw(profile, &mut stream, &mut values),
            None => values.extend(profile.grids.iter().map(|grid| grid[stream.below(grid.len())])),
        }
    }
    values
}

impl Profile {
    /// The covariates of users `first ..`, as simulated users of these numbers have them.
    pub fn draw(&self, streams: &Streams, first: u64, users: usize) -> Covariates {
        Covariates {
            names: self.names.clone(),
            values: draw_profile(self, streams, first, users),
            categories: self.categories.clone(),
        }
    }
}

/// Writes covariates into rows of observations: numbers standardised by the grids of the profile, and
/// a 1 among zeros for a category.
pub(super) fn show_profile(rows: &mut [f32], layout: &Layout, profile: &Profile, values: &[f64]) {
    let scales: Vec<(f64, f64)> = profile.grids.iter().map(|grid| mean_and_sd(grid)).collect();
    if scales.is_empty() {
        return;
    }
    let rows = rows.chunks_exact_mut(layout.size);
    for (row, values) in rows.zip(values.chunks_exact(scales.len())) {
        let mut fields = row[layout.fixed..].iter_mut();
        for (i, (value, (mean, sd))) in values.iter().zip(&scales).enumerate() {
            let categories = profile.categories_of(i).len();
            if categories > 0 {
                let own = fields.by_ref().take(categories).enumerate();
                own.for_each(|(k, field)| *field = f32::from(u8::from(k as f64 == *value)));
                continue;
            }
            let z = if *sd > 0.0 { (value - mean) / sd } else { 0.0 };
            if let Some(field) = fields.next() {
                *field = z.clamp(-5.0, 5.0) as f32;
            }
        }
    }
}

/// Draws the latent components of users `first ..` into rows of observations.
pub(super) fn draw_latent(
    rows: &mut [f32],
    layout: &Layout,
    world: &World,
    streams: &Streams,
    first: u64,
) {
    for (lane, row) in rows.chunks_exact_mut(layout.size).enumerate() {
        let mut stream = streams.stream("latent", first + lane as u64);
        for field in &mut row[layout.fixed + world.profile.width()..] {
            let z: f64 = StandardNormal.sample(&mut stream);
            *field = z.clamp(-4.0, 4.0) as f32;
        }
    }
}

/// Mean and standard deviation (n); that of equal values is exactly 0.
fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let first = values.first().copied().unwrap_or(0.0);
    let mean = first + values.iter().map(|v| v - first).sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt())
}
