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
            Format::Avro => Some(
                Registry::new(&config.registry).map_err(failed("make a client of the schema registry"))?,
            ),
            Format::Json | Format::JsonSchemaless | Format::Maxwell | Format::Canal => None,
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
                client
                    .set_compatibility(subject, registry::Compatibility::None)
                    .map_err(of_subject(subject))?;
                client.register(subject, schema).map_err(of_subject(subject))
            }
            result => result.map_err(of_subject(subject)),
        }
    }

    /// Proves that the registry answers; for `check`.
    pub fn ping(&self) -> Result<()> {
        self.client.as_ref().map_or(Ok(()), |client| client.ping().map_err(failed("use the schema registry")))
    }
}

fn of_subject(subject: &str) -> impl FnOnce(RegistryError) -> Error {
    failed(format!("register the schema of subject {subject}"))
}

/// `attempted` follows "could not".
fn failed(attempted: impl Into<String>) -> impl FnOnce(RegistryError) -> Error {
    move |source| Error::Registry { attempted: attempted.into(), source }
}

#[cfg(test)]
mod tests {
    use strait_service::{Endpoint, Refusal as _};

    use super::*;

    #[test]
    fn a_registry_that_cannot_be_used_is_told_without_a_subject() {
        let mut config = Config::default();
        config.registry.url = Endpoint::new("ftp://registry");
        let error = SchemaRegistry::new(&config).map(drop).expect_err("another protocol");
        assert_eq!(error.to_string(), "could not make a client of the schema registry");
        assert_eq!(error.place().as_deref(), Some("setting registry.url"));
    }
}
