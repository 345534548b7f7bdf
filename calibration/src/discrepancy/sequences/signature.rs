//! Signatures of paths: the iterated integrals that tell a path from all others, up to where it
//! turns back on itself.
//!
//! The term of a word (i_1, ..., i_k) is the integral of `dx_i1(t_1) ... dx_ik(t_k)` over `t_1 <
//! ... < t_k` (Chen, *Integration of paths: a faithful representation of paths by non-commutative
//! formal power series*, Transactions of the American Mathematical Society 89, 1958; Lyons, Caruana
//! and Lévy, *Differential equations driven by rough paths*, 2007). For a straight piece with the
//! increment d it is `d_i1 ... d_ik / k!`, and two paths one after the other have the tensor
//! product of their signatures (Chen's identity).

/// Number of terms of the levels 1 to `depth`; none where that is more than a number holds.
pub fn terms(width: usize, depth: usize) -> Option<usize> {
    let mut level = 1_usize;
    let mut sum = 0_usize;
    for _ in 0..depth {
        level = level.checked_mul(width)?;
        sum = sum.checked_add(level)?;
    }
    Some(sum)
}

/// The signature of the path through the points (rows of `width` numbers), levels 1 to `depth` one
/// behind another, words in lexicographic order. A path of one point or none has terms of 0.
pub fn signature(points: &[f64], width: usize, depth: usize) -> Vec<f64> {
    let mut signature = vec![0.0; terms(width, depth).unwrap_or(0)];
    if width == 0 || signature.is_empty() {
        return signature;
    }
    let starts: Vec<usize> = (0..depth).filter_map(|level| terms(width, level)).collect();
    let (mut term, mut next) = (Vec::new(), Vec::new());
    let points: Vec<&[f64]> = points.chunks_exact(width).collect();
    for pair in points.windows(2) {
        let piece: Vec<f64> = pair[1].iter().zip(pair[0]).map(|(b, a)| b - a).collect();
        // From the deepest level up, so that the shallower ones are still those before the piece.
        for level in (1..=depth).rev() {
            // Level k of the product with the piece's exponential, as Horner's scheme has it
            // (Kidger and Lyons, Signatory, ICLR 2021): ((d / k + S_1) d / (k - 1) + S_2) ... d.
            term.clear();
            term.extend(piece.iter().map(|d| d / level as f64));
            for shallow in 1..level {
                let before = &signature[starts[shallow - 1]..starts[shallow]];
                let left = (level - shallow) as f64;
                next.clear();
                for (term, before) in term.iter().zip(before) {
                    next.extend(piece.iter().map(|d| (term + before) * (d / left)));
                }
                std::mem::swap(&mut term, &mut next);
            }
            let own = signature[starts[level - 1]..].iter_mut();
            own.zip(&term).for_each(|(own, term)| *own += term);
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    fn random(seed: u64, points: usize, width: usize) -> Vec<f64> {
        let mut stream = Streams::new(seed).stream("path", 0);
        (0..points * width).map(|_| 2.0 * stream.uniform() - 1.0).collect()
    }

    #[track_caller]
    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn a_straight_path_has_products_of_its_increment() {
        let d = [0.5, -2.0];
        let mut expected = d.to_vec();
        expected.extend(d.iter().flat_map(|a| d.map(|b| a * b / 2.0)));
        expected.extend(
            d.iter().flat_map(|a| d.map(|b| [a * b * d[0] / 6.0, a * b * d[1] / 6.0])).flatten(),
        );
        // Points on the way change nothing.
        close(&signature(&[1.0, 1.0, 1.5, -1.0], 2, 3), &expected);
        close(&signature(&[1.0, 1.0, 1.1, 0.6, 1.5, -1.0], 2, 3), &expected);
        assert_eq!(signature(&[1.0, 1.0], 2, 3), vec![0.0; 14]);
        assert_eq!(signature(&[], 2, 3), vec![0.0; 14]);
    }

    /// There and back again is nothing, and the way does not depend on where it starts.
    #[test]
    fn turning_back_cancels() {
        let path = random(1, 5, 3);
        let mut both = path.clone();
        for point in path.chunks_exact(3).rev() {
            both.extend_from_slice(point);
        }
        close(&signature(&both, 3, 4), &vec![0.0; 120]);
        let moved: Vec<f64> = path.iter().map(|x| x + 7.0).collect();
        close(&signature(&moved, 3, 4), &signature(&path, 3, 4));
    }

    /// Level 1 and 2 of Chen's identity, and at depth 3: S_k(a b) = sum S_j(a) S_(k - j)(b).
    #[test]
    fn joined_paths_multiply() {
        let (width, all) = (2, random(2, 9, 2));
        let (a, b) = (signature(&all[..10], width, 3), signature(&all[8..], width, 3));
        let product = |a: &[f64], b: &[f64]| -> Vec<f64> {
            a.iter().flat_map(|x| b.iter().map(move |y| x * y)).collect()
        };
        let level = |s: &[f64], k: usize| -> Vec<f64> {
            if k == 0 {
                vec![1.0]
            } else {
                s[terms(width, k - 1).unwrap()..terms(width, k).unwrap()].to_vec()
            }
        };
        let mut expected = Vec::new();
        for k in 1..=3 {
            let mut sum = vec![0.0; 1 << k];
            for j in 0..=k {
                let part = product(&level(&a, j), &level(&b, k - j));
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            expected.extend(sum);
        }
        close(&signature(&all, width, 3), &expected);
    }

    /// A product of two terms is the sum of the terms of all shuffles of their words.
    #[test]
    fn products_are_sums_over_shuffles() {
        let s = signature(&random(3, 7, 2), 2, 3);
        let (one, two, three) = (
            |i: usize| s[i],
            |i: usize, j: usize| s[2 + 2 * i + j],
            |i: usize, j: usize, k: usize| s[6 + 4 * i + 2 * j + k],
        );
        for i in 0..2 {
            for j in 0..2 {
                close(&[one(i) * one(j)], &[two(i, j) + two(j, i)]);
                for k in 0..2 {
                    let shuffles = three(i, j, k) + three(j, i, k) + three(j, k, i);
                    close(&[one(i) * two(j, k)], &[shuffles]);
                }
            }
        }
    }
}
