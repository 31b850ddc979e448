//! One event in its wire format, encoded once for all subscribers.

use std::fmt;
use std::str::FromStr;

use axum::body::Bytes;
use hitl_core::Tenant;
use serde::Serialize;

/// The id of an event, which a browser sends back as `Last-Event-ID`. It contains an id of this run
/// of the console, because numbers start again with each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) life: u32,
    pub(crate) number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.life, self.number)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (life, number) = text.split_once('-').ok_or(())?;
        let life = u32::from_str_radix(life, 16).map_err(|_| ())?;
        Ok(Self { life, number: number.parse().map_err(|_| ())? })
    }
}

/// One event of the stream.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The tenant that may see it; `None` for all.
    pub(crate) tenant: Option<Tenant>,
    pub(crate) bytes: Bytes,
}

impl Frame {
    /// Creates an event that is kept, with its position.
    pub(crate) fn numbered(place: EventId, kind: &str, tenant: Option<Tenant>, data: &str) -> Self {
        let bytes = format!("id: {place}\nevent: {kind}\ndata: {data}\n\n").into();
        Self { tenant, bytes }
    }

    /// Creates an event that is only relevant now.
    pub(crate) fn transient(kind: &str, tenant: Option<Tenant>, data: &str) -> Self {
        Self { tenant, bytes: format!("event: {kind}\ndata: {data}\n\n").into() }
    }
}

/// Returns compact JSON, which has no line breaks; `null` if that fails, which it never does.
pub(crate) fn json(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned())
}
