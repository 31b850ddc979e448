//! The program over a PostgreSQL database.

use std::io::Write as _;

use hitl::prelude::*;
use hitl::seal::HostKey;
use hitl_store::PostgresStore;

use crate::house::{DropProject, Ran, Wire, drop_project, hitl, said, wire};

/// A schema of its own, with the key file of its host.
struct Database {
    url: String,
    schema: String,
    folder: tempfile::TempDir,
}

impl Database {
    /// Returns `None` without a database, which is reported; fails if a database is required.
    fn new() -> Option<Self> {
        let Ok(url) = std::env::var(hitl_test_postgres::URL) else {
            assert!(!hitl_test_postgres::is_required(), "there is no database: `cargo xtask test`");
            let text = "\nSKIPPED: the command line on PostgreSQL, for want of a database\n\n";
            let _ = std::io::stderr().write_all(text.as_bytes());
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "07".repeat(32) + "\n").unwrap();
        let schema = format!("t_{}", hitl::RequestId::new().to_string().replace('-', ""));
        Some(Self { url, schema, folder })
    }

    async fn store(&self) -> PostgresStore {
        let key = HostKey::from_bytes([7; 32]);
        let options = PostgresStore::options(&self.url).key(key).schema(&self.schema);
        options.open().await.unwrap()
    }

    fn hitl(&self, arguments: &[&str]) -> Ran {
        let key = said(&self.folder.path().join("key"));
        let place = ["--db", &self.url, "--schema", &self.schema, "--key-file", &key];
        hitl(&[&place[..], arguments].concat())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machines_calls_are_listed_decided_and_run_there() {
    let Some(database) = Database::new() else { return };
    let gate = Gate::builder().store(database.store().await);
    let gate = gate.tool::<Wire>().tool::<DropProject>().build().await.unwrap();
    let submit = gate.submit(wire("Initech", 120_u32)).by("ann").await.unwrap();
    let Submission::Pending(ticket) = submit else { panic!("it waits") };
    let Submission::Pending(_other) = gate.submit(drop_project("apollo")).by("ann").await.unwrap()
    else {
        panic!("it waits")
    };
    let id = ticket.request().id.to_string();
    let listed = database.hitl(&["queue", "--json"]).ended(0).json();
    assert_eq!(listed.len(), 2);
    let shown = database.hitl(&["show", &id, "--json"]).ended(0).json();
    let binding = shown[0]["binding"].as_str().unwrap().to_owned();
    database.hitl(&["approve", &id, "--binding", "00000000"]).ended(4);
    database.hitl(&["approve", &id, "--binding", &binding, "--as", "bob"]).ended(0);
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some(r#""wired 120 to Initech""#));
    let seen = database.hitl(&["watch", "--after", "0", "--count", "2", "--json"]).ended(0).json();
    assert_eq!(seen[0]["changed"]["entry"]["event"], "submitted");
    let numbers = database.hitl(&["stats", "--json"]).ended(0).json();
    assert_eq!(numbers[0]["outcomes"]["approved"], 1);
    assert_eq!(numbers[0]["states"]["pending"]["counted"], 1);
    // A grant, its use elsewhere, and its end.
    let Submission::Pending(ticket) = gate.submit(wire("Globex", 5_u32)).by("ann").await.unwrap()
    else {
        panic!("it waits")
    };
    let (id, binding) = (ticket.request().id.to_string(), ticket.request().binding.to_string());
    let terms = ["--durable", "--same", "to", "--uses", "2", "--as", "bob", "--json"];
    let allow = [&["allow", &id, "--binding", &binding][..], &terms].concat();
    let given = database.hitl(&allow).ended(0).json();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    let next = gate.submit(wire("Globex", 6_u32)).by("ann").await.unwrap();
    assert!(matches!(next, Submission::Done { .. }));
    let listed = database.hitl(&["grants", "--all", "--json"]).ended(0).json();
    assert_eq!((&listed[0]["used"], &listed[0]["standing"]), (&2.into(), &"used".into()));
    let grant = given[0]["grant"]["id"].as_str().unwrap();
    database.hitl(&["revoke", grant, "--reason", "done with it", "--as", "bob"]).ended(0);
    assert!(database.hitl(&["grants", grant]).ended(0).out.contains("done with it"));
    // Another key opens nothing that it could decide.
    let wrong = said(&database.folder.path().join("wrong"));
    std::fs::write(&wrong, "08".repeat(32)).unwrap();
    let place = ["--db", &database.url, "--schema", &database.schema, "--key-file", &wrong];
    hitl(&[&place[..], &["queue"]].concat()).ended(1);
    hitl(&["--db", &database.url, "--schema", &database.schema, "queue"]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_checked_and_the_guarantees_are_tried_in_a_scratch_schema() {
    let Some(database) = Database::new() else { return };
    // Nothing is created by looking.
    database.hitl(&["doctor", "--json"]).ended(6);
    let store = database.store().await;
    let gate = Gate::builder().store(store.clone()).tool::<Wire>().build().await.unwrap();
    let submit = gate.submit(wire("Initech", 120_u32)).by("ann").await.unwrap();
    assert!(matches!(submit, Submission::Pending(_)));
    gate.flush_audit().await.unwrap();
    let before = hitl::Store::last_history_seq(&store).await.unwrap();
    let doctor = database.hitl(&["doctor", "--json"]).ended(0);
    let text = doctor.out.clone();
    for part in
        ["schema 15, as hitl", "1 alive, 1 tools", "1 wait for a decision", "nothing is owed"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let verify = database.hitl(&["verify", "--json"]).ended(0);
    let report = verify.json();
    assert_eq!((&report[0]["failed"], &report[0]["passed"]), (&0.into(), &14.into()), "{verify:?}");
    assert_eq!(hitl::Store::last_history_seq(&store).await.unwrap(), before);
    let name = report[0]["store"].as_str().unwrap().split(' ').find(|w| w.starts_with("hitl_"));
    let scratch = hitl_store::ScratchSchema::attach(&database.url, name.unwrap()).unwrap();
    assert!(scratch.rows().await.unwrap().is_empty(), "it is dropped");
}
