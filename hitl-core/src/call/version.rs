//! The version of a tool's code.

/// The longest version, in bytes.
const MAX_BYTES: usize = 128;

/// Returns the version, or `None` for the word `any`, which opts out.
pub(crate) const fn opted_in(version: &str) -> Option<&str> {
    match version.as_bytes() {
        b"any" => None,
        _ => Some(version),
    }
}

/// Returns whether the version can be shown and stored as it is: not empty, not too long, and
/// without invisible characters.
pub(crate) const fn is_sound(version: &str) -> bool {
    let bytes = version.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_graphic() {
            return false;
        }
        i += 1;
    }
    !bytes.is_empty() && bytes.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::DynSpec;

    #[test]
    fn any_opts_out() {
        assert_eq!(opted_in("any"), None);
        assert_eq!(opted_in("any2"), Some("any2"));
        assert_eq!(DynSpec::new("a", "A.").version("2").version("any").version, None);
        assert_eq!(DynSpec::new("a", "A.").version("2").version.as_deref(), Some("2"));
    }

    #[test]
    fn what_is_empty_long_or_invisible_is_no_version() {
        assert!(is_sound("0.1.0-rc.1+build.7"));
        assert!(is_sound(&"1".repeat(MAX_BYTES)));
        for wrong in ["", " ", "1\n", "1.0 ", "é", "\u{202e}1", &"1".repeat(MAX_BYTES + 1)] {
            assert!(!is_sound(wrong), "{wrong:?}");
        }
    }
}
