//! The one place where code is compiled for wider vector units than the target's baseline.
//!
//! A [`Kernel`] is ordinary safe Rust in loops that the compiler vectorises. [`run`] picks, once a
//! call and from what the processor says, the copy of it that was compiled for AVX-512, for AVX2,
//! or for the baseline. The copies do the same sums in the same order: AVX-512 and AVX2 give the
//! same bits, and the baseline differs from them only where it rounds a product before it adds it.

/// What a copy of a kernel may rely on.
pub trait Level {
    /// Whether multiply-add is one instruction.
    const FUSED: bool;
    /// Columns of a tile of a matrix product: two vectors.
    const COLUMNS: usize;
    /// Rows of a tile; with `COLUMNS` as many sums as the registers hold.
    const ROWS: usize;
}

/// No more than the target has.
pub struct Baseline;
/// 16 registers of 8 numbers.
pub struct Avx2;
/// 32 registers of 16 numbers.
pub struct Avx512;

impl Level for Baseline {
    const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
    const COLUMNS: usize = 8;
    const ROWS: usize = 4;
}

impl Level for Avx2 {
    const FUSED: bool = true;
    const COLUMNS: usize = 16;
    const ROWS: usize = 6;
}

impl Level for Avx512 {
    const FUSED: bool = true;
    const COLUMNS: usize = 32;
    const ROWS: usize = 8;
}

/// Work that is compiled once per level. `at` and all that it calls must be `#[inline(always)]`:
/// a function that stays a call is compiled for the baseline.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// The work.
    fn at<L: Level>(self) -> Self::Output;
}

/// `a * b + c`.
#[inline(always)]
pub fn fma<L: Level>(a: f32, b: f32, c: f32) -> f32 {
    if L::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Runs a kernel at the widest level of this processor.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("fma")
    {
        // SAFETY: the processor has the features that the function was compiled for.
        return unsafe { avx512(kernel) };
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: as above.
        return unsafe { avx2(kernel) };
    }
    kernel.at::<Baseline>()
}

/// Runs a kernel at the baseline, which is all there is to choose from.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.at::<Baseline>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.at::<Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.at::<Avx2>()
}

/// Runs a kernel at every level that this processor has, the baseline first.
#[cfg(test)]
#[allow(unsafe_code)]
pub fn run_at_every_level<K: Kernel>(kernel: impl Fn() -> K) -> Vec<K::Output> {
    let mut outputs = vec![kernel().at::<Baseline>()];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features that the function was compiled for.
            outputs.push(unsafe { avx2(kernel()) });
        }
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: as above.
            outputs.push(unsafe { avx512(kernel()) });
        }
    }
    outputs
}
