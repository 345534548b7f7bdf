use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, IntoFont};

use super::canvas::{Anchor, TEXT};
use super::style;
use super::*;
use crate::report::made_up;

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
    let needed = "가각힣뷁쀍한글AZaz09−±σμ×–…“”●•₩€£%≤≥→←√’ßéÅñřő".chars();
    for character in needed {
        let drawn = pixels(character);
        assert!(drawn != missing, "{character} is missing");
        assert!(drawn != blank, "{character} is blank");
    }
    assert!(pixels('각') != pixels('간'));
}

#[test]
fn what_is_cut_says_so() {
    style::register().unwrap();
    let mut buffer = vec![255; 40 * 40 * 3];
    let area = BitMapBackend::with_buffer(&mut buffer, (40, 40)).into_drawing_area();
    let canvas = Canvas::new(&area, 2, 0.0);
    let whole = "Irregularity of the times between events";
    for width in 0..400 {
        let text = canvas.fit(whole, TEXT, width.into());
        assert!(text == whole || text.is_empty() || text.ends_with('…'), "{width}: {text}");
        assert!(canvas.width_of(&text, TEXT) <= f64::from(width) || text.is_empty());
    }
    assert_eq!(canvas.fit(whole, TEXT, 400.0), whole);
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

/// The value of an attribute of an SVG element.
fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let value =
        element.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
    value.unwrap_or("")
}

/// Texts of an SVG that leave it, were the reader's font a twentieth wider than the embedded one.
fn outside(svg: &str) -> Vec<String> {
    let view: Vec<f64> = attribute(svg, "viewBox").split(' ').map(|n| n.parse().unwrap()).collect();
    let texts = svg.split("<text").skip(1).filter_map(|rest| rest.split("</text>").next());
    let leaves = |element: &&str| {
        let (tag, text) = element.split_once(">\n").unwrap();
        let number = |name| attribute(tag, name).parse::<f64>().unwrap();
        let font = (style::FAMILY, number("font-size") * 1.24).into_font();
        let unescaped = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let (wide, high) =
            (f64::from(font.box_size(&unescaped).unwrap().0) * 1.05, number("font-size"));
        let before = match attribute(tag, "text-anchor") {
            "middle" => wide / 2.0,
            "end" => wide,
            _ => 0.0,
        };
        // Along the line of the text, and across it; text upwards runs from high y to low y.
        let turned = attribute(tag, "transform").starts_with("rotate(270");
        let (along, across, length, breadth) = if turned {
            (view[3] - number("y"), number("x"), view[3], view[2])
        } else {
            (number("x"), number("y"), view[2], view[3])
        };
        along - before < 0.0
            || along - before + wide > length
            || across - high / 2.0 < 0.0
            || across + high / 2.0 > breadth
    };
    texts.filter(leaves).map(str::to_owned).collect()
}

#[test]
fn no_text_leaves_its_picture() {
    style::register().unwrap();
    for (input, least) in [(made_up("a"), 35), (made_up(LONG), 35)] {
        let input =
            PlotInput { summary: &input.summary, series: &input.series, metrics: &input.metrics };
        let mut count = 0;
        for kind in PLOTS {
            for outcome in (kind.make)(input) {
                if let Outcome::Drawn(picture) = outcome {
                    let svg = picture.drawing.svg("a", &picture.title, "").unwrap();
                    assert_eq!(outside(&svg), [""; 0], "{} {}", kind.name, picture.about);
                    count += 1;
                }
            }
        }
        assert!(count > least, "{count}");
    }
    // The measure finds what leaves.
    let long =
        Words("a line that is much longer than a picture of this width can ever hold".into());
    assert_eq!(outside(&long.svg("a", "", "").unwrap()).len(), 1);
    assert_eq!(outside(&Words("a line".into()).svg("a", "", "").unwrap()), [""; 0]);
}

#[test]
fn no_text_leaves_curves_over_seeds() {
    let seeds = vec![vec![(0.0, -1e9), (1e7, 1e9)], vec![(0.0, 0.0), (5e6, 3.0)]];
    let group = |place| Group { name: LONG.to_owned(), place, seeds: seeds.clone() };
    for groups in [vec![group(0)], (0..9).map(group).collect()] {
        let curves = LearningCurves::new(LONG, (LONG, LONG), &groups).unwrap();
        let curves = curves.with_reference(475.0, LONG);
        for curves in [curves.clone(), curves.clone().from_zero(), curves.small()] {
            assert_eq!(outside(&curves.svg("a", "", "").unwrap()), [""; 0]);
        }
    }
    assert!(LearningCurves::new("", ("", ""), &[]).is_none());
}

#[test]
fn no_text_leaves_tables_of_sweeps() {
    let many = |n: usize| (0..n).map(|i| format!("{i} {LONG}")).collect::<Vec<_>>();
    let cell = |text: &str| Some(MatrixCell { text: text.to_owned(), shade: Some(-0.4) });
    for (rows, columns) in [(1, 1), (3, 14), (14, 3)] {
        let row = |label: String| MatrixRow {
            label,
            cells: vec![cell("● 0.000123×"); columns],
            apart: true,
        };
        let matrix = || Matrix {
            title: LONG.to_owned(),
            sides: (LONG.to_owned(), LONG.to_owned()),
            columns: many(columns),
            column: 88.0,
            rows: many(rows).into_iter().map(row).collect(),
            key: vec![LONG.to_owned()],
        };
        for matrix in [matrix(), matrix().turned()] {
            assert_eq!(outside(&matrix.svg("a", "", "").unwrap()), [""; 0]);
        }
        assert_eq!(matrix().turned().rows.len(), columns);
    }
}

#[test]
fn no_text_leaves_curves_and_points_of_sweeps() {
    let axis = |title: &str| Axis::new(Scale::Plain, -1e7, 1e9, 5, title);
    let many = |n: usize| (0..n).map(|i| format!("{i} {LONG}")).collect::<Vec<_>>();
    let points = vec![(-1e7, 0.0, Some([-1e7, 1e8])), (1e9, 1e9, None)];
    let curves = many(9).into_iter().enumerate();
    let curves = curves.map(|(i, name)| Band { name, look: look(i), points: points.clone() });
    let bands = Bands {
        title: LONG.to_owned(),
        size: (520, 330),
        x: axis(LONG),
        y: axis(LONG),
        references: vec![(0.0, LONG)],
        curves: curves.collect(),
        lost: (LONG.to_owned(), vec![vec![(-1e7, 0.0), (1e9, 1e9)]]),
    };
    assert_eq!(outside(&bands.svg("a", "", "").unwrap()), [""; 0]);
    let point = |i: usize| Point {
        at: (i as f64 % 3.0 * 4.9e8, 0.0),
        ci: Some([-1e7, 1e9]),
        label: format!("{i}: a label"),
        look: i.is_multiple_of(2).then(|| look(i)),
    };
    let scatter = Scatter {
        title: LONG.to_owned(),
        size: (480, 340),
        x: axis(LONG),
        y: axis(LONG),
        line: vec![(0.0, 0.0), (1e9, 1e9)],
        points: (0..30).map(point).collect(),
    };
    let svg = scatter.svg("a", "", "").unwrap();
    assert_eq!(outside(&svg), [""; 0]);
    let way = |names: bool| Way {
        name: LONG.to_owned(),
        best: LONG.to_owned(),
        ticks: (0..9).map(|i| (f64::from(i) / 8.0, LONG.to_owned())).collect(),
        names,
    };
    let parallel = Parallel {
        title: LONG.to_owned(),
        ways: vec![way(true), way(false)],
        threads: vec![Thread { places: vec![0.0, 1.0], tone: Tone::Lost }],
        ends: ("1".to_owned(), "9".to_owned()),
        lost: LONG.to_owned(),
    };
    assert_eq!(outside(&parallel.svg("a", "", "").unwrap()), [""; 0]);
    // Labels that would lie on each other are left out.
    assert!((3..15).contains(&svg.matches(": a label").count()), "{svg}");
    let rows = many(3).into_iter().enumerate();
    let row = |(i, name): (usize, String)| Row {
        name,
        look: look(i),
        value: 0.0,
        ci: Some([-1e7, 1e9]),
        label: "−12.3%".to_owned(),
    };
    let intervals = Intervals {
        title: LONG.to_owned(),
        width: 720,
        x: axis(LONG),
        references: vec![(0.0, "uncalibrated"), (1e9, "real users")],
        rows: rows.map(row).collect(),
    };
    assert_eq!(outside(&intervals.svg("a", "", "").unwrap()), [""; 0]);
}

/// A name that no legend has room for.
const LONG: &str = "아주 긴 이름의 보정기: resampling of whole histories with noise, 2nd form <b>";

/// A picture of one line of text.
struct Words(String);

impl Plot for Words {
    fn size(&self) -> (u32, u32) {
        (200, 20)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.text(&self.0, 5.0, 10.0, TEXT, style::INK, Anchor::Start)
    }
}
