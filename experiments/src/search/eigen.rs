//! Eigenvalues and eigenvectors of a symmetric matrix: Jacobi's method.
//!
//! Rotations take away the elements off the diagonal one by one, in a fixed order, until nothing is
//! left of them (Golub and Van Loan, *Matrix Computations*, section 8.5).

/// Sweeps over all elements; it converges quadratically, after five to ten.
const SWEEPS: usize = 60;

/// The elements off the diagonal are nothing beside it: 1/100 of the rounding of f64.
const NEGLIGIBLE: f64 = 2e-18;

/// A square matrix, row by row.
pub type Matrix = Vec<Vec<f64>>;

/// The identity of size `n`.
pub fn identity(n: usize) -> Matrix {
    (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect()
}

/// Eigenvalues, and the matrix whose columns are the eigenvectors.
pub fn symmetric(matrix: &Matrix) -> (Vec<f64>, Matrix) {
    let n = matrix.len();
    let (mut a, mut vectors) = (matrix.clone(), identity(n));
    for _ in 0..SWEEPS {
        let off: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j].abs()).sum();
        let trace: f64 = (0..n).map(|i| a[i][i].abs()).sum();
        if off <= NEGLIGIBLE * trace {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), vectors)
}

/// Turns the axes `p` and `q` so that the element between them vanishes.
fn rotate(a: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let slope = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for row in a.iter_mut().chain(vectors.iter_mut()) {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
    let (above, below) = a.split_at_mut(q);
    for (x, y) in above[p].iter_mut().zip(below[0].iter_mut()) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
    // What rounding leaves would be rotated for ever.
    (a[p][q], a[q][p]) = (0.0, 0.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_env::random::Streams;

    #[test]
    fn a_two_by_two_matrix_has_its_textbook_values() {
        let (mut values, _) = symmetric(&vec![vec![2.0, 1.0], vec![1.0, 2.0]]);
        values.sort_by(f64::total_cmp);
        assert!((values[0] - 1.0).abs() < 1e-15 && (values[1] - 3.0).abs() < 1e-15);
    }

    /// A v = l v for every pair, and the vectors are orthonormal; also where values differ by
    /// twelve orders.
    #[test]
    fn vectors_are_orthonormal_and_diagonalise() {
        for (n, spread) in [(1, 1.0), (5, 1.0), (20, 1.0), (12, 1e6)] {
            let mut stream = Streams::new(1).stream("eigen", n as u64);
            let mut number = |i| (stream.uniform() - 0.5) * spread_of(i, n, spread);
            let raw: Matrix = (0..n).map(|i| (0..n).map(|_| number(i)).collect()).collect();
            let element = |i: usize, j: usize| raw[i][j] * spread_of(j, n, spread);
            let row = |i: usize| (0..n).map(|j| element(i, j) + element(j, i)).collect();
            let a: Matrix = (0..n).map(row).collect();
            let (values, vectors) = symmetric(&a);
            let size = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            for k in 0..n {
                for i in 0..n {
                    let left: f64 = (0..n).map(|j| a[i][j] * vectors[j][k]).sum();
                    assert!((left - values[k] * vectors[i][k]).abs() < 1e-13 * size);
                }
                for l in 0..n {
                    let dot: f64 = (0..n).map(|i| vectors[i][k] * vectors[i][l]).sum();
                    assert!((dot - if k == l { 1.0 } else { 0.0 }).abs() < 1e-13);
                }
            }
        }
    }

    fn spread_of(i: usize, n: usize, spread: f64) -> f64 {
        spread.powf(i as f64 / n.max(2) as f64)
    }
}
