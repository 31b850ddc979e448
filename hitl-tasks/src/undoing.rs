//! Undoes what the steps of a task did, the last one first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::unconstrained;

use crate::attempt::Attempt;
use crate::attempting::guarded;
use crate::book::Book;
use crate::driver::Run;
use crate::failure::clean;
use crate::pace::slot_for;
use crate::record::End;
use crate::step::Node;
use crate::sync::{drop_quietly, sleep};
use crate::{Retry, StepContext, StepFailure, TaskError, Undone};

impl Run {
    /// Whether there is anything to undo.
    pub(crate) fn undoes(&self, book: Option<&Book>) -> bool {
        book.is_some_and(|book| book.ending().is_some()) || self.to_undo(book).next().is_some()
    }

    /// What is to be undone, the last first. What is done and could not be recorded comes before:
    /// it is what the task failed with.
    fn to_undo(&self, book: Option<&Book>) -> impl Iterator<Item = (usize, &dyn Node)> {
        let nodes: Vec<_> =
            self.units().iter().flat_map(crate::step::Unit::nodes).map(|node| &**node).collect();
        let not_recorded = book.map(Book::not_recorded).unwrap_or_default();
        let done = self.record().done();
        not_recorded.into_iter().chain(done.into_iter().rev()).filter_map(move |index| {
            let node = *nodes.get(index)?;
            node.has_undo().then_some((index, node))
        })
    }

    /// Undoes what was done, once it is decided how the task ends. How it does end, and what became
    /// of each step. Every failure is reported, and none keeps the others from being undone.
    ///
    /// When its host goes away, what is journaled is left for later; what is not is tried to the
    /// end, without waiting in between.
    pub(crate) async fn undo(&self, end: End, book: Option<&Book>) -> (End, Vec<Undone>) {
        let mut undone = Vec::new();
        if book.is_some() && self.record().is_suspended() {
            return (End::Left(TaskError::cancelled(None)), undone);
        }
        if let Some(book) = book
            && let Err(left) = book.undoing(self.record(), &end).await
        {
            return (left, undone);
        }
        if self.is_left_while(slot_for(self.record(), self.pace()), book).await {
            return (End::Left(TaskError::cancelled(None)), undone);
        }
        for (index, node) in self.to_undo(book) {
            if book.is_some() && self.record().is_suspended() {
                return (End::Left(TaskError::cancelled(None)), undone);
            }
            let earlier = book.and_then(|book| book.undone(index));
            let error = match earlier {
                Some(error) => error.clone(),
                None => match self.undo_step(index, node, book).await {
                    Ok(error) => error,
                    Err(left) => return (left, undone),
                },
            };
            let name = self.record().info().steps().get(index);
            let name = name.map_or_else(|| "".into(), crate::StepInfo::shared_name);
            undone.push(Undone { step: index, name, error });
        }
        (end, undone)
    }

    /// All attempts to undo one step: why it could not be.
    async fn undo_step(
        &self,
        index: usize,
        node: &dyn Node,
        book: Option<&Book>,
    ) -> Result<Option<Arc<str>>, End> {
        let record = self.record();
        let retry =
            node.policy().retry.as_ref().map_or_else(Retry::none, |policy| policy.retry.clone());
        let mut delays = retry.delays();
        let mut number = book.map_or(0, |book| book.undo_attempts(index));
        let error = loop {
            number = number.saturating_add(1);
            if let Some(book) = book {
                book.undo_started(index, number).await?;
            }
            record.undo_started(index, number);
            let Err(failure) = self.undo_once(index, node, number).await else { break None };
            let delay = delays.next();
            let text: Arc<str> =
                clean(&record.scheduler().settings.redactor, failure.text()).into();
            drop_quietly(failure);
            match delay {
                Some(delay) => self.pause_undo(delay).await,
                None => break Some(text),
            }
            if book.is_some() && record.is_suspended() {
                return Err(End::Left(TaskError::cancelled(None)));
            }
        };
        if let Some(book) = book {
            book.undo_done(index, error.as_deref()).await?;
        }
        record.undo_done(index, error.clone());
        Ok(error)
    }

    /// The time between two attempts to undo a step; shorter when somebody is in a hurry.
    async fn pause_undo(&self, delay: Duration) {
        let mut over = pin!(sleep(delay));
        while !self.record().is_hurried() {
            tokio::select! {
                biased;
                () = &mut over => return,
                () = self.record().pokes().notified() => {}
            }
        }
    }

    /// Waits for something. Whether a journaled task is left before it happened.
    async fn is_left_while(&self, what: impl Future<Output = ()>, book: Option<&Book>) -> bool {
        let mut what = pin!(what);
        while book.is_none() || !self.record().is_suspended() {
            tokio::select! {
                biased;
                () = &mut what => return false,
                () = self.record().pokes().notified() => {}
            }
        }
        true
    }

    async fn undo_once(
        &self,
        index: usize,
        node: &dyn Node,
        number: u32,
    ) -> Result<(), StepFailure> {
        let attempt = Arc::new(Attempt::of_undo(Arc::clone(self.record()), index, number));
        let cx = StepContext::new(Arc::clone(&attempt));
        let started = catch_unwind(AssertUnwindSafe(|| node.undo(cx)));
        let mut body = match started {
            Ok(Some(body)) => body,
            Ok(None) => return Err(StepFailure::returned("its output is gone")),
            Err(panic) => return Err(StepFailure::panicked(&*panic)),
        };
        let limit = self.record().scheduler().settings.undo_limit;
        let done = tokio::select! {
            biased;
            done = guarded(&attempt, &mut body) => done,
            () = unconstrained(sleep(limit)) => Err(StepFailure::timed_out(limit)),
        };
        attempt.stop();
        drop_quietly(body);
        done
    }
}
