//! Configuration of both processes: flags over `STRAIT_*` environment over the TOML file over defaults.

mod endpoint;
mod error;
mod load;
mod markdown;
mod options;
mod period;
mod secret;
mod size;

pub use endpoint::Endpoint;
pub use error::ConfigError;
pub use load::{Flags, Sources, load};
pub use markdown::configuration_markdown;
pub use options::Options;
pub use period::Period;
pub use secret::Secret;
pub use size::Size;

/// A process's whole configuration: a struct of sections, all `#[serde(default, deny_unknown_fields)]`.
pub trait Settings:
    serde::de::DeserializeOwned + serde::Serialize + schemars::JsonSchema + Send + Sync + 'static
{
    fn log(&self) -> &crate::log::Config;
    fn http(&self) -> &crate::http::Config;
}
