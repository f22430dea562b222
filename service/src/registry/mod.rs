//! A blocking client of Confluent's Schema Registry API, as Confluent, Apicurio, Karapace and Redpanda serve it.
//!
//! What the registry answers never changes (an id means one schema for ever, a schema under a subject keeps its
//! id), so both directions are remembered without a bound in time; their number is that of table versions.

mod error;
mod transport;

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::error::RegistryError;
use self::transport::{Answer, Transport};
use crate::config::{Endpoint, Secret};

/// Where the schema registry is and how to log in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Base URL of the API; may carry a path, such as "http://registry:8080/apis/ccompat/v7", and user:password@.
    /// Connections are direct: proxy variables of the environment are not looked at.
    pub url: Endpoint,
    /// User name for basic authentication; comes before the URL's.
    pub user: Option<String>,
    /// Password for basic authentication.
    pub password: Option<Secret>,
    /// PEM file of the certificate authorities to trust instead of the built-in ones.
    pub ca_file: Option<PathBuf>,
}

/// Which earlier versions of a subject a new schema must be compatible with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compatibility {
    None,
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

const LEVELS: [(Compatibility, &str); 7] = [
    (Compatibility::None, "NONE"),
    (Compatibility::Backward, "BACKWARD"),
    (Compatibility::BackwardTransitive, "BACKWARD_TRANSITIVE"),
    (Compatibility::Forward, "FORWARD"),
    (Compatibility::ForwardTransitive, "FORWARD_TRANSITIVE"),
    (Compatibility::Full, "FULL"),
    (Compatibility::FullTransitive, "FULL_TRANSITIVE"),
];

/// As the registry writes it: "BACKWARD".
impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = LEVELS.iter().find(|(level, _)| level == self).expect("LEVELS lists every level");
        f.write_str(name)
    }
}

impl FromStr for Compatibility {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        let found = LEVELS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(level, _)| *level).ok_or_else(|| format!("unknown compatibility level \"{name}\""))
    }
}

/// The client: blocking, to be called from blocking threads only; shared by `Arc`.
pub struct Registry {
    transport: Transport,
    /// By subject, then schema.
    ids: Mutex<HashMap<String, HashMap<String, u32>>>,
    schemas: Mutex<HashMap<u32, Arc<str>>>,
    /// Since when an id that it does not know is asked for.
    unknown: Mutex<HashMap<u32, Instant>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("url", &self.transport.base()).finish_non_exhaustive()
    }
}

impl Registry {
    /// Checks the settings; connects only at the first request.
    pub fn new(config: &Config) -> Result<Self, RegistryError> {
        Ok(Self {
            transport: Transport::new(config)?,
            ids: Mutex::default(),
            schemas: Mutex::default(),
            unknown: Mutex::default(),
        })
    }

    /// The id of an Avro schema under a subject, registered if it is new; remembered by (subject, schema).
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        if let Some(id) = lock(&self.ids).get(subject).and_then(|ids| ids.get(schema)) {
            return Ok(*id);
        }
        let path = format!("/subjects/{}/versions", encode(subject));
        let body = json!({"schemaType": "AVRO", "schema": schema});
        let answer = self.transport.post(&path, &body)?;
        if answer.status == 409 {
            return Err(self.incompatible(subject, schema, &answer));
        }
        let id = answer.accept(Some(subject))?.id()?;
        lock(&self.ids).entry(subject.to_owned()).or_default().insert(schema.to_owned(), id);
        Ok(id)
    }

    /// The text of a schema; remembered.
    pub fn schema_by_id(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        if let Some(schema) = lock(&self.schemas).get(&id) {
            return Ok(schema.clone());
        }
        let answer = self.transport.get(&format!("/schemas/ids/{id}"))?;
        if answer.status == 404 {
            let since = *lock(&self.unknown).entry(id).or_insert_with(Instant::now);
            return Err(RegistryError::UnknownId { url: answer.url, id, asked_for: since.elapsed() });
        }
        let schema: Arc<str> = answer.accept(None)?.text("schema")?.into();
        lock(&self.unknown).remove(&id);
        lock(&self.schemas).insert(id, schema.clone());
        Ok(schema)
    }

    /// The level that applies to a subject: its own, else the global one.
    pub fn compatibility(&self, subject: &str) -> Result<Compatibility, RegistryError> {
        let mut answer = self.transport.get(&format!("/config/{}", encode(subject)))?;
        if answer.status == 404 {
            answer = self.transport.get("/config")?;
        }
        let accepted = answer.accept(Some(subject))?;
        let level = accepted.text("compatibilityLevel")?;
        level.parse().map_err(|cause| accepted.misunderstood(cause))
    }

    pub fn set_compatibility(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError> {
        let body = json!({"compatibility": level.to_string()});
        self.transport.put(&format!("/config/{}", encode(subject)), &body)?.accept(Some(subject))?;
        Ok(())
    }

    /// Proves that a registry answers and lets us in; for `check`.
    pub fn ping(&self) -> Result<(), RegistryError> {
        let answer = self.transport.get("/config")?.accept(None)?;
        answer.text("compatibilityLevel").map(drop)
    }

    /// Asks the registry why, as the refusal itself may name no field.
    fn incompatible(&self, subject: &str, schema: &str, refusal: &Answer) -> RegistryError {
        let path = format!("/compatibility/subjects/{}/versions/latest?verbose=true", encode(subject));
        let body = json!({"schemaType": "AVRO", "schema": schema});
        let mut messages = vec![refusal.message()];
        if let Ok(answer) = self.transport.post(&path, &body)
            && let Some(Value::Array(reasons)) = answer.body.get("messages")
        {
            messages.extend(reasons.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        let (url, subject) = (self.transport.base().to_owned(), subject.to_owned());
        RegistryError::Incompatible { url, subject, messages }
    }
}

/// A panic elsewhere cannot leave these maps half changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A subject as one segment of a path.
fn encode(subject: &str) -> String {
    use fmt::Write;
    let mut encoded = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
