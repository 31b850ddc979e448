//! `hitl mcp pins`: lists, compares and approves the definitions of tools.

use std::fmt::Write as _;

use hitl_base::display::visible;
use hitl_base::{Json, Timestamp};
use hitl_core::Principal;
use hitl_mcp::pins::{
    DefinitionDifference, Pin, PinDocument, PinEntry, PinError, PinErrorKind, PinFile, PinState,
    ToolDefinition, UpstreamPins, definition_hazards,
};
use serde::Serialize;

use super::args::{ApproveArgs, McpOptions, PinSelection, PinsCommand};
use super::places::is_postgres;
use super::plan::store_and_pins;
use super::run::surroundings;
use crate::args::BackendArgs;
use crate::backend::StoreBackend;
use crate::commands::{Output, named, terminal};
use crate::exit::{Exit, Failure};
use crate::person::{CodeDesk, CodeSource, Deed, require_person};
use crate::seen_check::Interactivity;

/// The fewest digits of a digest that name a definition.
const DIGITS: usize = 8;

/// A tool, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PinLine {
    server: String,
    tool: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed_from: Option<String>,
    /// The digest of the definition as it is listed now.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_at: Option<String>,
}

/// A tool with what is to be seen of it, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DiffLine {
    #[serde(flatten)]
    line: PinLine,
    /// The fields that differ from the approved definition.
    changes: Vec<ChangeLine>,
    /// The whole definition of a tool that was never approved, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<String>,
    /// The places that may hide something.
    cautions: Vec<CautionLine>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeLine {
    pointer: String,
    /// The first byte in which two texts differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte: Option<usize>,
    /// Both values as JSON text, with numbers as they were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct CautionLine {
    pointer: String,
    says: String,
}

/// A tool that a person looks at.
struct Looked<'d> {
    server: &'d str,
    entry: PinEntry,
    pins: &'d UpstreamPins,
}

pub(super) async fn run(
    backend: &BackendArgs,
    options: &McpOptions,
    command: PinsCommand,
    output: &Output,
) -> Result<(), Failure> {
    let (db, path) = store_and_pins(options, &surroundings(backend))?;
    let file = PinFile::new(path);
    let document = file.read().map_err(failure)?;
    match command {
        PinsCommand::List => {
            let lines = lines(&document);
            Ok(output.print(&lines, || list_text(&lines, &file))?)
        }
        PinsCommand::Diff(wanted) => {
            let looked = select(&document, &wanted)?;
            let lines: Vec<_> = looked.iter().map(diff_line).collect();
            Ok(output.print(&lines, || diff_text(&looked))?)
        }
        PinsCommand::Approve(wanted) => {
            approve(backend, &db, &file, &document, &wanted, output).await
        }
    }
}

fn failure(error: PinError) -> Failure {
    let exit = match error.kind() {
        PinErrorKind::Broken | PinErrorKind::Newer => Exit::Usage,
        _ => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}

fn lines(document: &PinDocument) -> Vec<PinLine> {
    let all = document.upstreams().flat_map(|(server, pins)| {
        let entries = pins.comparison().entries().to_vec();
        entries.into_iter().map(move |entry| line(&Looked { server, entry, pins }))
    });
    all.collect()
}

fn line(looked: &Looked<'_>) -> PinLine {
    let Looked { server, entry, pins } = looked;
    let pin = pins.pin(&entry.name);
    PinLine {
        server: (*server).to_owned(),
        tool: entry.name.clone(),
        state: entry.state.as_str(),
        renamed_from: entry.renamed_from.clone(),
        digest: pins.listed_tool(&entry.name).map(ToolDefinition::digest),
        pinned_by: pin.map(|pin| pin.by().to_owned()),
        pinned_at: pin.map(|pin| pin.at().to_owned()),
    }
}

fn diff_line(looked: &Looked<'_>) -> DiffLine {
    let name = &looked.entry.name;
    let (pin, listed) = (looked.pins.pin(name), looked.pins.listed_tool(name));
    let changes = match (pin, listed) {
        (Some(pin), Some(listed)) => DefinitionDifference::between(pin.definition(), listed)
            .changes()
            .iter()
            .map(|change| ChangeLine {
                pointer: change.pointer.clone(),
                first_byte: change.first_byte(),
                before: change.before.as_ref().map(Json::to_text),
                after: change.after.as_ref().map(Json::to_text),
            })
            .collect(),
        _ => Vec::new(),
    };
    let found = listed.map(|listed| definition_hazards(listed.tree())).unwrap_or_default();
    let cautions = found.into_iter();
    let cautions = cautions.map(|it| CautionLine { pointer: it.pointer, says: it.says }).collect();
    let definition = if pin.is_none() { listed.map(|it| it.tree().to_text()) } else { None };
    DiffLine { line: line(looked), changes, definition, cautions }
}

fn list_text(lines: &[PinLine], file: &PinFile) -> String {
    if lines.is_empty() {
        let path = file.path().display();
        return format!("No server has listed its tools yet ({path}).\n");
    }
    let mut out = String::new();
    let mut server = None;
    for line in lines {
        // Writing to a String cannot fail.
        if server != Some(&line.server) {
            let _ = writeln!(out, "{}", visible(&line.server));
            server = Some(&line.server);
        }
        let about = match (&line.renamed_from, &line.pinned_by) {
            (Some(from), _) => format!("  renamed from {}", visible(from)),
            (None, Some(by)) => format!("  by {}", visible(by)),
            (None, None) => String::new(),
        };
        let _ = writeln!(out, "  {:<9}{}{about}", line.state, line.tool);
    }
    if lines.iter().any(|line| line.state != "pinned") {
        out.push_str("\nSee `hitl mcp pins diff`, then `hitl mcp pins approve`.\n");
    }
    out
}

/// Returns the tools that were named, or all that are not as approved.
fn select<'d>(
    document: &'d PinDocument,
    wanted: &PinSelection,
) -> Result<Vec<Looked<'d>>, Failure> {
    let mut found = Vec::new();
    for (server, pins) in document.upstreams() {
        if wanted.server.as_deref().is_some_and(|name| name != server) {
            continue;
        }
        for entry in pins.comparison().entries() {
            let is_wanted = if wanted.tools.is_empty() {
                entry.state != PinState::Pinned
            } else {
                wanted.tools.contains(&entry.name)
            };
            if is_wanted {
                found.push(Looked { server, entry: entry.clone(), pins });
            }
        }
    }
    let is_there = |tool: &&String| found.iter().any(|looked| looked.entry.name == **tool);
    if let Some(missing) = wanted.tools.iter().find(|tool| !is_there(tool)) {
        let why = format!("no server has a tool `{}`: see `hitl mcp pins list`", visible(missing));
        return Err(Failure::new(Exit::NotFound, why));
    }
    Ok(found)
}

fn diff_text(looked: &[Looked<'_>]) -> String {
    if looked.is_empty() {
        return "Every tool is as it was approved.\n".to_owned();
    }
    let texts: Vec<_> = looked.iter().map(tool_text).collect();
    texts.join("\n")
}

/// Shows one tool: what changed, or all of a new one, and what it may hide.
fn tool_text(looked: &Looked<'_>) -> String {
    let Looked { server, entry, pins } = looked;
    let (name, state) = (&entry.name, entry.state.as_str());
    let mut out = format!("{name} of {}: {state}\n", visible(server));
    let listed = pins.listed_tool(name);
    match (entry.state, pins.pin(name), listed) {
        (PinState::Changed, Some(pin), Some(listed)) => {
            let difference = DefinitionDifference::between(pin.definition(), listed);
            out.push_str(&difference.to_text());
        }
        (PinState::New, _, Some(listed)) => {
            if let Some(from) = &entry.renamed_from {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "renamed from {}, which was approved", visible(from));
            }
            out.push_str(&definition_text(listed));
        }
        (PinState::Pinned, _, Some(listed)) => out.push_str(&definition_text(listed)),
        _ => out.push_str("it is no longer listed; approving removes its pin\n"),
    }
    if let Some(listed) = listed {
        for hazard in definition_hazards(listed.tree()) {
            let _ = writeln!(out, "CAUTION {}: {}", hazard.pointer, hazard.says);
        }
        let _ = writeln!(out, "digest {}", listed.digest());
    }
    out
}

/// Returns all of a definition: what is left out would be approved unseen.
fn definition_text(definition: &ToolDefinition) -> String {
    let text = hitl_base::json::pretty(definition.tree());
    let shown: Vec<_> = text.lines().map(visible).collect();
    shown.join("\n") + "\n"
}

async fn approve(
    backend: &BackendArgs,
    db: &str,
    file: &PinFile,
    document: &PinDocument,
    wanted: &ApproveArgs,
    output: &Output,
) -> Result<(), Failure> {
    let looked = select(document, &wanted.selection)?;
    if looked.is_empty() {
        return Ok(output.print(&Vec::<PinLine>::new(), || diff_text(&looked))?);
    }
    let who = Principal::new(named(wanted.name.clone())?);
    // Who has enrolled is in the store; a gateway that has not run yet has none.
    let is_there = is_postgres(db) || std::path::Path::new(db).exists();
    if is_there {
        let store = StoreBackend::open(db, backend, None).await?;
        let desk = CodeDesk::new(&store);
        let code = wanted.code.as_deref();
        require_person(Deed::Loosen, &who, code, CodeSource::Desk(&desk)).await?;
    } else {
        let code = wanted.code.as_deref();
        require_person(Deed::Loosen, &who, code, CodeSource::Unnamed).await?;
    }
    check_seen(&looked, wanted.digest.as_deref())?;
    let now = Timestamp::now().to_string();
    let chosen: Vec<(String, String, Option<ToolDefinition>)> = looked
        .iter()
        .map(|looked| {
            let name = looked.entry.name.clone();
            let listed = looked.pins.listed_tool(&name).cloned();
            (looked.server.to_owned(), name, listed)
        })
        .collect();
    let changed = file.change(|document| {
        for (server, tool, seen) in &chosen {
            // A server may have changed it again since it was shown.
            if document.upstream_mut(server).listed_tool(tool) != seen.as_ref() {
                return Err(tool.clone());
            }
        }
        for (server, tool, seen) in chosen {
            let pins = document.upstream_mut(&server);
            match seen {
                Some(definition) => pins.pin_tool(Pin::new(definition, who.as_str(), now.as_str())),
                None => drop(pins.unpin(&tool)),
            }
        }
        Ok(())
    });
    changed.map_err(failure)?.map_err(|tool| {
        let why = format!("`{tool}` has changed since it was shown: look at it again");
        Failure::new(Exit::Conflict, why)
    })?;
    let lines: Vec<_> = looked.iter().map(line).collect();
    let names: Vec<_> = looked.iter().map(|looked| looked.entry.name.as_str()).collect();
    Ok(output.print(&lines, || format!("Approved: {}\n", names.join(", ")))?)
}

/// Checks that the person has seen what they approve.
fn check_seen(looked: &[Looked<'_>], digest: Option<&str>) -> Result<(), Failure> {
    if let Some(digest) = digest {
        let [one] = looked else {
            return Err(Failure::usage("--digest names one definition: name one tool"));
        };
        let listed = one.pins.listed_tool(&one.entry.name).map(ToolDefinition::digest);
        let matches = listed.is_some_and(|it| digest.len() >= DIGITS && it.starts_with(digest));
        return if matches {
            Ok(())
        } else {
            let why = "the digest is not that of the definition as it is listed now: see `hitl mcp pins diff`";
            Err(Failure::new(Exit::Conflict, why))
        };
    }
    if terminal::interactivity() == Interactivity::Nobody {
        return Err(Failure::usage(
            "nobody can be asked here: add --digest DIGEST, as `hitl mcp pins diff` shows it",
        ));
    }
    let question = match looked.len() {
        1 => "Approve this definition? [y/N]".to_owned(),
        many => format!("Approve these {many} definitions? [y/N]"),
    };
    let answer = terminal::ask(&diff_text(looked), &question)?;
    if terminal::is_yes(&answer) { Ok(()) } else { Err(terminal::declined()) }
}

#[cfg(test)]
mod tests {
    use hitl_mcp::pins::DefinitionList;

    use super::*;

    fn document(now: &str) -> PinDocument {
        let mut document = PinDocument::default();
        let mut list = DefinitionList::default();
        list.add_page(
            r#"{"tools":[{"name":"read","description":"Reads.","inputSchema":{}},
                {"name":"gone","inputSchema":{}},{"name":"old","description":"O","inputSchema":{}}]}"#,
        )
        .unwrap();
        let pins = document.upstream_mut("files");
        for tool in list.tools {
            pins.pin_tool(Pin::new(tool, "ann", "2026-12-01T00:00:00Z"));
        }
        let mut list = DefinitionList::default();
        list.add_page(now).unwrap();
        pins.note_listed(&list);
        document
    }

    #[test]
    fn the_difference_is_shown_with_what_it_hides() {
        let document = document(
            r#"{"tools":[{"name":"read","description":"Reads.\u200b<IMPORTANT>","inputSchema":{}},
                {"name":"now","description":"O","inputSchema":{}}]}"#,
        );
        let all = PinSelection { tools: Vec::new(), server: None };
        let text = diff_text(&select(&document, &all).unwrap_or_default());
        for part in [
            "read of files: changed\n/description: differs from byte 6\n",
            r"Reads.\u{200b}<IMPORTANT>",
            "CAUTION /description: characters that cannot be seen",
            "CAUTION /description: markup: <IMPORTANT>",
            "gone of files: vanished",
            "now of files: new\nrenamed from old, which was approved",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{200b}'));
    }

    #[test]
    fn invariant_2_a_new_definition_is_shown_to_its_end() {
        let long = "word ".repeat(20_000);
        let listed = format!(
            r#"{{"tools":[{{"name":"now","description":"{long}THE END","inputSchema":{{}}}}]}}"#
        );
        let document = document(&listed);
        let one = PinSelection { tools: vec!["now".to_owned()], server: None };
        let looked = select(&document, &one).unwrap_or_default();
        assert!(diff_text(&looked).contains(&format!("{long}THE END")));
        let json = serde_json::to_value(diff_line(&looked[0])).unwrap();
        assert!(json["definition"].as_str().unwrap().contains("THE END"), "{json}");
    }

    #[test]
    fn invariant_2_an_approval_names_the_definition_that_was_shown() {
        let document = document(r#"{"tools":[{"name":"read","inputSchema":{}}]}"#);
        let one = PinSelection { tools: vec!["read".to_owned()], server: None };
        let looked = select(&document, &one).unwrap_or_default();
        let digest = looked[0].pins.listed_tool("read").unwrap().digest();
        assert!(check_seen(&looked, Some(&digest[..8])).is_ok());
        for wrong in ["", &digest[..7], "00000000", &digest[1..]] {
            assert!(check_seen(&looked, Some(wrong)).is_err(), "{wrong}");
        }
        let all = PinSelection { tools: Vec::new(), server: None };
        let all = select(&document, &all).unwrap_or_default();
        assert!(check_seen(&all, Some(&digest)).is_err());
        let none = PinSelection { tools: vec!["x".to_owned()], server: None };
        assert!(select(&document, &none).is_err());
    }
}
