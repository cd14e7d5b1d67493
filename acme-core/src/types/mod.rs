//! The resources of RFC 8555 as they come from the wire: strict writing, tolerant reading.

pub mod identifier;
