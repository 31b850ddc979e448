//! What the identity provider is asked, and the check of its ID token.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::display::{clip, visible};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError,
    Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout};

use super::claims::ClaimRules;
use super::error::SignInError;
use super::http_client::{HttpClient, is_private};
use super::pending::PendingSecrets;
use crate::exit::{Exit, Failure};
use crate::serve::address::PublicUrl;
use crate::serve::cookies::CookieKind;
use crate::serve::sessions::SessionLimits;

/// The age up to which the provider's document and keys are used again.
const MAX_AGE: Duration = Duration::from_secs(300);
/// The time for which a failure to fetch them is not repeated.
const FAILURE_AGE: Duration = Duration::from_secs(1);
/// The time that a sign-in waits for another one that fetches them.
const PATIENCE: Duration = Duration::from_secs(12);
/// The most codes that are exchanged at once.
const MAX_EXCHANGES: usize = 8;

/// The algorithms of ID tokens: with a public key. `none` and shared secrets are refused.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

/// How people sign in.
#[derive(Debug)]
pub(in crate::serve) struct OidcPlan {
    pub(in crate::serve) issuer: String,
    pub(in crate::serve) client_id: String,
    pub(in crate::serve) secret_file: Option<PathBuf>,
    pub(in crate::serve) public_url: PublicUrl,
    pub(in crate::serve) scopes: Vec<String>,
    pub(in crate::serve) claims: ClaimRules,
    pub(in crate::serve) cookies: CookieKind,
    pub(in crate::serve) sessions: SessionLimits,
}

/// The provider.
pub(super) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    http: HttpClient,
    document: Mutex<Document>,
    exchanges: Semaphore,
}

/// The provider's document with its keys, as last fetched.
#[derive(Default)]
struct Document {
    fetched: Option<(Instant, Arc<CoreProviderMetadata>)>,
    failed: Option<Instant>,
}

/// Whether a document that was fetched before will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Recent,
    Now,
}

/// All claims that the standard does not name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OtherClaims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

type Fields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type OidcClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Provider {
    /// Prepares the provider, and reads the client's secret. Asks nothing yet.
    pub(super) fn new(plan: &OidcPlan, callback: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| Failure::usage(format!("--oidc-issuer: {why}"));
        let issuer = IssuerUrl::new(plan.issuer.clone())
            .map_err(|_| wrong("this is no address; it looks like https://id.example.com"))?;
        if !is_private(Some(issuer.url().scheme()), issuer.url().host_str()) {
            return Err(wrong("an issuer's address begins with https://"));
        }
        let secret = plan.secret_file.as_deref().map(read_secret).transpose()?;
        let redirect = RedirectUrl::new(format!("{}{callback}", plan.public_url));
        Ok(Self {
            http: HttpClient::new(&plan.issuer)?,
            issuer,
            client_id: ClientId::new(plan.client_id.clone()),
            secret,
            redirect: redirect.map_err(|_| Failure::usage("--public-url is no address"))?,
            scopes: plan.scopes.iter().cloned().map(Scope::new).collect(),
            document: Mutex::default(),
            exchanges: Semaphore::new(MAX_EXCHANGES),
        })
    }

    /// Returns whether an answer's `iss`, if it has one, is this provider's.
    pub(super) fn is_issuer(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.issuer.as_str())
    }

    /// Returns the address to which a browser is sent to sign in.
    pub(super) async fn sign_in_url(
        &self,
        secrets: &PendingSecrets,
    ) -> Result<String, SignInError> {
        let client = self.client(Freshness::Recent).await?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.clone());
        let (state, nonce) = (secrets.state.clone(), secrets.nonce.clone());
        let (url, _, _) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(state.clone()),
                move || Nonce::new(nonce.clone()),
            )
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        if !is_private(Some(url.scheme()), url.host_str()) {
            tracing::error!("the identity provider names a sign-in page without TLS");
            return Err(SignInError::ProviderDown);
        }
        Ok(url.into())
    }

    /// Exchanges a code for an ID token, checks it, and returns its claims.
    pub(super) async fn claims(
        &self,
        code: String,
        secrets: PendingSecrets,
    ) -> Result<Map<String, Value>, SignInError> {
        let _place = self.exchanges.try_acquire().map_err(|_| SignInError::Busy)?;
        let client = self.client(Freshness::Recent).await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| SignInError::ProviderDown)?
            .set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier));
        let answer = request.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(refusal) => {
                let why = refusal.error().as_ref().to_owned();
                warn("the identity provider does not take a code", &why);
                SignInError::CodeRefused
            }
            RequestTokenError::Request(error) => {
                warn("the identity provider cannot be reached", &error.to_string());
                SignInError::ProviderDown
            }
            // The message could quote the answer, which has tokens.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                warn("the identity provider's answer cannot be read", "");
                SignInError::TokenRefused
            }
        })?;
        let Some(token) = answer.id_token() else {
            warn("the identity provider gave no ID token", "");
            return Err(SignInError::TokenRefused);
        };
        let nonce = Nonce::new(secrets.nonce);
        let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
        let claims = match token.claims(&verifier, &nonce) {
            // Keys may have been replaced since they were fetched.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
                | SignatureVerificationError::CryptoError(_),
            )) => {
                let client = self.client(Freshness::Now).await?;
                let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
                token.claims(&verifier, &nonce).map(serde_json::to_value)
            }
            other => other.map(serde_json::to_value),
        };
        match claims {
            Ok(Ok(Value::Object(claims))) => Ok(claims),
            Ok(_) => Err(SignInError::TokenRefused),
            Err(error) => {
                warn("an ID token is refused", &error.to_string());
                Err(SignInError::TokenRefused)
            }
        }
    }

    async fn client(&self, freshness: Freshness) -> Result<OidcClient, SignInError> {
        let document = self.document(freshness).await?;
        // Without the list, a provider takes the secret in a header.
        let only_in_body =
            document.token_endpoint_auth_methods_supported().is_some_and(|methods| {
                methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                    && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            });
        let client = OidcClient::from_provider_metadata(
            (*document).clone(),
            self.client_id.clone(),
            self.secret.clone(),
        );
        let client = client.set_redirect_uri(self.redirect.clone());
        Ok(if only_in_body { client.set_auth_type(AuthType::RequestBody) } else { client })
    }

    /// Returns the provider's document and keys; one request fetches them for all that wait.
    async fn document(
        &self,
        freshness: Freshness,
    ) -> Result<Arc<CoreProviderMetadata>, SignInError> {
        let mut last =
            timeout(PATIENCE, self.document.lock()).await.map_err(|_| SignInError::ProviderDown)?;
        if let Some((at, document)) = &last.fetched
            && freshness == Freshness::Recent
            && at.elapsed() < MAX_AGE
        {
            return Ok(Arc::clone(document));
        }
        if last.failed.is_some_and(|at| at.elapsed() < FAILURE_AGE) {
            return Err(SignInError::ProviderDown);
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(document) => {
                let document = Arc::new(document);
                let fetched = Some((Instant::now(), Arc::clone(&document)));
                *last = Document { fetched, failed: None };
                Ok(document)
            }
            Err(error) => {
                warn(
                    "the identity provider's document or keys cannot be fetched",
                    &error.to_string(),
                );
                // Keys that may have been withdrawn are not used any longer.
                *last = Document { fetched: None, failed: Some(Instant::now()) };
                Err(SignInError::ProviderDown)
            }
        }
    }
}

/// Logs what went wrong. The detail is of the provider's making, so it is shortened and escaped.
fn warn(what: &str, detail: &str) {
    let detail = clip(detail, 200);
    let detail = visible(&detail);
    tracing::warn!(%detail, "{what}");
}

fn read_secret(path: &std::path::Path) -> Result<ClientSecret, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let secret = text.trim();
    if secret.is_empty() || secret.chars().any(char::is_control) {
        let why = format!("{} holds no secret: it is one line", path.display());
        return Err(Failure::new(Exit::Usage, why));
    }
    Ok(ClientSecret::new(secret.to_owned()))
}
