//! Commits that fail: before they happened, after they happened, and permanently.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_base::Clock as _;
use hitl_base::clock::{ForwardClock, SystemClock};
use hitl_core::grant::{GrantRecord, GrantUse};
use hitl_core::machine::{CallRecord, CallState, Event};
use hitl_core::store::suite::fixture::{claim, grant};
use hitl_core::store::suite::{Draft, host, sealed, tenant};
use hitl_core::store::{ApplyError, ApplyRequest, StoreErrorKind, SubmitResult};
use hitl_core::{ClaimToken, DecisionId, SessionId};
use tokio::sync::oneshot;

use super::super::apply::Apply;
use super::super::custom_write::CustomWrite;
use super::super::grants;
use super::super::multi_call::ApplyAll;
use super::super::schema::{STEPS, beside, migrate};
use super::super::session::Sessions;
use super::super::submit::Submit;
use super::*;
use crate::record_cache::RecordCache;

/// A writer whose commits fail as the test asks.
struct Bench {
    writer: Writer,
    record_cache: RecordCache<i64>,
    path: Arc<Path>,
    _folder: tempfile::TempDir,
}

/// The behaviour of a bad commit.
#[derive(Clone, Copy)]
enum Bad {
    /// The commit fails, and nothing is written.
    Before,
    /// The commit happens, and reports a failure.
    After,
    /// The commit reports that the disk is full.
    Full,
}

fn failure(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
}

/// Opens a connection that waits for others.
fn patient(path: &Path) -> Result<Connection, Fault> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    Ok(connection)
}

/// Starts a writer of which `count` commits, after the first `good` ones, are bad.
fn bench(good: usize, count: usize, bad: Bad) -> Bench {
    let (thread, path, folder) = thread(good, count, bad);
    let writer = Writer::start(thread).unwrap();
    Bench { writer, record_cache: RecordCache::default(), path, _folder: folder }
}

/// Builds the thread of such a writer, before it is started.
fn thread(good: usize, count: usize, bad: Bad) -> (WriterThread, Arc<Path>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path: Arc<Path> = folder.path().join("hitl.db").into();
    let mut connection = patient(&path).unwrap();
    migrate(&mut connection, STEPS, &path).unwrap();
    let head = HeadFile::open(&beside(&path, ".head"), &connection).unwrap();
    let commits = AtomicUsize::new(0);
    let commit: Commit = Box::new(move |connection| {
        let number = commits.fetch_add(1, Ordering::Relaxed);
        if number < good || number >= good + count {
            return connection.execute_batch("COMMIT");
        }
        match bad {
            Bad::Before => Err(failure(rusqlite::ffi::SQLITE_IOERR)),
            Bad::Full => Err(failure(rusqlite::ffi::SQLITE_FULL)),
            Bad::After => {
                connection.execute_batch("COMMIT")?;
                Err(failure(rusqlite::ffi::SQLITE_IOERR))
            }
        }
    });
    let again = Arc::clone(&path);
    let sessions = Sessions::in_folder(folder.path().join("sessions")).unwrap();
    let thread = WriterThread {
        connection: Some(connection),
        connect: Box::new(move || patient(&again)),
        context: WriteContext {
            clock: Arc::new(ForwardClock::new(Arc::new(SystemClock), None)),
            sessions,
        },
        hub: ChangeNotifier::default(),
        acks: AckThread::start(ChangeNotifier::default(), Arc::clone(&path)),
        own: LocalChanges::default(),
        head: (1, head),
        path: Arc::clone(&path),
        commit,
    };
    (thread, path, folder)
}

impl Bench {
    async fn submit(&self, draft: &Draft) -> Result<SubmitResult, StoreError> {
        let (operation, answer) = Submit::new(draft.call(), sealed(b"x"), SystemClock.now());
        self.writer.send(operation).await?;
        let (submitted, new) = answer.await.unwrap()?;
        if let (SubmitResult::Created(record), Some(n)) = (&submitted, new) {
            self.record_cache.put(record, n);
        }
        Ok(submitted)
    }

    async fn apply(&self, draft: &Draft, event: Event) -> Result<CallRecord, ApplyError> {
        let applied = ApplyRequest::new(draft.id(), event);
        let (operation, answer) =
            Apply::new(&tenant(), applied, &self.record_cache, SystemClock.now());
        self.writer.send(operation).await?;
        Ok(*answer.await.unwrap()?.record)
    }

    async fn apply_all(&self, events: Vec<ApplyRequest>) -> Result<Vec<CallRecord>, ApplyError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(ApplyAll { tenant: tenant(), events, answer: None, reply }).await?;
        answer.await.unwrap()
    }

    async fn save(&self) -> GrantRecord {
        let draft = grant(Some(9), Some(100));
        let (work, answer) =
            CustomWrite::new(move |on, context| grants::save(on, &draft, context.clock.now()?));
        self.writer.send(work).await.unwrap();
        answer.await.unwrap().unwrap()
    }

    /// Returns the number of draws on the grant, and its version.
    fn drawn(&self, id: hitl_core::GrantId) -> (u64, u64) {
        let connection = Connection::open(&self.path).unwrap();
        let kept = grants::get(&connection, &tenant(), id).unwrap().unwrap();
        (kept.used, kept.version)
    }

    fn count(&self, table: &str) -> i64 {
        let connection = Connection::open(&self.path).unwrap();
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test]
async fn invariant_10_a_commit_that_failed_half_way_is_settled_by_the_next() {
    for bad in [Bad::Before, Bad::After] {
        let bench = bench(0, 1, bad);
        let draft = Draft::new("run", 1);
        let answer = bench.submit(&draft).await.unwrap();
        assert!(matches!(answer, SubmitResult::Created(record) if record.id() == draft.id()));
        assert_eq!((bench.count("calls"), bench.count("history")), (1, 1), "exactly once");
    }
}

#[tokio::test]
async fn an_event_without_a_token_is_not_lost_to_itself() {
    for bad in [Bad::Before, Bad::After] {
        let bench = bench(1, 1, bad);
        let draft = Draft::new("run", 1);
        bench.submit(&draft).await.unwrap();
        let record = bench.apply(&draft, host("enough")).await.unwrap();
        assert_eq!((record.state(), record.version()), (CallState::Cancelled, 2));
        assert_eq!(bench.count("history"), 2, "exactly once");
    }
}

#[tokio::test]
async fn what_a_lost_commit_has_drawn_is_drawn_once() {
    for bad in [Bad::Before, Bad::After] {
        // Each of the writes is lost in turn.
        for good in 0..7 {
            let bench = bench(good, 1, bad);
            let (saved, session) = (bench.save().await, SessionId::new());
            let drawn = GrantUse::new(saved.id(), 10.into());
            let token = ClaimToken::new();
            let admitted = Draft::new("run", 1).admitted(token, session).granted(drawn);
            let answer = bench.submit(&admitted).await.unwrap();
            assert!(matches!(answer, SubmitResult::Created(_)), "{answer:?}");
            assert_eq!(bench.drawn(saved.id()), (1, 2));
            let draft = Draft::new("run", 2);
            let SubmitResult::Created(record) = bench.submit(&draft).await.unwrap() else {
                panic!("the key is new")
            };
            let (decision, binding) = (DecisionId::new(), record.request().binding);
            let allow = Event::ApproveByGrant { decision, binding, drawn, by: "alice".into() };
            let allowed = bench.apply(&draft, allow).await.unwrap();
            assert_eq!(bench.drawn(saved.id()), (1, 2), "nothing is drawn before the claim");
            // A repetition of the first event would be refused.
            let events = vec![
                ApplyRequest::new(admitted.id(), Event::Release { token }),
                ApplyRequest::new(allowed.id(), claim(&allowed, token, session)),
            ];
            let both = bench.apply_all(events).await.unwrap();
            let states = both.iter().map(hitl_core::CallRecord::state).collect::<Vec<_>>();
            assert_eq!(states, [CallState::Approved, CallState::Claimed]);
            assert_eq!(bench.drawn(saved.id()), (1, 4), "one was given back, and one drawn");
            let released = bench.apply(&draft, Event::Release { token }).await.unwrap();
            assert_eq!(bench.drawn(saved.id()), (0, 5));
            bench.apply(&draft, claim(&released, token, session)).await.unwrap();
            assert_eq!(bench.drawn(saved.id()), (1, 6));
            assert_eq!(bench.count("history"), 7, "each change has its line, and no other has");
        }
    }
}

#[tokio::test]
async fn invariant_5_what_cannot_be_settled_is_ambiguous() {
    for bad in [Bad::Before, Bad::After] {
        let bench = bench(0, 2, bad);
        let draft = Draft::new("run", 1);
        let error = bench.submit(&draft).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Ambiguous);
        assert!(error.to_string().contains("read again"), "{error}");
        // The caller reads again, by repeating the submission.
        let answer = bench.submit(&draft).await.unwrap();
        assert!(matches!(answer, SubmitResult::Created(record) if record.id() == draft.id()));
        assert_eq!((bench.count("calls"), bench.count("history")), (1, 1));
    }
}

#[tokio::test]
async fn a_full_disk_at_the_commit_writes_nothing_and_says_so() {
    let bench = bench(0, 1, Bad::Full);
    let draft = Draft::new("run", 1);
    assert_eq!(bench.submit(&draft).await.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(bench.count("calls"), 0);
    assert!(matches!(bench.submit(&draft).await.unwrap(), SubmitResult::Created(_)));
}

#[tokio::test]
async fn each_of_a_group_is_settled_when_the_groups_commit_fails() {
    for bad in [Bad::Before, Bad::After, Bad::Full] {
        let bench = Arc::new(bench(1, 1, bad));
        // Holds the file, so that a group gathers behind the first operation.
        let blocker = Connection::open(&bench.path).unwrap();
        bench.submit(&Draft::new("first", 0)).await.unwrap();
        blocker.busy_timeout(Duration::from_secs(30)).unwrap();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|position| {
                let bench = Arc::clone(&bench);
                tokio::spawn(async move { bench.submit(&Draft::new("run", position)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        blocker.execute_batch("ROLLBACK").unwrap();
        let mut written = 1;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => written += 1,
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Full),
            }
        }
        assert_eq!(bench.count("calls"), written, "what was acknowledged, and nothing else");
        assert!(written >= 20, "one bad commit costs one operation at most");
    }
}

fn waiting(operation: impl Operation + 'static) -> QueuedOperation {
    let turn = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    QueuedOperation::new(operation, turn)
}

/// An operation that takes no time at first, and more than a group has when it is repeated.
struct Lingers(bool);

impl Operation for Lingers {
    fn is_abandoned(&self) -> bool {
        false
    }

    fn perform(
        &mut self,
        _: &Connection,
        _: &WriteContext,
        _: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        let end = Instant::now() + GROUP_TIME;
        while self.0 && Instant::now() < end {
            std::thread::yield_now();
        }
        self.0 = true;
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {}

    fn fail(self: Box<Self>, error: StoreError) {
        panic!("it never fails: {error}");
    }
}

#[test]
fn invariant_10_what_the_second_attempt_had_no_time_for_is_not_acknowledged() {
    for bad in [Bad::Before, Bad::After] {
        let (mut thread, path, _folder) = thread(0, 1, bad);
        let mut group = VecDeque::from([waiting(Lingers(false))]);
        let mut answers = Vec::new();
        for position in 0..3 {
            let call = Draft::new("run", position).call();
            let (submit, answer) = Submit::new(call, sealed(b"x"), SystemClock.now());
            group.push_back(waiting(submit));
            answers.push(answer);
        }
        let count = || -> i64 {
            let connection = Connection::open(&path).unwrap();
            connection.query_row("SELECT count(*) FROM calls", [], |row| row.get(0)).unwrap()
        };
        loop {
            group = thread.commit_group(group, None);
            while thread.acks.pending().ack_next() {}
            let answered = answers.iter_mut().filter_map(|answer| answer.try_recv().ok());
            let acknowledged = answered.flatten().count();
            if group.is_empty() {
                assert_eq!((acknowledged, count()), (3, 3));
                break;
            }
            assert_eq!(acknowledged, 0, "nothing is known of it yet");
        }
    }
}

/// An operation that writes something, and then fails, every time.
struct Spoilt {
    reply: oneshot::Sender<StoreError>,
}

impl Operation for Spoilt {
    fn is_abandoned(&self) -> bool {
        false
    }

    fn perform(
        &mut self,
        on: &Connection,
        _: &WriteContext,
        _: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        on.execute("INSERT INTO meta VALUES ('spoilt', 'half')", [])?;
        Err(Fault::Damaged("a test's row"))
    }

    fn acknowledge(self: Box<Self>) {
        panic!("it never succeeds");
    }

    fn fail(self: Box<Self>, error: StoreError) {
        self.reply.send(error).unwrap();
    }
}

#[tokio::test]
async fn an_operation_that_fails_half_way_leaves_nothing_and_hurts_nobody() {
    let bench = Arc::new(bench(0, 0, Bad::Full));
    let blocker = Connection::open(&bench.path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let submit = |position| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.submit(&Draft::new("run", position)).await })
    };
    let before: Vec<_> = (0..10).map(submit).collect();
    tokio::task::yield_now().await;
    let (reply, failed) = oneshot::channel();
    bench.writer.send(Spoilt { reply }).await.unwrap();
    let after: Vec<_> = (10..20).map(submit).collect();
    tokio::task::yield_now().await;
    blocker.execute_batch("ROLLBACK").unwrap();
    assert_eq!(failed.await.unwrap().kind(), StoreErrorKind::Corrupt);
    for task in before.into_iter().chain(after) {
        assert!(matches!(task.await.unwrap().unwrap(), SubmitResult::Created(_)));
    }
    assert_eq!((bench.count("calls"), bench.count("history")), (20, 20), "each exactly once");
    let spoilt = "SELECT count(*) FROM meta WHERE name = 'spoilt'";
    let left: i64 = blocker.query_row(spoilt, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    // The same, in a group of its own.
    let (reply, failed) = oneshot::channel();
    bench.writer.send(Spoilt { reply }).await.unwrap();
    assert_eq!(failed.await.unwrap().kind(), StoreErrorKind::Corrupt);
    assert!(matches!(
        bench.submit(&Draft::new("run", 20)).await.unwrap(),
        SubmitResult::Created(_)
    ));
    let left: i64 = blocker.query_row(spoilt, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_operation_that_nobody_waits_for_does_not_begin() {
    let bench = bench(0, 0, Bad::Full);
    let blocker = Connection::open(&bench.path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (draft, gone) = (Draft::new("run", 1), Draft::new("run", 2));
    let submit = |draft: &Draft| Submit::new(draft.call(), sealed(b"x"), SystemClock.now());
    let (first, answer) = submit(&draft);
    bench.writer.send(first).await.unwrap();
    let (second, abandoned) = submit(&gone);
    drop(abandoned);
    bench.writer.send(second).await.unwrap();
    blocker.execute_batch("ROLLBACK").unwrap();
    answer.await.unwrap().unwrap();
    bench.submit(&Draft::new("run", 3)).await.unwrap();
    assert_eq!(bench.count("calls"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_10_whoever_is_told_finds_it_committed_however_many_are_told_at_once() {
    let bench = Arc::new(bench(0, 0, Bad::Full));
    // Each caller comes back at once, so that some come while a transaction is open.
    let callers = (0..40).map(|caller| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            let look = Connection::open(&bench.path).unwrap();
            for call in 0..10 {
                let draft = Draft::new("run", caller * 10 + call);
                bench.submit(&draft).await.unwrap();
                let sql = "SELECT count(*) FROM calls WHERE id = ?1";
                let found: i64 =
                    look.query_row(sql, [draft.id().to_string()], |row| row.get(0)).unwrap();
                assert_eq!(found, 1);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!((bench.count("calls"), bench.count("history")), (400, 400));
}

#[tokio::test]
async fn everybody_is_told_before_the_writer_is_gone() {
    let bench = bench(0, 0, Bad::Full);
    let blocker = Connection::open(&bench.path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut answers = Vec::new();
    for position in 0..100 {
        let call = Draft::new("run", position).call();
        let (submit, answer) = Submit::new(call, sealed(b"x"), SystemClock.now());
        bench.writer.send(submit).await.unwrap();
        answers.push(answer);
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    drop(bench.writer);
    for mut answer in answers {
        assert!(matches!(answer.try_recv(), Ok(Ok((SubmitResult::Created(_), Some(_))))));
    }
}
