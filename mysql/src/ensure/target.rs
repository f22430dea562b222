//! Preflight of a target.

use super::{Grants, Report, Verdict};
use crate::{
    catalog::TableName,
    server::{ServerFacts, ServerOptions},
};

/// What a sink asks of its target.
#[derive(Debug, Clone)]
pub struct TargetNeeds {
    /// The private schema.
    pub schema: String,
    /// Tables known to be applied to; those that do not exist are not looked at here.
    pub tables: Vec<TableName>,
    /// The user has said that unguarded triggers are meant to fire.
    pub allow_triggers: bool,
    /// The largest statement that may have to be sent, in bytes.
    pub packet: u64,
}

/// Makes every check. A server that cannot be reached or refuses the login is a finding like others.
pub async fn check_target(options: &ServerOptions, needs: &TargetNeeds) -> Report {
    todo!()
}

/// `read_only` and `super_read_only` are off, or do not bind this account.
pub fn ensure_writable(facts: &ServerFacts, grants: &Grants) -> Verdict {
    todo!()
}

/// The server takes statements of that size.
pub fn ensure_max_allowed_packet(facts: &ServerFacts, packet: u64) -> Verdict {
    todo!()
}

/// The sink creates and writes its private schema itself.
pub fn ensure_strait_schema_rights(place: &str, grants: &Grants, schema: &str) -> Verdict {
    todo!()
}
