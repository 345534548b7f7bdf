//! Settings in single precision, written down as they were given: 0.96, and not the nearest f32 as an
//! f64, 0.9599999785423279.

use serde::Serializer;

/// The f64 with the fewest digits that reads back to `value`.
pub(crate) fn as_given(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

pub(crate) fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(as_given(*value))
}

pub(crate) fn option<S: Serializer>(value: &Option<f32>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serialize(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is lost: the f64 is rounded to the f32 that it came from.
    #[test]
    fn numbers_are_written_as_given_and_read_back_to_the_bit() {
        assert_eq!([0.96_f32, 0.2, 1.0, 1e-8, 0.0].map(as_given), [0.96, 0.2, 1.0, 1e-8, 0.0]);
        for i in 0..100_000_u32 {
            let value = f32::from_bits(i.wrapping_mul(0x9E37_79B9));
            if value.is_finite() {
                assert_eq!((as_given(value) as f32).to_bits(), value.to_bits());
            }
        }
    }
}
