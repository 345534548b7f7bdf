//! Logistic regression with an L2 penalty, for two classes.
//!
//! Minimises `1/2 |w|^2 + sum_i log(1 + exp(-y_i (b + w . x_i)))` over w and b, y being -1 or 1, as
//! scikit-learn's `LogisticRegression` does with C = 1; the intercept b is not penalised. Newton's
//! method (iteratively reweighted least squares) with halved steps where a whole one goes too far
//! (Boyd and Vandenberghe, *Convex optimization*, 2004, section 9.5): a few steps to rounding, each
//! one small linear system. It is written here because that is all it takes: of the libraries that
//! were considered, `linfa-logistic` 0.8 brings 55 packages and a minute and a half of compilation,
//! `smartcore` 0.7 sixteen, and both go by L-BFGS to a tolerance.
//!
//! The minimum is found in `newton.rs`. Columns are standardised by the training rows. Where a
//! feature is not defined for a user, the column stands at its mean and another column, standardised
//! too, says so.

use super::newton::Newton;

/// What a user vector holds where a feature is not defined (`features::user_vectors`).
pub const UNDEFINED: f64 = -1.0;

/// Rows made ready for the regression: standardised columns, then indicators of undefined values.
pub struct Design {
    width: usize,
    rows: Vec<f64>,
}

/// Mean and inverse standard deviation of a column; 0 where it does not vary.
fn standard(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count().max(1) as f64;
    let first = values.clone().next().unwrap_or(0.0);
    let mean = first + values.clone().map(|value| (value - first) / n).sum::<f64>();
    let sd = values.map(|value| (value - mean) * ((value - mean) / n)).sum::<f64>().sqrt();
    // Rounding leaves a trace of spread in a constant column.
    let varies = sd.is_finite() && sd > 1e-12 * mean.abs() && sd > 1e-150;
    (mean, if varies { 1.0 / sd } else { 0.0 })
}

impl Design {
    /// Prepares all rows (row-major, `width` finite numbers each) by the `training` rows.
    pub fn new(values: &[f64], width: usize, training: &[u32]) -> Self {
        let width = width.max(1);
        let count = values.len() / width;
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut indicators: Vec<Vec<f64>> = Vec::new();
        for c in 0..width.min(values.len()) {
            let column = || values.iter().skip(c).step_by(width).copied();
            let trained = training.iter().filter_map(|&row| values.get(row as usize * width + c));
            let (mean, scale) = standard(trained.clone().copied().filter(|&v| v != UNDEFINED));
            let scaled = |v: f64| if v == UNDEFINED { 0.0 } else { (v - mean) * scale };
            columns.push(column().map(scaled).collect());
            let missing = |v: f64| f64::from(u8::from(v == UNDEFINED));
            let (mean, scale) = standard(trained.map(|&v| missing(v)));
            if scale > 0.0 {
                indicators.push(column().map(|v| (missing(v) - mean) * scale).collect());
            }
        }
        columns.append(&mut indicators);
        let row = |i: usize| columns.iter().map(move |column| column[i]);
        Self { width: columns.len(), rows: (0..count).flat_map(row).collect() }
    }

    fn row(&self, row: u32) -> &[f64] {
        &self.rows[row as usize * self.width..][..self.width]
    }
}

/// A fitted regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// Coefficients of the columns of the design.
    pub coefficients: Vec<f64>,
    /// The log-odds where all columns are 0.
    pub intercept: f64,
}

impl Logistic {
    /// Fits the given rows; `positive` holds one label a row of `data`. Without rows of both classes
    /// there is nothing to learn, and all scores are 0.
    pub fn fit(data: &Design, rows: &[u32], positive: &[bool]) -> Self {
        let positives = rows.iter().filter(|&&row| positive[row as usize]).count() as f64;
        let negatives = rows.len() as f64 - positives;
        let mut point = vec![0.0; data.width + 1];
        if positives > 0.0 && negatives > 0.0 {
            point[data.width] = (positives / negatives).ln();
            let side = |row: &u32| (data.row(*row), positive[*row as usize]);
            Newton::new(data.width, rows.iter().map(side)).descend(&mut point);
        }
        let intercept = point.pop().unwrap_or(0.0);
        Self { coefficients: point, intercept }
    }

    /// The log-odds of rows.
    pub fn scores(&self, data: &Design, rows: &[u32]) -> Vec<f64> {
        let dot = |row: &[f64]| self.coefficients.iter().zip(row).map(|(w, x)| w * x).sum::<f64>();
        let score = |&row: &u32| self.intercept + dot(data.row(row));
        rows.iter().map(score).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_values_have_a_column_of_their_own() {
        let rows = [0, 1, 2, 3];
        let design = Design::new(&[1.0, 5.0, 3.0, 5.0, -1.0, 5.0, -1.0, 5.0], 2, &rows);
        assert_eq!(design.width, 3);
        assert_eq!(design.row(0), [-1.0, 0.0, -1.0]);
        assert_eq!(design.row(3), [0.0, 0.0, 1.0]);
    }

    /// Separated classes have no maximum of the likelihood; with the penalty they do. Extreme
    /// numbers and one class end too.
    #[test]
    fn it_always_ends_in_finite_numbers() {
        let rows: Vec<u32> = (0..40).collect();
        let positive: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        for scale in [1.0, 1e-300, 1e300, 0.0] {
            let values: Vec<f64> = (0..40).map(|i| scale * f64::from(i)).collect();
            let design = Design::new(&values, 1, &rows);
            let model = Logistic::fit(&design, &rows, &positive);
            assert!(model.scores(&design, &rows).iter().all(|score| score.is_finite()), "{scale}");
        }
        let design = Design::new(&[1.0, 2.0], 1, &[0, 1]);
        let model = Logistic::fit(&design, &[0, 1], &[true, true]);
        assert_eq!(model, Logistic { coefficients: vec![0.0], intercept: 0.0 });
    }
}
