//! Bytes as hexadecimal text, under this crate's short names.

#[cfg(feature = "checkpoints")]
pub(crate) use hitl_base::hex::decode_array as unhex;
pub(crate) use hitl_base::hex::{decode as bytes_of, encode as hex};
