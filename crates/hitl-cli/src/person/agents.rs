//! The signs of a coding agent: the names of its processes, and the marks that it leaves in the
//! environment of the processes it starts. Pure.
//!
//! Lists like these are never complete. A process that is not in them counts as no agent, which is
//! why looking at processes is the weaker check; see `docs/who-decides.md`.

use super::surroundings::Process;

/// Programs that are an agent, or whose terminal is shared with one: an editor whose agent runs
/// commands in the same terminal as the person does.
const NAMES: &[&str] = &[
    "aider",
    "amazon-q",
    "amp",
    "antigravity",
    "auggie",
    "claude",
    "claude-code",
    "claude-desktop",
    "cline",
    "code",
    "code-insiders",
    "codebuff",
    "codex",
    "codium",
    "copilot",
    "copilot-agent",
    "crush",
    "cursor",
    "cursor-agent",
    "devin",
    "droid",
    "gemini",
    "gemini-cli",
    "goose",
    "goosed",
    "gptme",
    "iflow",
    "interpreter",
    "kilo",
    "kilocode",
    "kimi",
    "kiro",
    "kiro-cli",
    "mini-swe-agent",
    "nanocoder",
    "open-interpreter",
    "opencode",
    "openhands",
    "plandex",
    "qchat",
    "qwen",
    "qwen-code",
    "roo",
    "roo-code",
    "swe-agent",
    "sweagent",
    "trae",
    "vibe",
    "vscodium",
    "windsurf",
    "zed",
    "zed-editor",
];

/// Parts of paths that belong to an agent, regardless of its file's name: releases are often
/// started from a folder named after a version.
const PATHS: &[&str] = &[
    "/@anthropic-ai/",
    "/@augmentcode/",
    "/@github/copilot",
    "/@google/gemini-cli",
    "/@openai/codex",
    "/@qwen-code/",
    "/@sourcegraph/amp",
    "/.aider/",
    "/.cursor-server/",
    "/.vscode-server/",
    "/.windsurf-server/",
    "/claude-code/",
    "/claude/versions/",
    "/claude.app/",
    "/codex-cli/",
    "/cursor-agent/",
    "/cursor.app/",
    "/opencode-ai/",
    "/visual studio code.app/",
    "/windsurf.app/",
];

/// Programs that run the program that their arguments name.
const INTERPRETERS: &[&str] = &[
    "bun",
    "bunx",
    "busybox",
    "deno",
    "dotnet",
    "electron",
    "guile",
    "java",
    "julia",
    "lua",
    "luajit",
    "mono",
    "node",
    "nodejs",
    "npm",
    "npx",
    "osascript",
    "perl",
    "php",
    "pip",
    "pipx",
    "pnpm",
    "pwsh",
    "pypy",
    "python",
    "rscript",
    "ruby",
    "tclsh",
    "tsx",
    "uv",
    "uvx",
    "yarn",
];

/// Prefixes of the names of loaders and emulators, which run the program that their arguments name.
const LOADERS: &[&str] = &["ld-linux", "ld-musl", "ld.so", "ld64.so", "qemu-", "wine"];

/// Programs whose first argument is the script that they run.
const SHELLS: &[&str] = &["bash", "dash", "fish", "ksh", "sh", "zsh"];

/// The file extensions that a name may have.
const ENDINGS: &[&str] =
    &[".appimage", ".bin", ".cjs", ".cmd", ".exe", ".js", ".mjs", ".py", ".sh", ".ts"];

/// The maximum number of an interpreter's arguments that are examined.
const MAX_ARGUMENTS: usize = 16;

/// Variables that agents set for the processes they start, and people do not set for themselves.
const MARKS: &[&str] = &[
    "AGENT",
    "AI_AGENT",
    "AIDER_SESSION",
    "AMP_THREAD_ID",
    "ANTIGRAVITY_AGENT",
    "AUGMENT_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_REMOTE",
    "CLAUDE_CODE_SESSION_ID",
    "CLINE_ACTIVE",
    "CODEX_CI",
    "CODEX_MANAGED_BY_NPM",
    "CODEX_THREAD_ID",
    "COPILOT_AGENT",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "CURSOR_CLI",
    "CURSOR_SESSION_ID",
    "CURSOR_TRACE_ID",
    "GEMINI_CLI",
    "GOOSE_TERMINAL",
    "KIRO_AGENT",
    "OPENCODE",
    "OPENCODE_CLIENT",
    "QWEN_CODE",
    "ROO_ACTIVE",
    "WINDSURF_AGENT",
];

/// Prefixes of the names of some of them.
const MARK_PREFIXES: &[&str] = &["CODEX_SANDBOX", "GEMINI_CLI_", "OPENCODE_RUN"];

/// Returns the name of the agent, if the process is one.
pub(super) fn agent(process: &Process) -> Option<&'static str> {
    let program = process.arguments.first().map(String::as_str);
    let names = [Some(process.name.as_str()), process.path.as_deref(), program];
    let own = names.into_iter().flatten().find_map(known);
    // A file that is only mentioned may have the name of an agent as well, so here names do not
    // count.
    let own = own.or_else(|| process.command.as_deref().and_then(|line| placed(&plain(line))));
    own.or_else(|| {
        let is_one_of = |programs| names.into_iter().flatten().any(|name| is(name, programs));
        let runs_others = is_one_of(INTERPRETERS) || names.into_iter().flatten().any(is_loader);
        let arguments = if runs_others { MAX_ARGUMENTS } else { usize::from(is_one_of(SHELLS)) };
        process.arguments.iter().skip(1).take(arguments).find_map(|argument| known(argument))
    })
}

/// Returns the mark of an agent among the names of variables.
pub(super) fn mark<'v>(names: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    let is_mark = |name: &&str| {
        MARKS.contains(name) || MARK_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    names.into_iter().find(is_mark)
}

/// Returns the agent whose program this text names: by its file's name, or by its path.
fn known(text: &str) -> Option<&'static str> {
    let text = plain(text);
    let name = base(&text);
    let named = NAMES.iter().find(|known| **known == name).copied();
    // The system truncates the name of a process to 15 characters.
    let cut = || NAMES.iter().find(|known| known.len() > 15 && known[..15] == *name).copied();
    named.or_else(cut).or_else(|| placed(&text))
}

/// Returns the agent whose path this plain path contains.
fn placed(text: &str) -> Option<&'static str> {
    let rooted = format!("/{text}");
    PATHS.iter().find(|part| rooted.contains(**part)).map(|part| part.trim_matches('/'))
}

/// Normalizes a path for the comparisons here.
fn plain(text: &str) -> String {
    text.to_ascii_lowercase().replace('\\', "/")
}

fn is(text: &str, programs: &[&str]) -> bool {
    let text = plain(text);
    // As in `python3.12` and `node22`.
    let name = base(&text).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    programs.contains(&name)
}

fn is_loader(text: &str) -> bool {
    let text = plain(text);
    let name = text.rsplit('/').next().unwrap_or_default();
    LOADERS.iter().any(|loader| name.starts_with(loader))
}

/// Returns a file's name without its extension, or a package's name without its version.
fn base(path: &str) -> &str {
    let name = path.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    // A login shell has a dash before its name.
    let name = name.trim_start_matches('-');
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, path: &str, arguments: &[&str]) -> Process {
        Process {
            name: name.to_owned(),
            path: Some(path.to_owned()).filter(|path| !path.is_empty()),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            ..Process::default()
        }
    }

    #[test]
    fn invariant_7_an_agent_is_known_by_its_name_its_place_or_its_script() {
        let agents: [(&str, &str, &[&str]); 21] = [
            ("claude", "", &[]),
            ("2.1.4", "/home/ann/.local/share/claude/versions/2.1.4", &["2.1.4"]),
            ("node", "/usr/bin/node", &["node", "/usr/local/bin/claude"]),
            ("node", "/usr/bin/node22", &["node", "--no-warnings", "/opt/n/bin/gemini.js"]),
            ("MainThread", "/usr/bin/node", &["node", "/x/node_modules/@openai/codex/bin/run.js"]),
            ("codex", "/usr/bin/bash", &["codex"]),
            ("bash", "/usr/bin/bash", &["claude", "-c", "hitl approve"]),
            ("sh", "/usr/bin/dash", &["sh", "./codex.sh", "x"]),
            ("python3", "/usr/bin/python3.12", &["python3", "-m", "aider"]),
            ("uv", "/usr/bin/uv", &["uv", "run", "goose"]),
            ("npx", "", &["npx", "-y", "@google/gemini-cli@latest"]),
            ("opencode", "/home/ann/.opencode/bin/opencode", &["opencode"]),
            ("Cursor", "/opt/Cursor/cursor", &["/opt/Cursor/cursor"]),
            ("cursor.AppImage", "", &[]),
            ("open-interpret", "", &["/usr/bin/open-interpreter"]),
            ("Code Helper", "/Applications/Visual Studio Code.app/Contents/x", &[]),
            ("ld-linux-x86-64", "/usr/lib64/ld-linux-x86-64.so.2", &["/lib64/x", "./claude"]),
            ("ld-musl-aarch64", "/lib/ld-musl-aarch64.so.1", &["ld", "--argv0", "x", "/b/codex"]),
            ("perl", "/usr/bin/perl5.38.2", &["perl", "-w", "/opt/bin/aider"]),
            ("busybox", "/bin/busybox", &["busybox", "sh", "./gemini.sh"]),
            ("codex.exe", "C:\\tools\\codex.exe", &[]),
        ];
        for (name, path, arguments) in agents {
            let process = process(name, path, arguments);
            assert!(agent(&process).is_some(), "{process:?}");
        }
    }

    #[test]
    fn what_only_speaks_of_an_agent_is_none() {
        let others: [(&str, &str, &[&str]); 11] = [
            ("bash", "/usr/bin/bash", &["-bash"]),
            ("bash", "/home/claude/bin/bash", &["bash", "/home/codex/run.sh"]),
            ("tmux: server", "/usr/bin/tmux", &["tmux", "new", "-s", "claude"]),
            ("sh", "/usr/bin/dash", &["sh", "-c", "claude"]),
            ("vim", "/usr/bin/vim", &["vim", "claude"]),
            ("node", "/usr/bin/node", &["node", "/srv/claude/server.js"]),
            ("sshd", "/usr/sbin/sshd", &["sshd: ann@pts/0"]),
            ("gnome-terminal-", "/usr/libexec/gnome-terminal-server", &[]),
            ("cargo", "/home/ann/.cargo/bin/cargo", &["cargo", "test", "codex"]),
            ("codesign", "/usr/bin/codesign", &[]),
            ("", "", &[]),
        ];
        for (name, path, arguments) in others {
            let process = process(name, path, arguments);
            assert_eq!(agent(&process), None, "{process:?}");
        }
    }

    #[test]
    fn a_command_line_in_one_text_names_its_program_first_and_its_place_anywhere() {
        for agents in [
            "claude --resume",
            "/usr/local/bin/codex",
            "node /opt/homebrew/bin/gemini.js",
            "/bin/sh ./codex.sh x",
            "/Applications/Visual Studio Code.app/Contents/MacOS/Electron --type=x",
            "/Applications/Cursor.app/Contents/MacOS/Cursor",
            "/Users/ann/my files/@anthropic-ai/claude",
        ] {
            assert!(agent(&Process::of_command(agents)).is_some(), "{agents}");
        }
        for others in [
            "vim /Users/ann/claude",
            "vim notes/codex.sh",
            "-zsh",
            "tmux new -s claude",
            "sh -c cat /tmp/claude",
            "/Users/claude/bin/bash -l",
            "",
        ] {
            assert_eq!(agent(&Process::of_command(others)), None, "{others}");
        }
    }

    #[test]
    fn invariant_7_an_agent_is_known_by_its_marks_and_a_person_keeps_their_settings() {
        for name in [
            "CLAUDECODE",
            "CLAUDE_CODE_ENTRYPOINT",
            "CODEX_SANDBOX",
            "CODEX_SANDBOX_NETWORK_DISABLED",
            "CURSOR_AGENT",
            "CURSOR_TRACE_ID",
            "GEMINI_CLI",
            "GEMINI_CLI_NO_RELAUNCH",
            "AGENT",
        ] {
            assert_eq!(mark(["PATH", name]), Some(name));
        }
        let settings = [
            "CODEX_HOME",
            "CLAUDE_CONFIG_DIR",
            "GEMINI_API_KEY",
            "CURSOR_API_KEY",
            "EDITOR",
            "AIDER_MODEL",
            "SSH_AGENT_PID",
            "USER_AGENT",
            "TERM",
        ];
        assert_eq!(mark(settings), None);
    }
}
