//! From a plot to a file: SVG text or PNG pixels, from the same drawing.

use std::path::Path;

use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};
use plotters::style::RGBColor;

use super::canvas::{Canvas, DASH, PlotError};
use super::style::LOST;
use super::{Plot, style};

/// Plotters places things on whole pixels; SVGs are drawn this many times larger and shown smaller,
/// so that curves are smooth.
const SVG_SCALE: u32 = 4;
/// Pixels of a PNG per CSS pixel. It is drawn twice as large and averaged down, because the bitmap
/// backend does not smooth lines.
const PNG_SCALE: u32 = 2;
/// The middle of a line of text lies half the height of an x (0.513 em) above its baseline, where
/// SVG puts it; the bitmap backend takes (1 - 1 / 1.24) / 2 of the line height, 0.12 em.
const BITMAP_SINK: f64 = 0.5 * 0.513 - 0.12;

/// A drawing whose backend is chosen late.
pub trait Render {
    /// As SVG. `title` and `description` are read out by screen readers; `id` makes their ids
    /// unique within a page.
    ///
    /// # Errors
    /// Whatever the drawing says.
    fn svg(&self, id: &str, title: &str, description: &str) -> Result<String, PlotError>;

    /// As PNG into a file, whose name ends in `.png`.
    ///
    /// # Errors
    /// Whatever the drawing or the disk says.
    fn png(&self, path: &Path) -> Result<(), PlotError>;
}

impl<P: Plot> Render for P {
    fn svg(&self, id: &str, title: &str, description: &str) -> Result<String, PlotError> {
        style::register()?;
        let (width, height) = self.size();
        let mut body = String::new();
        {
            let size = (width * SVG_SCALE, height * SVG_SCALE);
            let area = SVGBackend::with_string(&mut body, size).into_drawing_area();
            self.draw(&Canvas::new(&area, SVG_SCALE, 0.0))?;
            area.present()?;
        }
        // The root element is made anew: size in CSS pixels, and words for screen readers.
        let body = body.split_once('>').map_or("", |(_, rest)| rest);
        let body = body.replace(" opacity=\"1\"", "").replace("\n</text>", "</text>");
        let body = dashes(body);
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{body}",
            width * SVG_SCALE,
            height * SVG_SCALE,
            escape(title),
            escape(description),
        ))
    }

    fn png(&self, path: &Path) -> Result<(), PlotError> {
        style::register()?;
        let (width, height) = self.size();
        let (width, height) = (width * PNG_SCALE, height * PNG_SCALE);
        let mut large = vec![0; (width * height * 4 * 3) as usize];
        {
            let size = (width * 2, height * 2);
            let area = BitMapBackend::with_buffer(&mut large, size).into_drawing_area();
            self.draw(&Canvas::new(&area, PNG_SCALE * 2, BITMAP_SINK))?;
            area.present()?;
        }
        let small = halved(&large, width as usize);
        let mut file = BitMapBackend::new(path, (width, height));
        file.blit_bitmap((0, 0), (width, height), &small).map_err(PlotError::new)?;
        file.present().map_err(PlotError::new)
    }
}

/// Lines of the colour for what is lost become dashed.
fn dashes(body: String) -> String {
    let RGBColor(red, green, blue) = LOST;
    let stroke = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
    let length = DASH * f64::from(SVG_SCALE);
    let (dash, gap) = (length * 0.6, length * 0.4);
    body.replace(&stroke, &format!("{stroke} stroke-dasharray=\"{dash} {gap}\""))
}

/// Averages blocks of two by two pixels of an RGB picture that becomes `width` pixels wide.
fn halved(large: &[u8], width: usize) -> Vec<u8> {
    let line = width * 2 * 3;
    let rows = large.chunks_exact(line * 2);
    rows.flat_map(|pair| {
        let (upper, lower) = pair.split_at(line);
        upper.chunks_exact(6).zip(lower.chunks_exact(6)).flat_map(|(a, b)| {
            let mean = |c: usize| {
                let sum = [a[c], a[c + 3], b[c], b[c + 3]].map(u16::from).iter().sum::<u16>();
                ((sum + 2) / 4) as u8
            };
            [mean(0), mean(1), mean(2)]
        })
    })
    .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_blocks() {
        let large = [0, 0, 0, 4, 8, 12, 9, 9, 9, 9, 9, 9, 0, 0, 0, 4, 8, 12, 9, 9, 9, 9, 9, 9];
        assert_eq!(halved(&large, 2), [2, 4, 6, 9, 9, 9]);
    }
}
