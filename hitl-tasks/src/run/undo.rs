//! Undoes the completed steps of a task, the last one first.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::unconstrained;

use crate::define::erased_step::ErasedStep;
use crate::define::plan::PlanItem;
use crate::define::retry::Retry;
use crate::define::task_info::StepInfo;
use crate::error::{TaskError, UndoResult};
use crate::journal::session::JournalSession;
use crate::panic::{catch, drop_quietly};
use crate::run::attempt::Attempt;
use crate::run::attempt_runner::poll_guarded;
use crate::run::context::StepContext;
use crate::run::driver::Run;
use crate::run::run_budget::ensure_slot;
use crate::run::step_failure::StepFailure;
use crate::state::termination::Termination;
use crate::sync::sleep;
use crate::text::redact;

impl Run {
    /// Returns whether there is anything to undo.
    pub(crate) fn has_undo_work(&self, session: Option<&JournalSession>) -> bool {
        session.is_some_and(|session| session.decided_end().is_some())
            || self.to_undo(session).next().is_some()
    }

    /// Returns the steps to undo, the last one first. Completed steps that could not be recorded
    /// come before the others, because the task failed with them.
    fn to_undo(
        &self,
        session: Option<&JournalSession>,
    ) -> impl Iterator<Item = (usize, &dyn ErasedStep)> {
        let steps: Vec<_> =
            self.items().iter().flat_map(PlanItem::steps).map(|node| &**node).collect();
        let unrecorded_steps = session.map(JournalSession::unrecorded_steps).unwrap_or_default();
        let done = self.record().completed_steps();
        unrecorded_steps.into_iter().chain(done.into_iter().rev()).filter_map(move |index| {
            let node = *steps.get(index)?;
            node.has_undo().then_some((index, node))
        })
    }

    /// Undoes the completed steps after the end of the task is decided. Returns the end and the
    /// outcome of each step. Every failure is reported, and none keeps the others from being
    /// undone.
    ///
    /// If the host shuts down, a journaled task is left for later; any other is undone to the end,
    /// without delays in between.
    pub(crate) async fn undo(
        &self,
        end: Termination,
        session: Option<&JournalSession>,
    ) -> (Termination, Vec<UndoResult>) {
        let mut results = Vec::new();
        if session.is_some() && self.record().is_suspended() {
            return (Termination::Abandoned(TaskError::cancelled(None)), results);
        }
        if let Some(session) = session
            && let Err(left) = session.record_undoing(self.record(), &end).await
        {
            return (left, results);
        }
        if self.is_left_while(ensure_slot(self.record(), self.budget()), session).await {
            return (Termination::Abandoned(TaskError::cancelled(None)), results);
        }
        for (index, node) in self.to_undo(session) {
            if session.is_some() && self.record().is_suspended() {
                return (Termination::Abandoned(TaskError::cancelled(None)), results);
            }
            let earlier = session.and_then(|session| session.undo_result(index));
            let error = match earlier {
                Some(error) => error.clone(),
                None => match self.undo_step(index, node, session).await {
                    Ok(error) => error,
                    Err(left) => return (left, results),
                },
            };
            let name = self.record().info().steps().get(index);
            let name = name.map_or_else(|| "".into(), StepInfo::shared_name);
            results.push(UndoResult { step: index, name, error });
        }
        (end, results)
    }

    /// Makes all attempts to undo one step. Returns the last error if none succeeded.
    async fn undo_step(
        &self,
        index: usize,
        node: &dyn ErasedStep,
        session: Option<&JournalSession>,
    ) -> Result<Option<Arc<str>>, Termination> {
        let record = self.record();
        let retry =
            node.policy().retry.as_ref().map_or_else(Retry::none, |policy| policy.retry.clone());
        let mut delays = retry.delays();
        let mut number = session.map_or(0, |session| session.undo_attempts(index));
        let round = session.map_or(0, |session| session.round(index));
        let error = loop {
            number = number.saturating_add(1);
            if let Some(session) = session {
                session.record_undo_started(index, number).await?;
            }
            record.start_undo(index, number);
            let Err(failure) = self.undo_once(index, node, number, round).await else { break None };
            let delay = delays.next();
            let text: Arc<str> = redact(&record.environment().redactor, failure.text()).into();
            drop_quietly(failure);
            match delay {
                Some(delay) => self.pause_undo(delay).await,
                None => break Some(text),
            }
            if session.is_some() && record.is_suspended() {
                return Err(Termination::Abandoned(TaskError::cancelled(None)));
            }
        };
        if let Some(session) = session {
            session.record_undo_done(index, error.as_deref()).await?;
        }
        record.complete_undo(index, error.clone());
        Ok(error)
    }

    /// Waits between two attempts to undo a step; returns at once after a cancellation.
    async fn pause_undo(&self, delay: Duration) {
        let mut over = pin!(sleep(delay));
        while !self.record().is_undo_cancelled() {
            tokio::select! {
                biased;
                () = &mut over => return,
                () = self.record().waker().notified() => {}
            }
        }
    }

    /// Waits for a future. Returns `true` if a journaled task was suspended first.
    async fn is_left_while(
        &self,
        what: impl Future<Output = ()>,
        session: Option<&JournalSession>,
    ) -> bool {
        let mut what = pin!(what);
        while session.is_none() || !self.record().is_suspended() {
            tokio::select! {
                biased;
                () = &mut what => return false,
                () = self.record().waker().notified() => {}
            }
        }
        true
    }

    async fn undo_once(
        &self,
        index: usize,
        node: &dyn ErasedStep,
        number: u32,
        round: u32,
    ) -> Result<(), StepFailure> {
        let attempt = Attempt::new_undo(Arc::clone(self.record()), index, number);
        let attempt = Arc::new(attempt.in_round(round));
        let cx = StepContext::new(Arc::clone(&attempt));
        let started = catch(|| node.undo(cx));
        let mut body = match started {
            Ok(Some(body)) => body,
            Ok(None) => return Err(StepFailure::returned("its output is gone")),
            Err(panic) => return Err(StepFailure::panicked(panic)),
        };
        let limit = self.record().environment().undo_timeout;
        let done = tokio::select! {
            biased;
            done = poll_guarded(&attempt, &mut body) => done,
            () = unconstrained(sleep(limit)) => Err(StepFailure::timed_out(limit)),
        };
        attempt.stop();
        drop_quietly(body);
        done
    }
}
