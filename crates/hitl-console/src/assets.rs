//! The page and its parts, as embedded in the crate.

use std::sync::OnceLock;

use axum::Router;
use axum::extract::{OriginalUri, Path};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::compression::{accepts_gzip, gzip};
use crate::error::Problem;
use crate::state::Shared;

const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const HTML: &str = "text/html; charset=utf-8";

/// A file that is the same for every client.
struct File {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
    /// Compressed when the first client asks for it; the inner value is `None` if that failed.
    compressed: OnceLock<Option<Vec<u8>>>,
}

impl File {
    const fn new(name: &'static str, kind: &'static str, content: &'static str) -> Self {
        Self { name, kind, content, compressed: OnceLock::new() }
    }

    fn compressed(&'static self) -> Option<&'static [u8]> {
        self.compressed.get_or_init(|| gzip(self.content)).as_deref()
    }
}

macro_rules! files {
    ($($name:literal: $kind:expr),* $(,)?) => {
        /// Every file.
        static FILES: [File; [$($name),*].len()] =
            [$(File::new($name, $kind, include_str!(concat!("../assets/", $name)))),*];
    };
}

files! {
    "page.css": CSS,
    "page.js": JS,
    "hitl.js": JS,
    "hitl.css": CSS,
    "grant-form.js": JS,
    "api.js": JS,
    "approval-card.js": JS,
    "call-preview.js": JS,
    "arguments.js": JS,
    "assignment.js": JS,
    "away.js": JS,
    "broken-glass.js": JS,
    "card-parts.js": JS,
    "code.js": JS,
    "dom.js": JS,
    "decision-panel.js": JS,
    "edit.js": JS,
    "edit-preview.js": JS,
    "grants.js": JS,
    "timeline.js": JS,
    "help.js": JS,
    "history.js": JS,
    "icons.js": JS,
    "json.js": JS,
    "deferred.css": CSS,
    "charts.js": JS,
    "policies.js": JS,
    "freeze.js": JS,
    "queue.js": JS,
    "queue-list.js": JS,
    "alerts.js": JS,
    "bulk-bar.js": JS,
    "drafts.js": JS,
    "preferences.js": JS,
    "queue-filters.js": JS,
    "queue-frame.js": JS,
    "queue-groups.js": JS,
    "queue-keys.js": JS,
    "resolve-panel.js": JS,
    "result.js": JS,
    "second-step.js": JS,
    "states.js": JS,
    "words-form.js": JS,
    "schema.js": JS,
    "sign-in.js": JS,
    "stream.js": JS,
    "style.js": JS,
    "task-card.js": JS,
    "tasks.js": JS,
    "text.js": JS,
    "time.js": JS,
    "value-view.js": JS,
    "mark.svg": SVG,
}

static PAGE: File = File::new("index.html", HTML, include_str!("../assets/index.html"));

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/", get(page)).route("/assets/{name}", get(file))
}

/// Serves the page. Its links are relative: to its folder, or, when its own path ends without a
/// slash, to the folder of the same name.
async fn page(OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    if last.is_empty() {
        return respond(&PAGE, &headers);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%');
    if !last.chars().all(plain) {
        return Problem::not_found("page").into_response();
    }
    let page = PAGE.content.replace("\"assets/", &format!("\"{last}/assets/"));
    ([(header::CONTENT_TYPE, HTML)], page).into_response()
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => respond(file, &headers),
        None => Problem::not_found("file").into_response(),
    }
}

/// Serves everything else. When nested under a path, the page may be requested with and without a
/// slash.
pub(crate) async fn not_found(
    method: Method,
    uri: axum::http::Uri,
    original: OriginalUri,
    headers: HeaderMap,
) -> Response {
    if method == Method::GET && matches!(uri.path(), "" | "/") {
        return page(original, headers).await;
    }
    Problem::not_found("path").into_response()
}

/// Sends a file only if it has changed; clients ask for it again each time.
fn respond(file: &'static File, asked: &HeaderMap) -> Response {
    let compressed = if accepts_gzip(asked) { file.compressed() } else { None };
    let form = if compressed.is_some() { "-gzip" } else { "" };
    let tag = concat!("\"", env!("CARGO_PKG_VERSION"), "-");
    let tag = format!("{tag}{:x}{form}\"", checksum(file.content));
    let known =
        asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let tags = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, tags).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.kind)];
    match compressed {
        Some(bytes) => (tags, kind, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => (tags, kind, file.content).into_response(),
    }
}

/// Returns the FNV-1a hash, which only tells versions of one file apart.
fn checksum(content: &str) -> u64 {
    content.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the files that the page imports at once, and their own imports.
    fn first_paint() -> Vec<&'static str> {
        let mut names = vec!["page.css", "hitl.css", "mark.svg", "page.js"];
        let mut at = 0;
        while let Some(name) = names.get(at) {
            let file = FILES.iter().find(|file| file.name == *name).unwrap();
            let imports =
                file.content.split(" from \"./").skip(1).filter_map(|rest| rest.split('"').next());
            for import in imports {
                if !names.contains(&import) {
                    names.push(import);
                }
            }
            at += 1;
        }
        names
    }

    #[test]
    fn the_first_paint_needs_less_than_40_kilobytes() {
        let names = first_paint();
        assert!(names.contains(&"queue.js") && names.len() > 15, "{names:?}");
        let files = FILES.iter().filter(|file| names.contains(&file.name)).chain([&PAGE]);
        let (mut sent, mut whole) = (0, 0);
        for file in files {
            sent += file.compressed().unwrap().len();
            whole += file.content.len();
        }
        println!("first paint: {sent} bytes of {whole}");
        assert!(sent < 40_000, "the first paint needs {sent} bytes, compressed");
        assert!(whole < 120_000, "a browser reads {whole} bytes before the first paint");
    }

    #[test]
    fn no_script_sets_text_as_markup() {
        for File { name, content, .. } in &FILES {
            for bad in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "setAttribute('style",
                "setAttribute(\"style",
                ".srcdoc",
                "DOMParser",
                "createContextualFragment",
                "javascript:",
            ] {
                assert!(!content.contains(bad), "{name} has {bad}");
            }
        }
        for inline in ["<style", " style=", " onclick", "<script>", "javascript:"] {
            assert!(!PAGE.content.contains(inline), "the page has {inline}");
        }
    }

    /// Returns the ranges of the class of characters that the page escapes.
    fn ranges_that_the_page_escapes() -> Vec<(u32, u32)> {
        let script = include_str!("../assets/text.js");
        let class = script.split_once("/[").unwrap().1.split_once("]/gu").unwrap().0;
        let mut codes = class.split("\\u").skip(1).map(|code| {
            let range = code.ends_with('-');
            let code = code.trim_end_matches('-').trim_matches(['{', '}']);
            (u32::from_str_radix(code, 16).unwrap(), range)
        });
        let mut ranges = Vec::new();
        while let Some((first, range)) = codes.next() {
            ranges.push((first, if range { codes.next().unwrap().0 } else { first }));
        }
        ranges
    }

    #[test]
    fn invariant_9_the_page_escapes_what_the_library_escapes() {
        let ranges = ranges_that_the_page_escapes();
        assert!(ranges.len() > 30);
        for c in (0..=0x0010_FFFF).filter_map(char::from_u32) {
            let here = ranges.iter().any(|(from, to)| (*from..=*to).contains(&u32::from(c)));
            let there = hitl_base::display::visible(&c.to_string()) != c.to_string();
            assert_eq!(here, there, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn every_file_in_the_folder_is_served() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let known = name == "index.html" || FILES.iter().any(|file| file.name == name);
            assert!(known, "{name} is not served");
        }
    }
}
