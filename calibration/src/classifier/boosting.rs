//! Gradient-boosted trees on binned features, for two classes.
//!
//! Logistic loss, second-order splits and leaves (Chen and Guestrin, *XGBoost*, KDD 2016) on
//! histograms (Ke et al., *LightGBM*, NeurIPS 2017). With the settings here it computes what
//! scikit-learn's `HistGradientBoostingClassifier` computes, and is tested against it. It is
//! written here because the same data must give the same scores on every machine: the Rust library
//! that was considered (`perpetual`) sizes its trees by the memory that happens to be free.

/// Number of trees.
const TREES: usize = 60;
/// Splits from the root to a leaf.
const DEPTH: usize = 3;
/// Learning rate.
const RATE: f64 = 0.1;
/// The most bins of a feature.
const BINS: usize = 255;
/// The fewest rows of a leaf.
const LEAF_ROWS: f64 = 20.0;
/// The smallest sum of second derivatives of a leaf.
const LEAF_HESSIAN: f64 = 1e-3;

/// Feature values as bin numbers, feature by feature.
pub struct Binned {
    rows: usize,
    bins: Vec<u8>,
    features: usize,
}

impl Binned {
    /// Bins all rows (row-major, `width` finite numbers each) by the values of the `training` rows:
    /// up to 255 distinct values have a bin each; more are cut at quantiles, midway between
    /// neighbours.
    pub fn new(values: &[f64], width: usize, training: &[usize]) -> Self {
        let rows = values.len().checked_div(width).unwrap_or(0);
        let mut bins = Vec::with_capacity(rows * width);
        for feature in 0..width {
            let cuts = cuts(training.iter().map(|&row| values[row * width + feature]).collect());
            let column = values.iter().skip(feature).step_by(width);
            bins.extend(column.map(|&value| cuts.partition_point(|&cut| cut < value) as u8));
        }
        Self { rows, bins, features: width }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    fn column(&self, feature: usize) -> &[u8] {
        &self.bins[feature * self.rows..(feature + 1) * self.rows]
    }

    /// The bin of a row in a feature.
    fn bin(&self, feature: usize, row: usize) -> u8 {
        self.bins[feature * self.rows + row]
    }
}

/// Upper bounds of all bins but the last, strictly ascending, at most `BINS - 1`.
fn cuts(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    let middle = |below: f64, above: f64| below + 0.5 * (above - below);
    if distinct.len() <= BINS {
        return distinct.windows(2).map(|pair| middle(pair[0], pair[1])).collect();
    }
    let n = values.len();
    let quantile = |i: usize| middle(values[i * n / BINS - 1], values[i * n / BINS]);
    let mut cuts: Vec<f64> = (1..BINS).map(quantile).collect();
    cuts.dedup();
    cuts
}

/// Sums over the rows of one bin.
#[derive(Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    hessian: f64,
    rows: f64,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }

    /// Twice the fall of the loss when these rows have a leaf of their own.
    fn gain(self) -> f64 {
        self.gradient * self.gradient / self.hessian
    }

    fn may_be_leaf(self) -> bool {
        self.rows >= LEAF_ROWS && self.hessian >= LEAF_HESSIAN
    }
}

/// A node of a tree: a split, or a leaf where there is none.
#[derive(Clone, Copy)]
struct Node {
    split: Option<Split>,
    value: f64,
}

/// Rows with a bin up to `bin` go to node `left`, others to `left + 1`.
#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    bin: u8,
    left: usize,
}

/// Trees whose values add up to the log-odds of a row.
pub struct Boosted {
    base: f64,
    trees: Vec<Vec<Node>>,
}

impl Boosted {
    /// Fits the trees to the given rows; `positive` holds one label a row of `data`. Without rows
    /// of both classes there is nothing to learn, and all scores are 0.
    pub fn fit(data: &Binned, rows: &[usize], positive: &[bool]) -> Self {
        let positives = rows.iter().filter(|&&row| positive[row]).count() as f64;
        let negatives = rows.len() as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return Self { base: 0.0, trees: Vec::new() };
        }
        let base = (positives / negatives).ln();
        let mut fit = Fit {
            data,
            scores: vec![base; data.rows],
            derivatives: vec![[0.0; 2]; data.rows],
            gathered: Vec::with_capacity(rows.len()),
        };
        let trees = (0..TREES).map(|_| fit.tree(rows, positive)).collect();
        Self { base, trees }
    }

    /// The log-odds of a row.
    pub fn score(&self, data: &Binned, row: usize) -> f64 {
        self.score_with(|feature| data.bin(feature, row))
    }

    /// The log-odds of a row of which one feature is taken from another row.
    pub fn score_shuffled(&self, data: &Binned, row: usize, shuffled: usize, from: usize) -> f64 {
        self.score_with(|feature| data.bin(feature, if feature == shuffled { from } else { row }))
    }

    /// Whether any split looks at the feature.
    pub fn uses(&self, feature: usize) -> bool {
        let mut splits = self.trees.iter().flatten().filter_map(|node| node.split);
        splits.any(|split| split.feature == feature)
    }

    fn score_with(&self, bin: impl Fn(usize) -> u8) -> f64 {
        let mut score = self.base;
        for tree in &self.trees {
            let mut at = 0;
            while let Some(split) = tree[at].split {
                at = split.left + usize::from(bin(split.feature) > split.bin);
            }
            score += tree[at].value;
        }
        score
    }
}

/// What is kept from tree to tree.
struct Fit<'a> {
    data: &'a Binned,
    scores: Vec<f64>,
    derivatives: Vec<[f64; 2]>,
    gathered: Vec<[f64; 2]>,
}

/// A node that may still be split.
struct Open {
    node: usize,
    rows: Vec<usize>,
    total: Sums,
    histogram: Vec<Sums>,
}

impl Fit<'_> {
    /// Grows one tree level by level, and adds it to the scores of the rows.
    fn tree(&mut self, rows: &[usize], positive: &[bool]) -> Vec<Node> {
        let mut total = Sums::default();
        for &row in rows {
            let p = 1.0 / (1.0 + (-self.scores[row]).exp());
            let gradient = p - f64::from(u8::from(positive[row]));
            let hessian = p * (1.0 - p);
            self.derivatives[row] = [gradient, hessian];
            total = total.plus(Sums { gradient, hessian, rows: 1.0 });
        }
        let mut tree = vec![Node { split: None, value: 0.0 }];
        let histogram = self.histogram(rows);
        let mut level = vec![Open { node: 0, rows: rows.to_vec(), total, histogram }];
        for depth in 0..=DEPTH {
            let mut next = Vec::new();
            for open in level {
                match (depth < DEPTH).then(|| best_split(&open)).flatten() {
                    Some((feature, bin, left)) => {
                        let split = Split { feature, bin, left: tree.len() };
                        tree[open.node].split = Some(split);
                        tree.resize(tree.len() + 2, Node { split: None, value: 0.0 });
                        next.extend(self.split(open, split, left, depth + 1 < DEPTH));
                    }
                    None => {
                        let value = -RATE * open.total.gradient / open.total.hessian.max(1e-12);
                        tree[open.node].value = value;
                        open.rows.iter().for_each(|&row| self.scores[row] += value);
                    }
                }
            }
            level = next;
        }
        tree
    }

    /// The two children. The smaller one's histogram is counted, the other's is the difference to
    /// the parent's; leaves of the last level need none.
    fn split(&mut self, open: Open, split: Split, left: Sums, histograms: bool) -> [Open; 2] {
        let column = self.data.column(split.feature);
        let (left_rows, right_rows): (Vec<usize>, Vec<usize>) =
            open.rows.iter().partition(|&&row| column[row] <= split.bin);
        let right = open.total.minus(left);
        let (mut left_histogram, mut right_histogram) = (Vec::new(), Vec::new());
        if histograms {
            let left_smaller = left_rows.len() <= right_rows.len();
            let small = self.histogram(if left_smaller { &left_rows } else { &right_rows });
            let parent = open.histogram.iter().zip(&small);
            let large: Vec<Sums> = parent.map(|(all, small)| all.minus(*small)).collect();
            (left_histogram, right_histogram) =
                if left_smaller { (small, large) } else { (large, small) };
        }
        let child = |node, rows, total, histogram| Open { node, rows, total, histogram };
        [
            child(split.left, left_rows, left, left_histogram),
            child(split.left + 1, right_rows, right, right_histogram),
        ]
    }

    /// Sums per feature and bin over the rows: `feature * BINS + bin`.
    fn histogram(&mut self, rows: &[usize]) -> Vec<Sums> {
        let mut histogram = vec![Sums::default(); self.data.features * BINS];
        self.gathered.clear();
        self.gathered.extend(rows.iter().map(|&row| self.derivatives[row]));
        for (feature, sums) in histogram.chunks_exact_mut(BINS).enumerate() {
            let column = self.data.column(feature);
            for (&row, [gradient, hessian]) in rows.iter().zip(&self.gathered) {
                let sum = &mut sums[usize::from(column[row])];
                sum.gradient += gradient;
                sum.hessian += hessian;
                sum.rows += 1.0;
            }
        }
        histogram
    }
}

/// The split with the largest gain (the first of equals): feature, last bin of the left side, sums
/// of the left side. None where no split helps.
fn best_split(open: &Open) -> Option<(usize, u8, Sums)> {
    let mut best = None;
    // A gain below this is rounding.
    let mut best_gain = open.total.gain() * (1.0 + 1e-12) + 1e-12;
    for (feature, histogram) in open.histogram.chunks_exact(BINS).enumerate() {
        let mut left = Sums::default();
        for (bin, sums) in histogram.iter().enumerate() {
            if sums.rows == 0.0 {
                continue;
            }
            left = left.plus(*sums);
            let right = open.total.minus(left);
            if left.may_be_leaf() && right.may_be_leaf() {
                let gain = left.gain() + right.gain();
                if gain > best_gain {
                    best_gain = gain;
                    best = Some((feature, bin as u8, left));
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_lie_between_distinct_values() {
        assert_eq!(cuts(vec![3.0, 1.0, 1.0, 2.0]), [1.5, 2.5]);
        assert!(cuts(vec![7.0; 9]).is_empty());
        let many = cuts((0..10_000).map(f64::from).collect());
        assert_eq!(many.len(), BINS - 1);
        assert!(many.is_sorted_by(|a, b| a < b));
    }

    fn fit(values: &[f64], width: usize, positive: &[bool]) -> (Binned, Boosted) {
        let rows: Vec<usize> = (0..positive.len()).collect();
        let data = Binned::new(values, width, &rows);
        let model = Boosted::fit(&data, &rows, positive);
        (data, model)
    }

    #[test]
    fn a_step_is_learned_and_a_constant_is_not_used() {
        let values: Vec<f64> = (0..400).flat_map(|i| [f64::from(i), 5.0]).collect();
        let positive: Vec<bool> = (0..400).map(|i| i >= 100).collect();
        let (data, model) = fit(&values, 2, &positive);
        assert!(model.uses(0) && !model.uses(1));
        assert!(model.score(&data, 50) < -3.0 && model.score(&data, 250) > 3.0);
        assert_eq!(model.score_shuffled(&data, 50, 0, 250), model.score(&data, 250));
    }

    /// Two leaves, one round by hand: base log-odds 0, p = 1/2, so a leaf of pure positives has
    /// gradient -1/2 and hessian 1/4 a row, and value .1 x 2.
    #[test]
    fn the_first_step_is_a_newton_step() {
        let values: Vec<f64> = (0..80).map(|i| f64::from(i / 40)).collect();
        let positive: Vec<bool> = (0..80).map(|i| i >= 40).collect();
        let (_, model) = fit(&values, 1, &positive);
        assert_eq!(model.trees[0].iter().map(|n| n.value).collect::<Vec<_>>(), [0.0, -0.2, 0.2]);
    }

    #[test]
    fn one_class_or_no_rows_teach_nothing() {
        let (data, model) = fit(&[1.0, 2.0, 3.0], 1, &[true; 3]);
        assert_eq!(model.score(&data, 1), 0.0);
        assert_eq!(Boosted::fit(&data, &[], &[true; 3]).score(&data, 1), 0.0);
        assert_eq!(Binned::new(&[], 0, &[]).features(), 0);
    }
}
