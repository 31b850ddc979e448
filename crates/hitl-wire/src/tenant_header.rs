//! The header in which a request names the tenant that it is about: for a reviewer of several.

use std::borrow::Cow;

use hitl_core::Tenant;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The header's name.
pub const TENANT_HEADER: &str = "hitl-tenant";

/// The bytes that are encoded: all but letters, digits and `-_.!~*'()`, as `encodeURIComponent`
/// does it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Returns the header's value for a tenant: its name, percent-encoded.
pub fn encode_tenant(tenant: &str) -> Cow<'_, str> {
    utf8_percent_encode(tenant, ENCODED).into()
}

/// Returns the tenant that a value names; `None` if it is not UTF-8.
pub fn decode_tenant(value: &str) -> Option<Tenant> {
    percent_decode_str(value).decode_utf8().ok().map(|name| Tenant::new(name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_a_header() {
        for name in ["acme", "Übersee & Söhne", "100%", "%41", "a\r\nb: c", "", "日本", "it's(*)"]
        {
            let value = encode_tenant(name);
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
            assert_eq!(decode_tenant(&value), Some(Tenant::new(name)), "{value}");
        }
        assert_eq!(encode_tenant("it's"), "it's");
        assert_eq!(decode_tenant("%FF"), None);
    }
}
