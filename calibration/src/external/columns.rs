//! Where the columns of a map are in a file.

use super::error::ExternalError;
use super::map::{Columns, Map};
use super::source::{Layout, Source, lasting};

/// Where the columns of a map are in a file.
pub(super) struct Positions {
    pub user: usize,
    pub time: usize,
    pub amount: usize,
    pub kind: Option<usize>,
    pub balance: Option<usize>,
    pub covariates: Vec<usize>,
    pub filters: Vec<usize>,
}

impl Positions {
    /// Finds every column that the map names; where they stand on a later line, the error says so.
    pub fn find(source: &Source, map: &Map) -> Result<Self, ExternalError> {
        Self::in_header(source, map).map_err(|error| match error {
            ExternalError::MissingColumn { path, column, key, hint, available } => {
                let hint = header_line(&path, map).map_or(hint, |lines| {
                    format!(
                        "did you mean skip_lines = {lines}? the columns stand on the line after; "
                    )
                });
                ExternalError::MissingColumn { path, column, key, hint, available }
            }
            other => other,
        })
    }

    fn in_header(source: &Source, map: &Map) -> Result<Self, ExternalError> {
        let find = |key: &str, column: &str| position(source, key, column, map.delimiter);
        let columns = &map.columns;
        let optional = |key: &str, column: &Option<String>| {
            column.as_deref().map(|column| find(key, column)).transpose()
        };
        Ok(Self {
            user: find("columns.user", &columns.user)?,
            time: find("columns.time", &columns.time)?,
            amount: find("columns.amount", &columns.amount)?,
            kind: optional("columns.kind", &columns.kind)?,
            balance: optional("columns.balance", &columns.balance)?,
            covariates: columns
                .facts()
                .iter()
                .map(|column| match columns.covariates.contains(column) {
                    true => find("columns.covariates", column),
                    false => find("columns.categories", column),
                })
                .collect::<Result<_, _>>()?,
            filters: map
                .filters
                .iter()
                .map(|filter| find("filters.column", &filter.column))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// How many lines stand before one with the columns of the map, if there is one.
fn header_line(path: &str, map: &Map) -> Option<u32> {
    const LINES: u32 = 30;
    let Columns { user, time, amount, .. } = &map.columns;
    (1..=LINES).map(|more| map.skip_lines.saturating_add(more)).find(|&skip_lines| {
        let layout = Layout::of(&Map { skip_lines, ..map.clone() });
        let source = lasting(path).then(|| Source::open(path, layout).ok()).flatten();
        source.is_some_and(|source| [user, time, amount].iter().all(|n| source.header.contains(n)))
    })
}

fn position(
    source: &Source,
    key: &str,
    column: &str,
    delimiter: char,
) -> Result<usize, ExternalError> {
    let header = &source.header;
    let count = header.iter().filter(|name| *name == column).count();
    if count > 1 {
        let (path, column) = (source.path.clone(), column.into());
        return Err(ExternalError::RepeatedColumn { path, column, count });
    }
    if let Some(at) = header.iter().position(|name| name == column) {
        return Ok(at);
    }
    let other = [',', ';', '\t', '|']
        .into_iter()
        .find(|mark| *mark != delimiter && header.len() == 1 && header[0].contains(*mark));
    let lower = column.to_lowercase();
    let near = header
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&name.to_lowercase(), &lower), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= 1 + name.chars().count().min(9) / 3);
    let hint = match (other, near) {
        (Some(mark), _) => format!("did you mean delimiter = {:?}? ", mark.to_string()),
        (None, Some((_, name))) => format!("did you mean {name:?}? "),
        (None, None) => String::new(),
    };
    Err(ExternalError::MissingColumn {
        path: source.path.clone(),
        column: column.into(),
        key: key.into(),
        hint,
        available: source.columns(),
    })
}
