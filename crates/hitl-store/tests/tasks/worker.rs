//! The worker: this test binary started again, with its folder and its stopping place in
//! environment variables.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hitl_tasks::{TaskErrorKind, TaskManager};

use crate::place::journal;
use crate::tasks::{add, fails, lines, output, task};

pub(crate) const FOLDER: &str = "HITL_TASKS_FOLDER";
pub(crate) const SCHEMA: &str = "HITL_TASKS_SCHEMA";
pub(crate) const STOP: &str = "HITL_TASKS_STOP";
/// Set for a worker that runs task 0 and reports how it ended.
pub(crate) const ONE_TASK: &str = "HITL_TASKS_ONE";
/// Set for a worker whose tasks are of another version.
pub(crate) const CHANGED: &str = "HITL_TASKS_CHANGED";
/// Set for a worker that retries task 2, or submits it if it has not failed, and reports how it
/// ended.
pub(crate) const RETRY: &str = "HITL_TASKS_RETRY";
/// The prefix that tells our lines from those of the test harness.
pub(crate) const MARK: &str = "@@ ";
/// The number of tasks that run at once.
const LANES: usize = 3;

static STOP_AT: OnceLock<(String, u64)> = OnceLock::new();
static VISITS: AtomicU64 = AtomicU64::new(0);

/// Reports that this place is reached. A process that is to stop here reports it, and waits for a
/// line.
pub(crate) fn reach(place: &'static str) {
    let Some((_, visits)) = STOP_AT.get().filter(|(name, _)| name == place) else { return };
    if VISITS.fetch_add(1, Ordering::SeqCst) == *visits {
        say(&format!("at {place}"));
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).is_ok_and(|length| length == 0) {
            // The process that started this one is gone.
            std::process::exit(0);
        }
    }
}

/// Sends a line to the process that will kill this one.
pub(crate) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    // The listening process may be gone; then nothing matters any more.
    let _gone = writeln!(out, "{MARK}{what}").and_then(|()| out.flush());
}

/// Works, if the environment asks for it.
pub(crate) fn run_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    if let Ok(stop) = std::env::var(STOP) {
        let (place, visits) = stop.split_once(' ').unwrap();
        STOP_AT.set((place.to_owned(), visits.parse().unwrap())).unwrap();
        hitl_store::on_failpoint(reach);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(PathBuf::from(folder)));
}

async fn work(folder: PathBuf) {
    let schema = std::env::var(SCHEMA).ok();
    let journal = journal(&folder, schema.as_deref()).await;
    let journal: std::sync::Arc<dyn hitl_tasks::Journal> = journal.into();
    let manager = TaskManager::builder().journal(journal).build().unwrap();
    say("ready");
    let version = if std::env::var_os(CHANGED).is_some() { 2 } else { 1 };
    let (one, retry) = (std::env::var_os(ONE_TASK), std::env::var_os(RETRY));
    if one.is_some() || retry.is_some() {
        let again = match retry {
            Some(_) => manager.retry(task(&folder, 2, version)).unwrap().wait().await,
            None => manager.submit(task(&folder, 0, version)).unwrap().wait().await,
        };
        let ended = match again {
            Err(error) if error.kind() == TaskErrorKind::NotFailed => {
                manager.submit(task(&folder, 2, version)).unwrap().wait().await
            }
            ended => ended,
        };
        match ended {
            Ok(_) => say("task completed"),
            Err(error) => say(&format!("task {:?}", error.kind())),
        }
        return;
    }
    // Also the last task that ended: it returns the same end again, and nothing of it runs.
    let ended = lines(&folder, "ended");
    let ended: Vec<u64> = ended.iter().map(|line| line.parse().unwrap()).collect();
    let mut lanes = tokio::task::JoinSet::new();
    for (lane, of_lane) in (0..LANES).zip(0_u64..) {
        let mine = |number: &u64| usize::try_from(*number).unwrap() % LANES == lane;
        let last = ended.iter().copied().filter(mine).max();
        let (manager, folder) = (manager.clone(), folder.clone());
        lanes.spawn(async move {
            for number in (last.unwrap_or(of_lane)..).step_by(LANES) {
                let handle = manager.submit(task(&folder, number, 1)).unwrap();
                match handle.wait().await {
                    Ok(made) => assert_eq!((made, fails(number)), (output(number), false)),
                    Err(error) => {
                        assert_eq!(error.kind(), TaskErrorKind::Failed, "{error}");
                        assert!(fails(number) && error.failed_step() == Some(4), "{error}");
                    }
                }
                add(&folder, "ended", &number.to_string());
            }
        });
    }
    lanes.join_all().await;
}
