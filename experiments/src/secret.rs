//! Keys that nobody knows: from the generator of the operating system and nowhere else.

use crate::failure::Failure;

/// 32 bytes that nobody can foresee, or an error: a key from a weaker source would look the same and
/// protect nobody.
pub(crate) fn secret() -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| {
        let message = format!("the operating system gives no random key: {error}");
        let help = "keys of pseudonyms and of private statistics come from its generator alone; \
                    pseudonyms also take one from the variable TRUEUP_KEY";
        Failure::Run(miette::miette!(help = help, "{message}"))
    })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two keys of 256 random bits are equal with probability 2^-256.
    #[test]
    fn each_key_is_another() {
        let (a, b) = (secret().unwrap(), secret().unwrap());
        assert_ne!(a, b);
        assert!(a != [0; 32] && b != [0; 32]);
    }
}
