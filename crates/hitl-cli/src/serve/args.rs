//! The options of `hitl console`, on the command line or in a file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::exit::{Exit, Failure};

/// The arguments of `console`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    pub(super) command: Option<ServeCommand>,
    /// A TOML file with options, named as here: `public-url = "https://.."`. What the command line
    /// gives counts instead.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) options: ServeOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum ServeCommand {
    /// Make a token for a reviewer and print it once; the file keeps only its hash.
    Token(TokenArgs),
}

/// A reviewer who gets a token.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// The reviewer's name, under which their decisions are recorded. A program is named
    /// `agent:NAME` or `service:NAME`.
    pub(super) name: String,
    /// A role of the reviewer (repeatable).
    #[arg(long, value_name = "ROLE")]
    pub(super) role: Vec<String>,
    /// The file of tokens. It is created if it is missing.
    #[arg(long, value_name = "FILE")]
    pub(super) tokens: PathBuf,
    /// A one-time code, where people have enrolled in the store that --db names.
    #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
    pub(super) code: Option<String>,
}

/// Every option; also the form of the file.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServeOptions {
    /// The address to listen on [default: 127.0.0.1:7171]. Any but this machine's own needs a
    /// sign-in, and TLS or --behind-proxy.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// The address under which browsers see the console: `https://review.example.com`.
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// The folder of the audit log; the console writes a file of its own there, and shows what all
    /// files in it have on a call.
    #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER")]
    pub(super) audit: Option<PathBuf>,
    /// A rule file that the console shows.
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    pub(super) policy: Option<PathBuf>,
    /// The role whose reviewers may accept a waiting version of the rule file [default:
    /// policy-admin].
    #[arg(long, value_name = "ROLE", help_heading = "Policy")]
    pub(super) policy_role: Option<String>,
    /// The host vouches for accepted versions with its key, as `hitl policy accept --keyed` does.
    #[arg(long, help_heading = "Policy")]
    pub(super) policy_keyed: bool,
    /// The file of tokens; a token that is removed from it ends within five seconds.
    #[arg(long, value_name = "FILE", help_heading = "Sign-in by tokens")]
    pub(super) tokens: Option<PathBuf>,
    /// The server's certificate chain, in a PEM file. A renewed file is used within five seconds.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in a PEM file.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(super) tls_key: Option<PathBuf>,
    /// The addresses of the proxies in front, which have TLS: 10.1.0.0/16 (repeatable, or with
    /// commas). Others are not served, and what these say about the client's address is believed.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', help_heading = "TLS")]
    pub(super) behind_proxy: Vec<String>,
    #[command(flatten)]
    #[serde(flatten)]
    pub(super) oidc: OidcOptions,
}

/// Sign-in by an identity provider.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[command(next_help_heading = "Sign-in by an identity provider (OpenID Connect)")]
pub(super) struct OidcOptions {
    /// The issuer: `https://id.example.com/realms/company`.
    #[arg(long, value_name = "URL")]
    pub(super) oidc_issuer: Option<String>,
    /// The client's id at the provider. Register PUBLIC-URL/sign-in/callback as its address.
    #[arg(long, value_name = "ID")]
    pub(super) oidc_client_id: Option<String>,
    /// The file with the client's secret; a public client has none.
    #[arg(long, value_name = "FILE")]
    pub(super) oidc_client_secret_file: Option<PathBuf>,
    /// The claim that names the reviewer: `sub` (default), `email` (only if verified), or another.
    #[arg(long, value_name = "CLAIM")]
    pub(super) oidc_principal_claim: Option<String>,
    /// The claim with the groups from which roles follow [default: groups].
    #[arg(long, value_name = "CLAIM")]
    pub(super) oidc_role_claim: Option<String>,
    /// The groups that may sign in, and their roles: "reviewers=reviewer,admins=admin". Who is in
    /// none of them does not get in.
    #[arg(long, value_name = "GROUP=ROLE", value_delimiter = ',')]
    pub(super) oidc_roles: Vec<String>,
    /// The claim with the groups from which the tenant follows. Without it, everybody is of the
    /// default tenant.
    #[arg(long, value_name = "CLAIM")]
    pub(super) oidc_tenant_claim: Option<String>,
    /// The groups and their tenants: "acme-staff=acme". Who is in none or several of them does not
    /// get in.
    #[arg(long, value_name = "GROUP=TENANT", value_delimiter = ',')]
    pub(super) oidc_tenants: Vec<String>,
    /// A scope to ask the provider for beside `openid` (repeatable, or with commas) [default:
    /// profile, email].
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub(super) oidc_scopes: Vec<String>,
    /// Minutes after which an unused session ends [default: 30].
    #[arg(long, value_name = "MINUTES")]
    pub(super) session_idle: Option<u32>,
    /// Minutes after which every session ends [default: 480].
    #[arg(long, value_name = "MINUTES")]
    pub(super) session_limit: Option<u32>,
}

impl ServeOptions {
    /// Reads a file of options.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        Self::parse(&text)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))
    }

    /// Parses a file of options. The error names the line. Pure.
    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Returns these options, and those of the file where there is none here. Pure.
    pub(super) fn or(self, file: Self) -> Self {
        let list = |mine: Vec<String>, its: Vec<String>| if mine.is_empty() { its } else { mine };
        let (mine, its) = (self.oidc, file.oidc);
        Self {
            listen: self.listen.or(file.listen),
            public_url: self.public_url.or(file.public_url),
            audit: self.audit.or(file.audit),
            policy: self.policy.or(file.policy),
            policy_role: self.policy_role.or(file.policy_role),
            policy_keyed: self.policy_keyed || file.policy_keyed,
            tokens: self.tokens.or(file.tokens),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            behind_proxy: list(self.behind_proxy, file.behind_proxy),
            oidc: OidcOptions {
                oidc_issuer: mine.oidc_issuer.or(its.oidc_issuer),
                oidc_client_id: mine.oidc_client_id.or(its.oidc_client_id),
                oidc_client_secret_file: mine
                    .oidc_client_secret_file
                    .or(its.oidc_client_secret_file),
                oidc_principal_claim: mine.oidc_principal_claim.or(its.oidc_principal_claim),
                oidc_role_claim: mine.oidc_role_claim.or(its.oidc_role_claim),
                oidc_roles: list(mine.oidc_roles, its.oidc_roles),
                oidc_tenant_claim: mine.oidc_tenant_claim.or(its.oidc_tenant_claim),
                oidc_tenants: list(mine.oidc_tenants, its.oidc_tenants),
                oidc_scopes: list(mine.oidc_scopes, its.oidc_scopes),
                session_idle: mine.session_idle.or(its.session_idle),
                session_limit: mine.session_limit.or(its.session_limit),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_options_by_their_names_and_the_command_line_counts_first() {
        let file = ServeOptions::parse(
            r#"
            listen = "127.0.0.1:9000"
            public-url = "https://review.example.com"
            behind-proxy = ["10.0.0.0/8"]
            oidc-issuer = "https://id.example.com"
            oidc-roles = ["reviewers=reviewer"]
            session-idle = 15
            "#,
        )
        .unwrap();
        assert_eq!(file.oidc.session_idle, Some(15));
        let mine = ServeOptions {
            listen: Some("127.0.0.1:1".parse().unwrap()),
            behind_proxy: vec!["192.0.2.1".to_owned()],
            ..ServeOptions::default()
        };
        let both = mine.or(file);
        assert_eq!(both.listen.unwrap().port(), 1);
        assert_eq!(both.behind_proxy, ["192.0.2.1"]);
        assert_eq!(both.oidc.oidc_issuer.as_deref(), Some("https://id.example.com"));
        assert_eq!(both.oidc.oidc_roles, ["reviewers=reviewer"]);
    }

    #[test]
    fn invariant_5_a_misspelt_option_is_an_error() {
        for wrong in
            ["tls-crt = 'x'", "oidc-role = 'x'", "oidc-client-secret = 'x'", "listen = 'x'"]
        {
            assert!(ServeOptions::parse(wrong).is_err(), "{wrong}");
        }
    }
}
