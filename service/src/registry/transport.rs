//! HTTP to the registry: URL, credentials, time limits, and what a status means.

use std::{fs, path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use ureq::{
    Agent,
    config::Config as HttpConfig,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{Config, RegistryError};
use crate::config::Endpoint;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(10);
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// Far above any schema; only keeps a wrong address from filling our memory.
const MAX_ANSWER: u64 = 16 << 20;

pub(super) struct Transport {
    agent: Agent,
    /// Without credentials and without a slash at the end.
    base: String,
    /// The whole header; never printed.
    authorization: Option<String>,
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Self, RegistryError> {
        let (base, from_url) = split(&config.url)?;
        let user = config.user.clone().or_else(|| from_url.as_ref().map(|(user, _)| user.clone()));
        let password = config.password.as_ref().map(|secret| secret.reveal().to_owned());
        let password = password.or(from_url.map(|(_, password)| password)).unwrap_or_default();
        let authorization =
            user.map(|user| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
        let mut http = HttpConfig::builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(WHOLE_TIMEOUT))
            // A followed redirect would turn our POST into a GET.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("strait/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &config.ca_file {
            http = http.tls_config(TlsConfig::builder().root_certs(authorities(file)?).build());
        }
        Ok(Self { agent: http.build().new_agent(), base, authorization })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, RegistryError> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.get(&url).header("Accept", CONTENT_TYPE);
        let request = match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        };
        self.answer(url, request.call())
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Answer, RegistryError> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.post(&url);
        self.send(url, request, body)
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> Result<Answer, RegistryError> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.put(&url);
        self.send(url, request, body)
    }

    fn send(
        &self,
        url: String,
        request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        body: &Value,
    ) -> Result<Answer, RegistryError> {
        let request = request.header("Accept", CONTENT_TYPE).header("Content-Type", CONTENT_TYPE);
        let request = match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        };
        self.answer(url, request.send(body.to_string()))
    }

    fn answer(
        &self,
        url: String,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, RegistryError> {
        let lost = |source| RegistryError::Unreachable { url: self.base.clone(), source: Box::new(source) };
        let mut response = response.map_err(lost)?;
        let status = response.status().as_u16();
        let location = response.headers().get("Location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        let text = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(lost)?;
        let body = serde_json::from_slice(&text).unwrap_or(Value::Null);
        Ok(Answer { url, status, location, body })
    }
}

/// What came back, whatever the status.
pub(super) struct Answer {
    pub(super) url: String,
    pub(super) status: u16,
    location: Option<String>,
    /// Null when it was not JSON.
    pub(super) body: Value,
}

impl Answer {
    /// Lets a success pass and makes an error of anything else.
    pub(super) fn accept(self, subject: Option<&str>) -> Result<Accepted, RegistryError> {
        let (status, message, url) = (self.status, self.message(), self.url.clone());
        let subject = subject.map(str::to_owned);
        match status {
            200..=299 => Ok(Accepted(self)),
            401 | 403 => Err(RegistryError::Unauthorised { url, status, subject }),
            422 => Err(RegistryError::Invalid { url, subject, message }),
            // Too slow, too many, or broken: all pass by themselves.
            408 | 429 | 500.. => Err(RegistryError::Failed { url, status, message }),
            _ => Err(RegistryError::Refused { url, status, message }),
        }
    }

    /// The registry's own words.
    pub(super) fn message(&self) -> String {
        match (&self.location, self.body["message"].as_str()) {
            (Some(location), _) => format!("it redirects to {}", Endpoint::new(location.as_str())),
            (None, Some(message)) => message.to_owned(),
            (None, None) => "it gave no reason".to_owned(),
        }
    }
}

/// A successful answer.
pub(super) struct Accepted(Answer);

impl Accepted {
    pub(super) fn id(&self) -> Result<u32, RegistryError> {
        let id = self.0.body["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| self.misunderstood("there is no 32-bit \"id\" in it".to_owned()))
    }

    pub(super) fn text(&self, field: &str) -> Result<&str, RegistryError> {
        let text = self.0.body[field].as_str();
        text.ok_or_else(|| self.misunderstood(format!("there is no text \"{field}\" in it")))
    }

    pub(super) fn misunderstood(&self, cause: String) -> RegistryError {
        RegistryError::Misunderstood { url: self.0.url.clone(), cause }
    }
}

/// The base URL without its credentials, and the credentials.
fn split(url: &Endpoint) -> Result<(String, Option<(String, String)>), RegistryError> {
    let wrong = |cause: &str| RegistryError::Settings { setting: "registry.url", cause: cause.to_owned() };
    if url.is_empty() {
        return Err(wrong("it is not set"));
    }
    let bare = url.to_string();
    let bare = bare.trim_end_matches('/');
    let uri: ureq::http::Uri = bare.parse().map_err(|_| wrong("it is no valid URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(wrong("it must look like http://host:port or https://host:port, with or without a path"));
    }
    if uri.query().is_some() {
        return Err(wrong("a base URL cannot have a query"));
    }
    let credentials = url.credentials().map(|(user, password)| (decode(user), decode(password)));
    Ok((bare.to_owned(), credentials))
}

/// Percent-decoding; what is no valid escape stays as it is.
fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = escape
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(value) = value {
            decoded.push(value);
            rest = &after[2..];
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn authorities(file: &Path) -> Result<RootCerts, RegistryError> {
    let wrong = |cause: String| RegistryError::Settings { setting: "registry.ca_file", cause };
    let pem = fs::read(file).map_err(|error| wrong(format!("{} cannot be read: {error}", file.display())))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(wrong(format!("{} is no valid PEM file: {error}", file.display()))),
        }
    }
    if certificates.is_empty() {
        return Err(wrong(format!("{} holds no certificate", file.display())));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_url() {
        let (base, credentials) =
            split(&Endpoint::new("http://me:p%40s%3As@host:8081/apis/v7/")).expect("valid");
        assert_eq!(base, "http://host:8081/apis/v7");
        assert_eq!(credentials, Some(("me".to_owned(), "p@s:s".to_owned())));
        let (base, credentials) = split(&Endpoint::new("https://host")).expect("valid");
        assert_eq!((base.as_str(), credentials), ("https://host", None));
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in [
            "",
            "host:8081",
            "ftp://u:hidden@host",
            "http://u:hidden@",
            "http://u:hidden@h?x=1",
            "http://u:hid den@h h",
        ] {
            let error = split(&Endpoint::new(url)).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("hid"), "{error:?}");
        }
    }
}
