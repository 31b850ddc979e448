//! A small real identity provider: discovery, keys, a sign-in page, codes with PKCE, and signed ID
//! tokens. A test may bend what it says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

pub(crate) const CLIENT: &str = "hitl-console";
pub(crate) const SECRET: &str = "client-secret-8c1f";

/// What an answer of the provider has wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    None,
    /// The ID token is not signed, and says so.
    AlgNone,
    /// It is signed with the client's secret.
    SharedSecret,
    /// It is signed with a key that is not the provider's.
    OtherKey,
    /// One letter of the claims was changed after they were signed.
    Forged,
    OtherAudience,
    OtherIssuer,
    Expired,
    OtherNonce,
    NoNonce,
    NoIdToken,
}

struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

/// The state of the provider.
pub(crate) struct Inside {
    pub(crate) twist: Twist,
    pub(crate) is_down: bool,
    /// Claims beside those of every token.
    pub(crate) claims: Value,
    key: Key,
    /// The nonce and the challenge of each code that was not used.
    codes: HashMap<String, (String, String)>,
    /// The number of codes that were exchanged.
    pub(crate) exchanged: usize,
    /// Every secret that passed through.
    pub(crate) secrets: Vec<String>,
}

/// A running provider.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    inside: Arc<Mutex<Inside>>,
}

fn key() -> Key {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
    Key { id: secret(), pair: pair.unwrap() }
}

fn secret() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).unwrap();
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inside = Inside {
            twist: Twist::None,
            is_down: false,
            claims: json!({ "groups": ["reviewers"] }),
            key: key(),
            codes: HashMap::new(),
            exchanged: 0,
            secrets: Vec::new(),
        };
        let issuer = Self { url, inside: Arc::new(Mutex::new(inside)) };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/approve", get(approve))
            .route("/token", post(token))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        issuer
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub(crate) fn rotate_key(&self) {
        self.inside().key = key();
    }
}

async fn configuration(State(issuer): State<Issuer>) -> Response {
    if issuer.inside().is_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let at = |path: &str| format!("{}{path}", issuer.url);
    Json(json!({
        "issuer": issuer.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // It claims to do what nobody may believe.
        "id_token_signing_alg_values_supported": ["ES256", "none", "HS256"],
    }))
    .into_response()
}

async fn keys(State(issuer): State<Issuer>) -> Json<Value> {
    let inside = issuer.inside();
    // One byte for the form, then both coordinates.
    let point = inside.key.pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
        "kid": inside.key.id, "x": x, "y": y,
    }] }))
}

/// The sign-in page. Its one link signs in.
async fn authorize(
    State(issuer): State<Issuer>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Html<String>, StatusCode> {
    let is = |name: &str, value: &str| asked.get(name).map(String::as_str) == Some(value);
    let sound = is("response_type", "code")
        && is("client_id", CLIENT)
        && is("code_challenge_method", "S256")
        && asked["scope"].split(' ').any(|scope| scope == "openid");
    if !sound {
        return Err(StatusCode::BAD_REQUEST);
    }
    let code = secret();
    let mut inside = issuer.inside();
    inside.secrets.push(code.clone());
    let challenge = (asked["nonce"].clone(), asked["code_challenge"].clone());
    inside.codes.insert(code.clone(), challenge);
    let (back, state) = (&asked["redirect_uri"], &asked["state"]);
    Ok(Html(format!(
        "<!doctype html><title>Provider</title><a id=\"approve\" \
         href=\"/approve?back={back}&code={code}&state={state}\">Sign in as ann</a>"
    )))
}

async fn approve(Query(asked): Query<HashMap<String, String>>) -> Redirect {
    let (back, code, state) = (&asked["back"], &asked["code"], &asked["state"]);
    Redirect::to(&format!("{back}?code={code}&state={state}"))
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, body: String) -> Response {
    // A form is written as a query is.
    let form: Uri = format!("/?{body}").parse().unwrap();
    let Query(asked): Query<HashMap<String, String>> = Query::try_from_uri(&form).unwrap();
    let mut inside = issuer.inside();
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let refuse =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(&expected) {
        return refuse("invalid_client");
    }
    // A code counts once.
    let Some((nonce, challenge)) = inside.codes.remove(&asked["code"]) else {
        return refuse("invalid_grant");
    };
    let verifier = &asked["code_verifier"];
    if URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) != challenge {
        return refuse("invalid_grant");
    }
    inside.exchanged += 1;
    let token = id_token(&inside, &issuer.url, nonce);
    inside.secrets.extend([verifier.clone(), token.clone()]);
    let mut answer = json!({
        "access_token": secret(), "token_type": "Bearer", "expires_in": 300, "id_token": token,
    });
    if inside.twist == Twist::NoIdToken {
        answer.as_object_mut().unwrap().remove("id_token");
    }
    Json(answer).into_response()
}

/// Returns the ID token that the provider gives.
fn id_token(inside: &Inside, issuer: &str, nonce: String) -> String {
    let twist = inside.twist;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": if twist == Twist::OtherIssuer { "http://127.0.0.1:1" } else { issuer },
        "aud": if twist == Twist::OtherAudience { "another-client" } else { CLIENT },
        "sub": "ann",
        "iat": now - 400,
        "exp": if twist == Twist::Expired { now - 300 } else { now + 300 },
        "nonce": if twist == Twist::OtherNonce { secret() } else { nonce },
    });
    let object = claims.as_object_mut().unwrap();
    object.extend(inside.claims.as_object().unwrap().clone());
    if twist == Twist::NoNonce {
        object.remove("nonce");
    }
    let alg = match twist {
        Twist::AlgNone => "none",
        Twist::SharedSecret => "HS256",
        _ => "ES256",
    };
    let header = json!({ "alg": alg, "typ": "JWT", "kid": inside.key.id });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let random = SystemRandom::new();
    let sign = |key: &Key| key.pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec();
    let signature = match twist {
        Twist::AlgNone => Vec::new(),
        Twist::SharedSecret => {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
            ring::hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        }
        Twist::OtherKey => sign(&key()),
        _ => sign(&inside.key),
    };
    let signature = URL_SAFE_NO_PAD.encode(signature);
    if twist == Twist::Forged {
        claims["sub"] = "eve".into();
        return format!("{}.{}.{signature}", part(&header), part(&claims));
    }
    format!("{signed}.{signature}")
}
