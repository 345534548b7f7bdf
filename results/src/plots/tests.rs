use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea};

use super::canvas::{Anchor, TEXT};
use super::style;
use super::*;

/// The pixels of one character.
fn pixels(character: char) -> Vec<u8> {
    style::register().unwrap();
    let mut buffer = vec![255; 40 * 40 * 3];
    {
        let area = BitMapBackend::with_buffer(&mut buffer, (40, 40)).into_drawing_area();
        let canvas = Canvas::new(&area, 2, 0.0);
        let text = character.to_string();
        canvas.text(&text, 10.0, 10.0, TEXT, style::INK, Anchor::Middle).unwrap();
    }
    buffer
}

#[test]
fn the_font_has_every_letter_that_plots_need() {
    // A private-use character is in no font: it shows what a missing one looks like.
    let missing = pixels('\u{E000}');
    let blank = pixels(' ');
    let needed = "가각힣뷁쀍한글AZaz09−±σμ×–…“”●•₩€£%≤≥→ßéÅñřő".chars();
    for character in needed {
        let drawn = pixels(character);
        assert!(drawn != missing, "{character} is missing");
        assert!(drawn != blank, "{character} is blank");
    }
    assert!(pixels('각') != pixels('간'));
}

struct Dot;

impl Plot for Dot {
    fn size(&self) -> (u32, u32) {
        (30, 20)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin("")?;
        canvas.circle((15.0, 10.0), 5.0, style::INK)
    }
}

#[test]
fn one_drawing_makes_both_files() {
    let svg = Dot.svg("a", "Title & more", "What <it> is").unwrap();
    assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("width=\"30\" height=\"20\" viewBox=\"0 0 120 80\""));
    assert!(svg.contains("<title id=\"a-t\">Title &amp; more</title>"));
    assert!(svg.contains("<desc id=\"a-d\">What &lt;it&gt; is</desc>"));
    assert!(svg.contains("<circle cx=\"60\" cy=\"40\" r=\"20\""), "{svg}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    Dot.png(&path).unwrap();
    let png = std::fs::read(path).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    assert_eq!((number(16), number(20)), (60, 40));
}
