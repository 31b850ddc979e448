use super::*;
use crate::exit::Exit;

const EVERYWHERE: &str = "0.0.0.0:7171";

fn options(pairs: &[(&str, &str)]) -> ServeOptions {
    let mut options = ServeOptions::default();
    for (name, value) in pairs {
        let text = || Some((*value).to_owned());
        let file = || Some(PathBuf::from(value));
        match *name {
            "listen" => options.listen = Some(value.parse().unwrap()),
            "public-url" => options.public_url = text(),
            "tokens" => options.tokens = file(),
            "tls-cert" => options.tls_cert = file(),
            "tls-key" => options.tls_key = file(),
            "behind-proxy" => options.behind_proxy = vec![(*value).to_owned()],
            "policy" => options.policy = file(),
            "policy-role" => options.policy_role = text(),
            "oidc-issuer" => options.oidc.oidc_issuer = text(),
            "oidc-client-id" => options.oidc.oidc_client_id = text(),
            "oidc-roles" => options.oidc.oidc_roles = vec![(*value).to_owned()],
            "oidc-tenants" => options.oidc.oidc_tenants = vec![(*value).to_owned()],
            "oidc-tenant-claim" => options.oidc.oidc_tenant_claim = text(),
            "session-idle" => options.oidc.session_idle = Some(value.parse().unwrap()),
            _ => panic!("{name}"),
        }
    }
    options
}

fn plan(pairs: &[(&str, &str)]) -> Result<Plan, String> {
    Plan::new(options(pairs)).map_err(|failure| {
        assert_eq!(failure.exit, Exit::Usage);
        failure.message
    })
}

#[track_caller]
fn refused(pairs: &[(&str, &str)], hint: &str) {
    let why = plan(pairs).expect_err("it is refused");
    assert!(why.contains(hint), "{why}");
}

const TLS: [(&str, &str); 2] = [("tls-cert", "c.pem"), ("tls-key", "k.pem")];
const PROVIDER: [(&str, &str); 3] = [
    ("oidc-issuer", "https://id.example.com"),
    ("oidc-client-id", "hitl"),
    ("oidc-roles", "reviewers=reviewer"),
];

#[test]
fn without_options_it_is_for_one_person_on_this_machine() {
    let plan = plan(&[]).unwrap();
    assert!(plan.is_for_one() && plan.entry == Entry::Loopback);
    assert_eq!(plan.listen.to_string(), "127.0.0.1:7171");
    assert_eq!(plan.address(plan.listen), "http://127.0.0.1:7171");
}

#[test]
fn invariant_5_an_address_that_others_reach_needs_a_sign_in_and_no_plain_text() {
    let others = ("listen", EVERYWHERE);
    let (tokens, url) = (("tokens", "t"), ("public-url", "https://review.example.com"));
    refused(&[others], "--tls-cert");
    refused(&[others, tokens], "--tls-cert");
    refused(&[others, TLS[0], TLS[1]], "--tokens");
    refused(&[others, ("behind-proxy", "10.0.0.0/8")], "--tokens");
    refused(&[others, TLS[0], TLS[1], tokens], "--public-url");
    let plain = ("public-url", "http://review.example.com");
    refused(&[others, TLS[0], TLS[1], tokens, plain], "https://");
    refused(&[others, tokens, url], "--tls-cert");
    for entry in [&TLS[..], &[("behind-proxy", "10.0.0.0/8")]] {
        let pairs = [&[others, tokens, url][..], entry].concat();
        assert_eq!(plan(&pairs).unwrap().address(others.1.parse().unwrap()), url.1);
    }
    // A proxy on this machine brings others, too.
    let here = ("behind-proxy", "127.0.0.1");
    refused(&[here], "--tokens");
    refused(&[url], "--behind-proxy");
    assert!(plan(&[here, tokens, url]).is_ok());
}

#[test]
fn what_goes_together_is_given_together() {
    refused(&TLS[..1], "--tls-key");
    refused(&TLS[1..], "--tls-cert");
    refused(&[TLS[0], TLS[1], ("behind-proxy", "10.0.0.0/8")], "or --behind-proxy");
    refused(&[("behind-proxy", "proxy.example.com")], "--behind-proxy");
    refused(&[("policy-role", "admin")], "--policy");
    refused(&[("public-url", "https://example.com/review")], "--public-url");
}

#[test]
fn invariant_5_a_provider_needs_to_know_who_may_sign_in_and_where_they_come_back_to() {
    let url = ("public-url", "http://127.0.0.1:7171");
    let whole = [&PROVIDER[..], &[url]].concat();
    let oidc = plan(&whole).unwrap().oidc.unwrap();
    assert_eq!(oidc.cookies, CookieKind::Loopback);
    assert_eq!(oidc.sessions.idle, Duration::from_secs(1800));
    for (missing, hint) in
        [(0, "--oidc-issuer"), (1, "--oidc-client-id"), (2, "--oidc-roles"), (3, "--public-url")]
    {
        let mut pairs = whole.clone();
        pairs.remove(missing);
        refused(&pairs, hint);
    }
    let with = |pair| [&whole[..], &[pair]].concat();
    for wrong in ["reviewers", "=reviewer", "reviewers=", ""] {
        refused(&with(("oidc-roles", wrong)), "--oidc-roles");
    }
    refused(&with(("oidc-tenants", "a=b")), "--oidc-tenant-claim");
    refused(&with(("oidc-tenant-claim", "t")), "--oidc-tenants");
    refused(&with(("session-idle", "0")), "--session-idle");
    refused(&with(("session-idle", "481")), "--session-limit");
    refused(&with(("public-url", "http://review.example.com")), "https://");
    refused(&with(("public-url", "https://review.example.com")), "--tls-cert");
    let secure = [&with(("public-url", "https://review.example.com"))[..], &TLS[..]].concat();
    assert_eq!(plan(&secure).unwrap().oidc.unwrap().cookies, CookieKind::Secure);
}
