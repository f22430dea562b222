//! Schemas of our own subjects in the registry.
//!
//! When a new table version is seen, its ALTER has already happened: a registry that refuses the schema
//! (`ADD COLUMN x INT NOT NULL` is not BACKWARD compatible) refuses a fact. So, unless told otherwise, the
//! level of the one subject is set to NONE when it refuses, and only then: a level that an operator chose stays
//! as long as it is not in the way.

use strait_service::registry::{self, Registry, RegistryError};

use crate::{
    Error, Result,
    config::{Compatibility, Config, Format},
};

pub struct SchemaRegistry {
    client: Option<Registry>,
    compatibility: Compatibility,
}

impl SchemaRegistry {
    /// Only Avro needs one.
    pub fn new(config: &Config) -> Result<Self> {
        let client = match config.schema.format {
            Format::Avro => Some(Registry::new(&config.registry).map_err(failed(""))?),
            Format::Json | Format::JsonSchemaless => None,
        };
        Ok(Self { client, compatibility: config.schema.compatibility })
    }

    /// The schema's id, registered if it is new.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32> {
        let client = self.client.as_ref().expect("only the Avro format registers, and it has a client");
        match client.register(subject, schema) {
            Err(RegistryError::Incompatible { .. }) if self.compatibility == Compatibility::None => {
                tracing::warn!(
                    subject,
                    "the registry refuses the table's new schema: compatibility of the subject is set to NONE"
                );
                client.set_compatibility(subject, registry::Compatibility::None).map_err(failed(subject))?;
                client.register(subject, schema).map_err(failed(subject))
            }
            result => result.map_err(failed(subject)),
        }
    }

    /// Proves that the registry answers; for `check`.
    pub fn ping(&self) -> Result<()> {
        self.client.as_ref().map_or(Ok(()), |client| client.ping().map_err(failed("")))
    }
}

fn failed(subject: &str) -> impl FnOnce(RegistryError) -> Error {
    move |source| Error::Registry { subject: subject.to_owned(), source }
}
