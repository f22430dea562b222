//! Configuration of both processes: flags over `STRAIT_*` environment over the TOML file over defaults.
//!
//! A configuration is a plain struct of sections. Its JSON schema, derived, is the one description of it:
//! the loader checks keys and types text by it, `config schema` prints it, and the reference page is made from it.

mod endpoint;
mod environment;
mod error;
mod file;
mod flags;
mod layer;
mod list;
mod load;
mod markdown;
mod nearest;
mod options;
mod order;
mod patterns;
mod period;
mod rewrite;
mod schema;
mod secret;
mod size;
mod text;

pub use endpoint::Endpoint;
pub use error::ConfigError;
pub use flags::Flags;
pub use list::List;
pub use load::{Sources, load};
pub use markdown::configuration_markdown;
pub use options::Options;
pub use patterns::Patterns;
pub use period::Period;
pub use rewrite::{Ambiguous, Rewrite};
pub use schema::schema;
pub use secret::Secret;
pub use size::Size;

use crate::Finding;

/// A process's whole configuration: a struct of sections, each `#[serde(deny_unknown_fields)]`.
pub trait Settings:
    serde::de::DeserializeOwned + serde::Serialize + schemars::JsonSchema + Send + Sync + 'static
{
    fn log(&self) -> &crate::log::Config;
    fn http(&self) -> &crate::http::Config;

    /// What types cannot say: bounds between fields, values that only make sense together. Any refusal among
    /// the findings ends the process with 2; see `refuse`.
    fn validate(&self) -> Vec<Finding> {
        Vec::new()
    }
}

/// A finding of `Settings::validate` about one setting, by its dotted name.
pub fn refuse(key: &str, cause: impl Into<String>, remedy: impl Into<String>) -> Finding {
    refuse_at(format!("setting {key}"), cause, remedy)
}

/// A finding of the configuration about whatever `place` names.
pub(crate) fn refuse_at(
    place: impl Into<String>,
    cause: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    error::refusal(cause, place, remedy)
}
