//! The limits of a server.

use std::time::Duration;

#[cfg(feature = "tls")]
use super::Tls;
use crate::client::Cidr;

/// The limits of [`serve_with`](super::serve_with).
///
/// ```
/// use std::time::Duration;
/// use hitl_console::ServeOptions;
///
/// let options = ServeOptions::new()
///     .max_connections(1_000)
///     .max_connections_per_address(100)
///     .trusted_proxy("10.1.0.0/16".parse::<hitl_console::Cidr>()?)
///     .head_deadline(Duration::from_secs(5));
/// # let _ = options;
/// # Ok::<(), hitl_console::ParseCidrError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "give it to `serve_with`"]
pub struct ServeOptions {
    pub(super) max_connections: usize,
    pub(super) max_connections_per_address: usize,
    pub(super) stream_reserve: usize,
    pub(super) head_deadline: Duration,
    pub(super) write_deadline: Duration,
    pub(super) stop_grace: Duration,
    pub(super) trusted_proxies: Vec<Cidr>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

impl ServeOptions {
    /// Returns the limits of [`serve`](super::serve()).
    pub fn new() -> Self {
        Self {
            max_connections: 4096,
            max_connections_per_address: 1024,
            stream_reserve: 1024,
            head_deadline: Duration::from_secs(10),
            write_deadline: Duration::from_secs(30),
            stop_grace: Duration::from_secs(10),
            trusted_proxies: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Limits the number of open connections; 4096 by default, at least 1. The process must be
    /// allowed to open that many files (`ulimit -n`), and some more.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Limits the number of open connections from one address (of IPv6: from one network of 64
    /// bits); 1024 by default, at least 1.
    pub fn max_connections_per_address(mut self, connections: usize) -> Self {
        self.max_connections_per_address = connections;
        self
    }

    /// Reserves this many connections that event streams cannot take; 1024 by default, and at most
    /// all but one.
    pub fn stream_reserve(mut self, connections: usize) -> Self {
        self.stream_reserve = connections;
        self
    }

    /// Sets the time within which the head of a request must arrive, and the time that a connection
    /// may be idle between requests; 10 seconds by default.
    pub fn head_deadline(mut self, within: Duration) -> Self {
        self.head_deadline = within;
        self
    }

    /// Sets the time after which a client that reads nothing of its response is disconnected; 30
    /// seconds by default.
    pub fn write_deadline(mut self, within: Duration) -> Self {
        self.write_deadline = within;
        self
    }

    /// Sets the time that current requests have to end once [`serve_until`](super::serve_until) is
    /// to stop; 10 seconds by default.
    pub fn stop_grace(mut self, within: Duration) -> Self {
        self.stop_grace = within;
        self
    }

    /// Serves over TLS only. Browsers then keep to it for a year (`Strict-Transport-Security`),
    /// except for `localhost`, whose other servers that would lock out.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Exempts the connections of these proxies from the limit per address, because they carry many
    /// clients. Also pass the proxies to [`Console::trusted_proxy`](crate::Console::trusted_proxy).
    pub fn trusted_proxy(mut self, addresses: impl Into<Cidr>) -> Self {
        self.trusted_proxies.push(addresses.into());
        self
    }
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self::new()
    }
}
