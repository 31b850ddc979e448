//! An upstream, for those who call it.

use std::sync::Arc;

use super::in_flight::InFlight;
use super::link::Link;
use super::spec::UpstreamSpec;
use crate::server::CallClients;

/// An upstream. Cheap to clone; clones are the same upstream.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: UpstreamSpec,
    link: Link,
    in_flight: InFlight,
    clients: CallClients,
}

impl Upstream {
    pub(super) fn new(spec: UpstreamSpec, clients: CallClients) -> Self {
        let (link, in_flight) = (Link::new(), InFlight::default());
        Self { inner: Arc::new(Inner { spec, link, in_flight, clients }) }
    }

    pub(super) fn name(&self) -> &str {
        &self.inner.spec.name
    }

    pub(super) fn spec(&self) -> &UpstreamSpec {
        &self.inner.spec
    }

    pub(super) fn link(&self) -> &Link {
        &self.inner.link
    }

    pub(super) fn in_flight(&self) -> &InFlight {
        &self.inner.in_flight
    }

    pub(super) fn clients(&self) -> &CallClients {
        &self.inner.clients
    }
}
