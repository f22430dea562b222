//! A blocking client of Confluent's Schema Registry API.

use std::{path::PathBuf, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::{Endpoint, Secret},
    error::Disposition,
};

/// Where the registry is and how to log in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Base URL of the API; may carry a path, such as "http://registry:8080/apis/ccompat/v7", and user:password@.
    pub url: Endpoint,
    /// User name for basic authentication; before the URL's.
    pub user: Option<String>,
    /// Password for basic authentication.
    pub password: Option<Secret>,
    /// PEM file of the certificate authorities to trust instead of the built-in ones.
    pub ca_file: Option<PathBuf>,
}

/// Compatibility levels of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compatibility {
    None,
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the schema registry cannot be reached")]
    Unreachable { url: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the schema registry refused the credentials with HTTP {status}")]
    Unauthorised { url: String, status: u16 },
    #[error("the schema of subject {subject} is not compatible with its earlier versions: {message}")]
    Incompatible { url: String, subject: String, message: String },
    #[error("the schema registry refused the request with HTTP {status}: {message}")]
    Refused { url: String, status: u16, message: String },
    #[error("the schema registry failed with HTTP {status}: {message}")]
    Failed { url: String, status: u16, message: String },
}

impl RegistryError {
    pub fn disposition(&self) -> Disposition {
        match self {
            RegistryError::Unreachable { .. } | RegistryError::Failed { .. } => Disposition::Retry,
            RegistryError::Unauthorised { .. }
            | RegistryError::Incompatible { .. }
            | RegistryError::Refused { .. } => Disposition::Halt,
        }
    }
}

/// The client: blocking, to be called from blocking threads only; cheap to share by `Arc`.
#[derive(Debug)]
pub struct Registry {}

impl Registry {
    pub fn new(config: &Config) -> Result<Self, RegistryError> {
        let _ = config;
        todo!()
    }

    /// The id of an Avro schema under a subject, registered if it is new; remembered by (subject, schema).
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let _ = (subject, schema);
        todo!()
    }

    /// The text of a schema; remembered, as an id never changes its meaning.
    pub fn schema_by_id(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        let _ = id;
        todo!()
    }

    /// The level that applies to a subject: its own, else the global one.
    pub fn compatibility(&self, subject: &str) -> Result<Compatibility, RegistryError> {
        let _ = subject;
        todo!()
    }

    pub fn set_compatibility(&self, subject: &str, level: Compatibility) -> Result<(), RegistryError> {
        let _ = (subject, level);
        todo!()
    }

    /// Proves that the registry answers and lets us in; for `check`.
    pub fn ping(&self) -> Result<(), RegistryError> {
        todo!()
    }
}
