//! Policies: what happens to rows that cannot be used as they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to a kind that `kinds` does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unmapped {
    /// Refuse the file and list the kinds.
    #[default]
    Error,
    /// Drop the rows.
    Drop,
    /// Keep the kind under its own name.
    Keep,
}

/// What happens to a row that cannot be used as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Refuse the file and list the rows.
    #[default]
    Error,
    /// Drop the row.
    Drop,
}

/// What happens to a negative amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Negative {
    /// Refuse the file and list the rows.
    #[default]
    Error,
    /// Drop the row.
    Drop,
    /// Use the amount without its sign.
    Absolute,
}

/// What happens to a row that repeats an earlier one in every column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicate {
    /// Keep it (counted): without an identifier it may be a second event.
    #[default]
    Keep,
    /// Drop it.
    Drop,
    /// Refuse the file and list the rows.
    Error,
}

/// What happens to amounts above a quantile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutlierPolicy {
    /// They stay.
    #[default]
    None,
    /// They are set to the quantile.
    Winsorise,
    /// Their rows are dropped.
    Drop,
}

/// Policy for large amounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outliers {
    /// `none`, `winsorise` or `drop`.
    pub policy: OutlierPolicy,
    /// The smallest amount with at least this share of the kind's rows at or below it.
    pub quantile: f64,
}

impl Default for Outliers {
    fn default() -> Self {
        Self { policy: OutlierPolicy::None, quantile: 0.999 }
    }
}

/// Policies for rows that cannot be used as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cleaning {
    /// Empty user, time, amount or kind (also `NA`, `N/A`, `NaN`, `null`, `none`, `-` and the like,
    /// unless `kinds` names them), or a user without a covariate: `error` or `drop`.
    pub missing: Policy,
    /// A time or number that cannot be read, a row with too few or too many fields: `error` or
    /// `drop`.
    pub unparsable: Policy,
    /// An amount below 0: `error`, `drop` or `absolute`; not asked where `negative_kind` is set.
    pub negative: Negative,
    /// A row that repeats another in every column: `keep`, `drop` or `error`.
    pub duplicate: Duplicate,
    /// Large amounts, by kind.
    pub outliers: Outliers,
}
