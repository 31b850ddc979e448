//! Sign-in by the identity provider over HTTP, and every refusal.

use rustix::process::Signal;
use serde_json::json;

use crate::client::{Answer, Client};
use crate::house::House;
use crate::issuer::{CLIENT, Issuer, SECRET, Twist};
use crate::served::{Served, approval, free_address};

const SIGN_IN: &str = "hitl-sign-in";
const SESSION: &str = "hitl-session";

/// A console whose people sign in with a provider.
pub(crate) struct Company {
    pub(crate) house: House,
    pub(crate) issuer: Issuer,
    pub(crate) served: Served,
}

impl Company {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(options: &[&str]) -> Self {
        let (house, issuer) = (House::new().await, Issuer::start().await);
        let address = free_address();
        let config = format!(
            "public-url = 'http://{address}'\noidc-issuer = '{}'\noidc-client-id = '{CLIENT}'\n\
             oidc-client-secret-file = '''{}'''\noidc-roles = ['reviewers=reviewer']\n",
            issuer.url,
            house.file("secret", &format!("{SECRET}\n")),
        );
        let config = house.file("console.toml", &config);
        let all = [&["--config", &config], options].concat();
        let served = Served::start_at(&house, &address, &all);
        Self { house, issuer, served }
    }

    fn get(&self, path: &str, cookie: &str) -> Answer {
        self.served.client.get(&format!("{}{path}", self.served.url), &[("cookie", cookie)])
    }

    /// Begins a sign-in; returns the browser's cookie, and the address to which the provider sends
    /// the browser back.
    fn begin(&self) -> (String, String) {
        let begun = self.get("/sign-in", "");
        assert_eq!(begun.status, 303, "{begun:?}");
        let page = Client::new().get(&begun.location(), &[]);
        let link = page.text.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        let back = Client::new().get(&format!("{}{link}", self.issuer.url), &[]).location();
        (begun.cookie(SIGN_IN), back)
    }

    fn complete(&self, (cookie, back): &(String, String)) -> Answer {
        self.served.client.get(back, &[("cookie", cookie)])
    }

    /// Signs in; returns the session's cookie.
    fn sign_in(&self) -> String {
        let done = self.complete(&self.begin());
        assert_eq!((done.status, done.location().as_str()), (303, "/"), "{done:?}");
        done.cookie(SESSION)
    }

    fn is_signed_in(&self, session: &str) -> bool {
        match self.get("/api/me", session).status {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_provider_vouches_for_decides_until_they_sign_out() {
    let company = Company::start().await;
    let call = company.house.wire("Initech", 120).await;
    assert_eq!(
        company.get("/api/sign-in", "").json(),
        json!({ "with": "page", "page": "/sign-in", "signOut": "/sign-out" })
    );
    assert!(!company.is_signed_in(""));
    let session = company.sign_in();
    assert_eq!(company.get("/api/me", &session).json()["principal"], "ann");

    // A change needs a header that other sites cannot set, and the same origin.
    let url = format!("{}/api/calls/{}/decide", company.served.url, call.id);
    let post = |headers: &[(&str, &str)]| {
        let all = [&[("cookie", session.as_str())], headers].concat();
        company.served.client.post(&url, &approval(&call), &all).status
    };
    assert_eq!(post(&[]), 403);
    assert_eq!(post(&[("x-hitl-console", "1"), ("origin", "http://evil.example")]), 403);
    assert_eq!(post(&[("x-hitl-console", "1"), ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(post(&[("x-hitl-console", "1")]), 200);
    call.ticket.wait().await.unwrap();

    let out = format!("{}/sign-out", company.served.url);
    let cookie = ("cookie", session.as_str());
    let client = &company.served.client;
    assert_eq!(client.post(&out, &json!({}), &[cookie]).status, 403);
    assert!(company.is_signed_in(&session));
    assert_eq!(client.post(&out, &json!({}), &[cookie, ("x-hitl-console", "1")]).status, 204);
    assert!(!company.is_signed_in(&session));
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_an_id_token_that_is_not_for_this_sign_in_is_refused() {
    let company = Company::start().await;
    for twist in [
        Twist::AlgNone,
        Twist::SharedSecret,
        Twist::OtherKey,
        Twist::Forged,
        Twist::OtherAudience,
        Twist::OtherIssuer,
        Twist::Expired,
        Twist::OtherNonce,
        Twist::NoNonce,
        Twist::NoIdToken,
    ] {
        company.issuer.inside().twist = twist;
        let refused = company.complete(&company.begin());
        assert_eq!(refused.status, 403, "{twist:?}: {refused:?}");
        assert!(refused.cookies().iter().all(|cookie| !cookie.starts_with(SESSION)), "{twist:?}");
        assert!(refused.text.contains("You are not signed in"), "{twist:?}");
    }
    company.issuer.inside().twist = Twist::None;
    assert!(company.is_signed_in(&company.sign_in()));
    assert_eq!(company.issuer.inside().exchanged, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_an_answer_belongs_to_one_browsers_sign_in_and_counts_once() {
    let company = Company::start().await;
    let first = company.begin();
    let second = company.begin();
    let refused = |answer: Answer| {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.cookies().iter().all(|cookie| !cookie.starts_with(SESSION)));
    };
    // Of another browser, of none, with another state, with none.
    refused(company.complete(&(second.0.clone(), first.1.clone())));
    refused(company.complete(&(String::new(), first.1.clone())));
    let (path, query) = first.1.split_once('?').unwrap();
    let code = query.split('&').find(|pair| pair.starts_with("code=")).unwrap();
    let state = query.split('&').find(|pair| pair.starts_with("state=")).unwrap();
    refused(company.complete(&(first.0.clone(), format!("{path}?{code}"))));
    refused(company.complete(&(first.0.clone(), format!("{path}?{code}&state=0"))));
    refused(company.complete(&(first.0.clone(), format!("{path}?{query}&iss=http://127.0.0.1:1"))));
    refused(company.complete(&(first.0.clone(), format!("{path}?{code}&{state}&{state}"))));
    let declined = format!("{path}?error=access_denied&{state}");
    assert_eq!(company.complete(&(first.0.clone(), declined)).status, 403);
    assert_eq!(company.issuer.inside().exchanged, 0, "the provider was not asked");

    let done = company.complete(&first);
    assert_eq!(done.status, 303, "{done:?}");
    refused(company.complete(&first));
    assert_eq!(company.issuer.inside().exchanged, 1, "a replayed answer is not even sent on");
    // A code of another sign-in does not match what this one proves (PKCE).
    let (_, other) = second.1.split_once('?').unwrap();
    let other = other.split('&').find(|pair| pair.starts_with("code=")).unwrap();
    let third = company.begin();
    let (path, query) = third.1.split_once('?').unwrap();
    let state = query.split('&').find(|pair| pair.starts_with("state=")).unwrap();
    let mixed = company.complete(&(third.0.clone(), format!("{path}?{other}&{state}")));
    assert_eq!(mixed.status, 403, "{mixed:?}");
    assert_eq!(company.issuer.inside().exchanged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_5_who_is_in_no_named_group_does_not_get_in() {
    let company = Company::start().await;
    for claims in [json!({}), json!({ "groups": ["staff", "reviewer"] }), json!({ "groups": null })]
    {
        company.issuer.inside().claims = claims;
        let refused = company.complete(&company.begin());
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.text.contains("in no group that may review"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_provider_down_nobody_new_signs_in_and_sessions_live() {
    let company = Company::start().await;
    company.issuer.inside().is_down = true;
    assert_eq!(company.get("/sign-in", "").status, 503);
    assert_eq!(company.get("/api/sign-in", "").status, 200);
    company.issuer.inside().is_down = false;
    // A failure is believed for a second.
    let retry = std::time::Duration::from_millis(100);
    while company.get("/sign-in", "").status == 503 {
        std::thread::sleep(retry);
    }
    let session = company.sign_in();
    company.issuer.inside().is_down = true;
    assert!(company.is_signed_in(&session));
    // The key is new, and the keys cannot be fetched.
    let begun = company.begin();
    company.issuer.rotate_key();
    assert_eq!(company.complete(&begun).status, 503);
    assert!(company.is_signed_in(&session));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_of_the_provider_is_fetched_when_it_is_met() {
    let company = Company::start().await;
    let first = company.sign_in();
    company.issuer.rotate_key();
    let second = company.sign_in();
    assert!(company.is_signed_in(&first) && company.is_signed_in(&second));
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_no_secret_of_a_sign_in_is_logged_shown_or_an_argument() {
    let company = Company::start().await;
    let session = company.sign_in();
    let mut texts = Vec::new();
    for twist in [Twist::Forged, Twist::OtherNonce, Twist::NoIdToken] {
        company.issuer.inside().twist = twist;
        texts.push(company.complete(&company.begin()).text);
    }
    let replayed = company.begin();
    company.issuer.inside().twist = Twist::None;
    company.complete(&replayed);
    texts.push(company.complete(&replayed).text);
    for path in ["/", "/api/me", "/api/sign-in", "/openapi.json", "/health", "/ready"] {
        texts.push(company.get(path, &session).text);
    }
    for name in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{name}", company.served.id())).unwrap();
        texts.push(String::from_utf8_lossy(&text).into_owned());
    }
    let Company { issuer, served, house: _house } = company;
    served.signal(Signal::TERM);
    let (status, log) = served.ended();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("an ID token is refused"), "{log}");
    texts.push(log);
    let value = session.split_once('=').unwrap().1.to_owned();
    let mut secrets = std::mem::take(&mut issuer.inside().secrets);
    assert!(secrets.len() > 10);
    secrets.extend([SECRET.to_owned(), value]);
    for secret in &secrets {
        assert!(texts.iter().all(|text| !text.contains(secret.as_str())), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_send_a_token_beside_the_provider() {
    let house = House::new().await;
    let file = house.path("tokens.toml");
    let made = ["console", "token", "ann", "--tokens", file.to_str().unwrap()];
    let token = house.hitl(&made).ended(0).out.trim().to_owned();
    let company = Company::start_with(&["--tokens", file.to_str().unwrap()]).await;
    assert_eq!(company.served.get("/api/me", &token).status, 200);
    let session = company.sign_in();
    assert!(company.is_signed_in(&session));
    // A wrong token is not made good by a session.
    let both = [("cookie", session.as_str()), ("authorization", "Bearer wrong")];
    let url = format!("{}/api/me", company.served.url);
    assert_eq!(company.served.client.get(&url, &both).status, 401);
}
