//! The cookies of a sign-in. Pure.

use axum::http::{HeaderMap, HeaderValue, header};

/// How a cookie is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieKind {
    /// `Secure`, and bound to this host by the prefix `__Host-`: browsers take it over TLS only.
    Secure,
    /// For plain HTTP on this machine alone.
    Loopback,
}

/// A cookie of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieName {
    /// The session.
    Session,
    /// A sign-in that is under way.
    SignIn,
}

impl CookieKind {
    fn name(self, name: CookieName) -> &'static str {
        match (self, name) {
            (Self::Secure, CookieName::Session) => "__Host-hitl-session",
            (Self::Secure, CookieName::SignIn) => "__Host-hitl-sign-in",
            (Self::Loopback, CookieName::Session) => "hitl-session",
            (Self::Loopback, CookieName::SignIn) => "hitl-sign-in",
        }
    }

    fn attributes(self) -> &'static str {
        match self {
            Self::Secure => "; Path=/; HttpOnly; SameSite=Lax; Secure",
            Self::Loopback => "; Path=/; HttpOnly; SameSite=Lax",
        }
    }

    /// Returns the header that sets a cookie; `None` if its value cannot be in one.
    pub(super) fn set(self, name: CookieName, value: &str, seconds: u64) -> Option<HeaderValue> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if !value.bytes().all(plain) {
            return None;
        }
        let (name, attributes) = (self.name(name), self.attributes());
        HeaderValue::from_str(&format!("{name}={value}{attributes}; Max-Age={seconds}")).ok()
    }

    /// Returns the header that removes a cookie.
    pub(super) fn clear(self, name: CookieName) -> Option<HeaderValue> {
        self.set(name, "", 0)
    }

    /// Returns the value of a cookie. One that is there twice with different values is not
    /// believed.
    pub(super) fn find(self, name: CookieName, headers: &HeaderMap) -> Option<&str> {
        let name = self.name(name);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name && !value.is_empty()).then_some(value)
        });
        let mut found = None;
        for value in pairs {
            if found.is_some_and(|found| found != value) {
                return None;
            }
            found = Some(value);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_bound_to_the_host_and_hidden_from_scripts() {
        let set = CookieKind::Secure.set(CookieName::Session, "a1", 60).unwrap();
        let text = set.to_str().unwrap();
        assert!(text.starts_with("__Host-hitl-session=a1; "));
        for part in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=60"] {
            assert!(text.split("; ").any(|there| there == part), "{part}");
        }
        assert!(!text.contains("Domain"));
        let plain = CookieKind::Loopback.set(CookieName::Session, "a1", 60).unwrap();
        assert!(!plain.to_str().unwrap().contains("Secure"));
        for wrong in ["a;b", "a b", "a\r\nb", "a=b", "é"] {
            assert_eq!(CookieKind::Secure.set(CookieName::Session, wrong, 60), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_not_believed() {
        let find = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            CookieKind::Secure.find(CookieName::Session, &headers).map(str::to_owned)
        };
        assert_eq!(find(&["a=b; __Host-hitl-session=s1; c=d"]).as_deref(), Some("s1"));
        assert_eq!(find(&["a=b", "__Host-hitl-session=s1"]).as_deref(), Some("s1"));
        assert_eq!(find(&["__Host-hitl-session=s1; __Host-hitl-session=s2"]), None);
        assert_eq!(find(&["__Host-hitl-session=s1", "__Host-hitl-session=s2"]), None);
        for other in ["hitl-session=s1", "x__Host-hitl-session=s1", "__Host-hitl-session=", ""] {
            assert_eq!(find(&[other]), None, "{other}");
        }
    }
}
