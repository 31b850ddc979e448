//! One record, several sinks.

use crate::panic::catch;
use std::fmt;
use std::path::PathBuf;

use super::{AuditError, AuditRecord, AuditSink, ChainHead, ErasableLog};

/// A sink that passes each record to several sinks, in the order in which they were added.
///
/// A record is kept once every *required* sink has kept it. If one of them fails, the record is not
/// kept: an intent then runs nothing, and a record of what has happened is offered again, to all of
/// them, so a sink that had kept it may have it twice. If an *optional* sink fails or panics, a
/// warning is logged, and the sink misses the record.
///
/// ```
/// # use hitl::audit::{FanOut, MemoryAudit, TracingAudit};
/// let audit = FanOut::new().required(MemoryAudit::new()).optional(TracingAudit);
/// # let _ = audit;
/// ```
#[derive(Default)]
pub struct FanOut {
    sinks: Vec<(Box<dyn AuditSink>, Need)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

impl FanOut {
    /// Creates an instance without sinks. Records are refused as long as no sink is required.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sink that must keep every record.
    #[must_use]
    pub fn required(mut self, sink: impl AuditSink) -> Self {
        self.sinks.push((Box::new(sink), Need::Required));
        self
    }

    /// Adds a sink that may miss records.
    #[must_use]
    pub fn optional(mut self, sink: impl AuditSink) -> Self {
        self.sinks.push((Box::new(sink), Need::Optional));
        self
    }
}

impl AuditSink for FanOut {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.keep(record).map(drop)
    }

    /// Returns the place in the first required sink that has a chain.
    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        // The required ones first: a record that they refuse need not reach the others.
        let of = |need| self.sinks.iter().filter(move |(_, of)| *of == need).map(|(sink, _)| sink);
        if of(Need::Required).next().is_none() {
            return Err(AuditError::new("no audit sink is required; add one with `required`"));
        }
        let mut place = None;
        for sink in of(Need::Required) {
            let kept = sink.keep(record)?;
            place = place.or(kept);
        }
        for sink in of(Need::Optional) {
            match catch(|| sink.append(record)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, event = %record.event, "an optional audit sink missed a record");
                }
                Err(_) => tracing::warn!(event = %record.event, "an optional audit sink panicked"),
            }
        }
        Ok(place)
    }

    fn learn(&self, others: &[ChainHead]) {
        for (sink, _) in &self.sinks {
            sink.learn(others);
        }
    }

    fn heads(&self) -> Vec<ChainHead> {
        self.sinks.iter().flat_map(|(sink, _)| sink.heads()).collect()
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        self.sinks.iter().flat_map(|(sink, _)| sink.erasable()).collect()
    }

    fn unerasable(&self) -> Vec<String> {
        self.sinks.iter().flat_map(|(sink, _)| sink.unerasable()).collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.sinks.iter().flat_map(|(sink, _)| sink.files()).collect()
    }
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FanOut({} sinks)", self.sinks.len())
    }
}
