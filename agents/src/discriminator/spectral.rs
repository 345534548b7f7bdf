//! Bounds the spectral norm (largest singular value) of a layer, so that a discriminator cannot
//! grow steeper than stated.
//!
//! Power iteration (Miyato et al., *Spectral normalization for generative adversarial networks*,
//! ICLR 2018) with a vector that is kept from step to step: `u <- W'W u / |W'W u|`,
//! `s = |W u|`. The weight is divided by max(1, s / bound). s never exceeds the true norm; as a
//! step of the optimiser moves the weight little and the vector is kept, it is close to it: the
//! norm stays below 1.02 times the bound (tested).

/// Rounds of power iteration per step.
const ROUNDS: usize = 3;

/// Scales `weight` (inputs x outputs, y = x W) down to the bound; `u` (outputs) is the kept vector.
pub(super) fn bound(weight: &mut [f32], u: &mut [f32], bound: f32) {
    let outputs = u.len();
    if outputs == 0 || weight.is_empty() {
        return;
    }
    let mut norm = 0.0;
    let mut image = vec![0.0_f32; weight.len() / outputs];
    for _ in 0..ROUNDS {
        for (x, row) in image.iter_mut().zip(weight.chunks_exact(outputs)) {
            *x = row.iter().zip(u.iter()).map(|(w, u)| w * u).sum();
        }
        norm = length(&image);
        let mut next = vec![0.0_f32; outputs];
        for (x, row) in image.iter().zip(weight.chunks_exact(outputs)) {
            next.iter_mut().zip(row).for_each(|(n, w)| *n += x * w);
        }
        let scale = length(&next);
        // A zero weight has no direction: keep the vector for later.
        if !(scale > 0.0 && scale.is_finite()) {
            break;
        }
        u.iter_mut().zip(&next).for_each(|(u, n)| *u = n / scale);
    }
    if norm > bound {
        weight.iter_mut().for_each(|w| *w *= bound / norm);
    }
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// All singular values by one-sided Jacobi rotations, for tests.
#[cfg(test)]
pub(super) fn singular_values(weight: &[f32], outputs: usize) -> Vec<f64> {
    let mut columns: Vec<Vec<f64>> = (0..outputs)
        .map(|o| weight.iter().skip(o).step_by(outputs).map(|&w| f64::from(w)).collect())
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for _ in 0..60 {
        for i in 0..outputs {
            for j in i + 1..outputs {
                let (a, b) = (dot(&columns[i], &columns[i]), dot(&columns[j], &columns[j]));
                let c = dot(&columns[i], &columns[j]);
                if c.abs() <= 1e-15 * (a * b).sqrt() {
                    continue;
                }
                let zeta = (b - a) / (2.0 * c);
                let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                let cosine = 1.0 / (1.0 + t * t).sqrt();
                let sine = cosine * t;
                for k in 0..columns[i].len() {
                    let (x, y) = (columns[i][k], columns[j][k]);
                    columns[i][k] = cosine * x - sine * y;
                    columns[j][k] = sine * x + cosine * y;
                }
            }
        }
    }
    let mut values: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    /// [[2, 0], [1, 3]]: the eigenvalues of W'W are 7 +- sqrt(13).
    #[test]
    fn jacobi_finds_the_closed_form() {
        let values = singular_values(&[2.0, 0.0, 1.0, 3.0], 2);
        assert!((values[0] - (7.0 + 13.0_f64.sqrt()).sqrt()).abs() < 1e-12);
        assert!((values[1] - (7.0 - 13.0_f64.sqrt()).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_steep_weight_is_scaled_to_the_bound_and_a_flat_one_is_left_alone() {
        let mut stream = Streams::new(1).stream("weight", 0);
        for (inputs, outputs) in [(7, 5), (5, 7), (9, 1), (1, 4)] {
            let draw = |_| stream.uniform() as f32 * 4.0 - 2.0;
            let mut weight: Vec<f32> = (0..inputs * outputs).map(draw).collect();
            let mut u = vec![1.0; outputs];
            for _ in 0..40 {
                bound(&mut weight, &mut u, 1.5);
            }
            let norm = singular_values(&weight, outputs)[0];
            assert!((norm - 1.5).abs() < 1e-3, "{inputs} x {outputs}: {norm}");
            let before = weight.clone();
            bound(&mut weight, &mut u, 1.6);
            assert_eq!(weight, before);
        }
        let (mut zero, mut u) = (vec![0.0; 6], vec![1.0, 0.0]);
        bound(&mut zero, &mut u, 1.0);
        assert_eq!((zero, u), (vec![0.0; 6], vec![1.0, 0.0]));
    }
}
