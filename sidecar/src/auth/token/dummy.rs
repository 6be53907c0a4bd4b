//! A verification that always fails, for tokens whose licence or key we do not know: the answer then takes as long as with one that we
//! know. One key for each algorithm; nobody holds what would sign for them, and their answer is not looked at.

use jsonwebtoken::DecodingKey;

use super::{Compact, decoding_key};
use crate::licence::Algorithm;

pub(super) fn verification(token: &Compact<'_>) {
    let _ = token.is_signed_with(&key(token.algorithm), token.algorithm);
}

fn key(algorithm: Algorithm) -> DecodingKey {
    match algorithm {
        Algorithm::Hs256 => decoding_key(algorithm, &[0x5a; 32]),
        Algorithm::Rs256 => decoding_key(algorithm, &rsa_2048()),
        Algorithm::Es256 => decoding_key(algorithm, &P256_GENERATOR),
        Algorithm::EdDsa => decoding_key(algorithm, &ED25519_BASE_POINT),
    }
}

/// PKCS#1 of an odd number of 2048 bits that nobody factored, and the usual exponent.
fn rsa_2048() -> Vec<u8> {
    let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    der.extend((0..=255_u8).map(|at| at.wrapping_mul(167) | 0x81));
    der.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    der
}

/// SEC 2, section 2.4.2: the generator of P-256, uncompressed.
const P256_GENERATOR: [u8; 65] = [
    0x04, //
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, //
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, //
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, //
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

/// RFC 8032, section 5.1: the base point of Ed25519, encoded.
const ED25519_BASE_POINT: [u8; 32] = {
    let mut point = [0x66; 32];
    point[0] = 0x58;
    point
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::token::foreign;

    #[test]
    fn each_dummy_key_is_a_real_key_and_verifies_nothing() {
        let signature = |bytes: usize| "A".repeat((bytes * 4).div_ceil(3));
        for (algorithm, bytes) in [
            (Algorithm::Hs256, 32),
            (Algorithm::Rs256, 256),
            (Algorithm::Es256, 64),
            (Algorithm::EdDsa, 64),
        ] {
            let answer = jsonwebtoken::crypto::verify(
                &signature(bytes),
                b"x.y",
                &key(algorithm),
                foreign(algorithm),
            );
            assert!(!answer.unwrap(), "{algorithm}");
        }
    }
}
