//! Where the store and the pins are if nobody says so. Pure.

use std::path::PathBuf;

/// Returns the folder of hitl's own data on this system, by its environment.
pub(super) fn data_folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let folder = if cfg!(target_os = "windows") {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        path("XDG_DATA_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| path("HOME").map(|home| home.join(".local/share")))
    };
    folder.map(|folder| folder.join("hitl"))
}

/// Returns the pin file of a store.
pub(super) fn pins_of(db: &str, folder: Option<PathBuf>) -> Option<PathBuf> {
    if is_postgres(db) {
        return folder.map(|folder| folder.join("mcp-pins.json"));
    }
    Some(PathBuf::from(format!("{db}.mcp-pins.json")))
}

pub(super) fn is_postgres(db: &str) -> bool {
    db.starts_with("postgres://") || db.starts_with("postgresql://")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_environment() {
        let of = |known: &[(&str, &str)]| {
            data_folder(|name| {
                known.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(of(&[("HOME", "/h")]), path("/h/.local/share/hitl"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]), path("/d/hitl"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_DATA_HOME", "d")]), path("/h/.local/share/hitl"));
        assert_eq!(of(&[("HOME", "")]), None);
        assert_eq!(pins_of("a.db", None), path("a.db.mcp-pins.json"));
        assert_eq!(pins_of("postgres://h/d", None), None);
    }
}
