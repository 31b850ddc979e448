//! The words in place of a server's command, and how they are taken back. Pure.

use std::ops::Range;
use std::path::Path;

use hitl_base::json::write_string;

use super::ClientConfig;
use super::sites::{ConfigError, Join, Literal, Site, find};

/// The command of `hitl` that serves a client.
const COMMAND: &str = "mcp";
/// Ends the options of `hitl`.
const END: &str = "--";
/// Names the URL of a server.
const URL: &str = "--server-url";
/// Names the server, for its pins.
const NAME: &str = "--server-name";
/// Between arguments.
const JOIN: &str = ", ";
/// The first bracket of arguments that a server did not have. No formatter writes it so.
const ADDED: &str = "[ ";
/// The keys of a server behind a URL that say nothing but where it is.
const PLAIN_URL_KEYS: [&str; 3] = ["type", "url", "httpUrl"];

/// The way in which servers are wrapped.
#[derive(Clone, Debug)]
pub struct Wrapper {
    program: String,
    options: Vec<String>,
    only: Vec<String>,
}

/// The change of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerChange {
    /// It is changed.
    Changed,
    /// It was as wanted before.
    Unchanged,
    /// It is left alone, and why.
    LeftAlone(String),
}

/// The changed text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrapResult {
    /// The text of the file.
    pub text: String,
    /// The servers, in the order of the text.
    pub servers: Vec<(String, ServerChange)>,
}

impl Wrapper {
    /// Wraps with this program, which is `hitl` by its path, and these options of `hitl mcp`.
    pub fn new(program: impl Into<String>, options: Vec<String>) -> Self {
        Self { program: program.into(), options, only: Vec::new() }
    }

    /// Wraps only these servers; all with a command without this. Servers behind a URL are wrapped
    /// only if they are named: one that wants its client to sign in would no longer work.
    #[must_use]
    pub fn only(mut self, servers: Vec<String>) -> Self {
        self.only = servers;
        self
    }

    /// Wraps the servers in a text. What is wrapped stays as it is.
    ///
    /// # Errors
    /// The text is not a configuration of the client, or lacks a server that was named.
    pub fn wrap(&self, client: ClientConfig, text: &str) -> Result<WrapResult, ConfigError> {
        let sites = find(client, text)?;
        if let Some(missing) = self.only.iter().find(|it| !sites.iter().any(|at| at.name == **it)) {
            let missing = hitl_base::display::visible(missing).into_owned();
            return Err(ConfigError(format!("the configuration has no server `{missing}`")));
        }
        let (mut edits, mut servers) = (Vec::new(), Vec::new());
        for site in sites {
            if !self.only.is_empty() && !self.only.contains(&site.name) {
                continue;
            }
            let change = self.wrap_site(&site, text, &mut edits);
            servers.push((site.name, change));
        }
        Ok(WrapResult { text: apply(text, edits), servers })
    }

    fn wrap_site(&self, site: &Site, text: &str, edits: &mut Vec<Edit>) -> ServerChange {
        let left = |why: &str| ServerChange::LeftAlone(why.to_owned());
        if is_wrapped(site) {
            return ServerChange::Unchanged;
        }
        let program = quoted(&self.program);
        let mut words = vec![quoted(COMMAND), quoted(NAME), quoted(&site.name)];
        words.extend(self.options.iter().map(|option| quoted(option)));
        if let Some(command) = &site.command {
            words.extend([quoted(END), text[command.at.clone()].to_owned()]);
            let words = words.join(JOIN);
            match &site.arguments {
                Some((array, items)) => {
                    let rest = if items.is_empty() { "" } else { JOIN };
                    let start = array.start + 1;
                    edits.push(Edit { at: start..start, with: format!("{words}{rest}") });
                }
                None if site.keys.iter().any(|key| key == "args") => {
                    return left("its arguments are not all texts");
                }
                None => {
                    let end = command.at.end;
                    let with = format!("{}{ADDED}{words}]", site.join.arguments());
                    edits.push(Edit { at: end..end, with });
                }
            }
            edits.push(Edit { at: command.at.clone(), with: program });
            return ServerChange::Changed;
        }
        let Some(url) = &site.url else { return left("it has neither a command nor a URL") };
        if !self.only.contains(&site.name) {
            return left(
                "it is behind a URL, and may want its client to sign in: name it with --server",
            );
        }
        if site.keys.iter().any(|key| !PLAIN_URL_KEYS.contains(&key.as_str())) {
            return left(
                "it is behind a URL and has settings that hitl cannot take over: use `hitl mcp --config`",
            );
        }
        if site.join == Join::TomlLine {
            // A table may hold comments, and ends where the next one begins.
            return left(
                "it is behind a URL: replace `url` by a command with `hitl mcp --server-url`",
            );
        }
        words.extend([quoted(URL), text[url.at.clone()].to_owned()]);
        let words = words.join(JOIN);
        let with = match site.join {
            Join::Json => format!("{{\"command\": {program}, \"args\": {ADDED}{words}]}}"),
            _ => format!("{{ command = {program}, args = {ADDED}{words}] }}"),
        };
        edits.push(Edit { at: site.object.clone(), with });
        ServerChange::Changed
    }
}

/// Takes the wrapping back. `before` is the text before it, from which servers behind a URL are
/// restored.
///
/// # Errors
/// The text is not a configuration of the client.
pub fn unwrap(
    client: ClientConfig,
    text: &str,
    before: Option<&str>,
    only: &[String],
) -> Result<WrapResult, ConfigError> {
    let sites = find(client, text)?;
    let before = match before {
        Some(before) => find(client, before)?.into_iter().map(|site| (site, before)).collect(),
        None => Vec::new(),
    };
    let (mut edits, mut servers) = (Vec::new(), Vec::new());
    for site in sites {
        if !only.is_empty() && !only.contains(&site.name) {
            continue;
        }
        let change = unwrap_site(&site, text, &before, &mut edits);
        servers.push((site.name, change));
    }
    Ok(WrapResult { text: apply(text, edits), servers })
}

fn unwrap_site(
    site: &Site,
    text: &str,
    before: &[(Site, &str)],
    edits: &mut Vec<Edit>,
) -> ServerChange {
    let left = |why: &str| ServerChange::LeftAlone(why.to_owned());
    let (true, Some(command), Some((array, items))) =
        (is_wrapped(site), &site.command, &site.arguments)
    else {
        return ServerChange::Unchanged;
    };
    let Some(end) = items.iter().position(|item| item.value == END) else {
        let original = before.iter().find(|(it, _)| it.name == site.name && it.url.is_some());
        let Some((original, text)) = original else {
            return left("the copy of the configuration lacks it: write its URL again");
        };
        let with = text[original.object.clone()].to_owned();
        edits.push(Edit { at: site.object.clone(), with });
        return ServerChange::Changed;
    };
    let Some(original) = items.get(end + 1) else { return left("no command follows `--`") };
    edits.push(Edit { at: command.at.clone(), with: text[original.at.clone()].to_owned() });
    let added = format!("{}{ADDED}", site.join.arguments());
    let is_added = text[command.at.end..].starts_with(&added) && items.len() == end + 2;
    let at = if is_added {
        command.at.end..array.end
    } else {
        let after = original.at.end;
        let next = items.get(end + 2).map_or(after, |item| {
            // As it was written; or, if a formatter has been there, up to the next argument.
            if text[after..].starts_with(JOIN) { after + JOIN.len() } else { item.at.start }
        });
        array.start + 1..next
    };
    edits.push(Edit { at, with: String::new() });
    ServerChange::Changed
}

fn is_wrapped(site: &Site) -> bool {
    let program = site.command.as_ref().map(|command| Path::new(&command.value));
    let is_hitl = program.and_then(Path::file_stem).is_some_and(|stem| stem == "hitl");
    let first = site.arguments.as_ref().and_then(|(_, items)| items.first());
    is_hitl && first.is_some_and(|item: &Literal| item.value == COMMAND)
}

/// Returns a string literal. What JSON writes is a basic string of TOML, too.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out
}

/// A place in the text and what is written there.
struct Edit {
    at: Range<usize>,
    with: String,
}

fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.at.start);
    let (mut out, mut done) = (String::with_capacity(text.len() + 256), 0);
    for edit in edits {
        out.push_str(&text[done..edit.at.start]);
        out.push_str(&edit.with);
        done = edit.at.end;
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapper() -> Wrapper {
        Wrapper::new("/usr/bin/hitl", vec!["--trust-hints".to_owned()])
    }

    const DESKTOP: &str = r#"{
  // my servers
  "mcpServers": {
    "files": { "command": "npx", "args": ["-y", "server-filesystem", "/tmp"], "env": {"A": "b"} },
    "bare": {"command": "uvx" /* no arguments */},
    "empty": {"args": [], "command": "x\"y"},
    "far": {"type": "http", "url": "https://far.example/mcp"},
  },
  "theme": "dark"
}
"#;

    const CODEX: &str = r#"model = "x" # mine

[mcp_servers.files]
command = 'npx'
args = [
  "-y", # yes
  "server",
]
env = { A = "b" }

[mcp_servers.bare]
command = "uvx"

[mcp_servers]
inline = { command = "a", args = ["b"] }
"#;

    #[test]
    fn commands_are_wrapped_and_the_rest_stays() {
        let wrapped = wrapper().wrap(ClientConfig::ClaudeDesktop, DESKTOP).unwrap();
        for part in [
            r#""files": { "command": "/usr/bin/hitl", "args": ["mcp", "--server-name", "files", "--trust-hints", "--", "npx", "-y", "server-filesystem", "/tmp"], "env": {"A": "b"} }"#,
            r#""bare": {"command": "/usr/bin/hitl", "args": [ "mcp", "--server-name", "bare", "--trust-hints", "--", "uvx"] /* no arguments */}"#,
            r#""empty": {"args": ["mcp", "--server-name", "empty", "--trust-hints", "--", "x\"y"], "command": "/usr/bin/hitl"}"#,
            "// my servers",
            r#""far": {"type": "http", "url": "https://far.example/mcp"}"#,
        ] {
            assert!(wrapped.text.contains(part), "{part}\n{}", wrapped.text);
        }
        assert!(matches!(wrapped.servers[3].1, ServerChange::LeftAlone(_)));
        let codex = wrapper().wrap(ClientConfig::Codex, CODEX).unwrap();
        for part in [
            "command = \"/usr/bin/hitl\"\nargs = [\"mcp\", \"--server-name\", \"files\", \"--trust-hints\", \"--\", 'npx', \n  \"-y\", # yes",
            "command = \"/usr/bin/hitl\"\nargs = [ \"mcp\", \"--server-name\", \"bare\", \"--trust-hints\", \"--\", \"uvx\"]",
            "inline = { command = \"/usr/bin/hitl\", args = [\"mcp\", \"--server-name\", \"inline\", \"--trust-hints\", \"--\", \"a\", \"b\"] }",
        ] {
            assert!(codex.text.contains(part), "{part}\n{}", codex.text);
        }
    }

    #[test]
    fn a_second_time_changes_nothing_and_unwrapping_gives_the_same_bytes() {
        let named = wrapper().only(vec!["far".to_owned()]);
        for (client, text, wrapper) in [
            (ClientConfig::ClaudeDesktop, DESKTOP, wrapper()),
            (ClientConfig::Codex, CODEX, wrapper()),
            (ClientConfig::Gemini, DESKTOP, named),
            (
                ClientConfig::VsCode,
                r#"{"servers":{"a":{"type":"stdio","command":"x","args":["y"]}}}"#,
                wrapper(),
            ),
            (
                ClientConfig::ClaudeCode,
                r#"{"projects":{"/p":{"mcpServers":{"a":{"command":"x"}}}},"mcpServers":{}}"#,
                wrapper(),
            ),
            (
                ClientConfig::Cursor,
                "\u{feff}{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[\n]}}}\r\n",
                wrapper(),
            ),
        ] {
            let once = wrapper.wrap(client, text).unwrap();
            assert_ne!(once.text, text, "{client:?}");
            let twice = wrapper.wrap(client, &once.text).unwrap();
            assert_eq!(twice.text, once.text, "{client:?}");
            assert!(!twice.servers.iter().any(|(_, change)| *change == ServerChange::Changed));
            let back = unwrap(client, &once.text, Some(text), &[]).unwrap();
            assert_eq!(back.text, text, "{client:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_or_left_alone() {
        let wrapper = wrapper();
        for text in ["{", "[1", "{\"a\" 1}"] {
            assert!(wrapper.wrap(ClientConfig::Cursor, text).is_err(), "{text}");
            assert!(wrapper.wrap(ClientConfig::Codex, text).is_err(), "{text}");
        }
        for text in ["", "{}", "[]", "{\"mcpServers\":[]}", "{\"mcpServers\":{\"a\":3}}"] {
            let wrapped = wrapper.wrap(ClientConfig::Cursor, text).unwrap();
            assert_eq!((wrapped.text.as_str(), wrapped.servers.len()), (text, 0));
        }
        for entry in [
            r#"{"command":"x","args":[1]}"#,
            r#"{"command":3}"#,
            r#"{"url":"https://a","headers":{"Authorization":"Bearer s3cret"}}"#,
            "{}",
        ] {
            let text = format!(r#"{{"mcpServers":{{"a":{entry}}}}}"#);
            let wrapped = wrapper
                .clone()
                .only(vec!["a".to_owned()])
                .wrap(ClientConfig::Cursor, &text)
                .unwrap();
            assert_eq!(wrapped.text, text);
            let (_, ServerChange::LeftAlone(why)) = &wrapped.servers[0] else { panic!("{entry}") };
            assert!(!why.contains("s3cret"), "{why}");
        }
        let missing = wrapper.only(vec!["b".to_owned()]).wrap(ClientConfig::Cursor, "{}");
        assert!(missing.is_err());
    }

    proptest! {
        #[test]
        fn any_command_comes_back(
            command in "[ -~é😀]{0,12}",
            arguments in proptest::option::of(proptest::collection::vec("[ -~é]{0,6}", 0..4)),
        ) {
            prop_assume!(command != "hitl" && !command.ends_with("/hitl"));
            let list = arguments.map(|items| {
                let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
                format!(",\"args\":[{}]", items.join(" , "))
            });
            let text = format!(
                "{{\"mcpServers\":{{\"a\":{{\"command\":{}{}}}}}}}",
                quoted(&command), list.unwrap_or_default()
            );
            let wrapped = wrapper().wrap(ClientConfig::Cursor, &text).unwrap();
            let back = unwrap(ClientConfig::Cursor, &wrapped.text, None, &[]).unwrap();
            prop_assert_eq!(back.text, text);
        }
    }
}
