//! Shades of cells, and text that can be read on them.

use plotters::style::RGBColor;

use super::style::{ON_DARK, ON_LIGHT};

/// White at 0, blue towards 1, orange below 0 down to -1.
pub fn shade(value: f64) -> RGBColor {
    let (target, t) = if value >= 0.0 {
        ((0x00, 0x5A, 0x9C), value.min(1.0))
    } else {
        ((0xC4, 0x4E, 0x00), (-value).min(1.0))
    };
    let mix = |end: i32| (250.0 + (f64::from(end) - 250.0) * t).round() as u8;
    RGBColor(mix(target.0), mix(target.1), mix(target.2))
}

/// Black or white, whichever has the larger contrast (WCAG 2.1, relative luminance).
pub fn readable_on(fill: RGBColor) -> RGBColor {
    if contrast(fill, ON_DARK) > contrast(fill, ON_LIGHT) { ON_DARK } else { ON_LIGHT }
}

fn contrast(a: RGBColor, b: RGBColor) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let luminance =
        |c: RGBColor| 0.2126 * linear(c.0) + 0.7152 * linear(c.1) + 0.0722 * linear(c.2);
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_readable() {
        // WCAG AA asks for 4.5 for text of this size.
        for i in -200..=200 {
            let fill = shade(f64::from(i) / 100.0);
            assert!(contrast(fill, readable_on(fill)) >= 4.5, "{i}%: {fill:?}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast(RGBColor(0, 0, 0), RGBColor(255, 255, 255)) - 21.0).abs() < 1e-9);
        // A published pair: #767676 on white is 4.54.
        let grey = RGBColor(0x76, 0x76, 0x76);
        assert!((contrast(grey, RGBColor(255, 255, 255)) - 4.54).abs() < 0.01);
    }
}
