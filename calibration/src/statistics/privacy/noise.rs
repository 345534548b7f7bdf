//! Exact discrete Laplace and Gaussian noise.
//!
//! Noise that is computed in floating point leaks through the gaps between representable numbers
//! (Mironov, *On Significance of the Least Significant Bits for Differential Privacy*, CCS 2012). So
//! only whole numbers are made noisy, and the noise is drawn by comparing whole random numbers, with
//! no rounding anywhere (Canonne, Kamath and Steinke, *The Discrete Gaussian for Differential
//! Privacy*, NeurIPS 2020, algorithms 1 to 3).
//!
//! The bits come from HMAC-SHA256 in counter mode under a secret key. The project's
//! [`trueup_env::Streams`] would not do: they follow from 64 bits and are made to be repeated, and
//! whoever can guess the seed can take the noise away again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What the noise follows from: a secret. Never write it down beside the file; whoever knows it can
/// take the noise away. Two files of one log need two keys.
#[derive(Clone)]
pub struct NoiseKey([u8; 64]);

impl NoiseKey {
    /// A key from any number of secret bytes; at least 16 unpredictable ones are needed.
    pub fn new(secret: &[u8]) -> Self {
        // HMAC pads a key of 32 bytes with zeros to its block.
        let mut block = [0; 64];
        block.iter_mut().zip(Sha256::digest(secret)).for_each(|(to, byte)| *to = byte);
        Self(block)
    }
}

/// Random bits of one purpose.
pub(super) struct Bits<'a> {
    key: &'a NoiseKey,
    purpose: &'a str,
    block: u64,
    words: [u64; 4],
    used: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(key: &'a NoiseKey, purpose: &'a str) -> Self {
        Self { key, purpose, block: 0, words: [0; 4], used: 4 }
    }

    fn word(&mut self) -> u64 {
        if self.used == 4 {
            let mut mac = Hmac::<Sha256>::new(&self.key.0.into());
            mac.update(&self.block.to_le_bytes());
            mac.update(self.purpose.as_bytes());
            let bytes = mac.finalize().into_bytes();
            for (word, bytes) in self.words.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
            }
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// A whole number below `n`, each equally likely; 0 for `n` of 0.
    fn below(&mut self, n: u128) -> u128 {
        let last = n.saturating_sub(1);
        let mask = u128::MAX.checked_shr(last.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = (u128::from(self.word()) << 64 | u128::from(self.word())) & mask;
            if drawn <= last {
                return drawn;
            }
        }
    }

    /// True with probability exp(-num / den), for num at most den.
    fn exp_of_fraction(&mut self, num: u128, den: u128) -> bool {
        let mut k = 1;
        while self.below(den.saturating_mul(k)) < num {
            k += 1;
        }
        k % 2 == 1
    }

    /// True with probability exp(-num / den).
    fn exp_minus(&mut self, num: u128, den: u128) -> bool {
        let den = den.max(1);
        for _ in 0..num / den {
            if !self.exp_of_fraction(1, 1) {
                return false;
            }
        }
        self.exp_of_fraction(num % den, den)
    }

    /// Discrete Laplace noise: P(x) proportional to exp(-|x| den / num), of scale num / den.
    pub(super) fn laplace(&mut self, scale: Ratio) -> i64 {
        let Ratio { num, den } = scale;
        if num == 0 {
            return 0;
        }
        loop {
            let low = self.below(num);
            if !self.exp_minus(low, num) {
                continue;
            }
            let mut high = 0;
            while self.exp_of_fraction(1, 1) {
                high += 1;
            }
            let size = ((low + num * high) / den) as i64;
            let negative = self.below(2) == 1;
            // 0 has one sign.
            if !(negative && size == 0) {
                return if negative { -size } else { size };
            }
        }
    }

    /// Discrete Gaussian noise: P(x) proportional to exp(-x^2 / (2 variance)).
    pub(super) fn gaussian(&mut self, variance: Ratio) -> i64 {
        let Ratio { num, den } = variance;
        if num == 0 {
            return 0;
        }
        let scale = (num / den).isqrt() + 1;
        loop {
            let drawn = self.laplace(Ratio { num: scale, den: 1 });
            // (|x| - variance / scale)^2 / (2 variance), over one denominator.
            let size = u128::from(drawn.unsigned_abs());
            let gap = (size * den * scale).abs_diff(num);
            if self.exp_minus(gap * gap, 2 * num * den * scale * scale) {
                return drawn;
            }
        }
    }
}

/// A number of at least 0 as a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) num: u128,
    pub(super) den: u128,
}

impl Ratio {
    /// The largest number that has a fraction: beyond it products leave 128 bits.
    pub(super) const MOST: f64 = 1e12;

    /// The smallest fraction at or above a number, with denominator 1024 below 2^20 and 1 from
    /// there: never less noise than asked for. None for what is no number from 0 to [`Self::MOST`].
    pub(super) fn at_least(value: f64) -> Option<Self> {
        if !(0.0..=Self::MOST).contains(&value) {
            return None;
        }
        let den = if value < 1_048_576.0 { 1024 } else { 1 };
        // Multiplying by a power of 2 is exact.
        Some(Self { num: (value * den as f64).ceil() as u128, den })
    }

    pub(super) fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pearson's chi^2 of draws against probabilities proportional to `weight` over `-reach..=reach`,
    /// all beyond in the outer classes; its degrees of freedom are `2 reach`.
    fn chi_squared(draws: &[i64], reach: i64, weight: impl Fn(i64) -> f64) -> f64 {
        let far = 400;
        let total: f64 = (-far..=far).map(&weight).sum();
        let mut expected = vec![0.0; (2 * reach + 1) as usize];
        for x in -far..=far {
            expected[(x.clamp(-reach, reach) + reach) as usize] += weight(x) / total;
        }
        let mut found = vec![0.0; expected.len()];
        draws.iter().for_each(|x| found[(x.clamp(&-reach, &reach) + reach) as usize] += 1.0);
        let n = draws.len() as f64;
        found.iter().zip(&expected).map(|(o, p)| (o - n * p).powi(2) / (n * p)).sum()
    }

    /// chi^2 with k degrees of freedom is above k + 5 sqrt(2 k) + 15 with probability below 1e-6
    /// for every k used here (Laurent and Massart 2000: k + 2 sqrt(k t) + 2 t with t = 14 is
    /// 8e-7; the bound used is that one).
    fn assert_fits(chi: f64, degrees: f64, what: &str) {
        let bound = degrees + 2.0 * (degrees * 14.0).sqrt() + 28.0;
        assert!(chi < bound, "{what}: {chi} against {bound}");
    }

    const DRAWS: usize = 20_000;

    #[test]
    fn laplace_noise_has_its_closed_form() {
        let key = NoiseKey::new(b"fixed for the test");
        for (num, den, reach) in [(3, 1, 9), (700, 1024, 3), (5000, 1024, 15)] {
            let mut bits = Bits::new(&key, "laplace");
            let scale = Ratio { num, den };
            let draws: Vec<i64> = (0..DRAWS).map(|_| bits.laplace(scale)).collect();
            let chi = chi_squared(&draws, reach, |x| (-(x.abs() as f64) / scale.value()).exp());
            assert_fits(chi, 2.0 * reach as f64, &format!("{num}/{den}"));
        }
    }

    #[test]
    fn gaussian_noise_has_its_closed_form() {
        let key = NoiseKey::new(b"fixed for the test");
        for (num, den, reach) in [(9, 1, 8), (300, 1024, 2), (40 * 1024 + 77, 1024, 16)] {
            let mut bits = Bits::new(&key, "gaussian");
            let variance = Ratio { num, den };
            let draws: Vec<i64> = (0..DRAWS).map(|_| bits.gaussian(variance)).collect();
            let weight = |x: i64| (-(x * x) as f64 / 2.0 / variance.value()).exp();
            let chi = chi_squared(&draws, reach, weight);
            assert_fits(chi, 2.0 * reach as f64, &format!("{num}/{den}"));
        }
    }

    /// The largest noise allowed stays within 128 bits: mean square within five standard errors of
    /// the variance (false alarm below 1e-6).
    #[test]
    fn large_noise_has_its_variance() {
        let key = NoiseKey::new(b"fixed for the test");
        for value in [1e6, 1e12] {
            let mut bits = Bits::new(&key, "large");
            let variance = Ratio::at_least(value).unwrap();
            let n = 4_000;
            let square = |_| (bits.gaussian(variance) as f64).powi(2);
            let mean = (0..n).map(square).sum::<f64>() / n as f64 / value;
            assert!((mean - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt(), "{mean}");
        }
    }

    #[test]
    fn fractions_never_ask_for_less() {
        for value in [0.0, 1e-9, 0.3, 41.7, 1e7 + 0.5] {
            let ratio = Ratio::at_least(value).unwrap();
            assert!(ratio.value() >= value && ratio.value() <= value + 1.0);
        }
        assert_eq!(Ratio::at_least(1e13), None);
        assert_eq!(Ratio::at_least(f64::NAN), None);
        assert_eq!(Ratio::at_least(-1.0), None);
    }

    #[test]
    fn keys_and_purposes_part_the_noise() {
        let draws = |key: &NoiseKey, purpose| {
            let mut bits = Bits::new(key, purpose);
            (0..20).map(|_| bits.laplace(Ratio { num: 50, den: 1 })).collect::<Vec<_>>()
        };
        let (a, b) = (NoiseKey::new(b"a"), NoiseKey::new(b"b"));
        assert_eq!(draws(&a, "x"), draws(&a, "x"));
        assert_ne!(draws(&a, "x"), draws(&b, "x"));
        assert_ne!(draws(&a, "x"), draws(&a, "y"));
    }
}
