//! The program over a console's URL.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use hitl::tasks::{EventLog, StepContext, Task, TaskManager, TaskStep};
use hitl_console::{Tasks, Token, Tokens, router, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{House, Ran, hitl, program, ran};

const SECRET: &str = "ann-secret-token";

/// A house whose gate has a console.
pub(crate) struct Office {
    pub(crate) house: House,
    url: String,
    pub(crate) tokens: Tokens,
    pub(crate) manager: TaskManager,
}

impl Office {
    pub(crate) async fn new() -> Self {
        let house = House::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = EventLog::new(1000);
        let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
        let tokens = Tokens::new().with("ann", &Token::from_secret(SECRET));
        let tasks = Tasks::new(manager.clone(), log);
        tokio::spawn(serve(listener, router(house.gate.clone(), tasks, tokens.clone())));
        Self { house, url, tokens, manager }
    }

    /// Returns the program, run by the owner of this token.
    pub(crate) fn program(&self, secret: &str, arguments: &[&str]) -> std::process::Command {
        let mut command = program(&[&["--url", &self.url], arguments].concat());
        command.env("HITL_TOKEN", secret);
        command
    }

    pub(crate) fn hitl(&self, arguments: &[&str]) -> Ran {
        ran(&mut self.program(SECRET, arguments))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_lists_and_shows_what_a_store_does() {
    let office = Office::new().await;
    let house = &office.house;
    let (first, second) = (house.wire("Initech", 120).await, house.drop_project("apollo").await);
    for arguments in [
        &["queue"][..],
        &["queue", "--json"],
        &["queue", "--json", "--order", "created", "--limit", "1"],
        &["queue", "--json", "--tool", "wire", "--risk", "high", "--level", "full"],
        &["queue", "--text", "apollo", "--priority", "urgent", "--principal", "owner"],
        &["queue", "--state", "approved", "--state", "executed"],
    ] {
        let (here, there) = (office.hitl(arguments).ended(0), house.hitl(arguments).ended(0));
        // The commands that are suggested differ in where the calls are.
        let place = |err: &str, option: &str| {
            let lines = err.lines().map(|line| line.split(option).next().unwrap_or(line));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(place(&here.err, " --url"), place(&there.err, " --db"), "{arguments:?}");
        // Calls that are due soon may have come a second nearer.
        assert_eq!(here.out.lines().count(), there.out.lines().count(), "{here:?} {there:?}");
        if arguments.contains(&"--json") {
            assert_eq!(here.json(), there.json(), "{arguments:?}");
        }
    }
    let keys = |shown: &Value| {
        let mut shown = shown.clone();
        shown["rendered"] = json!(null);
        shown
    };
    let show = ["show", &first.id, "--json"];
    let (here, there) = (office.hitl(&show).ended(0).json(), house.hitl(&show).ended(0).json());
    assert_eq!(keys(&here[0]), keys(&there[0]), "field by field");
    assert_eq!(here[0]["request"]["arguments"], json!({ "to": "Initech", "amount": 120 }));
    assert!(office.hitl(&["show", &second.id]).ended(0).out.contains("--confirm apollo"));
    assert!(office.hitl(&["show", &hitl::RequestId::new().to_string()]).ended(3).out.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_takes_every_answer_in_the_tokens_name() {
    let office = Office::new().await;
    let house = &office.house;
    let call = house.wire("Initech", 120).await;
    let stale = ["approve", &call.id, "--binding", "00000000"];
    office.hitl(&stale).ended(4);
    office.hitl(&["approve", &call.id]).ended(2);
    let approve = ["approve", &call.id, "--binding", &call.binding];
    let done = office.hitl(&approve).ended(0);
    assert!(done.out.contains("decided by ann"), "{done:?}");
    call.ticket.wait().await.unwrap();
    office.hitl(&approve).ended(4);

    let reject = house.wire("Initech", 121).await;
    office.hitl(&["reject", &reject.id, "--reason", " "]).ended(5);
    let rejected = ["reject", &reject.id, "--reason", "no", "--may-ask-again", "--json"];
    let rejected = office.hitl(&rejected).ended(0).json();
    assert_eq!(rejected[0]["decided"]["mayAskAgain"], true);
    assert_eq!(rejected[0]["decided"]["words"], "no");

    let deletion = house.drop_project("apollo").await;
    let approve = ["approve", &deletion.id, "--binding", &deletion.binding];
    office.hitl(&approve).ended(5);
    office.hitl(&[&approve[..], &["--confirm", "Apollo"]].concat()).ended(5);
    assert_eq!(house.state(&deletion.id), "pending");
    office.hitl(&[&approve[..], &["--confirm", "apollo"]].concat()).ended(0);

    let respond = house.wire("Initech", 122).await;
    office.hitl(&["respond", &respond.id, "--message", "ask Bob"]).ended(0);
    assert_eq!(house.state(&respond.id), "responded");
    let abort = house.wire("Initech", 123).await;
    office.hitl(&["abort", &abort.id, "--reason", "stop"]).ended(0);
    assert_eq!(house.state(&abort.id), "cancelled");
    office.hitl(&["resolve", &abort.id, "--done", "--version", "1"]).ended(4);

    let numbers = office.hitl(&["stats", "--json"]).ended(0).json();
    assert_eq!(numbers[0]["outcomes"]["rejected"], 1);
    assert_eq!((&numbers[0]["outcomes"]["approved"], &numbers[0]["days"]), (&json!(2), &json!(90)));
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_edited_where_the_tool_is() {
    let office = Office::new().await;
    let call = office.house.wire("Initech", 9000).await;
    let edit = ["edit", &call.id, "--patch", r#"{"amount": 90}"#];
    office.house.hitl(&edit).ended(2);
    // Nobody is at a terminal, and no option says that anybody has looked.
    office.hitl(&edit).ended(2);
    office.hitl(&["edit", &call.id, "--binding", &call.binding]).ended(2);
    let bound = ["edit", &call.id, "--binding", &call.binding, "--patch"];
    office.hitl(&[&bound[..], &["{"]].concat()).ended(2);
    office.hitl(&[&bound[..], &[r#"{"amount": "much"}"#]].concat()).ended(2);
    assert_eq!(office.house.state(&call.id), "pending");
    office.hitl(&[&bound[..], &[r#"{"amount": 90}"#]].concat()).ended(0);
    let hitl::Outcome::Executed(output) = call.ticket.wait().await.unwrap() else {
        panic!("it ran")
    };
    assert_eq!(output.json(), Some(r#""wired 90 to Initech""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_at_a_console_is_followed() {
    let office = Office::new().await;
    let mut command = office.program(SECRET, &["watch", "--count", "2", "--json"]);
    let mut watch = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    // It is connected once it reports a call; until then more calls are made.
    let told = tokio::task::spawn_blocking(move || {
        let mut next =
            || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
        [next(), next()]
    });
    for amount in 0_u32.. {
        office.house.wire("Initech", amount).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if told.is_finished() {
            break;
        }
    }
    let [one, two] = told.await.unwrap();
    assert_eq!(one["changed"]["entry"]["event"], "submitted");
    let place = one["changed"]["place"].as_str().unwrap();
    assert!(watch.wait().unwrap().success());
    let rest = office.hitl(&["watch", "--after", place, "--count", "1", "--json"]).ended(0).json();
    assert_eq!(rest[0], two, "goes on where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_listed_by_the_console_that_has_them() {
    let office = Office::new().await;
    // The console begins to follow its tasks with the first request.
    assert!(office.hitl(&["tasks", "--json"]).ended(0).out.is_empty());
    let work = |cx: StepContext| async move {
        cx.progress(0.5);
        std::future::pending::<()>().await;
        Ok::<(), String>(())
    };
    let task = Task::new("Export").step(TaskStep::new("Copy", work));
    let handle = office.manager.submit(task).unwrap();
    let table = loop {
        let ran = office.hitl(&["tasks"]).ended(0);
        if ran.out.contains("50 %") {
            break ran.out;
        }
    };
    assert!(table.contains("1 of 1: Copy") && table.contains("Export"), "{table}");
    let json = office.hitl(&["tasks", "--json"]).ended(0).json();
    assert_eq!((&json[0]["taskName"], &json[0]["percent"]), (&json!("Export"), &json!(50)));
    drop(handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_a_console_knows_who_asks_by_the_token_alone() {
    let office = Office::new().await;
    let call = office.house.wire("Initech", 120).await;
    let approve = ["approve", &call.id, "--binding", &call.binding];
    for more in [&["--as", "bob"][..], &["--role", "director"], &["--audit", "."]] {
        office.hitl(&[&approve[..], more].concat()).ended(2);
    }
    let other = office.hitl(&[&approve[..], &["--tenant", "x"]].concat()).ended(5);
    assert!(other.err.contains("this tenant"), "{other:?}");
    office.hitl(&[&approve[..], &["--tenant", "x", "--tenant", "y"]].concat()).ended(2);
    let wrong = ran(&mut office.program("wrong-token", &approve)).ended(5);
    assert!(!wrong.err.contains("wrong-token"), "{wrong:?}");
    ran(&mut office.program("", &approve)).ended(2);
    ran(office.program(SECRET, &approve).env_remove("HITL_TOKEN")).ended(2);
    assert_eq!(office.house.state(&call.id), "pending");
    let file = office.house.file("token", &format!("{SECRET}\n"));
    let by_file = [&["--token-file", &file], &approve[..]].concat();
    ran(office.program("", &by_file).env_remove("HITL_TOKEN")).ended(0);
    // A revoked token has no owner.
    office.tokens.revoke("ann");
    office.hitl(&["queue"]).ended(5);
    office.hitl(&["watch", "--count", "1"]).ended(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_a_code_over_a_console_is_checked_there_and_stops_nothing_that_stops() {
    let office = Office::new().await;
    let call = office.house.wire("Initech", 120).await;
    let binding = ["--binding", &call.binding, "--code", "AAAA-AAAA-AAAA-AAAA"];
    // Nobody has enrolled: a given code is refused all the same, not ignored.
    for deed in ["approve", "allow"] {
        let refused = office.hitl(&[&[deed, &call.id], &binding[..]].concat()).ended(5);
        assert!(refused.err.contains("nothing is enrolled"), "{refused:?}");
    }
    let respond = ["respond", &call.id, "--message", "go on"];
    ran(office.program(SECRET, &respond).env("HITL_CODE", "123456")).ended(5);
    assert_eq!(office.house.state(&call.id), "pending");
    office.hitl(&[&["allow", &call.id, "--preview"], &binding[..]].concat()).ended(0);
    let reject = ["reject", &call.id, "--reason", "no"];
    ran(office.program(SECRET, &reject).env("HITL_CODE", "123456")).ended(0);
    assert_eq!(office.house.state(&call.id), "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_what_loosens_over_a_console_needs_the_code_of_the_tokens_owner() {
    let office = Office::new().await;
    let folder = office.house.path("logs");
    std::fs::create_dir_all(&folder).unwrap();
    let folder = crate::house::said(&folder);
    let enroll = ["person", "enroll", "ann", "--codes", "3", "--as", "ann", "--json"];
    let printed = office.house.hitl(&[&enroll[..], &["--audit", &folder]].concat()).ended(0);
    let printed = printed.json()[0]["codes"].clone();
    let code = printed[0].as_str().unwrap();
    let call = office.house.wire("Initech", 120).await;
    let allow = ["allow", &call.id, "--binding", &call.binding];
    let refused = office.hitl(&allow).ended(5);
    assert!(refused.err.contains("--code"), "{refused:?}");
    office.hitl(&[&allow[..], &["--code", "AAAA-AAAA-AAAA-AAAA"]].concat()).ended(5);
    assert_eq!(office.house.state(&call.id), "pending");
    // In an agent's shell a code is the person's own word; without one nothing is sent.
    let approve = ["approve", &call.id, "--binding", &call.binding];
    let mut near = office.program(SECRET, &approve);
    let refused = ran(near.env("CLAUDECODE", "1")).ended(5);
    assert!(refused.err.contains("only a person does this"), "{refused:?}");
    let with = [&allow[..], &["--code", code]].concat();
    ran(office.program(SECRET, &with).env("CLAUDECODE", "1")).ended(0);
    // A code counts once over a console, too.
    let next = office.house.wire("Globex", 5).await;
    let again = ["allow", &next.id, "--binding", &next.binding, "--code", code];
    office.hitl(&again).ended(5);
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_sent() {
    let with = |url: &str| {
        let mut command = program(&["--url", url, "queue"]);
        ran(command.env("HITL_TOKEN", SECRET))
    };
    for wrong in ["http://example.com", "ftp://127.0.0.1", "nonsense", "http://u:p@127.0.0.1"] {
        with(wrong).ended(2);
    }
    // Nobody listens at this address.
    let gone = with("http://127.0.0.1:1").ended(1);
    assert!(gone.err.contains("cannot be reached") && !gone.err.contains(SECRET), "{gone:?}");
    let both = program(&["--url", "http://127.0.0.1:1", "--db", "x.db", "queue"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
    assert!(hitl(&["queue"]).ended(2).err.contains("--url"));
}
