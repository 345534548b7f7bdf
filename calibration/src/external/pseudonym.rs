//! Pseudonyms of users: a keyed hash, so that no identifier of the file is ever written.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::ExternalError;

/// The first 64 bits of HMAC-SHA256(key, user) as 16 hexadecimal digits (RFC 2104, FIPS 180-4).
///
/// The same key gives the same pseudonym in every file, and nobody without the key can find it
/// from a guessed identifier. Two of a million users share one with probability 3e-8.
///
/// # Errors
/// A key that the hash refuses. Another key in its place would make pseudonyms that anybody can find.
pub fn pseudonym(key: &str, user: &str) -> Result<String, ExternalError> {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes());
    let mut mac = mac.map_err(|error| ExternalError::Key { reason: error.to_string() })?;
    mac.update(user.as_bytes());
    Ok(hex(&mac.finalize().into_bytes()[..8]))
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
    #[test]
    fn the_hash_is_hmac_sha256() {
        assert_eq!(
            pseudonym("Jefe", "what do ya want for nothing?"),
            Ok("5bdcc146bf60754e".into())
        );
        assert_ne!(pseudonym("Jefe", "1"), pseudonym("jefe", "1"));
    }

    /// HMAC takes keys of any length: none is refused, and none is another's stand-in.
    #[test]
    fn every_key_is_its_own() {
        let keys = ["", "a", &"a".repeat(64), &"a".repeat(65), &"a".repeat(1000)];
        let names: Vec<String> = keys.iter().map(|key| pseudonym(key, "1").unwrap()).collect();
        for (i, name) in names.iter().enumerate() {
            assert!(!names[..i].contains(name), "key {i}");
        }
    }
}
