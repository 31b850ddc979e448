//! The executors that the memory store knows, and their tools.

use std::sync::Arc;

use hitl_base::Timestamp;

use super::calls::Calls;
use crate::call::ToolFacts;
use crate::ids::SessionId;
use crate::store::{Executor, ExecutorRow, Executors, StoreError, superseded, tools_text};

impl Calls {
    /// Records the tools of an executor, in the place of those that it supersedes.
    pub(super) fn record_tools(
        &mut self,
        session: SessionId,
        tools: &[ToolFacts],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.executors.insert(session, (now, tools.into()));
        let mut rows = Vec::with_capacity(self.executors.len());
        for (session, (recorded_at, tools)) in &self.executors {
            let (_, digest) = tools_text(tools)?;
            let (recorded_at, is_alive) = (*recorded_at, self.sessions.contains_key(session));
            rows.push(ExecutorRow { session: *session, is_alive, recorded_at, digest });
        }
        for session in superseded(&rows) {
            self.executors.remove(&session);
        }
        Ok(())
    }

    /// Returns the executors, living and dead.
    pub(super) fn known_executors(&self) -> Executors {
        let executor = |(session, (at, tools)): (&SessionId, &(Timestamp, Arc<[ToolFacts]>))| {
            let is_alive = self.sessions.contains_key(session);
            Executor::new(*session, is_alive, *at, Arc::clone(tools))
        };
        Executors::new(self.executors.iter().map(executor).collect())
    }
}
