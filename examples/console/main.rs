//! The reviewers' web console, over an airline's agent that proposes real calls.
//!
//! `cargo run --example console`, open the address, sign in with the token that it prints.
//!
//! | file | what happens there |
//! |---|---|
//! | `args` | the command line |
//! | `proposals` | an agent works: recorded calls, and a few that show the other cards |
//! | `../shared/office` | what the airline's office asks for: a contract, a clean-up |
//! | `background` | long work, for the task cards |
//!
//! The airline and its tools are those of the quickstart.

#[path = "../quickstart/airline/mod.rs"]
mod airline;
mod args;
mod background;
#[path = "../quickstart/data.rs"]
mod data;
#[path = "../shared/office.rs"]
mod office;
#[path = "../quickstart/previews.rs"]
mod previews;
mod proposals;
#[path = "../quickstart/tools.rs"]
mod tools;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hitl::prelude::*;
use hitl::store::SqliteAudit;
use hitl::tasks::EventLog;
use hitl_console::{Console, Tasks, Token, Tokens, serve};
use tokio::net::TcpListener;

use crate::airline::Airline;
use crate::args::{Command, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = match args::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Serve(options)) => options,
        Err(why) => {
            eprintln!("console: {why}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    match Box::pin(run(options)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("console: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = options.db.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    }
    let airline = Airline::new(Duration::from_millis(300), |_| {});
    // The console reads it back, so that each call is shown with its audit.
    let audit = Arc::new(SqliteAudit::open(options.db.with_extension("audit.db"))?);
    let gate = office::register(tools::register(Gate::builder()))
        .audit(Arc::clone(&audit))
        .state(airline)
        .store(SqliteStore::open(&options.db).await?)
        // The console shows what waits.
        .on_notice(|_| {})
        .build()
        .await?;
    let log = EventLog::new(10_000);
    let manager = TaskManager::builder().emitter(log.clone()).build()?;

    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    let address = listener.local_addr()?;
    let tokens = Tokens::new();
    for (name, secret) in &options.tokens {
        tokens.insert(name.as_str(), &Token::from_secret(secret));
    }
    println!("hitl console: http://{address}/");
    if options.tokens.is_empty() {
        let token = Token::generate()?;
        println!("sign in with:  {}", token.reveal());
        tokens.insert("reviewer", &token);
    }
    println!("queue:         {}", options.db.display());
    if !address.ip().is_loopback() {
        eprintln!("this address is not loopback: put TLS in front of it, and name it with --host");
    }
    let mut console =
        Console::new(gate.clone(), Tasks::new(manager.clone(), log), tokens).audit(audit);
    for host in options.hosts {
        console = console.host(host);
    }

    // Each of these runs until Ctrl-C; pending calls are kept in the file.
    tokio::select! {
        served = serve(listener, console.router()) => served?,
        () = gate.serve() => {}
        () = proposals::keep_proposing(&gate) => {}
        () = background::keep_working(&manager) => {}
        _ = tokio::signal::ctrl_c() => println!("\nstopped; what waits is kept"),
    }
    Ok(())
}
