//! External data: from a file of events to an [`EventLog`](trueup_env::EventLog) of pseudonymous
//! users, split into train and test.
//!
//! ```
//! use trueup_calibration::external;
//! use trueup_env::Streams;
//!
//! let loaded = external::load("builtin:cdnow", None, "a secret of the data owner")?;
//! assert_eq!(loaded.log.user_count(), 23_570);
//! let split = external::split(&loaded.log, 0.5, &Streams::new(1))?;
//! assert_eq!(split.train.user_count(), split.test.user_count());
//! # Ok::<(), external::ExternalError>(())
//! ```

mod account;
mod builtin;
mod calendar;
mod cleaning;
mod clock_file;
mod columns;
mod describe;
mod effects;
mod error;
mod facts;
mod field;
mod hint;
mod kinds;
mod load;
mod map;
mod map_check;
mod price;
mod pseudonym;
mod quotes;
mod read;
mod source;
mod split;
mod time;
mod time_hint;
mod warnings;
mod window;
mod write;

pub use account::{Account, Tally};
pub use builtin::{CDNOW, SP500};
pub use cleaning::{Cleaning, Duplicate, Negative, OutlierPolicy, Outliers, Policy, Unmapped};
pub use clock_file::{ClockFile, read_like};
pub use describe::{Description, KindDescription, QUANTILES, Quantiles, describe};
pub use error::{BadRow, ExternalError, LISTED_ROWS, UnmappedKind};
pub use load::{Loaded, Understood, load};
pub use map::{Align, Columns, Filter, Map, Merge, Window};
pub use map_check::MAX_HORIZON;
pub use price::price_series;
pub use pseudonym::pseudonym;
pub use split::{MIN_USERS, Split, split};
pub use write::{is_written_log, read_log, users_file, write_log, write_users};
