//! `hitl mcp install`: wraps the servers in a client's configuration.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hitl_base::display::visible;
use hitl_base::redact::Redactor;
use hitl_base::{owner_only, sync_folder};
use hitl_mcp::install::{ClientConfig, ClientSystem, ServerChange, WrapResult, Wrapper, unwrap};
use serde::Serialize;

use super::args::{Client, InstallArgs};
use crate::commands::Output;
use crate::exit::{Exit, Failure};

/// The end of the name of the copy that is made before the first change.
const COPY: &str = ".before-hitl";
/// The end of the name of a file that is being written.
const UNFINISHED: &str = ".hitl-new";

/// What was done, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstallReport {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<String>,
    changed: bool,
    dry_run: bool,
    servers: Vec<ServerReport>,
    /// The removed and added lines.
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerReport {
    name: String,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<Client> for ClientConfig {
    fn from(client: Client) -> Self {
        match client {
            Client::ClaudeDesktop => Self::ClaudeDesktop,
            Client::ClaudeCode => Self::ClaudeCode,
            Client::Cursor => Self::Cursor,
            Client::Vscode => Self::VsCode,
            Client::Codex => Self::Codex,
            Client::Gemini => Self::Gemini,
        }
    }
}

pub(super) fn install(wanted: &InstallArgs, output: &Output) -> Result<(), Failure> {
    let file = file_of(wanted)?;
    let text = fs::read_to_string(&file).map_err(|error| Failure::file(&file, &error))?;
    let program = std::env::current_exe()?;
    let wrapper = Wrapper::new(program.display().to_string(), wanted.options.clone())
        .only(wanted.server.clone());
    let result = wrapper.wrap(wanted.client.into(), &text).map_err(|error| wrong(&file, &error))?;
    let copy = with_ending(&file, COPY);
    if result.text != text && !wanted.dry_run && !copy.exists() {
        // The copy holds what the file holds: secrets in `env`, perhaps.
        write_copy(&copy, &text).map_err(|error| Failure::file(&copy, &error))?;
    }
    finish(wanted, output, &file, &text, result)
}

pub(super) fn uninstall(wanted: &InstallArgs, output: &Output) -> Result<(), Failure> {
    if !wanted.options.is_empty() {
        return Err(Failure::usage("only `install` takes options after `--`"));
    }
    let file = file_of(wanted)?;
    let text = fs::read_to_string(&file).map_err(|error| Failure::file(&file, &error))?;
    let copy = with_ending(&file, COPY);
    let before = fs::read_to_string(&copy).ok();
    let client = wanted.client.into();
    let unwrapped = unwrap(client, &text, before.as_deref(), &wanted.server)
        .map_err(|error| wrong(&file, &error))?;
    let is_as_before = before.as_deref() == Some(unwrapped.text.as_str());
    finish(wanted, output, &file, &text, unwrapped)?;
    if is_as_before && !wanted.dry_run {
        // A copy of what the file holds is of no more use.
        let _kept = fs::remove_file(&copy);
    }
    Ok(())
}

fn wrong(file: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("{}: {error}", file.display()))
}

/// Returns the configuration file, through links: the link stays.
fn file_of(wanted: &InstallArgs) -> Result<PathBuf, Failure> {
    let usual = || {
        let client = ClientConfig::from(wanted.client);
        client.path(ClientSystem::this(), |name| std::env::var(name).ok())
    };
    let Some(file) = wanted.file.clone().or_else(usual) else {
        return Err(Failure::usage("name the configuration file: --file FILE"));
    };
    fs::canonicalize(&file).map_err(|error| Failure::file(&file, &error))
}

fn finish(
    wanted: &InstallArgs,
    output: &Output,
    file: &Path,
    before: &str,
    result: WrapResult,
) -> Result<(), Failure> {
    let changed = result.text != before;
    if changed && !wanted.dry_run {
        replace(file, &result.text).map_err(|error| Failure::file(file, &error))?;
    }
    let copy = with_ending(file, COPY);
    let servers = result.servers.into_iter().map(|(name, change)| {
        let (change, why) = match change {
            ServerChange::Changed => ("changed", None),
            ServerChange::Unchanged => ("unchanged", None),
            ServerChange::LeftAlone(why) => ("left-alone", Some(why)),
            _ => ("unknown", None),
        };
        ServerReport { name, change, why }
    });
    let report = InstallReport {
        file: file.display().to_string(),
        copy: copy.exists().then(|| copy.display().to_string()),
        changed,
        dry_run: wanted.dry_run,
        servers: servers.collect(),
        lines: changed_lines(before, &result.text),
    };
    Ok(output.print(&report, || text(&report))?)
}

fn text(report: &InstallReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for server in &report.servers {
        let name = visible(&server.name);
        let _ = match &server.why {
            Some(why) => writeln!(out, "{name}: left alone: {why}"),
            None => writeln!(out, "{name}: {}", server.change),
        };
    }
    if report.servers.is_empty() {
        let _ = writeln!(out, "{} names no MCP server.", report.file);
    }
    if report.dry_run {
        for line in &report.lines {
            let _ = writeln!(out, "{}", visible(line));
        }
        let _ = writeln!(out, "Nothing was changed (--dry-run).");
    } else if report.changed {
        let _ = writeln!(out, "Changed {}. Restart the client.", report.file);
        if let Some(copy) = &report.copy {
            let _ = writeln!(out, "As it was before: {copy}");
        }
    }
    out
}

/// Returns the lines that are removed and added, without secrets. Lines in between that stay are
/// not shown: they are of servers that do not change, with their environments.
fn changed_lines(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let redactor = Redactor::standard();
    let mut out = Vec::new();
    let mut said = |sign: char, line: &str| out.push(format!("{sign} {}", redactor.text(line)));
    let (mut at, mut from) = (0, 0);
    while at < old.len() || from < new.len() {
        if at < old.len() && old.get(at) == new.get(from) {
            (at, from) = (at + 1, from + 1);
            continue;
        }
        let (removed, added) = next_common(&old[at..], &new[from..]);
        old[at..at + removed].iter().for_each(|line| said('-', line));
        new[from..from + added].iter().for_each(|line| said('+', line));
        (at, from) = (at + removed, from + added);
    }
    out
}

/// Returns how many lines of each side stand before the nearest line that both have.
fn next_common(old: &[&str], new: &[&str]) -> (usize, usize) {
    let mut places = HashMap::new();
    for (at, line) in new.iter().enumerate() {
        places.entry(*line).or_insert(at);
    }
    let common = old.iter().enumerate().filter_map(|(at, line)| Some((at, *places.get(line)?)));
    common.min_by_key(|(at, from)| at + from).unwrap_or((old.len(), new.len()))
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Writes a file that is not there yet: whole, or not at all.
fn write_copy(file: &Path, text: &str) -> io::Result<()> {
    let unfinished = with_ending(file, UNFINISHED);
    let _absent = fs::remove_file(&unfinished);
    write_new(&unfinished, text)?;
    fs::rename(&unfinished, file)?;
    sync_folder(file)
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut opened = owner_only(options.write(true).create_new(true)).open(file)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()
}

/// Replaces a file as a whole. It keeps its mode.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let unfinished = with_ending(file, UNFINISHED);
    let _absent = fs::remove_file(&unfinished);
    write_new(&unfinished, text)?;
    fs::set_permissions(&unfinished, fs::metadata(file)?.permissions())?;
    fs::rename(&unfinished, file)?;
    sync_folder(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_differ_are_shown() {
        assert_eq!(changed_lines("a\nb\nc\n", "a\nx\ny\nc\n"), ["- b", "+ x", "+ y"]);
        assert_eq!(changed_lines("a\n", "a\n"), [""; 0]);
        assert_eq!(changed_lines("a\na\n", "a\n"), ["- a"]);
        assert_eq!(changed_lines("a\nx\nb\n", "c\nx\nd\n"), ["- a", "+ c", "- b", "+ d"]);
        assert_eq!(changed_lines("", "a\nb\n"), ["+ a", "+ b"]);
        assert_eq!(changed_lines("a\nb\n", ""), ["- a", "- b"]);
    }

    #[test]
    fn invariant_8_neither_lines_that_stay_nor_secrets_in_others_are_shown() {
        let of = |program: &str| {
            format!(
                "\"a\": {{\"command\": \"{program}\",\n\"args\": [\"--password\", \"s3cr3t-1\"],\n\
                 \"env\": {{\"K\": \"s3cr3t-2\"}}}},\n\
                 \"b\": {{\"url\": \"https://u:s3cr3t-3@{program}\"}}\n"
            )
        };
        let lines = changed_lines(&of("x"), &of("y")).join("\n");
        assert!(lines.contains("\"x\"") && lines.contains("\"y\""), "{lines}");
        assert!(!lines.contains("s3cr3t"), "{lines}");
    }

    #[test]
    fn a_copy_is_whole_and_nothing_unfinished_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("config.json.before-hitl");
        // What a crash left.
        fs::write(with_ending(&copy, UNFINISHED), "{").unwrap();
        write_copy(&copy, "{}").unwrap();
        assert_eq!(fs::read_to_string(&copy).unwrap(), "{}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
