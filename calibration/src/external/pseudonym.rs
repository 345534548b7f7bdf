//! Pseudonyms of users: a keyed hash, so that no identifier of the file is ever written.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The first 64 bits of HMAC-SHA256(key, user) as 16 hexadecimal digits (RFC 2104, FIPS 180-4).
///
/// The same key gives the same pseudonym in every file, and nobody without the key can find it
/// from a guessed identifier. Two of a million users share one with probability 3e-8.
pub fn pseudonym(key: &str, user: &str) -> String {
    // HMAC takes keys of any length; an empty key stands in for the error that cannot be.
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes());
    let mut mac = mac.unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    mac.update(user.as_bytes());
    hex(&mac.finalize().into_bytes()[..8])
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
        assert_eq!(pseudonym("Jefe", "what do ya want for nothing?"), "5bdcc146bf60754e");
        assert_ne!(pseudonym("Jefe", "1"), pseudonym("jefe", "1"));
    }
}
