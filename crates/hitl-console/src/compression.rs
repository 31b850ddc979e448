//! Compresses the page's files with gzip for browsers that accept it.
//!
//! Only files that are the same for every client are compressed. A response of the API never is:
//! its length would then reveal what a secret in it has in common with text that an attacker chose.

use std::io::Write as _;

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Returns the content compressed, or `None` if that failed.
pub(crate) fn gzip(content: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes()).ok()?;
    encoder.finish().ok()
}

/// Returns whether the client accepts gzip: RFC 9110, section 12.5.3. A coding of weight 0 is
/// refused, and a named coding takes precedence over `*`. A header that cannot be read accepts
/// nothing.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut named, mut any) = (None, None);
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        let Ok(value) = value.to_str() else { return false };
        for part in value.split(',') {
            let mut parts = part.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let accepted = parts.all(|parameter| !is_zero_weight(parameter));
            if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
                named = Some(accepted);
            } else if coding == "*" {
                any = Some(accepted);
            }
        }
    }
    named.or(any).unwrap_or(false)
}

fn is_zero_weight(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, weight)) if name.trim().eq_ignore_ascii_case("q") => {
            weight.trim().parse::<f32>().map_or(true, |weight| weight <= 0.0)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_compressed_is_the_same_afterwards() {
        let content = "const a = 1; // größer\n".repeat(1000);
        let compressed = gzip(&content).unwrap();
        assert!(compressed.len() * 10 < content.len());
        let mut read = String::new();
        flate2::read::GzDecoder::new(&*compressed).read_to_string(&mut read).unwrap();
        assert_eq!(read, content);
    }

    #[test]
    fn gzip_is_sent_to_who_accepts_it() {
        for (values, accepted) in [
            (&["gzip, deflate, br, zstd"][..], true),
            (&["GZIP"], true),
            (&["br", "x-gzip;q=0.5"], true),
            (&["*"], true),
            (&["identity;q=0.5, *;q=0.1"], true),
            (&["gzip;q=0.001"], true),
            (&[], false),
            (&[""], false),
            (&["identity"], false),
            (&["br, deflate"], false),
            (&["gzip;q=0"], false),
            (&["gzip; Q = 0.000"], false),
            (&["*, gzip;q=0"], false),
            (&["gzip;q=0", "*"], false),
            (&["*;q=0"], false),
            (&["gzip;q=much"], false),
            (&["not-gzip"], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(accepts_gzip(&headers), accepted, "{values:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_bytes(b"gzip, \xff").unwrap());
        assert!(!accepts_gzip(&headers));
    }
}
