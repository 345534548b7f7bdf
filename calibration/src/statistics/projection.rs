//! Directions and frequencies that a file need not hold: they follow from a seed and a count.
//!
//! Normal numbers are made by Box and Muller's method from uniform ones with `libm`, so that they
//! are the same bits on every machine and in every version of a random number library.

use std::f64::consts::TAU;

use trueup_env::{Stream, Streams};

/// A normal number.
fn normal(stream: &mut Stream) -> f64 {
    // 1 - u lies in (0, 1].
    let radius = (-2.0 * libm::log(1.0 - stream.uniform())).sqrt();
    radius * libm::cos(TAU * stream.uniform())
}

/// `count` unit vectors of `width` numbers, each uniform on the sphere. They come in blocks of
/// `width` that are orthogonal to each other, which estimates means over the sphere with less
/// noise than independent ones (Rowland et al., *Orthogonal Estimation of Wasserstein Distances*,
/// AISTATS 2019).
pub fn directions(seed: u64, count: usize, width: usize) -> Vec<Vec<f64>> {
    let streams = Streams::new(seed).child("joint statistics", 0);
    let mut stream = streams.stream("directions", width as u64);
    let mut found: Vec<Vec<f64>> = Vec::with_capacity(count);
    while width > 0 && found.len() < count {
        let block = found.len() - found.len() % width;
        let mut next: Vec<f64> = (0..width).map(|_| normal(&mut stream)).collect();
        for other in &found[block..] {
            let along = dot(other, &next);
            next.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
        }
        let norm = dot(&next, &next).sqrt();
        // Next to nothing is left with probability 0; then another is drawn.
        if norm > 1e-6 {
            next.iter_mut().for_each(|x| *x /= norm);
            found.push(next);
        }
    }
    found
}

/// `count` frequencies of a Gaussian kernel `exp(-|x - y|^2 / (2 bandwidth^2))` over vectors of
/// `width` numbers: its Fourier transform is the normal density with standard deviation
/// 1 / bandwidth (Rahimi and Recht, *Random Features for Large-Scale Kernel Machines*, NIPS 2007).
pub fn frequencies(seed: u64, count: usize, width: usize, bandwidth: f64) -> Vec<Vec<f64>> {
    let streams = Streams::new(seed).child("joint statistics", 0);
    let mut stream = streams.stream("frequencies", width as u64);
    let mut one = || (0..width).map(|_| normal(&mut stream) / bandwidth).collect();
    (0..count).map(|_| one()).collect()
}

/// The mean of `|u . x|` over the sphere is this times `|x|`, in `width` dimensions:
/// `gamma(d / 2) / (sqrt(pi) gamma((d + 1) / 2))`.
pub fn mean_cosine(width: usize) -> f64 {
    let d = width as f64;
    let ratio = libm::lgamma(d / 2.0) - libm::lgamma((d + 1.0) / 2.0);
    libm::exp(ratio) / std::f64::consts::PI.sqrt()
}

/// A scalar product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_unit_and_orthogonal_within_a_block() {
        for (count, width) in [(7, 3), (5, 1), (4, 8), (0, 3), (3, 0)] {
            let found = directions(1, count, width);
            assert_eq!(found.len(), if width == 0 { 0 } else { count });
            for (i, a) in found.iter().enumerate() {
                assert!((dot(a, a) - 1.0).abs() < 1e-12);
                for b in &found[i + 1..(i / width * width + width).min(found.len())] {
                    assert!(dot(a, b).abs() < 1e-9, "{count} {width}");
                }
            }
        }
        // A longer list begins with the shorter one, so a count is all that a file needs.
        assert_eq!(directions(1, 20, 6)[..8], directions(1, 8, 6));
        assert_ne!(directions(1, 3, 6), directions(2, 3, 6));
    }

    /// Mean of `|u . x|` over 40,000 directions against the closed form; in 3 dimensions the
    /// projection of a unit vector is uniform, so it is 1/2, and in 2 dimensions 2 / pi. Five
    /// standard errors of independent directions, which have more noise: false alarm below 1e-6.
    #[test]
    fn the_mean_cosine_is_the_mean_over_directions() {
        assert!((mean_cosine(1) - 1.0).abs() < 1e-12);
        assert!((mean_cosine(2) - 2.0 / std::f64::consts::PI).abs() < 1e-12);
        assert!((mean_cosine(3) - 0.5).abs() < 1e-12);
        for width in [2, 5, 12] {
            let n = 40_000;
            let found = directions(3, n, width);
            let mean = found.iter().map(|u| u[0].abs()).sum::<f64>() / n as f64;
            let error = (1.0 / width as f64 / n as f64).sqrt();
            assert!((mean - mean_cosine(width)).abs() < 5.0 * error, "{width}: {mean}");
        }
    }

    /// The mean of cos(w . x) is the kernel; five standard errors, false alarm below 1e-6 a point.
    #[test]
    fn frequencies_give_the_gaussian_kernel() {
        let n = 40_000;
        let found = frequencies(4, n, 3, 1.7);
        for x in [[0.4, -0.2, 0.9], [2.0, 1.0, 0.0]] {
            let mean = found.iter().map(|w| dot(w, &x).cos()).sum::<f64>() / n as f64;
            let kernel = (-dot(&x, &x) / (2.0 * 1.7 * 1.7)).exp();
            assert!((mean - kernel).abs() < 5.0 / (2.0 * n as f64).sqrt(), "{mean} {kernel}");
        }
    }
}
