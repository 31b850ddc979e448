//! Runs one task: the thin asynchronous part around the pure ones.
//!
//! One future per task, and nothing else to keep alive. It may be dropped at any point (a runtime
//! that shuts down does); [`Run`] then ends the task.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use hitl_base::Timestamp;
use tokio::sync::Notify;

use crate::attempting::{Lane, run_step};
use crate::book::{Book, Opened};
use crate::few::Few;
use crate::group::Group;
use crate::journal::output::OutputError;
use crate::leftover::{Leftover, conclude};
use crate::pace::Pace;
use crate::record::{End, Record, Stopper};
use crate::scheduler::Slot;
use crate::step::Unit;
use crate::sync::{AtomicBool, Ordering};
use crate::{TaskError, Undone};

/// A task that has a slot, or waits for one to come back with.
pub(crate) struct Run {
    record: Arc<Record>,
    units: Few<Unit>,
    pace: Pace,
    /// How it will end once it is undone.
    decided: Option<Box<End>>,
    concluded: bool,
}

/// Drives a task to its end.
#[expect(clippy::manual_async_fn, reason = "an async fn keeps its argument twice")]
pub(crate) fn drive(mut run: Run) -> impl Future<Output = ()> + Send {
    async move {
        // Otherwise it was cancelled before it started; dropping it tidies up.
        let Some(at) = run.record.begin() else { return };
        run.pace.begin();
        if run.record.info().is_journaled() {
            // Boxed: what is rare should not make every task larger.
            Box::pin(run.journaled(at)).await;
            return;
        }
        let (end, at) = match run.steps(None, at).await {
            Ok(at) => (End::Completed, at),
            Err(end) => (end, run.record.now()),
        };
        if matches!(end, End::Completed) || !run.undoes(None) {
            run.conclude(end, at);
        } else {
            let end = run.decide(end);
            let (end, undone) = Box::pin(run.undo(end, None)).await;
            run.conclude_undone(end, undone);
        }
    }
}

impl Run {
    pub(crate) fn new(
        record: Arc<Record>,
        units: Few<Unit>,
        timeout: Option<Duration>,
        slot: Slot,
    ) -> Self {
        let pace = Pace::new(timeout, slot);
        Self { record, units, pace, decided: None, concluded: false }
    }

    /// Runs the units in order, until the time given back.
    async fn steps(&self, book: Option<&Book>, mut at: Timestamp) -> Result<Timestamp, End> {
        let never = AtomicBool::new(false);
        let mut index = 0;
        for unit in &self.units {
            match unit {
                Unit::Step(node) if book.is_none_or(|book| !book.is_done(index)) => {
                    let poke = self.record.pokes();
                    let lane = Lane::new(&self.record, &self.pace, book, poke, &never);
                    run_step(&lane, index, &**node, at).await?;
                    at = self.record.step_done(index);
                }
                Unit::Step(_) => {}
                Unit::Group(group) => {
                    at = Box::pin(self.group(group, index, book, at)).await?;
                }
            }
            index += unit.nodes().len();
            if index < self.record.info().steps().len() {
                // Steps that never wait must not keep the thread from everybody else.
                tokio::task::consume_budget().await;
            }
        }
        Ok(at)
    }

    /// Runs the members of a group at the same time. The first failure stops the others, and all
    /// are gone when this returns.
    async fn group(
        &self,
        group: &Group,
        first: usize,
        book: Option<&Book>,
        at: Timestamp,
    ) -> Result<Timestamp, End> {
        user_code(&group.split)?;
        let cut = AtomicBool::new(false);
        let pokes: Vec<_> = group.members.iter().map(|_| Notify::new()).collect();
        let (record, pace) = (&self.record, &self.pace);
        let mut running: FuturesUnordered<_> = group
            .members
            .iter()
            .zip(&pokes)
            .enumerate()
            .map(|(member, (node, poke))| (first + member, node, poke))
            .filter(|(index, ..)| book.is_none_or(|book| !book.is_done(*index)))
            .map(|(index, node, poke)| {
                let lane = Lane::new(record, pace, book, poke, &cut);
                async move {
                    let ran = run_step(&lane, index, &**node, at).await;
                    (index, lane.on.load(Ordering::Acquire), ran)
                }
            })
            .collect();
        pace.enter(running.len());
        let mut left = running.len();
        let mut end = None;
        while left > 0 {
            let done = tokio::select! {
                biased;
                done = running.next() => done,
                () = record.pokes().notified() => {
                    pokes.iter().for_each(Notify::notify_one);
                    continue;
                }
            };
            let Some((index, on, ran)) = done else { break };
            left -= 1;
            match ran {
                Ok(()) => {
                    record.step_done(index);
                }
                Err(error) if end.is_none() => {
                    end = Some(error);
                    cut.store(true, Ordering::Release);
                    pokes.iter().for_each(Notify::notify_one);
                }
                Err(_) => record.step_cut(index),
            }
            // Without the others there is nothing to give the slot back for.
            if on && left > 0 {
                pace.leave(record, index, true);
            }
        }
        if let Some(end) = end {
            return Err(end);
        }
        pace.enter(1);
        user_code(&group.join)?;
        Ok(record.now())
    }

    /// The same, from where the journal says that it stands.
    async fn journaled(&mut self, at: Timestamp) {
        let nodes: Vec<_> = self.units.iter().flat_map(Unit::nodes).map(|node| &**node).collect();
        let (end, book) = match Book::open(&self.record, &nodes).await {
            Err(end) => (end, None),
            Ok(Opened::Ended(end)) => (self.restore_last(end), None),
            Ok(Opened::Living(book)) => {
                let end = match self.resumed(&book, at).await {
                    Ok(_) => End::Completed,
                    Err(end) => end,
                };
                (end, Some(book))
            }
        };
        let Some(book) = book else {
            self.conclude(end, self.record.now());
            return;
        };
        // Its host goes away, or has lost it: somebody goes on with it later.
        let left = matches!(end, End::Left(_)) || self.record.is_suspended();
        if left {
            self.conclude(end, self.record.now());
            return;
        }
        let (end, undone) = if !matches!(end, End::Completed) && self.undoes(Some(&book)) {
            let end = self.decide(end);
            self.undo(end, Some(&book)).await
        } else {
            (end, Vec::new())
        };
        let left = matches!(end, End::Left(_));
        let end = self.record.settle(end);
        let end = if left || self.record.is_suspended() {
            end
        } else {
            book.ended(&self.record, end).await
        };
        self.conclude_undone(end, undone);
    }

    /// Goes on with what was recorded, or with the undoing that had begun.
    async fn resumed(&self, book: &Book, at: Timestamp) -> Result<Timestamp, End> {
        let mut index = 0;
        for unit in &self.units {
            for node in unit.nodes() {
                if let Some(output) = book.output(index) {
                    let read = || {
                        node.read_output(output)?;
                        node.keep();
                        Ok(())
                    };
                    restored(self.step_name(index), read)?;
                    self.record.step_restored(index);
                }
                index += 1;
            }
        }
        match book.ending() {
            Some(end) => Err(end),
            None => self.steps(Some(book), at).await,
        }
    }

    /// The output of a task that had completed.
    fn restore_last(&self, ended: crate::book::Ended) -> End {
        if let Some(unit) = self.units.last()
            && matches!(ended.end, End::Earlier(crate::TaskState::Completed, _))
        {
            let first: usize = self.units.iter().map(|unit| unit.nodes().len()).sum::<usize>()
                - unit.nodes().len();
            for (member, node) in unit.nodes().iter().enumerate() {
                let read = || {
                    let output = ended.outputs.get(&(first + member));
                    node.read_output(output.ok_or("is missing")?)
                };
                if let Err(end) = restored(self.step_name(first + member), read) {
                    return end;
                }
            }
            if let Unit::Group(group) = unit
                && let Err(end) = user_code(&group.join)
            {
                return end;
            }
        }
        for index in 0..self.record.info().steps().len() {
            if ended.outputs.contains_key(&index) {
                self.record.step_restored(index);
            }
        }
        ended.end
    }

    fn step_name(&self, index: usize) -> &str {
        self.record.info().steps().get(index).map_or("", crate::StepInfo::name)
    }

    /// From here on it ends like that, whatever happens.
    fn decide(&mut self, end: End) -> End {
        let end = self.record.begin_undo(end);
        self.decided = Some(Box::new(end.clone()));
        end
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    pub(crate) fn units(&self) -> &[Unit] {
        &self.units
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    fn conclude_undone(&mut self, end: End, undone: Vec<Undone>) {
        self.record.finish_undone(end.clone(), undone);
        self.conclude(end, self.record.now());
    }

    fn conclude(&mut self, end: End, at: Timestamp) {
        self.concluded = true;
        let units = std::mem::take(&mut self.units);
        conclude(&self.record, units, self.pace.take_slot(), end, at);
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.concluded {
            return;
        }
        let end = if std::thread::panicking() {
            End::Failed(TaskError::broken("the task's driver panicked"))
        } else {
            // Either it never began, and has an end already; or its runtime went away.
            self.record.stop(Stopper::Host, Some("the runtime was shut down"));
            self.decided.take().map_or(End::Cancelled, |end| *end)
        };
        let leftover = Leftover {
            record: Arc::clone(&self.record),
            units: std::mem::take(&mut self.units),
            slot: self.pace.take_slot(),
            end,
        };
        // A body that blocks a thread goes on without us. Then it is what ends the task.
        if let Some(leftover) = self.record.clone().leave_to_blocking(leftover) {
            leftover.conclude();
        }
    }
}

/// Copies or moves what steps hand on; it is user code that copies.
fn user_code(hand_on: &(dyn Fn() -> bool + Send + Sync)) -> Result<(), End> {
    match catch_unwind(AssertUnwindSafe(hand_on)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(End::Failed(TaskError::broken("a step's input is gone"))),
        Err(_) => Err(End::Failed(TaskError::broken("copying a step's input panicked"))),
    }
}

fn restored(step: &str, read: impl FnOnce() -> Result<(), OutputError>) -> Result<(), End> {
    let why = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why,
        Err(_) => "cannot be read back: its type panicked".to_owned(),
    };
    Err(End::Left(TaskError::output_unreadable(step, &why)))
}
