//! Why a configuration was refused: each variant names the file, variable or flag, and never a value of a secret.

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{cause}")]
    Refused { cause: String, place: String, remedy: String },
}
