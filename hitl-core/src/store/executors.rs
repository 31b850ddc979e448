//! Executors and their tools: recorded by executors, for gates that have no tools.

use std::collections::BTreeSet;
use std::sync::Arc;

use hitl_base::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{StoreError, StoreErrorKind};
use crate::approval::ApprovalRequest;
use crate::call::{Fingerprint, ToolFacts};
use crate::hex::hex;
use crate::ids::SessionId;

/// The most dead executors whose tools are kept.
const MAX_DEAD: usize = 32;

/// A session that has recorded its tools.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Executor {
    /// Its session.
    pub session: SessionId,
    /// True if the session is alive. The tools of some dead sessions are kept to compare with the
    /// present ones.
    pub is_alive: bool,
    /// The time when it recorded its tools, by the store's clock.
    pub recorded_at: Timestamp,
    /// Its tools. Executors with the same tools share them.
    pub tools: Arc<[ToolFacts]>,
}

impl Executor {
    /// Returns an executor.
    pub fn new(
        session: SessionId,
        is_alive: bool,
        recorded_at: Timestamp,
        tools: Arc<[ToolFacts]>,
    ) -> Self {
        Self { session, is_alive, recorded_at, tools }
    }

    fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|facts| facts.name == tool)
    }

    fn came_after(&self, other: &Self) -> bool {
        (self.recorded_at, self.session) > (other.recorded_at, other.session)
    }
}

/// The executors that a store knows of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executors(Vec<Executor>);

impl Executors {
    /// Returns a set of these executors.
    pub fn new(executors: Vec<Executor>) -> Self {
        Self(executors)
    }

    /// Returns all of them, in no particular order.
    pub fn all(&self) -> &[Executor] {
        &self.0
    }

    /// Returns all but one of them.
    #[must_use]
    pub fn without(&self, session: SessionId) -> Self {
        Self(self.0.iter().filter(|executor| executor.session != session).cloned().collect())
    }

    /// Returns whether any executor is alive.
    pub fn is_any_alive(&self) -> bool {
        self.living().next().is_some()
    }

    /// Returns whether a living executor has exactly the tool for which a request was made.
    pub fn can_run(&self, request: &ApprovalRequest) -> bool {
        self.offers(&request.tool).any(|facts| facts.is_of(request))
    }

    /// Returns the tool of this name from the living executor that recorded last.
    pub fn newest(&self, tool: &str) -> Option<&ToolFacts> {
        let having = self.living().filter(|executor| executor.has(tool));
        let last = having.max_by_key(|executor| (executor.recorded_at, executor.session))?;
        last.tools.iter().find(|facts| facts.name == tool)
    }

    /// Returns a tool as any executor, dead or alive, recorded it under this fingerprint.
    pub fn known(&self, tool: &str, fingerprint: Fingerprint) -> Option<&ToolFacts> {
        let all = self.0.iter().flat_map(|executor| executor.tools.iter());
        all.into_iter().find(|facts| facts.name == tool && facts.fingerprint == fingerprint)
    }

    /// Returns whether an executor was replaced by one without this tool: no living executor has
    /// it, and a later, living executor has all the other tools of the executor that had it last.
    ///
    /// The absence of the tool alone is no proof: an executor with it may be about to start. An
    /// executor with only this tool is never considered replaced.
    pub fn is_retired(&self, tool: &str) -> bool {
        if self.offers(tool).next().is_some() {
            return false;
        }
        let dead = self.0.iter().filter(|executor| !executor.is_alive && executor.has(tool));
        let last = dead.max_by_key(|executor| (executor.recorded_at, executor.session));
        let Some(last) = last else { return false };
        let others: BTreeSet<&str> =
            last.tools.iter().map(|facts| &*facts.name).filter(|name| *name != tool).collect();
        let replaces = |executor: &Executor| {
            executor.came_after(last) && others.iter().all(|name| executor.has(name))
        };
        !others.is_empty() && self.living().any(replaces)
    }

    fn living(&self) -> impl Iterator<Item = &Executor> {
        self.0.iter().filter(|executor| executor.is_alive)
    }

    fn offers<'e>(&'e self, tool: &'e str) -> impl Iterator<Item = &'e ToolFacts> {
        let tools = self.living().flat_map(|executor| executor.tools.iter());
        tools.filter(move |facts| facts.name == tool)
    }
}

/// A row of a store, without the tools themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: a store must keep each part.
pub struct ExecutorRow {
    /// The executor's session.
    pub session: SessionId,
    /// True if the session is alive.
    pub is_alive: bool,
    /// The time when it recorded its tools.
    pub recorded_at: Timestamp,
    /// The digest of its tools.
    pub digest: String,
}

/// Returns the rows that a store need not keep: each dead executor whose tools another has recorded
/// later or has while alive, and all but the last few of the other dead ones. So the number of rows
/// is bounded by the living executors.
pub fn superseded(rows: &[ExecutorRow]) -> Vec<SessionId> {
    let mut rows: Vec<&ExecutorRow> = rows.iter().collect();
    // The living first, then the latest.
    rows.sort_unstable_by_key(|row| {
        std::cmp::Reverse((row.is_alive, row.recorded_at, row.session))
    });
    let (mut seen, mut dead, mut gone) = (BTreeSet::new(), 0, Vec::new());
    for row in rows {
        let is_new = seen.insert(&*row.digest);
        if row.is_alive {
            continue;
        }
        dead += usize::from(is_new);
        if !is_new || dead > MAX_DEAD {
            gone.push(row.session);
        }
    }
    gone
}

/// Returns the stored text of these tools, and the digest of that text.
pub fn tools_text(tools: &[ToolFacts]) -> Result<(String, String), StoreError> {
    let text = serde_json::to_string(tools).map_err(|error| {
        StoreError::new(StoreErrorKind::Other, "the tools cannot be written as JSON")
            .with_source(error)
    })?;
    let digest: [u8; 32] = Sha256::digest(&text).into();
    Ok((text, hex(&digest)))
}

/// Parses the stored text of tools. `None` if it is damaged.
pub fn tools_of(text: &str) -> Option<Arc<[ToolFacts]>> {
    serde_json::from_str::<Vec<ToolFacts>>(text).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Risk, Thresholds, ToolAnnotations, ToolKind};

    fn tool(name: &str) -> ToolFacts {
        ToolFacts {
            title: None,
            name: name.to_owned(),
            fingerprint: "f".repeat(64).parse().unwrap(),
            build: None,
            description: "Works.".to_owned(),
            describe: None,
            effect: None,
            schema: "{}".to_owned(),
            sensitive: Vec::new(),
            contents: Vec::new(),
            previews: false,
            unchecked: Vec::new(),
            kind: ToolKind::Dynamic,
            approval_type: "general".to_owned(),
            risk: Risk::Low,
            hints: ToolAnnotations::default(),
            thresholds: Thresholds::default(),
            choices: Vec::new(),
            requires_reason: false,
            approve_label: "Approve".to_owned(),
            reject_label: "Reject".to_owned(),
            grace_ms: None,
            amounts: Vec::new(),
            envelopes: Vec::new(),
        }
    }

    fn executor(is_alive: bool, at: i64, tools: &[&str]) -> Executor {
        let tools = tools.iter().map(|name| tool(name)).collect();
        Executor::new(SessionId::new(), is_alive, Timestamp::from_millis(at), tools)
    }

    #[test]
    fn only_who_was_replaced_is_known_to_have_lost_a_tool() {
        let dead = |tools| executor(false, 1, tools);
        let cases: [(&str, Vec<Executor>, bool); 8] = [
            ("replaced", vec![dead(&["a", "b"]), executor(true, 2, &["b", "c"])], true),
            ("somebody has it", vec![dead(&["a", "b"]), executor(true, 2, &["a", "b"])], false),
            ("nobody is alive", vec![dead(&["a", "b"])], false),
            ("another service", vec![dead(&["a", "b"]), executor(true, 2, &["c"])], false),
            ("its only tool", vec![dead(&["a"]), executor(true, 2, &["b"])], false),
            ("a part of it", vec![dead(&["a", "b", "c"]), executor(true, 2, &["b"])], false),
            (
                "was there before",
                vec![executor(false, 3, &["a", "b"]), executor(true, 2, &["b"])],
                false,
            ),
            (
                "who had it last counts",
                vec![
                    dead(&["a", "b"]),
                    executor(false, 2, &["a", "x"]),
                    executor(true, 3, &["b", "c"]),
                ],
                false,
            ),
        ];
        for (what, executors, expected) in cases {
            assert_eq!(Executors::new(executors).is_retired("a"), expected, "{what}");
        }
        assert!(!Executors::default().is_retired("a"));
    }

    #[test]
    fn tools_are_read_as_they_were_written_and_damage_is_seen() {
        let tools = [tool("a"), tool("b\n\"")];
        let (text, digest) = tools_text(&tools).unwrap();
        assert_eq!(*tools_of(&text).unwrap(), tools);
        assert_eq!(digest.len(), 64);
        assert_ne!(tools_text(&tools[..1]).unwrap().1, digest);
        assert!(tools_of(&text[1..]).is_none() && tools_of("").is_none());
    }

    #[test]
    fn invariant_13_what_is_kept_is_bounded_by_who_is_alive() {
        let row = |is_alive, at, digest: &str| ExecutorRow {
            session: SessionId::new(),
            is_alive,
            recorded_at: Timestamp::from_millis(at),
            digest: digest.to_owned(),
        };
        let rows = [row(true, 1, "x"), row(true, 2, "x"), row(false, 3, "x"), row(false, 4, "y")];
        assert_eq!(superseded(&rows), [rows[2].session], "the living are never forgotten");
        let many: Vec<_> = (0..100).map(|at| row(false, at, &at.to_string())).collect();
        assert_eq!(superseded(&many).len(), 100 - MAX_DEAD);
        assert!(superseded(&[]).is_empty());
    }
}
