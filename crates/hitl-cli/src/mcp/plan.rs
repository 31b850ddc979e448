//! Checks the options of `hitl mcp` against one another. Pure.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hitl_base::redact::Redactor;
use hitl_core::dynamic::AnnotationTrust;
use hitl_mcp::gateway::{
    BearerToken, FirstUse, HttpUpstream, Sampling, ToolSettings, UpstreamCommand, UpstreamSpec,
};

use super::args::{McpOptions, SamplingOption, ServerOptions, ToolOptions};
use super::places::pins_of;
use crate::exit::Failure;

/// The longest time for which a call may be held, in seconds.
const LONGEST_HOLD: u64 = 3_600;
/// The name of the only server, which no list shows.
const ONLY: &str = "server";

/// What the surroundings say where the options are silent.
pub(super) struct Surroundings {
    pub(super) db: Option<String>,
    pub(super) data_folder: Option<PathBuf>,
    pub(super) user: Option<String>,
}

/// A gateway as it will run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) db: String,
    pub(super) policy: Option<PathBuf>,
    pub(super) audit: Option<PathBuf>,
    pub(super) principal: String,
    pub(super) four_eyes: bool,
    pub(super) run: Option<String>,
    pub(super) hold: Option<Duration>,
    pub(super) elicitation: bool,
    pub(super) pins: PathBuf,
    pub(super) first_use: FirstUse,
    pub(super) console: Option<ConsolePlan>,
    pub(super) upstreams: Vec<UpstreamSpec>,
    /// The files with tokens of servers.
    pub(super) token_files: Vec<PathBuf>,
}

/// The page beside the gateway.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConsolePlan {
    pub(super) listen: SocketAddr,
    pub(super) tokens: Option<PathBuf>,
}

/// Returns the store and the pin file.
pub(super) fn store_and_pins(
    options: &McpOptions,
    around: &Surroundings,
) -> Result<(String, PathBuf), Failure> {
    let folder = around.data_folder.clone();
    let own = || folder.as_ref().map(|folder| folder.join("mcp.db").display().to_string());
    let db = around.db.clone().or_else(|| options.db.clone()).or_else(own);
    let Some(db) = db else {
        return usage("name the store: --db FILE (the environment names no home folder)");
    };
    let pins = options.pins.clone().or_else(|| pins_of(&db, folder.clone()));
    let Some(pins) = pins else { return usage("name the file of pins: --pins FILE") };
    Ok((db, pins))
}

impl Plan {
    /// Checks the options. The error says what to add or to leave out.
    pub(super) fn new(
        options: McpOptions,
        command: Vec<String>,
        around: Surroundings,
    ) -> Result<Self, Failure> {
        let (db, pins) = store_and_pins(&options, &around)?;
        let upstreams = upstreams(&options, command)?;
        let of_servers = options.servers.values().filter_map(|it| it.bearer_token_file.clone());
        let token_files = options.bearer_token_file.iter().cloned().chain(of_servers).collect();
        let named = options.principal.filter(|name| !name.trim().is_empty()).or(around.user);
        let Some(principal) = named else {
            return usage("name the person for whom the agent acts: --principal NAME");
        };
        let hold = match options.hold {
            Some(seconds) if seconds > LONGEST_HOLD => {
                return usage("--hold: at most 3600 seconds");
            }
            seconds => seconds.map(Duration::from_secs),
        };
        let console = match (options.console, options.console_tokens) {
            (Some(listen), tokens) if listen.ip().is_loopback() => {
                Some(ConsolePlan { listen, tokens })
            }
            (Some(_), _) => {
                return usage(
                    "--console: others could reach this address; give one of this machine, like \
                     127.0.0.1:7171. For others there is `hitl console`",
                );
            }
            (None, Some(_)) => return usage("--console-tokens needs --console ADDRESS:PORT"),
            (None, None) => None,
        };
        let first_use = if options.pin_first_use { FirstUse::Pin } else { FirstUse::Ask };
        Ok(Self {
            db,
            policy: options.policy,
            audit: options.audit,
            principal,
            four_eyes: options.four_eyes,
            run: options.run,
            hold,
            elicitation: !options.no_elicitation,
            pins,
            first_use,
            console,
            upstreams,
            token_files,
        })
    }

    /// Returns the files that decide what the gateway lets through, besides those of the store, the
    /// policy and the audit.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let console = self.console.as_ref().and_then(|console| console.tokens.clone());
        let all = std::iter::once(&self.pins).chain(&self.token_files).chain(&console);
        all.cloned().collect()
    }
}

fn upstreams(options: &McpOptions, command: Vec<String>) -> Result<Vec<UpstreamSpec>, Failure> {
    let is_named = options.server_url.is_some() || !command.is_empty();
    if is_named && !options.servers.is_empty() {
        return usage(
            "the file of options names servers: leave out the command, --server-url and their options",
        );
    }
    if !is_named && options.servers.is_empty() {
        return usage(
            "name the server: `hitl mcp -- COMMAND ARGS..`, --server-url URL, or --config FILE",
        );
    }
    if !is_named && !options.tools.is_empty() {
        return usage("say of which server the tools are: [servers.NAME.tools.TOOL]");
    }
    if !is_named {
        let servers = options.servers.iter();
        return servers.map(|(name, server)| of_file(name, server, options)).collect();
    }
    let mut command = command.into_iter();
    let one = ServerOptions {
        command: command.next(),
        args: command.collect(),
        url: options.server_url.clone(),
        bearer_token_env: options.bearer_token_env.clone(),
        bearer_token_file: options.bearer_token_file.clone(),
        tools: options.tools.clone(),
        ..ServerOptions::default()
    };
    let url = || one.url.as_deref().map(|url| Redactor::standard().text(url).into_owned());
    let pinned_as = options.server_name.clone().or_else(url);
    let spec = of_file(ONLY, &one, options)?;
    let line = one.command.map(|program| UpstreamCommand::new(program, one.args).line());
    let pinned_as = pinned_as.or(line).unwrap_or_default();
    Ok(vec![spec.pinned_as(pinned_as)])
}

fn of_file(
    name: &str,
    server: &ServerOptions,
    options: &McpOptions,
) -> Result<UpstreamSpec, Failure> {
    let wrong = |why: &str| Err(Failure::usage(format!("the server `{name}`: {why}")));
    let bearer = match (&server.bearer_token_env, &server.bearer_token_file) {
        (Some(_), Some(_)) => return wrong("give the bearer token by a variable or by a file"),
        (Some(variable), None) => Some(BearerToken::Variable(variable.clone())),
        (None, Some(file)) => Some(BearerToken::File(file.clone())),
        (None, None) => None,
    };
    let spec = match (&server.command, &server.url) {
        (Some(_), Some(_)) => return wrong("give a command or a URL, not both"),
        (None, None) => return wrong("it has neither a command nor a URL"),
        (Some(_), None) if bearer.is_some() => return wrong("only a URL has a bearer token"),
        (None, Some(_)) if !server.args.is_empty() || !server.env.is_empty() => {
            return wrong("a URL has no arguments and no environment");
        }
        (Some(program), None) => {
            let mut command = UpstreamCommand::new(program, server.args.clone());
            for (variable, value) in &server.env {
                command = command.env(variable, value);
            }
            UpstreamSpec::command(name, command)
        }
        (None, Some(url)) => match HttpUpstream::new(url, bearer) {
            Ok(upstream) => UpstreamSpec::http(name, upstream),
            Err(error) => return wrong(&error.to_string()),
        },
    };
    let sampling = match server.sampling.or(options.sampling) {
        Some(SamplingOption::Forward) => Sampling::Forward,
        Some(SamplingOption::Refuse) | None => Sampling::Refuse,
    };
    let spec = spec.sampling(sampling);
    let mut spec = spec.trust(trust(server.trust_hints.unwrap_or(options.trust_hints)));
    for (pattern, tool) in &server.tools {
        match settings(tool) {
            Ok(settings) => spec = spec.tool(pattern, settings),
            Err(why) => return wrong(&format!("the tool `{pattern}`: {why}")),
        }
    }
    Ok(match server.timeout.or(options.timeout) {
        Some(0) => return wrong("its time limit is 0"),
        Some(seconds) => spec.timeout(Duration::from_secs(seconds)),
        None => spec,
    })
}

fn trust(is_trusted: bool) -> AnnotationTrust {
    if is_trusted { AnnotationTrust::Believe } else { AnnotationTrust::OnlyTighten }
}

/// Returns what the options say of a tool. The error says what is wrong with them.
fn settings(tool: &ToolOptions) -> Result<ToolSettings, &'static str> {
    if *tool == ToolOptions::default() {
        return Err(
            "nothing is said of it: give a title, labels, approval-type, risk or trust-hints",
        );
    }
    let labels = tool.labels.iter().flat_map(|labels| [&labels.approve, &labels.reject]);
    let words = tool.title.iter().chain(&tool.approval_type).chain(labels);
    if words.into_iter().any(|word| word.trim().is_empty()) {
        return Err("a title, a label or an approval type is empty");
    }
    let mut settings = ToolSettings::default();
    if let Some(title) = &tool.title {
        settings = settings.title(title);
    }
    if let Some(labels) = &tool.labels {
        settings = settings.labels(&labels.approve, &labels.reject);
    }
    if let Some(approval_type) = &tool.approval_type {
        settings = settings.approval_type(approval_type);
    }
    if let Some(risk) = tool.risk {
        settings = settings.risk(risk);
    }
    if let Some(is_trusted) = tool.trust_hints {
        settings = settings.trust(trust(is_trusted));
    }
    Ok(settings)
}

fn usage<T>(why: &str) -> Result<T, Failure> {
    Err(Failure::usage(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Surroundings {
        Surroundings {
            db: None,
            data_folder: Some(PathBuf::from("/data/hitl")),
            user: Some("ann".to_owned()),
        }
    }

    fn plan(options: &str, command: &[&str]) -> Result<Plan, String> {
        let options = McpOptions::parse(options).unwrap();
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        Plan::new(options, command, around()).map_err(|failure| failure.message)
    }

    #[test]
    fn a_command_alone_is_enough() {
        let plan = plan("", &["npx", "-y", "server files"]).unwrap();
        assert_eq!(plan.db, "/data/hitl/mcp.db");
        assert_eq!(plan.pins, PathBuf::from("/data/hitl/mcp.db.mcp-pins.json"));
        assert_eq!((plan.principal.as_str(), plan.four_eyes), ("ann", false));
        assert_eq!((plan.first_use, plan.console), (FirstUse::Ask, None));
        let shown = format!("{:?}", plan.upstreams);
        assert!(
            shown.contains("npx -y 'server files'") && shown.contains("OnlyTighten"),
            "{shown}"
        );
    }

    #[test]
    fn invariant_8_the_name_in_the_pin_file_holds_no_secret() {
        let none: &[&str] = &[];
        for (options, command) in [
            ("", &["server", "--api-key", "s3cr3t-v4lue"][..]),
            ("server-url = 'https://a.example/mcp?api_key=s3cr3t-v4lue'", none),
        ] {
            let plan = plan(options, command).unwrap();
            let name = plan.upstreams[0].pin_name();
            assert!(!name.is_empty() && !name.contains("s3cr3t"), "{name}");
            assert!(!format!("{plan:?}").contains("s3cr3t"), "{plan:?}");
        }
    }

    #[test]
    fn invariant_8_files_with_tokens_are_among_the_protected_ones() {
        let plan = plan(
            "console = '127.0.0.1:7171'\nconsole-tokens = '/t/console'\npins = '/t/pins'\n\
             [servers.a]\nurl = 'https://a'\nbearer-token-file = '/t/a'",
            &[],
        )
        .unwrap();
        assert_eq!(plan.files(), ["/t/pins", "/t/a", "/t/console"].map(PathBuf::from));
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_what_to_do() {
        let npx: &[&str] = &["npx"];
        let none: &[&str] = &[];
        for (options, command, says) in [
            ("", none, "hitl mcp -- COMMAND"),
            ("server-url = 'https://a.example'", npx, "a command or a URL"),
            ("[servers.a]\ncommand = 'x'", npx, "leave out the command"),
            ("[servers.a]", none, "neither a command nor a URL"),
            ("[servers.a]\nurl = 'https://a'\nargs = ['x']", none, "no arguments"),
            ("[servers.a]\ncommand = 'x'\nbearer-token-env = 'X'", none, "only a URL"),
            ("bearer-token-env = 'X'\nbearer-token-file = 'x'", npx, "by a variable or by a file"),
            ("server-url = 'http://a.example'\nbearer-token-env = 'X'", none, "https://"),
            ("console = '0.0.0.0:7171'", npx, "127.0.0.1:7171"),
            ("console-tokens = 'x'", npx, "--console ADDRESS"),
            ("hold = 3601", npx, "3600"),
            ("timeout = 0", npx, "time limit"),
            ("[tools.x]\nrisk = 'low'\n[servers.a]\ncommand = 'x'", none, "[servers.NAME.tools"),
            ("[tools.x]", npx, "the tool `x`: nothing is said"),
            ("[servers.a]\ncommand = 'x'\n[servers.a.tools.y]\ntitle = ' '", none, "`y`: a title"),
            ("[tools.x]\nlabels = { approve = 'x', reject = '' }", npx, "is empty"),
        ] {
            let why = plan(options, command).expect_err(options);
            assert!(why.contains(says), "{options}: {why}");
        }
        let options = McpOptions::parse("").unwrap();
        let nothing = Surroundings { db: None, data_folder: None, user: None };
        let why = Plan::new(options, vec!["x".to_owned()], nothing).unwrap_err();
        assert!(why.message.contains("--db FILE"));
    }

    #[test]
    fn invariant_5_sampling_is_refused_unless_a_server_is_allowed_it() {
        let servers =
            "[servers.a]\ncommand = 'x'\nsampling = 'forward'\n[servers.b]\ncommand = 'y'";
        let plan = plan(servers, &[]).unwrap();
        let shown: Vec<_> = plan.upstreams.iter().map(|it| format!("{it:?}")).collect();
        assert!(shown[0].contains("sampling: Forward"), "{shown:?}");
        assert!(shown[1].contains("sampling: Refuse"), "{shown:?}");
    }

    #[test]
    fn tools_of_a_file_have_their_settings() {
        let tool = "title = 'Write {path}'\nlabels = { approve = 'Write', reject = 'Keep' }\n\
                    approval-type = 'file.write'\nrisk = 'high'\ntrust-hints = false";
        let servers = format!("[servers.a]\ncommand = 'x'\n[servers.a.tools.\"write_*\"]\n{tool}");
        let only = format!("[tools.\"write_*\"]\n{tool}");
        for plan in [plan(&servers, &[]), plan(&only, &["npx"])] {
            let shown = format!("{:?}", plan.unwrap().upstreams);
            for part in
                ["write_*", "Write {path}", "Keep", "file.write", "High", "Some(OnlyTighten)"]
            {
                assert!(shown.contains(part), "{part}: {shown}");
            }
        }
    }

    #[test]
    fn servers_of_a_file_have_their_own_trust() {
        let plan = plan(
            "trust-hints = true\n[servers.a]\ncommand = 'x'\n[servers.b]\nurl = 'https://b'\ntrust-hints = false",
            &[],
        )
        .unwrap();
        let shown: Vec<_> = plan.upstreams.iter().map(|it| format!("{it:?}")).collect();
        assert!(shown[0].contains("Believe") && shown[1].contains("OnlyTighten"), "{shown:?}");
    }
}
