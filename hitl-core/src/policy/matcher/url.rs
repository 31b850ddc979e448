//! A matcher for URLs: by scheme, host, port and path.
//!
//! It has a strict parser of its own. The URL standard defines how a browser makes sense of nearly
//! any text, and readings differ between libraries; a rule that relaxes needs the opposite: one
//! form that all of them read in the same way, and a refusal of everything else. The standard's own
//! crate with its tables of host names would also be a fifth of the budget of crates.

use serde::{Deserialize, Serialize};

use super::{MAX_TEXT_BYTES, Match, PathMatcher, PathProgram, Reading, undisguised};

/// A set of URLs.
///
/// Where a rule relaxes, a URL with a name and a password, an IP address (unless it is listed), a
/// port that is not the scheme's (unless it is set), or any character or form that two programs may
/// read differently does not match. Hosts are compared in their ASCII form (`xn--..`).
///
/// ```
/// use hitl::policy::{Argument, Rule, UrlMatcher, RuleConditions};
///
/// let docs = UrlMatcher::hosts(["docs.rs", "*.rust-lang.org"]);
/// let rule = Rule::auto("docs").when(RuleConditions::tool("fetch").argument(Argument::at("url").url(docs)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct UrlMatcher {
    /// The allowed schemes; `https` if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scheme: Vec<String>,
    /// The allowed hosts: `*` is one label, `**` one label or more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<String>,
    /// The port, if it is not the scheme's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Globs of which at least one must match the path: `/api/**`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Globs of which none may match the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

impl UrlMatcher {
    /// Returns a matcher for any URL of these hosts, over `https`.
    pub fn hosts<H: Into<String>>(hosts: impl IntoIterator<Item = H>) -> Self {
        Self { host: hosts.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Adds allowed schemes.
    #[must_use]
    pub fn schemes<S: Into<String>>(mut self, schemes: impl IntoIterator<Item = S>) -> Self {
        self.scheme.extend(schemes.into_iter().map(Into::into));
        self
    }

    /// Sets the port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Restricts the matcher to paths that one of these globs matches.
    #[must_use]
    pub fn paths<G: Into<String>>(mut self, globs: impl IntoIterator<Item = G>) -> Self {
        self.path.extend(globs.into_iter().map(Into::into));
        self
    }

    /// Excludes paths that one of these globs matches.
    #[must_use]
    pub fn except<G: Into<String>>(mut self, globs: impl IntoIterator<Item = G>) -> Self {
        self.except.extend(globs.into_iter().map(Into::into));
        self
    }

    /// Compiles the matcher. The error describes the mistake in it.
    pub(crate) fn compile(&self) -> Result<UrlProgram, String> {
        if self.host.is_empty() {
            return Err("a URL needs `host`".to_owned());
        }
        let scheme = |scheme: &String| {
            let letters = scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            let sound = !scheme.is_empty() && letters;
            sound.then(|| scheme.clone()).ok_or_else(|| {
                format!("`{scheme}` is no scheme; write it in small letters, without `:`")
            })
        };
        let schemes = match self.scheme.as_slice() {
            [] => vec!["https".to_owned()],
            schemes => schemes.iter().map(scheme).collect::<Result<_, _>>()?,
        };
        let rooted = |globs: &[String]| {
            globs.iter().all(|glob| glob.starts_with('/') || glob.starts_with("**/"))
        };
        if !rooted(&self.path) || !rooted(&self.except) {
            return Err("the path of a URL begins with `/`".to_owned());
        }
        let path = match (self.path.as_slice(), self.except.as_slice()) {
            ([], []) => None,
            ([], except) => Some(PathMatcher::inside("/").except(except).compile()?),
            (path, except) => Some(PathMatcher::any(path).except(except).compile()?),
        };
        let hosts =
            self.host.iter().map(|host| HostPattern::new(host)).collect::<Result<_, _>>()?;
        Ok(UrlProgram { schemes, hosts, port: self.port, path })
    }
}

/// A [`UrlMatcher`], compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UrlProgram {
    schemes: Vec<String>,
    hosts: Vec<HostPattern>,
    port: Option<u16>,
    path: Option<PathProgram>,
}

/// A host pattern, label by label from its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HostPattern(Vec<String>);

impl HostPattern {
    fn new(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("the host `{text}` {why}"));
        if !text.is_ascii() {
            return wrong("is not in its ASCII form; write it as `xn--..`");
        }
        let labels: Vec<&str> = text.split('.').collect();
        for (at, label) in labels.iter().enumerate() {
            match *label {
                "*" if at + 1 < labels.len() => {}
                "**" if at == 0 && labels.len() > 1 => {}
                label if is_label(label) => {}
                _ => {
                    return wrong(
                        "is none; write it in small letters, `*` for one whole label and `**` for several at its beginning",
                    );
                }
            }
        }
        Ok(Self(labels.iter().rev().map(|label| (*label).to_owned()).collect()))
    }

    fn matches(&self, host: &str) -> bool {
        let mut labels = host.rsplit('.');
        for pattern in &self.0 {
            match (pattern.as_str(), labels.next()) {
                ("**", Some(_)) => return true,
                ("*", Some(_)) => {}
                (pattern, Some(label)) if pattern == label => {}
                _ => return false,
            }
        }
        labels.next().is_none()
    }
}

fn is_label(label: &str) -> bool {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(letters)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Returns whether a host is an IP address, in any of the forms that programs accept.
fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let number = |text: &str| {
        let hex = text.strip_prefix("0x");
        hex.map_or(!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()), |hex| {
            hex.bytes().all(|b| b.is_ascii_hexdigit())
        })
    };
    host.starts_with('[') || number(last)
}

/// Returns whether an address is in the form that everybody reads in the same way: four decimal
/// numbers.
fn is_dotted(host: &str) -> bool {
    let octet = |text: &str| text.parse::<u8>().is_ok_and(|octet| octet.to_string() == text);
    host.split('.').count() == 4 && host.split('.').all(octet)
}

/// Returns the default port of a scheme.
fn port_of(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        "ssh" | "sftp" => Some(22),
        _ => None,
    }
}

/// A parsed URL.
struct Parts<'t> {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: &'t str,
}

impl UrlProgram {
    /// Returns whether this URL matches.
    pub(crate) fn judge(&self, text: &str, reading: Reading) -> Match {
        if text.len() > MAX_TEXT_BYTES {
            return Match::Unknown;
        }
        match reading {
            Reading::Strict => parse(text).map_or(Match::Unknown, |parts| self.meant(&parts)),
            Reading::Loose => {
                let plain = undisguised(text);
                let Some((parts, clear)) = guess(&plain) else { return Match::Unknown };
                self.perhaps(&parts, clear)
            }
        }
    }

    fn meant(&self, parts: &Parts<'_>) -> Match {
        if is_address(&parts.host) && !is_dotted(&parts.host) {
            return Match::Unknown;
        }
        let host = self.hosts.iter().any(|host| host.matches(&parts.host));
        if !self.schemes.contains(&parts.scheme) || !host || !self.has_port(parts) {
            return Match::No;
        }
        match &self.path {
            Some(path) => path.judge(parts.path, Reading::Strict),
            None => Match::Yes,
        }
    }

    fn has_port(&self, parts: &Parts<'_>) -> bool {
        let own = port_of(&parts.scheme);
        match (parts.port.or(own), self.port.or(own)) {
            (None, None) => true,
            (is, wanted) => is == wanted,
        }
    }

    /// Matches for a rule that tightens: a host or a path that may match does. The scheme and the
    /// port tell little about who is reached, so a rule about hosts does not miss one because of
    /// them.
    fn perhaps(&self, parts: &Parts<'_>, clear: bool) -> Match {
        let host = self.hosts.iter().any(|host| host.matches(&parts.host));
        // A number, or letters of another script, may resolve to a host with a name.
        let sure = clear && parts.host.is_ascii() && !is_address(&parts.host);
        if !host {
            return if sure { Match::No } else { Match::Unknown };
        }
        let scheme = self.schemes.contains(&parts.scheme) || parts.scheme.is_empty();
        if !scheme || (self.port.is_some() && !self.has_port(parts)) {
            return Match::Unknown;
        }
        match &self.path {
            Some(path) => path.judge(parts.path, Reading::Loose),
            None => Match::Yes,
        }
    }
}

/// Parses a URL that everybody reads in the same way; `None` for any other.
fn parse(text: &str) -> Option<Parts<'_>> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&b);
    if !text.bytes().all(allowed) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let path = after.split(['?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => {
            let number: u16 = port.parse().ok()?;
            // Some programs read `0443` and `+443` as 443.
            (host, Some(number).filter(|number| number.to_string() == port)?.into())
        }
        None => (authority, None),
    };
    let host = host.to_ascii_lowercase();
    // A host with a name and a password (`@`) is invalid.
    let sound = host.len() <= 253 && host.split('.').all(is_label);
    sound.then(|| Parts {
        scheme: scheme.to_ascii_lowercase(),
        host,
        port,
        path: if path.is_empty() { "/" } else { path },
    })
}

/// Returns the most likely URL of an undisguised text, and whether the reading is certain.
fn guess(text: &str) -> Option<(Parts<'_>, bool)> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if rest.starts_with('/') => (scheme, rest.trim_start_matches('/')),
        // `//host/x`
        _ if text.starts_with("//") => ("", text.trim_start_matches('/')),
        // `host/x`
        _ => ("", text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let path = after.split(['?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !host.contains('[') => (host, Some(port)),
        _ => (host, None),
    };
    let host = host.trim_end_matches('.').to_lowercase();
    if host.is_empty() {
        return None;
    }
    let number = port.and_then(|port| port.parse().ok());
    let labels = host.split('.').all(is_label);
    let clear = !scheme.is_empty()
        && labels
        && number.is_some() == port.is_some()
        && !authority.contains('@');
    let path = if path.is_empty() { "/" } else { path };
    Some((Parts { scheme: scheme.to_ascii_lowercase(), host, port: number, path }, clear))
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
