//! `hitl console token`: makes a token, and prints it once.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use hitl_base::owner_only;
use hitl_console::Token;
use serde::Serialize;

use super::token_file::{check_names, parse, with_token};
use crate::exit::{Exit, Failure};

/// A token that was made, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) struct MadeToken {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    token: String,
}

/// Makes a token of a reviewer, and adds its hash to the file.
pub(in crate::serve) fn make(
    path: &Path,
    name: &str,
    roles: Vec<String>,
    tenant: Option<String>,
) -> Result<MadeToken, Failure> {
    check_names(name, &roles, tenant.as_deref()).map_err(Failure::usage)?;
    let failed = |error: std::io::Error| Failure::file(path, &error);
    let token = Token::generate().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    // The lock is on a file of its own: the list itself is replaced as a whole.
    let _lock = locked(&beside(path, "lock")).map_err(failed)?;
    let mut text = String::new();
    match File::open(path) {
        Ok(mut file) => drop(file.read_to_string(&mut text).map_err(failed)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let wrong = |why| Failure::new(Exit::Usage, format!("{}: {why}", path.display()));
    parse(&text).map_err(wrong)?;
    let text = with_token(&text, name, &roles, tenant.as_deref(), token.hash());
    let new = beside(path, "new");
    let _stale = std::fs::remove_file(&new);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = owner_only(&mut options).open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)?;
    Ok(MadeToken { name: name.to_owned(), roles, tenant, token: token.reveal().to_owned() })
}

impl MadeToken {
    /// Renders it for people.
    pub(in crate::serve) fn text(&self) -> String {
        format!("{}\n", self.token)
    }
}

fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn locked(path: &Path) -> std::io::Result<File> {
    let file =
        owner_only(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    file.lock()?;
    Ok(file)
}
