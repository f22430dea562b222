//! A sink whose target is the very server that the connector reads would write each row back to where it came
//! from, over whatever has been written there since. It is known by `server_uuid`: the connector's position names
//! the server it reads, in the Kafka transaction of all that it publishes.
//!
//! Not by the uuids in GTIDs: those stay what they are through failovers and restored backups, so a server may
//! rightly be sent a transaction that bears its own. Not by `server_id`: sites may have chosen the same. In
//! two-way use each prefix's position names the other site's server, so nothing is refused there. Where the
//! position tells nothing (a mirror of the data alone, MariaDB, which has no such uuid) nothing is known.

use std::sync::Arc;

use strait_schemas::{Position, topics};
use strait_service::{Finding, Severity};

use crate::{
    config::Config,
    error::{Error, Result},
    kafka::Ends,
};

/// The target, to be held against the connector's source.
#[derive(Debug, Clone)]
pub struct OwnSource {
    pub config: Arc<Config>,
    /// `@@server_uuid`; empty: the target has none.
    pub target_uuid: String,
}

impl OwnSource {
    /// Whether it is certain by now: false while no connector has published a position.
    ///
    /// # Errors
    /// `Preflight`: the target is the source. Faults of Kafka.
    pub async fn ensure_another(&self) -> Result<bool> {
        let config = Arc::clone(&self.config);
        let looked = tokio::task::spawn_blocking(move || Ends::new(&config)?.position(&config.prefix)).await;
        let position = looked
            .map_err(|broken| Error::Task { cause: format!("reading the position broke off: {broken}") })??;
        let Some(position) = position else { return Ok(false) };
        match self.refusal(&position) {
            Some(finding) => Err(Error::Preflight { findings: vec![finding] }),
            None => Ok(true),
        }
    }

    pub fn refusal(&self, position: &Position) -> Option<Finding> {
        if self.target_uuid.is_empty() || !self.target_uuid.eq_ignore_ascii_case(&position.server_uuid) {
            return None;
        }
        let prefix = &self.config.prefix;
        Some(Finding {
            check: "own_source".into(),
            severity: Severity::Refusal,
            cause: format!(
                "the target is the server that the connector with prefix {prefix} reads (server_uuid {}): its own \
                 changes would be written over what it holds by then",
                self.target_uuid
            ),
            place: format!(
                "{}, topic {}",
                self.config.server_options().place(),
                topics::position_topic(prefix)
            ),
            remedy: format!(
                "--target must name the other site's server, or --prefix and --kafka the other site's connector. If it \
                 is another server, a copy of that one's data directory: stop it, delete auto.cnf there, start it; a \
                 connector that reads another server by now says so once it runs with --prefix {prefix}"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(target: &str, source: &str) -> bool {
        let own = OwnSource { config: Arc::default(), target_uuid: target.into() };
        let json = format!(
            r#"{{"server_uuid":"{source}","file":"","pos":4,"next_seq":"1-1","attempt":1,"as_of_us":0}}"#
        );
        own.refusal(&Position::decode(json.as_bytes()).expect("a position")).is_some()
    }

    #[test]
    fn only_the_same_server_is_refused() {
        assert!(refused("3e11fa47-71ca-11e1-9e33-c80aa9429562", "3E11FA47-71ca-11e1-9e33-c80aa9429562"));
        assert!(!refused("3e11fa47-71ca-11e1-9e33-c80aa9429562", "3e11fa47-71ca-11e1-9e33-c80aa9429563"));
        assert!(!refused("", ""), "servers without a uuid are not one for that");
    }
}
