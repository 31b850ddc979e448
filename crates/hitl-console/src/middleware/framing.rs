//! Refuses a request that two readers could read differently, before any of it is trusted.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use crate::error::Problem;

/// Headers that have one meaning, and that the console, its host or a proxy relies on.
const SINGLE: [HeaderName; 11] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::AUTHORIZATION,
    header::ORIGIN,
    header::EXPECT,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static(super::origin::MARK),
];

/// Refuses a repeated header, a body of unknown length, and one whose declared length exceeds
/// `max_body` bytes, before any byte of it is read.
pub(super) fn check(headers: &HeaderMap, max_body: usize) -> Result<(), Problem> {
    if let Some(name) = SINGLE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        let why = format!("the header `{name}` is there more than once");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "doubledHeader", why));
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        let why = "the body's length must be known: send `Content-Length`, not chunks";
        return Err(Problem::new(StatusCode::LENGTH_REQUIRED, "lengthRequired", why));
    }
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Ok(()) };
    let digits = length.as_bytes();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Problem::bad("`Content-Length` is not a number"));
    }
    // A length with more digits than fit into a number is too large as well.
    let length = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    if length.is_none_or(|length: usize| length > max_body) {
        return Err(too_large(max_body));
    }
    Ok(())
}

pub(super) fn too_large(max_body: usize) -> Problem {
    let why = format!("the body is larger than the {max_body} bytes that are taken");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "tooLarge", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn refused(lines: &[(&str, &str)]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        check(&headers, 100).err().map(|problem| &*problem.kind().to_owned().leak())
    }

    #[test]
    fn a_header_that_means_one_thing_is_there_once() {
        for name in SINGLE {
            let twice = [(name.as_str(), "1"), (name.as_str(), "1")];
            assert_eq!(refused(&twice), Some("doubledHeader"), "{name}");
        }
        assert_eq!(
            refused(&[("accept", "a"), ("accept", "b"), ("cookie", "a"), ("cookie", "b")]),
            None
        );
    }

    #[test]
    fn a_body_says_how_long_it_is() {
        for fine in ["0", "100", "00100"] {
            assert_eq!(refused(&[("content-length", fine)]), None, "{fine}");
        }
        for large in ["101", "99999999999999999999999999"] {
            assert_eq!(refused(&[("content-length", large)]), Some("tooLarge"), "{large}");
        }
        for odd in ["", "+5", "-5", "5, 5", "5,5", "0x5", "5 5", "1e1", "٥"] {
            let odd = HeaderValue::from_bytes(odd.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, odd.clone())]);
            assert!(check(&headers, 100).is_err(), "{odd:?}");
        }
        for coding in ["chunked", "identity", "gzip, chunked", "xchunked", ""] {
            let lines = [("content-length", "5"), ("transfer-encoding", coding)];
            assert_eq!(refused(&lines), Some("lengthRequired"), "{coding}");
        }
    }
}
