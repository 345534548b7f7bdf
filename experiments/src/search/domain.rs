//! The values that an axis can take.

use std::collections::BTreeSet;

use toml::Value;

/// A value with the short text that stands for it in names and plots.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What is set.
    pub value: Value,
    /// What it is called.
    pub label: String,
}

/// The values that an axis can take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// One of a list, without order.
    Choices(Vec<Choice>),
    /// A number between two bounds.
    Range(Range),
}

/// The numbers between two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The greatest; above `low`.
    pub high: f64,
    /// Whether equal factors, not equal differences, are equally far apart; `low` is then positive.
    pub log: bool,
    /// Whether it holds whole numbers only; the bounds then are whole.
    pub integer: bool,
}

impl Domain {
    /// The value at a share of the domain, from 0 to 1. Choices get equal shares.
    pub fn at(&self, share: f64) -> Option<Choice> {
        match self {
            Self::Choices(choices) => {
                let index = (share.max(0.0) * choices.len() as f64) as usize;
                choices.get(index.min(choices.len().saturating_sub(1))).cloned()
            }
            Self::Range(range) => Some(range.choice(range.at(share))),
        }
    }
}

impl Range {
    /// The ends of the scale on which values are equally likely. A whole number owns the cell
    /// around it.
    fn ends(&self) -> (f64, f64) {
        let half = if self.integer { 0.5 } else { 0.0 };
        let scale = |x: f64| if self.log { x.ln() } else { x };
        (scale(self.low - half), scale(self.high + half))
    }

    /// The number at a share of the range, from 0 to 1.
    pub fn at(&self, share: f64) -> f64 {
        let (low, high) = self.ends();
        // Not low + share * (high - low): the difference of huge bounds may not be finite.
        let place = low * (1.0 - share) + high * share;
        let number = if self.log { place.exp() } else { place };
        let number = if self.integer { number.round() } else { number };
        number.clamp(self.low, self.high)
    }

    /// The share of the range that lies below a number; of a whole number, the middle of its cell.
    pub fn share(&self, number: f64) -> f64 {
        let (low, high) = self.ends();
        let place = if self.log { number.ln() } else { number };
        ((place / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
    }

    /// A number of the range as a value.
    pub fn choice(&self, number: f64) -> Choice {
        match self.integer {
            true => {
                let number = number.round() as i64;
                Choice { value: Value::Integer(number), label: number.to_string() }
            }
            false => Choice { value: Value::Float(number), label: short(number) },
        }
    }

    /// `count` numbers, equally far apart on the scale, from bound to bound. Rounding takes away
    /// what arithmetic left over: a decade is 0.001, not 0.0009999999999999998. Whole numbers on a
    /// short range may be fewer.
    pub fn points(&self, count: usize) -> Vec<Choice> {
        let scale = |x: f64| if self.log { x.ln() } else { x };
        let (low, high) = (scale(self.low), scale(self.high));
        let last = count.saturating_sub(1).max(1);
        let number = |i: usize| {
            let share = i as f64 / last as f64;
            let place = low * (1.0 - share) + high * share;
            let number = if self.log { place.exp() } else { place };
            let number = if self.integer { number.round() } else { digits(number, 12) };
            match i {
                0 => self.low,
                _ if i == last => self.high,
                _ => number.clamp(self.low, self.high),
            }
        };
        let mut numbers: Vec<f64> = (0..count).map(number).collect();
        numbers.dedup();
        let mut choices: Vec<Choice> = numbers.iter().map(|&x| self.choice(x)).collect();
        let labels: BTreeSet<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
        if labels.len() < choices.len() {
            for choice in &mut choices {
                choice.label = choice.value.to_string();
            }
        }
        choices
    }
}

/// A number rounded to some significant digits.
fn digits(number: f64, count: usize) -> f64 {
    format!("{number:.*e}", count.saturating_sub(1)).parse().unwrap_or(number)
}

/// A number to four significant digits.
fn short(number: f64) -> String {
    let rounded = digits(number, 4);
    match rounded.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e6).contains(&size) => rounded.to_string(),
        _ => format!("{rounded:e}"),
    }
}

/// Whether two values are the same setting: a whole number is the same with and without a point.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Integer(a), Value::Float(b)) | (Value::Float(b), Value::Integer(a)) => {
            *a as f64 == *b
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: f64, high: f64, log: bool, integer: bool) -> Range {
        Range { low, high, log, integer }
    }

    fn labels(range: Range, count: usize) -> Vec<String> {
        range.points(count).into_iter().map(|choice| choice.label).collect()
    }

    #[test]
    fn points_of_a_range_are_those_that_a_person_would_write() {
        let decades = labels(range(1e-5, 1e-2, true, false), 4);
        assert_eq!(decades, ["1e-5", "1e-4", "0.001", "0.01"]);
        let values = range(1e-5, 1e-2, true, false).points(4);
        assert_eq!(values[2].value, Value::Float(1e-3));
        assert_eq!(labels(range(0.0, 1.0, false, false), 5), ["0", "0.25", "0.5", "0.75", "1"]);
        assert_eq!(labels(range(1.0, 8.0, false, true), 3), ["1", "5", "8"]);
        assert_eq!(labels(range(1.0, 64.0, true, true), 4), ["1", "4", "16", "64"]);
        assert_eq!(labels(range(1.0, 3.0, false, true), 9), ["1", "2", "3"]);
        // Four digits do not tell these apart.
        assert_eq!(labels(range(1.0, 1.0002, false, false), 3), ["1.0", "1.0001", "1.0002"]);
    }

    #[test]
    fn shares_run_from_bound_to_bound_and_back() {
        for (low, high, log) in [(-2.0, 5.0, false), (1e-5, 1e-2, true), (-1e308, 1e308, false)] {
            let range = range(low, high, log, false);
            for share in [0.0, 0.1, 0.5, 0.99, 1.0] {
                let number = range.at(share);
                assert!((low..=high).contains(&number));
                assert!((range.share(number) - share).abs() < 1e-12, "{low} {share}");
            }
        }
        assert!((range(1e-5, 1e-1, true, false).at(0.5) - 1e-3).abs() < 1e-15);
    }

    /// Each whole number owns a share that is proportional to its cell: equal on the linear scale,
    /// ln((k + 1/2) / (k - 1/2)) on the logarithmic one.
    #[test]
    fn whole_numbers_own_their_cells() {
        let n = 100_000;
        let share = |range: Range, k: f64| {
            let hits = (0..n).filter(|&i| range.at((f64::from(i) + 0.5) / f64::from(n)) == k);
            hits.count() as f64 / f64::from(n)
        };
        for k in 1..=4 {
            let k = f64::from(k);
            assert!((share(range(1.0, 4.0, false, true), k) - 0.25).abs() < 1e-4);
            let expected = ((k + 0.5) / (k - 0.5)).ln() / (4.5f64 / 0.5).ln();
            assert!((share(range(1.0, 4.0, true, true), k) - expected).abs() < 1e-4);
            let middle = range(1.0, 4.0, true, true).share(k);
            assert_eq!(range(1.0, 4.0, true, true).at(middle), k);
        }
    }
}
