//! What can go wrong with the registry, what the caller does about it, and what mends it.

use std::time::Duration;

use crate::error::{Disposition, Refusal};

/// An id that is still unknown after so long is taken for one that will not come.
const MIRROR_LAG: Duration = Duration::from_mins(1);

/// URLs in here never carry credentials.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the setting {setting} cannot be used: {cause}")]
    Settings { setting: &'static str, cause: String },
    #[error("the schema registry cannot be reached")]
    Unreachable { url: String, source: Box<ureq::Error> },
    #[error("the schema registry refused our credentials with HTTP {status}")]
    Unauthorised { url: String, status: u16, subject: Option<String> },
    #[error("the schema of subject {subject} is not compatible with its earlier versions: {}", messages.join("; "))]
    Incompatible { url: String, subject: String, messages: Vec<String> },
    #[error("the schema registry calls the request invalid: {message}")]
    Invalid { url: String, subject: Option<String>, message: String },
    #[error("the schema registry has had no schema with id {id} for {} s", .asked_for.as_secs())]
    UnknownId { url: String, id: u32, asked_for: Duration },
    #[error("the schema registry refused the request with HTTP {status}: {message}")]
    Refused { url: String, status: u16, message: String },
    #[error("the schema registry failed with HTTP {status}: {message}")]
    Failed { url: String, status: u16, message: String },
    #[error("the answer is not that of a schema registry: {cause}")]
    Misunderstood { url: String, cause: String },
}

impl RegistryError {
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable { .. } | Self::Failed { .. } => Disposition::Retry,
            // A mirror of the registry that the records were written with may lag behind their topics.
            Self::UnknownId { asked_for, .. } if *asked_for < MIRROR_LAG => Disposition::Retry,
            Self::Settings { .. }
            | Self::Unauthorised { .. }
            | Self::Incompatible { .. }
            | Self::Invalid { .. }
            | Self::UnknownId { .. }
            | Self::Refused { .. }
            | Self::Misunderstood { .. } => Disposition::Halt,
        }
    }
}

impl Refusal for RegistryError {
    fn place(&self) -> Option<String> {
        Some(match self {
            Self::Settings { setting, .. } => format!("setting {setting}"),
            Self::Incompatible { url, subject, .. }
            | Self::Unauthorised { url, subject: Some(subject), .. }
            | Self::Invalid { url, subject: Some(subject), .. } => {
                format!("schema registry {url}, subject {subject}")
            }
            Self::Unreachable { url, .. }
            | Self::Unauthorised { url, .. }
            | Self::Invalid { url, .. }
            | Self::UnknownId { url, .. }
            | Self::Refused { url, .. }
            | Self::Failed { url, .. }
            | Self::Misunderstood { url, .. } => format!("schema registry {url}"),
        })
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Settings { setting, .. } => format!("correct {setting}"),
            Self::Unreachable { url, .. } => {
                format!("start the registry, or correct registry.url; to try it by hand: curl {url}/subjects")
            }
            Self::Unauthorised { status: 401, .. } => {
                "set registry.user and registry.password (or registry.password_file) to an account that may log in"
                    .to_owned()
            }
            Self::Unauthorised { .. } => {
                "give the account in registry.user the rights to read and write this subject and its configuration"
                    .to_owned()
            }
            Self::Incompatible { url, subject, .. } => {
                let subject = super::encode(subject);
                format!(
                    "the table was altered already, so let the subject follow it: curl -X PUT -H 'Content-Type: \
                     application/vnd.schemaregistry.v1+json' --data '{{\"compatibility\":\"NONE\"}}' \
                     {url}/config/{subject}"
                )
            }
            Self::Invalid { .. } => "see the registry's own log for what it checks schemas against".to_owned(),
            Self::UnknownId { .. } => {
                "let registry.url name the registry that the records were written with, or a mirror of it that \
                 keeps ids and follows within a minute; if its storage was lost, restore it"
                    .to_owned()
            }
            Self::Refused { .. } | Self::Misunderstood { .. } => {
                "let registry.url name the base of Confluent's API (Apicurio: http://host:8080/apis/ccompat/v7)"
                    .to_owned()
            }
            Self::Failed { .. } => "see the registry's own log; it is tried again".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_id_is_waited_for_but_not_for_ever() {
        let after = |seconds| {
            let asked_for = Duration::from_secs(seconds);
            RegistryError::UnknownId { url: "http://registry".into(), id: 7, asked_for }.disposition()
        };
        assert_eq!(after(0), Disposition::Retry);
        assert_eq!(after(59), Disposition::Retry);
        assert_eq!(after(60), Disposition::Halt);
    }
}
