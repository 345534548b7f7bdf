//! Colours and letters of all plots.

use plotters::style::{FontStyle, RGBColor, register_font};
use std::sync::OnceLock;

use super::PlotError;
use super::mark::{MARKS, Mark};

/// Text.
pub const INK: RGBColor = RGBColor(0x1A, 0x1F, 0x24);
/// Axis numbers and notes.
pub const MUTED: RGBColor = RGBColor(0x56, 0x60, 0x6B);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xE3, 0xE7, 0xEB);
/// The external users: a broad band that the thin lines of simulations should lie on.
pub const REAL: RGBColor = RGBColor(0x9A, 0xA5, 0xB0);
/// Areas of the external users.
pub const AREA: RGBColor = RGBColor(0xC8, 0xCF, 0xD6);
/// Background.
pub const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
/// Text on dark cells.
pub const ON_DARK: RGBColor = RGBColor(0xFE, 0xFE, 0xFE);
/// Text on light cells.
pub const ON_LIGHT: RGBColor = RGBColor(0x00, 0x00, 0x00);

/// One colour a calibrator: the palette of Okabe and Ito (2008), told apart with any colour vision,
/// without its black (the external users) and yellow (too pale for a line).
const PALETTE: [RGBColor; 6] = [
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
];

/// A dashed line of what gave nothing.
pub const LOST: RGBColor = RGBColor(0x8B, 0x94, 0x9D);

/// From best to worst: equal steps of matplotlib's plasma (Smith and van der Walt, released under
/// CC0), which is told apart with any colour vision and in grey; cut where it would be too pale on
/// paper. [`THEME`] turns it round for dark pages, so that the best stands out on both.
pub const GRADES: [RGBColor; 7] = [
    RGBColor(0x0D, 0x08, 0x87),
    RGBColor(0x44, 0x03, 0x9E),
    RGBColor(0x6F, 0x00, 0xA8),
    RGBColor(0x96, 0x13, 0xA1),
    RGBColor(0xB8, 0x32, 0x89),
    RGBColor(0xD3, 0x51, 0x71),
    RGBColor(0xE8, 0x70, 0x59),
];

/// Light colours and what they become on a dark page, as hex digits. The report turns them into
/// style rules, so that one picture serves both.
pub const THEME: &[(&str, &str)] = &[
    ("1A1F24", "E9ECEF"),
    ("56606B", "A9B3BD"),
    ("E3E7EB", "363D45"),
    ("9AA5B0", "707C88"),
    ("C8CFD6", "4A535D"),
    ("FFFFFF", "none"),
    ("D55E00", "F08A3C"),
    ("0072B2", "5AAEE8"),
    ("009E73", "2FC79A"),
    ("8B949D", "7C8792"),
    ("0D0887", "F4ED27"),
    ("44039E", "FDC527"),
    ("6F00A8", "FB9F3A"),
    ("9613A1", "F07F4F"),
    ("B83289", "DF6263"),
    ("D35171", "CA457A"),
    ("E87059", "B12A90"),
];

/// The family of all letters: the embedded font for bitmaps; SVG files name likely substitutes
/// after it, for readers without that font.
pub const FAMILY: &str =
    "Trueup Sans, Noto Sans KR, Apple SD Gothic Neo, Malgun Gothic, NanumGothic, sans-serif";

static FONT: &[u8] = include_bytes!("../../assets/TrueupSans.ttf");

/// How a side is drawn: the same in all plots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Its colour.
    pub colour: RGBColor,
    /// Width of its lines.
    pub width: f64,
    /// Shape of its points; none for the external users, who are a band or an area.
    pub mark: Option<Mark>,
    /// Where on a line its first mark is, as a share of the distance between marks: marks of lines
    /// that lie on each other lie beside each other.
    pub start: f64,
}

/// The external users.
pub const REAL_LOOK: Look = Look { colour: REAL, width: 6.0, mark: None, start: 0.0 };

/// A line that marks a place.
pub const THIN: Look = Look { colour: MUTED, width: 1.0, mark: None, start: 0.0 };

/// A calibrator, by its place in the summary.
pub fn look(place: usize) -> Look {
    let round = place / PALETTE.len();
    Look {
        colour: PALETTE[place % PALETTE.len()],
        width: 1.4,
        mark: Some(MARKS[(place + round) % MARKS.len()]),
        // Fractions of multiples of the golden ratio are spread evenly, however many there are.
        start: ((place + 1) as f64 * 0.618_033_988_749_895).fract(),
    }
}

/// Makes the embedded font known to plotters, once a process.
pub fn register() -> Result<(), PlotError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let done = REGISTERED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, FONT).is_ok());
    if *done { Ok(()) } else { Err(PlotError::new("the embedded font cannot be read")) }
}
