//! Data sets inside the program; `assets/README.md` tells where they come from.

use trueup_env::Tick;

use super::error::ExternalError;
use super::map::{Align, Columns, Map, Merge, Window};

/// The purchases of 23,570 customers of CDNOW, 1997-01-01 to 1998-06-30, as gzip-compressed CSV.
pub const CDNOW: &[u8] = include_bytes!("../../assets/cdnow.csv.gz");
/// Daily closes of the S&P 500 index, 1990-01-02 to 2018-12-31, as gzip-compressed CSV.
pub const SP500: &[u8] = include_bytes!("../../assets/sp500.csv.gz");

const PREFIX: &str = "builtin:";

/// The name after `builtin:`, or none for a file.
pub(super) fn name(source: &str) -> Option<&str> {
    source.strip_prefix(PREFIX)
}

/// The bytes of a builtin data set.
pub(super) fn bytes(name: &str) -> Result<&'static [u8], ExternalError> {
    match name {
        "cdnow" => Ok(CDNOW),
        "sp500" => Ok(SP500),
        _ => Err(ExternalError::UnknownBuiltin {
            name: name.into(),
            what: "data set",
            known: "builtin:cdnow (events), builtin:sp500 (prices)",
        }),
    }
}

impl Map {
    /// The map of a builtin event log (`builtin:cdnow`), or none.
    ///
    /// CDNOW: weeks; each customer from the day after his first purchase for 52 weeks, without that
    /// purchase, which made him a customer and which nobody lacks; rows of one day are one order;
    /// equal rows stay, for an order may hold the same item twice.
    pub fn builtin(source: &str) -> Option<Self> {
        (source == "builtin:cdnow").then(|| Self {
            columns: Columns {
                user: "customer_id".into(),
                time: "date".into(),
                amount: "amount_usd".into(),
                ..Columns::default()
            },
            clock: Tick::Week,
            window: Window { align: Align::FirstEvent, horizon: Some(52), ..Window::default() },
            merge: Merge::Day,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::external::pseudonym::hex;
    use sha2::{Digest, Sha256};

    /// The sums of `assets/README.md`.
    #[test]
    fn assets_are_the_files_that_their_readme_describes() {
        let readme = include_str!("../../assets/README.md");
        for bytes in [CDNOW, SP500] {
            let sum = hex(&Sha256::digest(bytes));
            assert!(readme.contains(&sum), "{sum}");
        }
    }
}
