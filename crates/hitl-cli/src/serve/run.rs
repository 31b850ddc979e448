//! Starts and stops the console.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use hitl_console::{
    Console, Reviewer, ServeOptions as Limits, Tasks, Tls, Token, Tokens, serve_until,
};
use hitl_core::audit::JsonlFiles;
use hitl_core::{Principal, RuleFile};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::args::{ServeArgs, ServeCommand, ServeOptions, TokenArgs};
use super::oidc::{self, SignInDesk};
use super::peers::only_from;
use super::plan::{Entry, Plan, PolicyPlan};
use super::sign_ins::{SignIns, TokenSource};
use super::tokens::{TokenList, make};
use crate::args::BackendArgs;
use crate::backend::StoreBackend;
use crate::commands::accept::acceptance_file;
use crate::commands::{Output, system_user};
use crate::exit::{Exit, Failure};
use crate::person::{CodeDesk, CodeSource, Deed, refuse_agent, require_person};

/// The message without a store, or with a console's address instead.
const NO_STORE: &str = "name the store: --db FILE, or --db postgres://..";

/// Runs `hitl console`, or makes a token.
pub(crate) async fn run(
    backend: &BackendArgs,
    arguments: ServeArgs,
    output: &Output,
) -> Result<(), Failure> {
    let ServeArgs { command, config, options } = arguments;
    match command {
        Some(ServeCommand::Token(wanted)) => token(backend, wanted, output).await,
        None => {
            let file = config.as_deref().map(ServeOptions::read).transpose()?;
            let plan = Plan::new(options.or(file.unwrap_or_default()))?;
            serve(backend, plan, output).await
        }
    }
}

/// Makes a token. Who has it decides calls, so a person makes it.
async fn token(backend: &BackendArgs, wanted: TokenArgs, output: &Output) -> Result<(), Failure> {
    let TokenArgs { name, role, tokens, code } = wanted;
    let tenant = tenant_of(backend)?;
    let who = Principal::new(system_user().unwrap_or_else(|| name.clone()));
    let code = code.as_deref();
    match &backend.db {
        Some(db) => {
            let store = StoreBackend::open(db, backend, None).await?;
            let desk = CodeDesk::new(&store);
            require_person(Deed::Loosen, &who, code, CodeSource::Desk(&desk)).await?;
        }
        None => drop(require_person(Deed::Loosen, &who, code, CodeSource::Unnamed).await?),
    }
    let made = make(&tokens, &name, role, tenant)?;
    Ok(output.print(&made, || made.text())?)
}

/// Serves until it is interrupted.
async fn serve(backend: &BackendArgs, plan: Plan, output: &Output) -> Result<(), Failure> {
    log_to_stderr();
    // In the shell of an agent a console would let the agent decide.
    refuse_agent()?;
    let (Some(db), None) = (&backend.db, &backend.url) else {
        return Err(Failure::usage(NO_STORE));
    };
    if !plan.is_for_one() && !backend.tenant.is_empty() {
        return Err(Failure::usage(
            "--tenant is for the token that is printed: in a file of tokens each one has its tenant, and of \
             a provider it follows from groups (--oidc-tenants)",
        ));
    }
    let rules = match &plan.policy {
        Some(PolicyPlan { file, role, seal }) => {
            let kept = acceptance_file(backend, file, *seal)?;
            Some((RuleFile::options(file).acceptance(kept).open(), role.clone()))
        }
        None => None,
    };
    let policy = rules.as_ref().map(|(rules, _)| rules.clone());
    let store = StoreBackend::open_under(db, backend, plan.audit.as_deref(), policy).await?;
    // Who reads the token that is printed decides.
    let user = Principal::new(system_user().unwrap_or_else(|| "reviewer".to_owned()));
    if plan.is_for_one() {
        let desk = CodeDesk::new(&store);
        require_person(Deed::Answer, &user, None, CodeSource::Desk(&desk)).await?;
    }
    let mut beside = JoinSet::new();
    let (tokens, printed) = tokens(backend, &plan, &user, &mut beside)?;
    let desk = plan.oidc.as_ref().map(SignInDesk::open).transpose()?.map(Arc::new);
    let (gate, journal) = (store.gate.clone(), store.journal());
    let mut console =
        Console::new(gate, Tasks::journaled(journal), SignIns::new(tokens, desk.clone()))
            .skip_recovery();
    if let Some(desk) = desk {
        console = console.sign_in_routes(oidc::routes(desk));
    }
    if let Some(url) = &plan.public_url {
        console = console.host(url.host());
    }
    if let Some(folder) = &plan.audit {
        console = console.audit(JsonlFiles::in_folder(folder));
    }
    if let Some((rules, role)) = rules {
        console = console.policy(rules, role);
    }
    let mut limits = Limits::new();
    let router = match &plan.entry {
        Entry::Loopback => console.router(),
        Entry::Tls { certificate, key } => {
            let tls = Tls::from_files(certificate, key)
                .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
            limits = limits.tls(tls);
            console.router()
        }
        Entry::Proxy(proxies) => {
            for proxy in proxies {
                console = console.trusted_proxy(*proxy);
                limits = limits.trusted_proxy(*proxy);
            }
            only_from(console.router(), proxies.clone())
        }
    };
    // Before the address is printed: a signal that comes from then on ends it in order.
    let stop = stopped()?;
    let listener = TcpListener::bind(plan.listen).await.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot listen on {}: {error}", plan.listen))
    })?;
    let bound = listener.local_addr()?;
    output.print(&Served::new(&plan, bound, printed.as_ref()), || {
        greeting(&plan, bound, printed.as_ref())
    })?;
    serve_until(listener, router, limits, stop).await?;
    // What it decided is in the audit before it ends.
    store.gate.flush_audit().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Returns the tokens that are believed, and the one to print.
fn tokens(
    backend: &BackendArgs,
    plan: &Plan,
    user: &Principal,
    beside: &mut JoinSet<()>,
) -> Result<(TokenSource, Option<Token>), Failure> {
    if let Some(path) = &plan.tokens {
        let list = TokenList::open(path.clone())?;
        beside.spawn(list.clone().keep_current());
        return Ok((TokenSource::File(list), None));
    }
    if !plan.is_for_one() {
        return Ok((TokenSource::None, None));
    }
    let token = Token::generate().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let mut reviewer = Reviewer::new(user.clone());
    if let Some(tenant) = tenant_of(backend)? {
        reviewer = reviewer.of_tenant(tenant.as_str());
    }
    let tokens = Tokens::new().with(reviewer, &token);
    Ok((TokenSource::Printed(tokens), Some(token)))
}

/// Returns the tenant of `--tenant`. A token is of one.
fn tenant_of(backend: &BackendArgs) -> Result<Option<String>, Failure> {
    match backend.tenant.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(Failure::usage(
            "a token is of one tenant: give --tenant once, and make a token for each",
        )),
    }
}

/// What is served, as JSON.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    listen: SocketAddr,
    url: String,
    /// The token of the only person who can sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Served {
    fn new(plan: &Plan, bound: SocketAddr, printed: Option<&Token>) -> Self {
        let token = printed.map(|token| token.reveal().to_owned());
        Self { listen: bound, url: plan.address(bound), token }
    }
}

/// Returns what is printed for people. The token is in the fragment of the link, which no browser
/// sends to a server.
fn greeting(plan: &Plan, bound: SocketAddr, printed: Option<&Token>) -> String {
    let url = plan.address(bound);
    let how = match (printed, &plan.oidc, &plan.tokens) {
        (Some(token), _, _) => {
            let token = token.reveal();
            format!(
                "Sign in: {url}/#token={token}\nor with the token {token}\nIt ends with this program."
            )
        }
        (None, Some(_), Some(_)) => {
            "Sign in with the identity provider; programs send a token.".to_owned()
        }
        (None, Some(_), None) => "Sign in with the identity provider.".to_owned(),
        (None, None, _) => "Sign in with a token (`hitl console token NAME` makes one).".to_owned(),
    };
    format!("The reviewers' page is at {url}\n{how}\nIt runs nothing. Ctrl-C ends it.\n")
}

/// Logs what goes wrong to standard error.
fn log_to_stderr() {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .finish();
    // It is set once; a second one would change nothing.
    let _set = tracing::subscriber::set_global_default(subscriber);
}

/// Returns a future that is ready when the program is to end. Signals count from now on.
#[cfg(unix)]
pub(crate) fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut end) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(poll_fn(move |cx| {
        let stops = interrupt.poll_recv(cx).is_ready() || end.poll_recv(cx).is_ready();
        if stops { Poll::Ready(()) } else { Poll::Pending }
    }))
}

#[cfg(not(unix))]
pub(crate) fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(poll_fn(move |cx| match interrupt.poll_recv(cx) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending => Poll::Pending,
    }))
}
