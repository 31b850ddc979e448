//! Checks the options of `hitl console` against one another. Pure.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hitl_console::Cidr;

use super::address::{PublicUrl, Scheme};
use super::args::{OidcOptions, ServeOptions};
use super::cookies::CookieKind;
use super::oidc::{ClaimRules, GroupMap, OidcPlan};
use super::sessions::SessionLimits;
use crate::commands::accept::AcceptanceSeal;
use crate::exit::Failure;

/// The port without another one.
const PORT: u16 = 7171;
/// The minutes that a session lasts without use, and in all.
const IDLE_MINUTES: u32 = 30;
const LIMIT_MINUTES: u32 = 480;
/// The role that accepts a rule file without another one.
const POLICY_ROLE: &str = "policy-admin";

/// What is served, to whom, and how.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) listen: SocketAddr,
    pub(super) entry: Entry,
    pub(super) public_url: Option<PublicUrl>,
    pub(super) tokens: Option<PathBuf>,
    pub(super) oidc: Option<OidcPlan>,
    pub(super) audit: Option<PathBuf>,
    pub(super) policy: Option<PolicyPlan>,
}

/// The way in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Plain text, on this machine alone.
    Loopback,
    /// TLS, by these files.
    Tls { certificate: PathBuf, key: PathBuf },
    /// Plain text from these proxies alone.
    Proxy(Vec<Cidr>),
}

/// A rule file, and who may accept it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PolicyPlan {
    pub(super) file: PathBuf,
    /// The role whose reviewers accept it.
    pub(super) role: String,
    pub(super) seal: AcceptanceSeal,
}

impl Plan {
    /// Checks the options. The error says what to add or to leave out.
    pub(super) fn new(options: ServeOptions) -> Result<Self, Failure> {
        let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, PORT).into());
        let public_url = options.public_url.as_deref().map(public_url).transpose()?;
        let entry = entry(&options, listen)?;
        let oidc = oidc_plan(&options.oidc, public_url.as_ref(), &entry)?;
        let policy = match options.policy {
            Some(file) => Some(PolicyPlan {
                file,
                role: options.policy_role.unwrap_or_else(|| POLICY_ROLE.to_owned()),
                seal: options.policy_keyed.into(),
            }),
            None if options.policy_role.is_some() || options.policy_keyed => {
                return usage("--policy-role and --policy-keyed need the rule file: --policy FILE");
            }
            None => None,
        };
        let plan = Self {
            listen,
            entry,
            public_url,
            tokens: options.tokens,
            oidc,
            audit: options.audit,
            policy,
        };
        plan.check()?;
        Ok(plan)
    }

    /// Returns whether nobody can sign in but the person who reads the token that is printed.
    pub(super) fn is_for_one(&self) -> bool {
        self.tokens.is_none() && self.oidc.is_none()
    }

    /// Returns the address at which a browser opens the console.
    pub(super) fn address(&self, bound: SocketAddr) -> String {
        match (&self.public_url, &self.entry) {
            (Some(url), _) => url.to_string(),
            (None, Entry::Tls { .. }) => format!("https://{bound}"),
            (None, _) => format!("http://{bound}"),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let is_local = self.public_url.as_ref().is_none_or(PublicUrl::is_loopback);
        match self.entry {
            Entry::Loopback if !is_local => {
                return usage(
                    "browsers of other machines come through a proxy: name its addresses with \
                     --behind-proxy CIDR (127.0.0.1 if it is on this machine)",
                );
            }
            Entry::Loopback | Entry::Tls { .. } if is_local && self.listen.ip().is_loopback() => {
                return Ok(());
            }
            _ => {}
        }
        if self.is_for_one() {
            return usage(
                "others can reach this address, so they must sign in: add --tokens FILE (`hitl console token \
                 NAME --tokens FILE` makes one), or --oidc-issuer URL",
            );
        }
        let Some(public_url) = &self.public_url else {
            return usage(
                "name the address under which browsers see the console, --public-url \
                 https://review.example.com: requests for other hosts are refused",
            );
        };
        if public_url.scheme() == Scheme::Http {
            return usage(
                "--public-url: tokens and sessions pass over it, so it begins with https://",
            );
        }
        Ok(())
    }
}

fn public_url(text: &str) -> Result<PublicUrl, Failure> {
    text.parse().map_err(|why| Failure::usage(format!("--public-url: {why}")))
}

/// Returns the way in: plain text is for this machine alone, or for a proxy.
fn entry(options: &ServeOptions, listen: SocketAddr) -> Result<Entry, Failure> {
    let proxies: Vec<Cidr> = options
        .behind_proxy
        .iter()
        .map(|range| range.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(format!("--behind-proxy: {error}")))?;
    match (&options.tls_cert, &options.tls_key) {
        (Some(_), None) | (None, Some(_)) => usage("--tls-cert and --tls-key go together"),
        (Some(_), Some(_)) if !proxies.is_empty() => usage(
            "give --tls-cert and --tls-key, or --behind-proxy: behind a proxy, the proxy has TLS",
        ),
        (Some(certificate), Some(key)) => {
            Ok(Entry::Tls { certificate: certificate.clone(), key: key.clone() })
        }
        (None, None) if !proxies.is_empty() => Ok(Entry::Proxy(proxies)),
        (None, None) if listen.ip().is_loopback() => Ok(Entry::Loopback),
        (None, None) => usage(
            "others can reach this address, and plain text can be read on the way: add --tls-cert FILE and \
             --tls-key FILE, or --behind-proxy CIDR if a proxy in front has TLS",
        ),
    }
}

fn oidc_plan(
    options: &OidcOptions,
    public_url: Option<&PublicUrl>,
    entry: &Entry,
) -> Result<Option<OidcPlan>, Failure> {
    let Some(issuer) = &options.oidc_issuer else {
        let others = options.oidc_client_id.is_some()
            || options.oidc_client_secret_file.is_some()
            || !options.oidc_roles.is_empty()
            || !options.oidc_tenants.is_empty();
        return if others { usage("--oidc-.. options need --oidc-issuer URL") } else { Ok(None) };
    };
    let Some(client_id) = options.oidc_client_id.clone() else {
        return usage("--oidc-issuer needs --oidc-client-id ID");
    };
    let Some(public_url) = public_url else {
        return usage(
            "--oidc-issuer needs --public-url URL: the provider sends browsers back to it",
        );
    };
    if public_url.scheme() == Scheme::Http && !public_url.is_loopback() {
        return usage("--public-url: sessions pass over it, so it begins with https://");
    }
    if public_url.scheme() == Scheme::Https && *entry == Entry::Loopback {
        return usage(
            "--public-url begins with https://: add --tls-cert and --tls-key, or --behind-proxy CIDR",
        );
    }
    let roles = GroupMap::parse(&options.oidc_roles)
        .map_err(|why| Failure::usage(format!("--oidc-roles: {why}")))?;
    if roles.is_empty() {
        return usage(
            "name the groups that may sign in, and their roles: --oidc-roles reviewers=reviewer",
        );
    }
    let tenants = GroupMap::parse(&options.oidc_tenants)
        .map_err(|why| Failure::usage(format!("--oidc-tenants: {why}")))?;
    let tenant_claim = options.oidc_tenant_claim.clone();
    if tenant_claim.is_some() == tenants.is_empty() {
        return usage("--oidc-tenant-claim and --oidc-tenants go together");
    }
    let text =
        |option: &Option<String>, usual: &str| option.clone().unwrap_or_else(|| usual.to_owned());
    let scopes = if options.oidc_scopes.is_empty() {
        vec!["profile".to_owned(), "email".to_owned()]
    } else {
        options.oidc_scopes.clone()
    };
    Ok(Some(OidcPlan {
        issuer: issuer.clone(),
        client_id,
        secret_file: options.oidc_client_secret_file.clone(),
        public_url: public_url.clone(),
        scopes,
        claims: ClaimRules {
            principal: text(&options.oidc_principal_claim, "sub"),
            role: text(&options.oidc_role_claim, "groups"),
            roles,
            tenant: tenant_claim.map(|claim| (claim, tenants)),
        },
        cookies: match public_url.scheme() {
            Scheme::Https => CookieKind::Secure,
            Scheme::Http => CookieKind::Loopback,
        },
        sessions: session_limits(options)?,
    }))
}

fn session_limits(options: &OidcOptions) -> Result<SessionLimits, Failure> {
    let idle = options.session_idle.unwrap_or(IDLE_MINUTES);
    let limit = options.session_limit.unwrap_or(LIMIT_MINUTES);
    if idle == 0 || limit == 0 || idle > limit {
        return usage(
            "--session-idle and --session-limit are minutes, at least 1, the first at most the second",
        );
    }
    let minutes = |minutes: u32| Duration::from_secs(60 * u64::from(minutes));
    Ok(SessionLimits { idle: minutes(idle), absolute: minutes(limit) })
}

fn usage<T>(why: &str) -> Result<T, Failure> {
    Err(Failure::usage(why))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
