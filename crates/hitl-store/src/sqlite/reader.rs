//! The threads that read, each with a connection of its own, beside the one that writes.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use hitl_base::sync::lock;
use hitl_core::StoreError;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::error::{Fault, stopped};

/// The most reads that wait or run; further callers wait for their turn.
const MAX_QUEUED: usize = 1024;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The pool of reader threads. Dropping it ends each thread after its current read.
pub(super) struct Readers {
    jobs: Option<Sender<Job>>,
    turns: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
    path: Arc<Path>,
}

impl Readers {
    /// Starts one thread for each connection.
    pub(super) fn start(connections: Vec<Connection>, path: Arc<Path>) -> std::io::Result<Self> {
        let (sender, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut readers = Self {
            jobs: Some(sender),
            turns: Arc::new(Semaphore::new(MAX_QUEUED)),
            threads: Vec::new(),
            path,
        };
        for connection in connections {
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new().name("hitl-read".to_owned());
            readers.threads.push(thread.spawn(move || work(&jobs, &connection))?);
        }
        Ok(readers)
    }

    /// Runs a read. Dropping the future cancels the read if it has not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = |()| stopped(&self.path);
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| gone(()))?;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !reply.is_closed() {
                // The caller may have gone.
                let _ = reply.send(read(connection));
            }
            drop(turn);
        });
        let jobs = self.jobs.as_ref().ok_or_else(|| gone(()))?;
        jobs.send(job).map_err(|_| gone(()))?;
        answer.await.map_err(|_| gone(()))?.map_err(|fault| fault.at(&self.path))
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, connection: &Connection) {
    loop {
        // The lock is held while waiting: one thread waits for the next job, the others for the
        // lock.
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        job(connection);
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readers({})", self.threads.len())
    }
}
