//! A feature evaluated on a log: the rows that discrepancies compare, each with the user it
//! belongs to, because users (never events) are what is resampled and weighted.

/// What the rows of a sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One real number a row.
    Real,
    /// One category a row, stored as its number.
    Category,
    /// A real vector a row; an (earlier, later) pair for transitions.
    Vector,
    /// What a user adds to one tick, as a (tick, amount) row. Summed over the users and divided by
    /// their number, rows are a series over the ticks of the window.
    Series,
    /// A point a row of the path that a user goes, in time order.
    Path,
}

/// Rows of one feature over one log.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What the rows are.
    pub shape: Shape,
    /// Numbers per row; 1 for real numbers and categories, 2 for series.
    pub width: usize,
    /// Row-major, rows x width; all finite.
    pub values: Vec<f64>,
    /// The user of each row, ascending.
    pub user: Vec<u32>,
    /// Number of users of the log, those without rows included.
    pub users: usize,
    /// Number of categories, or of ticks of a series; 0 for real numbers.
    pub categories: usize,
}

impl Sample {
    /// A sample of real numbers in which every row is a user of its own.
    pub fn real(values: Vec<f64>) -> Self {
        let users = values.len();
        Self {
            shape: Shape::Real,
            width: 1,
            values,
            user: (0..users as u32).collect(),
            users,
            categories: 0,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.user.len()
    }

    /// One row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.width..(i + 1) * self.width]
    }

    /// Number of users with at least one row.
    pub fn users_with_rows(&self) -> usize {
        self.user.chunk_by(|a, b| a == b).count()
    }
}
