//! What the import promises: every source, every form, no secret in what it tells, no panic.

mod hostile;
mod key_forms;
mod secrecy;
mod sources;

use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use super::*;
use crate::jose::eab::MacAlgorithm;

/// Octets that look random and are the same in every run.
fn octets(seed: u8, len: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|block| Sha256::digest([&[seed][..], &block.to_be_bytes()].concat()))
        .take(len)
        .collect()
}

fn base64url(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Whether the imported key is made of these octets, as far as a MAC tells.
fn is_key(imported: &ImportedBinding, octets: &[u8]) -> bool {
    let mac = |key: &MacKey| key.authenticate(MacAlgorithm::Hs256, b"message");
    mac(&imported.mac_key) == mac(&MacKey::from_bytes(octets).unwrap())
}

fn import(text: &str) -> ImportedBinding {
    ImportedBinding::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn fails(text: &str) -> ImportError {
    match ImportedBinding::parse(text) {
        Ok(imported) => panic!("was read: {:?}\n{text}", imported.report),
        Err(error) => error,
    }
}
