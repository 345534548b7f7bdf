//! Random streams that depend on nothing but their name.
//!
//! Every stream is derived from (run seed, purpose, index), so that the numbers a user draws do
//! not depend on how many threads run, in which order lanes are visited, or whether a run was
//! resumed. The generator is Philox4x32-10 (Salmon et al., *Parallel random numbers: as easy as
//! 1, 2, 3*, SC 2011): block `n` of a stream is a function of (key, index, n), with no state to
//! hand on but the position.

use std::convert::Infallible;

use rand::TryRng;
use serde::{Deserialize, Serialize};

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// One block of Philox4x32-10: four random words from a counter and a key.
#[inline]
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let low = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let high = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// FNV-1a over the bytes, then the SplitMix64 finaliser: mixes a name into a key.
fn mix(key: u64, bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325 ^ key;
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

/// A namespace of random streams under one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    key: u64,
}

impl Streams {
    /// The root namespace of a run.
    pub fn new(seed: u64) -> Self {
        Self { key: mix(seed, b"trueup") }
    }

    /// A namespace inside this one, e.g. `streams.child("evaluation", 3)`.
    pub fn child(&self, purpose: &str, index: u64) -> Self {
        Self { key: mix(mix(self.key, purpose.as_bytes()), &index.to_le_bytes()) }
    }

    /// The namespace as a number, for states that are written down.
    pub(crate) fn key(self) -> u64 {
        self.key
    }

    /// The namespace that [`Streams::key`] was taken of.
    pub(crate) fn from_key(key: u64) -> Self {
        Self { key }
    }

    /// The stream of `purpose` for one user, lane or replicate.
    pub fn stream(&self, purpose: &str, index: u64) -> Stream {
        let key = mix(self.key, purpose.as_bytes());
        Stream { key: [key as u32, (key >> 32) as u32], index, block: 0, words: [0; 4], used: 4 }
    }
}

/// One stream of random numbers; implements [`rand::Rng`]. Its serialised form is its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    key: [u32; 2],
    index: u64,
    block: u64,
    words: [u32; 4],
    used: u8,
}

impl Stream {
    #[inline]
    fn word(&mut self) -> u32 {
        if self.used == 4 {
            let (n, i) = (self.block, self.index);
            self.words = philox([n as u32, (n >> 32) as u32, i as u32, (i >> 32) as u32], self.key);
            self.block += 1;
            self.used = 0;
        }
        let word = self.words[usize::from(self.used)];
        self.used += 1;
        word
    }

    /// A uniform number in [0, 1), with 53 random bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        let bits = (u64::from(self.word()) << 32) | u64::from(self.word());
        (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// An index in `0..n` (0 for `n` of 0 or 1), free of modulo bias to 2^-53.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | (u64::from(self.word()) << 32))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known-answer vectors published with Random123 (`kat_vectors`, philox4x32 10).
    #[test]
    fn philox_gives_the_published_vectors() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_index_and_by_nothing_else() {
        let first = |seed, purpose: &str, index| Streams::new(seed).stream(purpose, index).word();
        assert_eq!(first(1, "income", 7), first(1, "income", 7));
        assert_ne!(first(1, "income", 7), first(2, "income", 7));
        assert_ne!(first(1, "income", 7), first(1, "market", 7));
        assert_ne!(first(1, "income", 7), first(1, "income", 8));
        let root = Streams::new(1);
        assert_ne!(root.child("evaluation", 0), root.child("evaluation", 1));
    }

    #[test]
    fn a_stream_goes_on_where_its_serialised_copy_stood() {
        let mut stream = Streams::new(3).stream("resume", 1);
        for _ in 0..5 {
            stream.word();
        }
        let mut copy = stream.clone();
        assert_eq!(stream.uniform().to_bits(), copy.uniform().to_bits());
    }

    /// Mean and variance of 100,000 uniforms: within 4.5 standard errors (false alarm 1e-5).
    #[test]
    fn uniforms_have_the_moments_of_the_uniform_law() {
        let mut stream = Streams::new(11).stream("uniform", 0);
        let n = 100_000;
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..n {
            let u = stream.uniform();
            assert!((0.0..1.0).contains(&u));
            sum += u;
            square += u * u;
        }
        let n = f64::from(n);
        let mean = sum / n;
        assert!((mean - 0.5).abs() < 4.5 * (1.0 / 12.0 / n).sqrt());
        let variance = square / n - mean * mean;
        assert!((variance - 1.0 / 12.0).abs() < 4.5 * (1.0 / 180.0 / n).sqrt());
    }
}
