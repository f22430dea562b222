//! Preflight of a source.

use super::Report;
use crate::{server::ServerOptions, stream::StartAt};

/// What a connector asks of its source.
#[derive(Debug, Clone, Default)]
pub struct SourceNeeds {
    /// The replica id that it will use.
    pub server_id: u32,
    /// Where it would start; `None`: from now.
    pub start: Option<StartAt>,
    /// Databases whose changes must be in the log (`strait` is always one).
    pub databases: Vec<String>,
}

/// Makes every check. A server that cannot be reached or refuses the login is a finding like others.
pub async fn check_source(options: &ServerOptions, needs: &SourceNeeds) -> Report {
    todo!()
}
