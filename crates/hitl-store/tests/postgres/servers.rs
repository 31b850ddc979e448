//! Other connections to a server: over TLS, through a pooler, by a socket.

use std::process::Child;
use std::time::{Duration, Instant};

use hitl_core::ClaimToken;
use hitl_core::grant::GrantUse;
use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, Subject, claimed, fixture, start_clock};
use hitl_core::store::{PageRequest, StoreErrorKind};
use hitl_store::PostgresStore;
use hitl_test_postgres::{Server, find_pooler};

use crate::support::{options, schema, url_or_skip};

/// Runs some calls between two replicas.
async fn live(one: PostgresStore, two: PostgresStore) {
    let (one, two) = (Subject::new(one, start_clock()), Subject::new(two, start_clock()));
    for position in 0..10 {
        let (record, token, _) = claimed(&one, &Draft::new("run", position)).await;
        let mut watch = two.store.watch(record.id());
        one.apply(record.id(), Event::Succeed { token }).await;
        two.soon("the wake-up", async {
            while two.state(record.id()).await != CallState::Executed {
                watch.changed().await;
            }
        })
        .await;
    }
    // An operation that takes several statements in one transaction.
    let grant = one.store.save_grant(fixture::grant(Some(1), None)).await.unwrap();
    let session = one.store.open_session().await.unwrap();
    let drawn = GrantUse::new(grant.id(), 1.into());
    one.create(&Draft::new("run", 10).admitted(ClaimToken::new(), session).granted(drawn)).await;
    let tenant = hitl_core::Tenant::default();
    let stands = two.store.grant(&tenant, grant.id()).await.unwrap().unwrap();
    assert_eq!(stands.used, 1);
    let revoked = two.store.revoke_grant(&tenant, grant.id(), &"bob".into(), None).await.unwrap();
    assert_eq!(revoked.unwrap().version, 3);
    assert_eq!(two.store.history(0, 100).await.unwrap().entries.len(), 41);
    let page = two.store.list(&hitl_core::Tenant::default(), PageRequest::all()).await.unwrap();
    assert_eq!(page.len(), 11);
}

#[tokio::test]
async fn a_server_is_reached_by_its_socket() {
    let _url = url_or_skip!();
    let (server, schema) = (Server::start("").unwrap(), schema());
    let open = || options(&server.socket_url(), &schema).open();
    live(open().await.unwrap(), open().await.unwrap()).await;
}

#[tokio::test]
async fn tls_is_used_and_the_certificate_is_checked() {
    let _url = url_or_skip!();
    let (server, schema) = (Server::start("").unwrap(), schema());
    let certificate = server.use_tls().unwrap();
    let url = format!("{}?sslmode=require", server.url());
    let open = || options(&url, &schema).root_certificate(certificate.clone()).open();
    live(open().await.unwrap(), open().await.unwrap()).await;
    let server_says = crate::support::plain(&format!("{}?sslmode=disable", server.url())).await;
    let store = open().await.unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) \
               WHERE a.application_name LIKE 'hitl%' AND NOT s.ssl";
    assert_eq!(server_says.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
    drop(store);
    // A client that does not trust the certificate does not talk to the server, required or not.
    for url in [&url, &server.url()] {
        let unknown =
            options(url, &schema).operation_timeout(Duration::from_millis(100)).open().await;
        let error = unknown.map(drop).expect_err("nobody vouches for it");
        assert_eq!(error.kind(), StoreErrorKind::Other, "{error}");
        assert!(error.to_string().contains("root_certificate"), "{error}");
    }
    let garbage = options(&url, &schema).root_certificate("no PEM").open().await;
    let error = garbage.map(drop).expect_err("it is none");
    assert!(error.to_string().contains("root certificate"), "{error}");
}

/// A pooler in front of a server, which gives each transaction to another connection.
struct Pooler(Child);

impl Drop for Pooler {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Starts pgbouncer; returns `None` if it is not installed and not required.
async fn pooler(server: &Server) -> Option<(Pooler, String)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = server.folder().join("pgbouncer.ini");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
         default_pool_size = 3\nignore_startup_parameters = extra_float_digits\n",
        server.port()
    );
    // Its user database belongs to this server alone: every client is `hitl`.
    std::fs::write(&config, text.replace("port=", "user=hitl port=")).unwrap();
    let Some(program) = find_pooler() else {
        let text = "\nSKIPPED: the test behind pgbouncer, which is not installed\n\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        return None;
    };
    let pooler = Pooler(server.command(program).arg("-q").arg(&config).spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(Instant::now() < deadline, "pgbouncer does not start");
        tokio::task::yield_now().await;
    }
    Some((pooler, format!("postgres://hitl@127.0.0.1:{port}/postgres")))
}

#[tokio::test]
async fn it_works_behind_pgbouncer_in_transaction_mode() {
    let _url = url_or_skip!();
    let (server, schema) = (Server::start("").unwrap(), schema());
    let Some((_pooler, url)) = pooler(&server).await else { return };
    let open = || {
        let options = options(&url, &schema).listen_url(server.url()).unnamed_statements();
        options.poll_interval(Duration::from_secs(3600)).open()
    };
    live(open().await.unwrap(), open().await.unwrap()).await;
}
