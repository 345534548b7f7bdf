//! Axes: a range, round numbers in it, and a title with the unit.

use crate::series::{FeatureSeries, Series};

/// How numbers on an axis are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As they are.
    Plain,
    /// Natural logs: labels show the exponential.
    Ln,
    /// Natural logs of one more: labels show the exponential less one.
    Ln1p,
}

impl Scale {
    /// A value in words.
    pub fn label(self, value: f64) -> String {
        match self {
            Self::Plain => number(value),
            Self::Ln => money(value.exp()),
            Self::Ln1p => money(value.exp_m1().max(0.0)),
        }
    }
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    /// Where the labels stand, ascending, and what they say.
    pub ticks: Vec<(f64, String)>,
    /// What the axis shows, with its unit.
    pub title: String,
}

impl Axis {
    /// An axis that reaches from `low` to `high`, with at most about `count` labels.
    pub fn new(scale: Scale, low: f64, high: f64, count: usize, title: impl Into<String>) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        let ticks = match scale {
            Scale::Plain => plain_ticks(low, high, count),
            Scale::Ln => log_ticks(low, high, count, f64::ln, 0.0),
            Scale::Ln1p => log_ticks(low, high, count, f64::ln_1p, 1.0),
        };
        Self { low, high, ticks, title: title.into() }
    }

    /// Shares from 0 to 1, labelled in percent.
    pub fn percent(title: &str) -> Self {
        Self::percent_to(1.0, title)
    }

    /// Shares from 0 to `high`, labelled in percent.
    pub fn percent_to(high: f64, title: &str) -> Self {
        let mut axis = Self::new(Scale::Plain, 0.0, high, 5, title);
        for (value, label) in &mut axis.ticks {
            *label = format!("{}%", number(*value * 100.0));
        }
        axis
    }

    /// Its lower and upper end.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Where a value lies, from 0 to 1; values beyond the ends lie at the ends.
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The scale and title of the axis of a feature.
pub fn feature_axis(series: &Series, feature: &FeatureSeries) -> (Scale, String) {
    // The spread of log amounts is a ratio, not an amount.
    let spread = feature.name.starts_with("sd_");
    match feature.unit.as_str() {
        "ln amount" if !spread => (Scale::Ln, "amount, log scale".to_owned()),
        "ln amount" => (Scale::Plain, "standard deviation of ln amount".to_owned()),
        "ln(1 + amount)" => (Scale::Ln1p, "amount, log scale".to_owned()),
        "ln(1 + events)" => (Scale::Ln1p, "events, log scale".to_owned()),
        "ticks" => (Scale::Plain, format!("{}s", series.tick)),
        "" => (Scale::Plain, pure_number(feature)),
        unit => (Scale::Plain, unit.to_owned()),
    }
}

/// What a number without a unit is.
fn pure_number(feature: &FeatureSeries) -> String {
    let title = feature.title.to_lowercase();
    let quantiles =
        || feature.sides.iter().flat_map(|s| &s.distribution).flat_map(|d| &d.quantiles);
    let is_flag = quantiles().next().is_some() && quantiles().all(|&q| q == 0.0 || q == 1.0);
    match feature.name.as_str() {
        _ if is_flag => format!("{title} (0 no, 1 yes)"),
        "burstiness" => format!("{title} (−1 regular, 0 at random, 1 in bursts)"),
        _ => format!("{title} (a pure number)"),
    }
}

/// The middle of what all sides of a feature have, external users a little wider: far tails would
/// press everything else together.
pub fn feature_range(feature: &FeatureSeries) -> (f64, f64) {
    let quantile = |side: usize, p: f64| {
        feature.sides.get(side).and_then(|s| s.distribution.as_ref()).map(|d| d.quantile(p))
    };
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for side in 0..feature.sides.len() {
        let edge = if side == 0 { 0.002 } else { 0.01 };
        low = quantile(side, edge).map_or(low, |q| q.min(low));
        high = quantile(side, 1.0 - edge).map_or(high, |q| q.max(high));
    }
    if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn plain_ticks(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|step| *step >= rough);
    let step = step.unwrap_or(power * 10.0);
    if !(step > 0.0 && step.is_finite()) {
        return vec![(low, number(low)), (high, number(high))];
    }
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    if last - first > 1000.0 {
        return Vec::new();
    }
    let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    (0..=(last - first) as usize)
        .map(|i| (first + i as f64) * step)
        .map(|value| (value, plain(value, decimals)))
        .collect()
}

fn plain(value: f64, decimals: usize) -> String {
    if value.abs() >= 10_000.0 {
        return money(value);
    }
    // No negative zero.
    let text = format!("{:.decimals$}", if value.abs() < 1e-12 { 0.0 } else { value });
    text.replace('-', "\u{2212}")
}

/// Powers of ten, with 2 and 5 times them where there is room.
fn log_ticks(
    low: f64,
    high: f64,
    count: usize,
    ln: fn(f64) -> f64,
    offset: f64,
) -> Vec<(f64, String)> {
    let (from, to) = (low.exp() - offset, high.exp() - offset);
    let decade = |v: f64| v.max(1e-300).log10().floor().clamp(-300.0, 300.0) as i32;
    // Below 1, ln(1 + x) is as good as plain.
    let first = if offset > 0.0 { 0 } else { decade(from) };
    let within = |multiples: &[f64]| -> Vec<(f64, String)> {
        let zero = (offset > 0.0 && from <= 1e-9).then(|| (0.0, "0".to_owned()));
        let rest = (first..=decade(to)).flat_map(|e| multiples.iter().map(move |m| (*m, e)));
        // Through text, so that 0.1 is 0.1 and not 10 to the power of -1.
        let rest = rest.filter_map(|(m, e)| format!("{m}e{e}").parse::<f64>().ok());
        let rest = rest.filter(|v| (from * (1.0 - 1e-9)..=to * (1.0 + 1e-9)).contains(v));
        zero.into_iter().chain(rest.map(|v| (ln(v), money(v)))).collect()
    };
    let candidates = [within(&[1.0, 2.0, 5.0]), within(&[1.0, 3.0]), within(&[1.0])];
    let fits = candidates.iter().find(|ticks| ticks.len() <= count && ticks.len() > 1);
    if let Some(ticks) = fits {
        return ticks.clone();
    }
    let decades = within(&[1.0]);
    if decades.len() > count {
        let every = decades.len().div_ceil(count.max(1));
        return decades.into_iter().step_by(every).collect();
    }
    // Less than a decade: round amounts, unevenly spaced.
    plain_ticks(from, to, count.min(4)).into_iter().map(|(v, label)| (ln(v), label)).collect()
}

/// An amount, short: 950, 12.5k, 3M.
pub fn money(value: f64) -> String {
    let sizes = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")];
    // Thousands keep their digits up to 9999; a value that rounds up to a size has it.
    let least = |size: f64| {
        if size > 1e3 { size * 0.9995 } else { size * 9.995 }
    };
    match sizes.iter().find(|(size, _)| value.abs() >= least(*size)) {
        Some((size, letter)) => format!("{}{letter}", number(value / size)),
        None => number(value),
    }
}

/// A number with three significant digits and no needless zeros.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { "\u{2013}".to_owned() };
    }
    let digits = value.abs().log10().floor() as i32;
    if !(-4..=15).contains(&digits) {
        return format!("{value:.1e}").replace('-', "\u{2212}");
    }
    let decimals = (2 - digits).max(0) as usize;
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64) -> Vec<String> {
        Axis::new(scale, low, high, 6, "").ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_are_round_numbers() {
        assert_eq!(labels(Scale::Plain, 0.0, 52.0), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(
            labels(Scale::Plain, -0.3, 0.3),
            ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(labels(Scale::Ln, 5f64.ln(), 700f64.ln()), ["10", "30", "100", "300"]);
        assert_eq!(labels(Scale::Ln, 0.0, 1e7f64.ln()), ["1", "100", "10k", "1M"]);
        assert_eq!(labels(Scale::Ln, 14f64.ln(), 19f64.ln()), ["14", "16", "18"]);
        assert_eq!(labels(Scale::Ln1p, 0.0, 30f64.ln_1p()), ["0", "1", "2", "5", "10", "20"]);
    }

    #[test]
    fn numbers_without_a_unit_say_what_they_are() {
        let of = |name: &str, values: &[f64]| {
            let side = crate::series::Side {
                name: "real".into(),
                rows: values.len(),
                distribution: trueup_calibration::statistics::Distribution::of(values),
                shares: Vec::new(),
                effective: 1.0,
            };
            let feature = FeatureSeries {
                name: name.into(),
                title: name.to_uppercase(),
                unit: String::new(),
                definition: String::new(),
                sides: vec![side],
                histogram: None,
                classes: Vec::new(),
            };
            feature_axis(&Series::default(), &feature).1
        };
        assert_eq!(of("retention", &[0.0, 1.0, 1.0]), "retention (0 no, 1 yes)");
        let burstiness = "burstiness (−1 regular, 0 at random, 1 in bursts)";
        assert_eq!(of("burstiness", &[-0.4, 0.1]), burstiness);
        assert_eq!(of("saving_rate", &[0.0, 0.3]), "saving_rate (a pure number)");
    }

    #[test]
    fn numbers_are_short() {
        let given = [0.0, -0.0123, 1.0, 14.96, 0.5, 12_345.0, 2.5e6, 3e6, 9996.0, -3.0];
        let wanted = ["0", "−0.0123", "1", "15", "0.5", "12.3k", "2.5M", "3M", "10k", "−3"];
        assert_eq!(given.map(money), wanted);
    }

    #[test]
    fn no_range_is_too_strange() {
        let ends = [-1e300, -1e9, -1.0, 0.0, 1e-300, 1.0, 1e9, 1e300];
        for scale in [Scale::Plain, Scale::Ln, Scale::Ln1p] {
            for low in ends {
                for high in ends {
                    let axis = Axis::new(scale, low, high, 6, "");
                    assert!(axis.ticks.len() < 1001);
                    assert!((0.0..=1.0).contains(&axis.share(0.3)), "{scale:?} {low} {high}");
                }
            }
        }
    }
}
