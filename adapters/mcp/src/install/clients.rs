//! Where clients keep their configuration, and its shape. Pure.

use std::path::PathBuf;

/// A client whose configuration names MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientConfig {
    /// Claude Desktop.
    ClaudeDesktop,
    /// Claude Code: of all projects and of single ones.
    ClaudeCode,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    VsCode,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
}

/// The system for which a path is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: the clients know no others.
pub enum ClientSystem {
    /// Linux and other Unix.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl ClientSystem {
    /// Returns the system on which this runs.
    pub const fn this() -> Self {
        if cfg!(target_os = "windows") {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

impl ClientConfig {
    /// Returns the user's own configuration file, by the environment. `None` if the environment
    /// names no home folder.
    pub fn path(
        self,
        system: ClientSystem,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Option<PathBuf> {
        let folder = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let home = || match system {
            ClientSystem::Windows => folder("USERPROFILE"),
            ClientSystem::Linux | ClientSystem::MacOs => folder("HOME"),
        };
        let applications = || match system {
            ClientSystem::Linux => folder("XDG_CONFIG_HOME")
                .filter(|folder| folder.is_absolute())
                .or_else(|| Some(home()?.join(".config"))),
            ClientSystem::MacOs => Some(home()?.join("Library/Application Support")),
            ClientSystem::Windows => folder("APPDATA"),
        };
        match self {
            Self::ClaudeDesktop => Some(applications()?.join("Claude/claude_desktop_config.json")),
            Self::ClaudeCode => Some(home()?.join(".claude.json")),
            Self::Cursor => Some(home()?.join(".cursor/mcp.json")),
            Self::VsCode => Some(applications()?.join("Code/User/mcp.json")),
            Self::Codex => {
                let own = folder("CODEX_HOME");
                Some(own.or_else(|| Some(home()?.join(".codex")))?.join("config.toml"))
            }
            Self::Gemini => Some(home()?.join(".gemini/settings.json")),
        }
    }

    /// Returns the paths of keys that lead to objects of servers; `*` stands for any key.
    pub(super) const fn places(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::ClaudeDesktop | Self::Cursor | Self::Gemini => &[&["mcpServers"]],
            Self::ClaudeCode => &[&["mcpServers"], &["projects", "*", "mcpServers"]],
            Self::VsCode => &[&["servers"], &["mcp", "servers"]],
            Self::Codex => &[&["mcp_servers"]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_file_on_each_system() {
        let of = |client: ClientConfig, system, known: &[(&str, &str)]| {
            let variable = |name: &str| {
                known.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
            };
            client.path(system, variable).map(|it| it.display().to_string())
        };
        let home = [("HOME", "/h")];
        use ClientConfig as C;
        use ClientSystem::{Linux, MacOs, Windows};
        for (client, system, path) in [
            (C::ClaudeDesktop, Linux, "/h/.config/Claude/claude_desktop_config.json"),
            (
                C::ClaudeDesktop,
                MacOs,
                "/h/Library/Application Support/Claude/claude_desktop_config.json",
            ),
            (C::ClaudeCode, Linux, "/h/.claude.json"),
            (C::Cursor, MacOs, "/h/.cursor/mcp.json"),
            (C::VsCode, Linux, "/h/.config/Code/User/mcp.json"),
            (C::VsCode, MacOs, "/h/Library/Application Support/Code/User/mcp.json"),
            (C::Codex, Linux, "/h/.codex/config.toml"),
            (C::Gemini, Linux, "/h/.gemini/settings.json"),
        ] {
            assert_eq!(of(client, system, &home).as_deref(), Some(path), "{client:?} {system:?}");
            assert_eq!(of(client, system, &[]), None, "{client:?}");
        }
        assert_eq!(of(C::Codex, Linux, &[("CODEX_HOME", "/c")]).as_deref(), Some("/c/config.toml"));
        let windows = [("APPDATA", "A"), ("USERPROFILE", "U")];
        let desktop = of(C::ClaudeDesktop, Windows, &windows).unwrap();
        assert!(desktop.starts_with('A') && desktop.ends_with("claude_desktop_config.json"));
    }
}
