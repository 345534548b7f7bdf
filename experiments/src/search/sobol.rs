//! Low-discrepancy points: a Sobol sequence with Owen's scrambling.
//!
//! Direction numbers of Joe and Kuo, *Constructing Sobol sequences with better two-dimensional
//! projections*, SIAM J. Sci. Comput. 30, 2008; scrambling by hashes, Burley, *Practical hash-based
//! Owen scrambling*, JCGT 9, 2020.

/// The most points that a sequence has.
pub const MOST_POINTS: usize = 1 << 16;

/// The most axes that a point has.
pub const MOST_AXES: usize = sobol_burley::NUM_DIMENSIONS as usize;

/// Coordinate `axis` of point `index`, in [0, 1); none outside of the sequence.
pub fn coordinate(index: usize, axis: usize, seed: u32) -> Option<f64> {
    let inside = index < MOST_POINTS && axis < MOST_AXES;
    inside.then(|| f64::from(sobol_burley::sample(index as u32, axis as u32, seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What makes it a (0, m, 2)-net in base 2 (its first two axes): of the first 2^m points, every
    /// box of 2^-a by 2^-b with a + b = m holds exactly one.
    #[test]
    fn the_first_two_axes_fill_every_elementary_box_once() {
        for seed in [0, 1, 77] {
            for m in [4u32, 6, 8] {
                for a in 0..=m {
                    let (columns, rows) = (1usize << a, 1usize << (m - a));
                    let mut hits = vec![0; columns * rows];
                    for i in 0..1 << m {
                        let place = |axis, count: usize| {
                            (coordinate(i, axis, seed).unwrap() * count as f64) as usize
                        };
                        hits[place(0, columns) * rows + place(1, rows)] += 1;
                    }
                    assert!(hits.iter().all(|&n| n == 1), "seed {seed}, m {m}, a {a}");
                }
            }
        }
    }

    #[test]
    fn there_is_nothing_outside_of_the_sequence() {
        assert_eq!(coordinate(MOST_POINTS, 0, 1), None);
        assert_eq!(coordinate(0, MOST_AXES, 1), None);
        assert!(coordinate(MOST_POINTS - 1, MOST_AXES - 1, 1).is_some());
    }
}
