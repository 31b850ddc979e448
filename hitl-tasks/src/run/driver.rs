//! Runs one task: a thin asynchronous layer over pure state.
//!
//! A task is one future, and nothing else has to be kept alive. The future may be dropped at any
//! point, as a runtime does that shuts down; [`Run`] then ends the task.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use hitl_base::Timestamp;
use tokio::sync::Notify;

use crate::define::group::Group;
use crate::define::plan::PlanItem;
use crate::error::{TaskError, UndoResult};
use crate::journal::output::OutputError;
use crate::journal::session::{EndedTask, JournalSession, OpenedJournal};
use crate::one_or_many::OneOrMany;
use crate::panic::catch;
use crate::run::completion::Completion;
use crate::run::run_budget::RunBudget;
use crate::run::step_runner::run_step;
use crate::run::step_scope::StepScope;
use crate::schedule::scheduler::{QueuedTask, Scheduler, Slot};
use crate::state::record::Record;
use crate::state::task_state::TaskState;
use crate::state::termination::{StopCause, Termination};
use crate::sync::{AtomicBool, Ordering};

/// A task that has a slot, or waits to reacquire one.
pub(crate) struct Run {
    record: Arc<Record>,
    items: OneOrMany<PlanItem>,
    budget: RunBudget,
    /// The end of the task after its steps are undone.
    decided: Option<Box<Termination>>,
    concluded: bool,
}

/// Starts a task that has got its slot.
pub(crate) fn launch(scheduler: &Arc<Scheduler>, task: QueuedTask, slot: Slot) {
    let QueuedTask { record, items, timeout, runtime } = task;
    let budget = RunBudget::new(Arc::clone(scheduler), timeout, slot);
    runtime.spawn(drive(Run::new(record, items, budget)));
}

/// Drives a task to its end.
#[expect(clippy::manual_async_fn, reason = "an async fn keeps its argument twice")]
fn drive(mut run: Run) -> impl Future<Output = ()> + Send {
    async move {
        // It was cancelled before it started; dropping it cleans up.
        let Some(at) = run.record.start() else { return };
        run.budget.start();
        if run.record.info().is_journaled() {
            // Boxed, because a rare case should not make every task larger.
            Box::pin(run.run_journaled(at)).await;
            return;
        }
        let (end, at) = match run.run_items(None, at).await {
            Ok(at) => (Termination::Completed, at),
            Err(end) => (end, run.record.now()),
        };
        if matches!(end, Termination::Completed) || !run.has_undo_work(None) {
            run.conclude(end, at);
        } else {
            let end = run.decide(end);
            let (end, undo_results) = Box::pin(run.undo(end, None)).await;
            run.conclude_with_undo(end, undo_results);
        }
    }
}

impl Run {
    fn new(record: Arc<Record>, items: OneOrMany<PlanItem>, budget: RunBudget) -> Self {
        Self { record, items, budget, decided: None, concluded: false }
    }

    /// Runs the items in order. Returns the time at which the last one ended.
    async fn run_items(
        &self,
        session: Option<&JournalSession>,
        mut at: Timestamp,
    ) -> Result<Timestamp, Termination> {
        let never = AtomicBool::new(false);
        let mut index = 0;
        for item in &self.items {
            match item {
                PlanItem::Step(node) if session.is_none_or(|session| !session.is_done(index)) => {
                    let waker = self.record.waker();
                    let scope = StepScope::new(&self.record, &self.budget, session, waker, &never);
                    run_step(&scope, index, &**node, at).await?;
                    at = self.record.complete_step(index);
                }
                PlanItem::Step(_) => {}
                PlanItem::Group(group) => {
                    at = Box::pin(self.run_group(group, index, session, at)).await?;
                }
            }
            index += item.steps().len();
            if index < self.record.info().steps().len() {
                // Steps that never wait must not starve the other tasks of the thread.
                tokio::task::consume_budget().await;
            }
        }
        Ok(at)
    }

    /// Runs the members of a group in parallel. The first failure stops the others, and all have
    /// ended when this returns.
    async fn run_group(
        &self,
        group: &Group,
        first: usize,
        session: Option<&JournalSession>,
        at: Timestamp,
    ) -> Result<Timestamp, Termination> {
        user_code(&group.split)?;
        let sibling_failed = AtomicBool::new(false);
        let wakers: Vec<_> = group.members.iter().map(|_| Notify::new()).collect();
        let (record, budget) = (&self.record, &self.budget);
        let mut running: FuturesUnordered<_> = group
            .members
            .iter()
            .zip(&wakers)
            .enumerate()
            .map(|(member, (node, waker))| (first + member, node, waker))
            .filter(|(index, ..)| session.is_none_or(|session| !session.is_done(*index)))
            .map(|(index, node, waker)| {
                let scope = StepScope::new(record, budget, session, waker, &sibling_failed);
                async move {
                    let ran = run_step(&scope, index, &**node, at).await;
                    (index, scope.on_clock.load(Ordering::Acquire), ran)
                }
            })
            .collect();
        budget.enter_members(running.len());
        let mut left = running.len();
        let mut end = None;
        while left > 0 {
            let done = tokio::select! {
                biased;
                done = running.next() => done,
                () = record.waker().notified() => {
                    wakers.iter().for_each(Notify::notify_one);
                    continue;
                }
            };
            let Some((index, on, ran)) = done else { break };
            left -= 1;
            match ran {
                Ok(()) => {
                    record.complete_step(index);
                }
                Err(error) if end.is_none() => {
                    end = Some(error);
                    sibling_failed.store(true, Ordering::Release);
                    wakers.iter().for_each(Notify::notify_one);
                }
                Err(_) => record.cancel_step(index),
            }
            // After the last member there is nothing to give the slot back for.
            if on && left > 0 {
                budget.leave_member(record, index, true);
            }
        }
        if let Some(end) = end {
            return Err(end);
        }
        budget.enter_members(1);
        user_code(&group.join)?;
        Ok(record.now())
    }

    /// Runs a journaled task from the point that its journal records.
    async fn run_journaled(&mut self, at: Timestamp) {
        let steps: Vec<_> =
            self.items.iter().flat_map(PlanItem::steps).map(|node| &**node).collect();
        let (end, session) = match JournalSession::open(&self.record, &steps).await {
            Err(end) => (end, None),
            Ok(OpenedJournal::Ended(end)) => (self.restore_output(end), None),
            Ok(OpenedJournal::Active(session)) => {
                let end = match self.resume(&session, at).await {
                    Ok(_) => Termination::Completed,
                    Err(end) => end,
                };
                (end, Some(session))
            }
        };
        let Some(session) = session else {
            self.conclude(end, self.record.now());
            return;
        };
        // The host shuts down, or another process has claimed the task, which continues later.
        let left = matches!(end, Termination::Abandoned(_)) || self.record.is_suspended();
        if left {
            if self.record.is_suspended() {
                session.record_interrupted().await;
            }
            self.conclude(end, self.record.now());
            return;
        }
        let (end, undo_results) =
            if !matches!(end, Termination::Completed) && self.has_undo_work(Some(&session)) {
                let end = self.decide(end);
                self.undo(end, Some(&session)).await
            } else {
                (end, Vec::new())
            };
        let left = matches!(end, Termination::Abandoned(_));
        let end = self.record.fix_end(end);
        let end = if self.record.is_suspended() {
            session.record_interrupted().await;
            end
        } else if left {
            end
        } else {
            let group = match self.items.last() {
                Some(PlanItem::Group(group)) => Some(group.members.len()),
                Some(PlanItem::Step(_)) | None => None,
            };
            session.record_end(&self.record, end, group).await
        };
        self.conclude_with_undo(end, undo_results);
    }

    /// Continues after the recorded steps, or with the undoing that had begun.
    async fn resume(
        &self,
        session: &JournalSession,
        at: Timestamp,
    ) -> Result<Timestamp, Termination> {
        let mut index = 0;
        for item in &self.items {
            for node in item.steps() {
                if let Some(output) = session.output(index) {
                    let read = || {
                        node.read_output(output)?;
                        node.save_for_undo();
                        Ok(())
                    };
                    restore(self.step_name(index), read)?;
                    self.record.restore_step(index);
                }
                index += 1;
            }
        }
        match session.decided_end() {
            Some(end) => Err(end),
            None => self.run_items(Some(session), at).await,
        }
    }

    /// Restores the output of a task that completed before.
    fn restore_output(&self, ended: EndedTask) -> Termination {
        if let Some(item) = self.items.last()
            && matches!(ended.end, Termination::Recorded(TaskState::Completed, _))
        {
            let first: usize = self.items.iter().map(|item| item.steps().len()).sum::<usize>()
                - item.steps().len();
            for (member, node) in item.steps().iter().enumerate() {
                let read = || {
                    let output = ended.outputs.get(&(first + member));
                    node.read_output(output.ok_or("is missing")?)
                };
                if let Err(end) = restore(self.step_name(first + member), read) {
                    return end;
                }
            }
            if let PlanItem::Group(group) = item
                && let Err(end) = user_code(&group.join)
            {
                return end;
            }
        }
        for index in 0..self.record.info().steps().len() {
            if ended.outputs.contains_key(&index) {
                self.record.restore_step(index);
            }
        }
        ended.end
    }

    fn step_name(&self, index: usize) -> &str {
        self.record.info().step_name(index)
    }

    /// Fixes how the task ends once its steps are undone.
    fn decide(&mut self, end: Termination) -> Termination {
        let end = self.record.begin_undo(end);
        self.decided = Some(Box::new(end.clone()));
        end
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    pub(crate) fn items(&self) -> &[PlanItem] {
        &self.items
    }

    pub(crate) fn budget(&self) -> &RunBudget {
        &self.budget
    }

    fn conclude_with_undo(&mut self, end: Termination, undo_results: Vec<UndoResult>) {
        self.record.finish_with_undo(end.clone(), undo_results);
        self.conclude(end, self.record.now());
    }

    fn conclude(&mut self, end: Termination, at: Timestamp) {
        self.concluded = true;
        self.completion(end).carry_out(at);
    }

    fn completion(&mut self, end: Termination) -> Completion {
        Completion {
            scheduler: Arc::clone(self.budget.scheduler()),
            record: Arc::clone(&self.record),
            items: std::mem::take(&mut self.items),
            slot: self.budget.take_slot(),
            end,
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.concluded {
            return;
        }
        let end = if std::thread::panicking() {
            Termination::Failed(TaskError::broken("the task's driver panicked"))
        } else {
            // It never began and has ended already, or its runtime shut down.
            self.record.stop(StopCause::HostShutdown, Some("the runtime was shut down"));
            self.decided.take().map_or(Termination::Cancelled, |end| *end)
        };
        let completion = self.completion(end);
        let deferred = Box::new(move || {
            let now = completion.record.now();
            completion.carry_out(now);
        });
        // A body that blocks a thread outlives the driver, and then ends the task.
        if let Some(deferred) = self.record.defer_to_blocking(deferred) {
            deferred();
        }
    }
}

/// Moves or clones a value between steps. The `Clone` is user code.
fn user_code(hand_on: &(dyn Fn() -> bool + Send + Sync)) -> Result<(), Termination> {
    match catch(hand_on) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Termination::Failed(TaskError::broken("a step's input is gone"))),
        Err(_) => Err(Termination::Failed(TaskError::broken("copying a step's input panicked"))),
    }
}

fn restore(step: &str, read: impl FnOnce() -> Result<(), OutputError>) -> Result<(), Termination> {
    let why = match catch(read) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why,
        Err(_) => "cannot be read back: its type panicked".to_owned(),
    };
    Err(Termination::Abandoned(TaskError::output_unreadable(step, &why)))
}
