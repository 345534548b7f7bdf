//! Gradient-boosted trees on binned features, for two classes.
//!
//! Logistic loss, second-order splits and leaves (Chen and Guestrin, *XGBoost*, KDD 2016) on
//! histograms (Ke et al., *LightGBM*, NeurIPS 2017). With the settings here it computes what
//! scikit-learn's `HistGradientBoostingClassifier` computes, and is tested against it. It is
//! written here because the same data must give the same scores on every machine. Of the Rust
//! libraries that were considered, `perpetual` 2.3 sizes its trees by the memory that happens to be
//! free, `smartcore` 0.7 boosts regressions only, and `linfa-ensemble` 0.8 has forests and AdaBoost.

/// Number of trees.
const TREES: usize = 60;
/// Splits from the root to a leaf.
const DEPTH: usize = 3;
/// Learning rate.
const RATE: f64 = 0.1;
/// Leaves of a full tree.
const LEAVES: usize = 1 << DEPTH;
/// The most bins of a feature.
const BINS: usize = 255;
/// The fewest rows of a leaf.
const LEAF_ROWS: f64 = 20.0;
/// The smallest sum of second derivatives of a leaf.
const LEAF_HESSIAN: f64 = 1e-3;

/// Feature values as bin numbers, row by row: a row is within one or two cache lines.
pub struct Binned {
    bins: Vec<u8>,
    features: usize,
}

impl Binned {
    /// Bins all rows (row-major, `width` finite numbers each) by the values of the `training` rows:
    /// up to 255 distinct values have a bin each; more are cut at quantiles, midway between
    /// neighbours.
    pub fn new(values: &[f64], width: usize, training: &[u32]) -> Self {
        let training = || training.iter().map(|&row| row as usize * width);
        let cuts: Vec<Vec<f64>> = (0..width)
            .map(|feature| cuts(training().map(|at| values[at + feature]).collect()))
            .collect();
        let bin =
            |(&value, cuts): (&f64, &Vec<f64>)| cuts.partition_point(|&cut| cut < value) as u8;
        Self { bins: values.iter().zip(cuts.iter().cycle()).map(bin).collect(), features: width }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The bins of a row.
    fn row(&self, row: u32) -> &[u8] {
        &self.bins[row as usize * self.features..][..self.features]
    }
}

/// Upper bounds of all bins but the last, strictly ascending, at most `BINS - 1`.
fn cuts(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
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

/// A node whose rows with a bin up to `bin` go left, others right.
#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    bin: u8,
}

impl Split {
    /// No bin lies beyond: all rows go left.
    const NONE: Self = Self { feature: 0, bin: u8::MAX };
}

/// A full binary tree. The root is node 1, the children of node i are 2 i and 2 i + 1. A node that
/// is not split sends all rows left, to the leaf that has its value.
#[derive(Clone, Copy)]
struct Tree {
    splits: [Split; LEAVES],
    leaves: [f64; LEAVES],
}

impl Tree {
    const ROOT: usize = 1;

    fn uses(&self, feature: usize) -> bool {
        self.splits.iter().any(|split| split.bin != u8::MAX && split.feature == feature)
    }

    fn value(&self, bin: impl Fn(usize) -> u8) -> f64 {
        let mut node = Self::ROOT;
        for _ in 0..DEPTH {
            let split = self.splits[node];
            node = 2 * node + usize::from(bin(split.feature) > split.bin);
        }
        self.leaves[node - LEAVES]
    }
}

/// Trees whose values add up to the log-odds of a row.
pub struct Boosted {
    base: f64,
    trees: Vec<Tree>,
}

impl Boosted {
    /// Fits the trees to the given rows; `positive` holds one label a row of `data`. Without rows
    /// of both classes there is nothing to learn, and all scores are 0.
    pub fn fit(data: &Binned, rows: &[u32], positive: &[bool]) -> Self {
        let positives = rows.iter().filter(|&&row| positive[row as usize]).count() as f64;
        let negatives = rows.len() as f64 - positives;
        if positives == 0.0 || negatives == 0.0 {
            return Self { base: 0.0, trees: Vec::new() };
        }
        let base = (positives / negatives).ln();
        let all = positive.len();
        let mut fit = Fit { data, scores: vec![base; all], derivatives: vec![[0.0; 2]; all] };
        let trees = (0..TREES).map(|_| fit.tree(rows, positive)).collect();
        Self { base, trees }
    }

    /// Whether so many rows are enough for two leaves.
    pub fn can_split(rows: usize) -> bool {
        rows as f64 >= 2.0 * LEAF_ROWS
    }

    /// The log-odds before any tree: those of the classes among the rows that it was fitted to.
    pub fn base(&self) -> f64 {
        self.base
    }

    /// What each tree adds to the log-odds of each row.
    pub fn parts(&self, data: &Binned, rows: &[u32]) -> Vec<Vec<f64>> {
        let part = |tree: &Tree| {
            let bins = rows.iter().map(|&row| data.row(row));
            bins.map(|bins| tree.value(|feature| bins[feature])).collect()
        };
        self.trees.iter().map(part).collect()
    }

    /// The log-odds of each of `count` rows from their parts.
    pub fn scores(&self, parts: &[Vec<f64>], count: usize) -> Vec<f64> {
        let mut scores = vec![self.base; count];
        parts.iter().for_each(|part| add(&mut scores, part));
        scores
    }

    /// The log-odds of rows of which one feature is taken from other rows, given the parts of these
    /// rows as they are: only trees that look at the feature are asked again.
    pub fn scores_shuffled(
        &self,
        data: &Binned,
        rows: &[u32],
        parts: &[Vec<f64>],
        shuffled: usize,
        from: &[u32],
    ) -> Vec<f64> {
        let mut scores = vec![self.base; rows.len()];
        for (tree, part) in self.trees.iter().zip(parts) {
            if !tree.uses(shuffled) {
                add(&mut scores, part);
                continue;
            }
            for ((score, &row), &from) in scores.iter_mut().zip(rows).zip(from) {
                let (bins, other) = (data.row(row), data.row(from)[shuffled]);
                let bin = |feature| if feature == shuffled { other } else { bins[feature] };
                *score += tree.value(bin);
            }
        }
        scores
    }

    /// Whether any split looks at the feature.
    pub fn uses(&self, feature: usize) -> bool {
        self.trees.iter().any(|tree| tree.uses(feature))
    }
}

fn add(scores: &mut [f64], part: &[f64]) {
    scores.iter_mut().zip(part).for_each(|(score, part)| *score += part);
}

/// Sums per bin of one feature; as many as there are bin numbers, so that no index is out of range.
type Histogram = [Sums; 256];

/// What is kept from tree to tree.
struct Fit<'a> {
    data: &'a Binned,
    scores: Vec<f64>,
    derivatives: Vec<[f64; 2]>,
}

/// A node that may still be split.
struct Open {
    node: usize,
    rows: Vec<u32>,
    total: Sums,
    /// One a feature.
    histograms: Vec<Histogram>,
}

impl Fit<'_> {
    /// Grows one tree level by level, and adds it to the scores of the rows.
    fn tree(&mut self, rows: &[u32], positive: &[bool]) -> Tree {
        let mut total = Sums::default();
        for &row in rows {
            let row = row as usize;
            let p = 1.0 / (1.0 + (-self.scores[row]).exp());
            let gradient = p - f64::from(u8::from(positive[row]));
            let hessian = p * (1.0 - p);
            self.derivatives[row] = [gradient, hessian];
            total = total.plus(Sums { gradient, hessian, rows: 1.0 });
        }
        let mut tree = Tree { splits: [Split::NONE; LEAVES], leaves: [0.0; LEAVES] };
        let histograms = self.histograms(rows);
        let mut level = vec![Open { node: Tree::ROOT, rows: rows.to_vec(), total, histograms }];
        for depth in 0..=DEPTH {
            let mut next = Vec::new();
            for open in level {
                match (depth < DEPTH).then(|| best_split(&open)).flatten() {
                    Some((split, left)) => {
                        tree.splits[open.node] = split;
                        next.extend(self.split(open, split, left, depth + 1 < DEPTH));
                    }
                    None => {
                        let value = -RATE * open.total.gradient / open.total.hessian.max(1e-12);
                        tree.leaves[(open.node << (DEPTH - depth)) - LEAVES] = value;
                        open.rows.iter().for_each(|&row| self.scores[row as usize] += value);
                    }
                }
            }
            level = next;
        }
        tree
    }

    /// The two children. The smaller one's histograms are counted, the other's are the difference
    /// to the parent's; leaves of the last level need none.
    fn split(&self, open: Open, split: Split, left: Sums, histograms: bool) -> [Open; 2] {
        let (left_rows, right_rows) = self.part(&open.rows, split);
        let right = open.total.minus(left);
        let (mut left_histograms, mut right_histograms) = (Vec::new(), Vec::new());
        if histograms {
            let left_smaller = left_rows.len() <= right_rows.len();
            let small = self.histograms(if left_smaller { &left_rows } else { &right_rows });
            let mut large = open.histograms;
            for (all, small) in large.as_flattened_mut().iter_mut().zip(small.as_flattened()) {
                *all = all.minus(*small);
            }
            (left_histograms, right_histograms) =
                if left_smaller { (small, large) } else { (large, small) };
        }
        let child = |node, rows, total, histograms| Open { node, rows, total, histograms };
        [
            child(2 * open.node, left_rows, left, left_histograms),
            child(2 * open.node + 1, right_rows, right, right_histograms),
        ]
    }

    /// The rows that go left and right, in their order. Each is written to both sides and counted
    /// on its own: which way it goes is no branch, which could not be foreseen.
    fn part(&self, rows: &[u32], split: Split) -> (Vec<u32>, Vec<u32>) {
        let (mut left, mut right) = (vec![0; rows.len()], vec![0; rows.len()]);
        let mut lefts = 0;
        for (i, &row) in rows.iter().enumerate() {
            left[lefts] = row;
            right[i - lefts] = row;
            lefts += usize::from(self.data.row(row)[split.feature] <= split.bin);
        }
        left.truncate(lefts);
        right.truncate(rows.len() - lefts);
        (left, right)
    }

    /// Sums per feature and bin over the rows. All features of a row are counted before the next
    /// row, because additions to one bin have to wait for each other.
    fn histograms(&self, rows: &[u32]) -> Vec<Histogram> {
        let mut histograms = vec![[Sums::default(); 256]; self.data.features];
        for &row in rows {
            let [gradient, hessian] = self.derivatives[row as usize];
            for (histogram, &bin) in histograms.iter_mut().zip(self.data.row(row)) {
                let sum = &mut histogram[usize::from(bin)];
                sum.gradient += gradient;
                sum.hessian += hessian;
                sum.rows += 1.0;
            }
        }
        histograms
    }
}

/// The split with the largest gain (the first of equals), and the sums of its left side. None where
/// no split helps.
fn best_split(open: &Open) -> Option<(Split, Sums)> {
    let mut best = None;
    // A gain below this is rounding.
    let mut best_gain = open.total.gain() * (1.0 + 1e-12) + 1e-12;
    for (feature, histogram) in open.histograms.iter().enumerate() {
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
                    best = Some((Split { feature, bin: bin as u8 }, left));
                }
            }
        }
    }
    best
}

#[cfg(test)]
#[path = "boosting_tests.rs"]
mod tests;
