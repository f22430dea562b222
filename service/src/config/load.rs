//! Loads a configuration struct from its layers.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::ConfigError;

/// Settings given by command-line flags: dotted key, value as text, and the flag's name for messages.
#[derive(Debug, Default, Clone)]
pub struct Flags {
    pub(crate) settings: Vec<(String, String, String)>,
}

impl Flags {
    /// `flags.set("--source-host", "source.host", args.source_host)`: nothing happens for `None`.
    #[must_use]
    pub fn set<V: ToString>(mut self, flag: &str, key: &str, value: Option<V>) -> Self {
        if let Some(value) = value {
            self.settings.push((flag.to_owned(), key.to_owned(), value.to_string()));
        }
        self
    }
}

/// Where a configuration comes from.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// The `STRAIT_*` variables; `from_process` takes them from the process's environment.
    pub environment: Vec<(String, String)>,
    pub flags: Flags,
}

impl Sources {
    pub fn from_process(file: Option<PathBuf>, flags: Flags) -> Self {
        let _ = (&file, &flags);
        todo!()
    }
}

/// Loads `T`: flags over environment over file over the struct's own defaults.
pub fn load<T: DeserializeOwned + JsonSchema>(sources: &Sources) -> Result<T, ConfigError> {
    let _ = sources;
    todo!()
}
