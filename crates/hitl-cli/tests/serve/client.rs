//! Asks over HTTP, and follows nothing by itself.

use serde_json::Value;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// A client. It has no memory of cookies.
pub(crate) struct Client(Agent);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    pub(crate) fn location(&self) -> String {
        self.header("location").unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// Returns the cookies that the answer sets, as a request sends them.
    pub(crate) fn cookies(&self) -> Vec<String> {
        let set = self.headers.get_all("set-cookie").iter();
        let texts = set.filter_map(|value| value.to_str().ok());
        texts.map(|text| text.split(';').next().unwrap().to_owned()).collect()
    }

    /// Returns the cookie of this name, as a request sends it.
    #[track_caller]
    pub(crate) fn cookie(&self, name: &str) -> String {
        let all = self.cookies();
        let found = all.iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
        found.unwrap_or_else(|| panic!("{self:?}")).clone()
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self(config().build().new_agent())
    }

    /// Creates a client that trusts this certificate alone.
    pub(crate) fn trusting(certificate: &[u8]) -> Self {
        let root = Certificate::from_der(certificate).to_owned();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().root_certs(RootCerts::from([root].into_iter()));
        let tls = tls.unversioned_rustls_crypto_provider(provider).build();
        Self(config().tls_config(tls).build().new_agent())
    }

    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_get(url, headers).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    pub(crate) fn try_get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
        let request = headers
            .iter()
            .fold(Request::get(url), |request, (name, value)| request.header(*name, *value));
        answer(self.0.run(request.body(()).unwrap()))
    }

    pub(crate) fn post(&self, url: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = Request::post(url).header("content-type", "application/json");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(self.0.run(request.body(body.to_string()).unwrap()))
            .unwrap_or_else(|error| panic!("{url}: {error}"))
    }
}

fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Config::builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(std::time::Duration::from_secs(30)))
}

fn answer(
    answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer, String> {
    let answered = answered.map_err(|error| error.to_string())?;
    let (parts, mut body) = answered.into_parts();
    let text = body.read_to_string().map_err(|error| error.to_string())?;
    Ok(Answer { status: parts.status.as_u16(), text, headers: parts.headers })
}
