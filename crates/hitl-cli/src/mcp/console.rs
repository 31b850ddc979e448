//! The reviewers' page beside a gateway, in the same process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hitl_console::{Console, Reviewer, ServeOptions, Tasks, Token, Tokens, serve_until};
use hitl_core::audit::JsonlFiles;
use hitl_core::{Principal, Tenant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::gate::OpenGate;
use super::plan::{ConsolePlan, Plan};
use crate::exit::{Exit, Failure};
use crate::serve::{SignIns, TokenList, TokenSource};

/// A page whose address is known, and which is not served yet.
pub(super) enum ConsoleSocket {
    /// This process serves it.
    Own(TcpListener, SocketAddr),
    /// Another process has the address: a second gateway, for one.
    Taken(SocketAddr),
}

impl ConsoleSocket {
    /// Takes the address. That of another process is no failure: it is likely a gateway on the same
    /// store, whose page shows this gateway's calls too.
    pub(super) async fn bind(plan: &ConsolePlan) -> Result<Self, Failure> {
        match TcpListener::bind(plan.listen).await {
            Ok(listener) => {
                let bound = listener.local_addr()?;
                Ok(Self::Own(listener, bound))
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(Self::Taken(plan.listen)),
            Err(error) => {
                let why = format!("cannot listen on {}: {error}", plan.listen);
                Err(Failure::new(Exit::Failed, why))
            }
        }
    }

    /// Returns the address of the page.
    pub(super) fn url(&self) -> String {
        let (Self::Own(_, address) | Self::Taken(address)) = self;
        format!("http://{address}")
    }

    /// Serves the page until it is stopped.
    pub(super) fn serve(
        self,
        open: &OpenGate,
        plan: &Plan,
        tenant: &Tenant,
        beside: &mut JoinSet<()>,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let (listener, address) = match self {
            Self::Own(listener, address) => (listener, address),
            Self::Taken(address) => {
                tracing::warn!(
                    "{address} belongs to another process, whose page shows the calls if it is one of this store"
                );
                return Ok(());
            }
        };
        let file = plan.console.as_ref().and_then(|console| console.tokens.clone());
        let tokens = match file {
            Some(path) => {
                let list = TokenList::open(path)?;
                beside.spawn(list.clone().keep_current());
                tracing::info!("the reviewers' page is at http://{address}; sign in with a token");
                TokenSource::File(list)
            }
            None => printed(address, &plan.principal, tenant)?,
        };
        let sign_ins = SignIns::of_tokens(tokens);
        let tasks = Tasks::journaled(Arc::clone(&open.journal));
        let mut console = Console::new(open.gate.clone(), tasks, sign_ins).skip_recovery();
        if let Some(folder) = &plan.audit {
            console = console.audit(JsonlFiles::in_folder(folder));
        }
        let router = console.router();
        beside.spawn(async move {
            let stopped = async move { stop.cancelled().await };
            if let Err(error) = serve_until(listener, router, ServeOptions::new(), stopped).await {
                tracing::error!(%error, "the reviewers' page has ended");
            }
        });
        Ok(())
    }
}

/// Makes the token of this process, and prints the link with it. Standard error goes to the log of
/// the client, which the person reads; the protocol gives the model nothing of it, but an agent
/// that can read files finds it in that log: then a file of tokens is better. The token is in the
/// fragment of the link, which no browser sends to a server.
fn printed(address: SocketAddr, principal: &str, tenant: &Tenant) -> Result<TokenSource, Failure> {
    let token = Token::generate().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let reviewer = Reviewer::new(Principal::new(principal)).of_tenant(tenant.as_str());
    eprintln!(
        "hitl: the reviewers' page is at http://{address}\nhitl: sign in: http://{address}/#token={}",
        token.reveal()
    );
    Ok(TokenSource::Printed(Tokens::new().with(reviewer, &token)))
}
