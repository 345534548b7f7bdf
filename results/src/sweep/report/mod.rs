//! `report.html` and `report.md` of a sweep: which trial closes the gap, how sure that is, and what
//! it rests on.
//!
//! Seeds are replications: every number of a trial is an interquartile mean over its seeds with a
//! bootstrap interval over them. Everything is read from the folder of the sweep, so that the report
//! can be written again at any time, also while the sweep goes on.

use std::path::{Path, PathBuf};

use askama::Template;

use crate::error::ResultsError;
use crate::files::{empty_pictures, write_atomically};
use crate::plots::Picture;
use crate::report::{Figure, draw_picture, file_name};

mod axes;
mod compare;
mod cost;
mod curves;
mod data;
mod forest;
mod markdown;
mod measure;
mod measured;
mod names;
mod page;
mod parallel;
mod pruned;
mod tables;
mod verdict;

use compare::Rivals;
use data::Data;

/// A picture on the page, with its title and the name of its files in `plots/`.
struct Drawn {
    title: String,
    file: String,
    figure: Figure,
}

/// Pictures of one section, and why some are missing.
#[derive(Default)]
struct Gallery {
    drawn: Vec<Drawn>,
    empty: Vec<String>,
}

/// All pictures.
#[derive(Default)]
struct Pictures {
    forest: Gallery,
    measured: Gallery,
    pairs: Gallery,
    learning: Gallery,
    compare: Gallery,
    cost: Gallery,
    parallel: Gallery,
    slices: Gallery,
}

/// Writes `plots/*.svg`, `plots/*.png`, `report.md` and `report.html` into the folder of a sweep and
/// returns the path of the page. What was there is replaced.
///
/// # Errors
/// No plan, a run whose summary does not parse, a plot that cannot be drawn, or a failed write.
pub fn write_sweep_report(folder: &Path) -> Result<PathBuf, ResultsError> {
    let data = Data::read(folder)?;
    let rivals = Rivals::of(&data);
    let pictures = draw(folder, &data)?;
    let text = markdown::text(&data, rivals.as_ref(), &pictures);
    write_atomically(&folder.join("report.md"), text.as_bytes())?;
    let page = page::Page::new(&data, rivals.as_ref(), &pictures);
    let path = folder.join("report.html");
    write_atomically(&path, page.render()?.as_bytes())?;
    Ok(path)
}

fn draw(folder: &Path, data: &Data) -> Result<Pictures, ResultsError> {
    let plots = folder.join("plots");
    empty_pictures(&plots)?;
    let one = |kind: &str, made: Vec<Result<Picture, String>>| {
        let mut gallery = Gallery::default();
        for outcome in made {
            match outcome {
                Ok(picture) => {
                    let (title, file) = (picture.title.clone(), file_name(kind, &picture.about));
                    let figure = draw_picture(&plots, kind, picture)?;
                    gallery.drawn.push(Drawn { title, file, figure });
                }
                Err(why) => gallery.empty.push(why),
            }
        }
        Ok::<Gallery, ResultsError>(gallery)
    };
    Ok(Pictures {
        forest: one("sweep-trials", vec![forest::picture(data)])?,
        measured: one("sweep-measured", each(measured::pictures(data)))?,
        pairs: one("sweep-axes", each(axes::pairs(data)))?,
        learning: one("sweep-learning", vec![curves::picture(data)])?,
        compare: {
            let mut both = one("sweep-profiles", vec![compare::profiles(data)])?;
            let matrix = one("sweep-improvement", vec![compare::matrix(data)])?;
            both.drawn.extend(matrix.drawn);
            both.empty.extend(matrix.empty);
            both
        },
        cost: one("sweep-cost", cost::pictures(data))?,
        parallel: one("sweep-parallel", parallel::picture(data).into_iter().map(Ok).collect())?,
        slices: one("sweep-slice", each(axes::slices(data)))?,
    })
}

fn each(made: Result<Vec<Picture>, String>) -> Vec<Result<Picture, String>> {
    match made {
        Ok(pictures) => pictures.into_iter().map(Ok).collect(),
        Err(why) => vec![Err(why)],
    }
}
