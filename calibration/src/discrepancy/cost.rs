//! Words for what many discrepancies cost, in rows n and m of the two sides.

/// One sort, then a pass for each value.
pub const SORT: &str = "O((n + m) log(n + m)) once, then O(n + m) a value; O(n + m) memory";

/// Sums over users or categories.
pub const PASS: &str = "O(n + m) time; memory of one record a user";
