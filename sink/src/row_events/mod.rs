//! Rows as events: `BINLOG '...'`, by which the server applies them as a replica does, without parsing a value.
//!
//! It writes the same steps as `sql` (Form::Folded), faster, and at less cost to the server. What it cannot say, or not exactly, is
//! said in SQL beside it, in the same transaction: a step that asks the target to check foreign keys, of a
//! snapshot, of an image that is not whole, of a table without a primary key or with triggers (which do not fire for events), with columns that the server computes or that the source has not, and of a
//! value that the column does not hold as it is. For the server converts nothing here and checks little: each value is looked at
//! against the target's own definition before it is written.
//!
//! The server's mode is STRICT: a row that is missing or there already is an error, and, as after any error of a folded batch, all
//! of it is done again in SQL, row by row, where an error tells what it is about.

mod batch;
mod form;
mod table;

pub use batch::EventBatch;
pub use table::TableForm;

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use strait_mysql::{
    binlog::encode::{Origin, format_description},
    client::{ClientError, Conn, Queryable, code, server_code},
    server::{Flavor, place_of, read_facts},
};
use strait_service::{Finding, Severity};

use crate::{
    config::ApplyPath,
    error::{Error, Result},
};

pub const ASKING: &str = "asking whether rows may come as events";

/// What must come before the first rows of a session.
pub fn opening(flavor: Flavor) -> Vec<String> {
    let mut texts = vec![text(&[&format_description(flavor, origin())])];
    if flavor == Flavor::Mysql {
        // The description makes the next transaction one whose GTID is still to be told.
        texts.push("SET SESSION gtid_next = 'AUTOMATIC'".into());
    }
    texts
}

/// The target's kind, where rows come as events.
pub async fn choose(conn: &mut Conn, path: ApplyPath) -> Result<Option<Flavor>> {
    if path == ApplyPath::Sql {
        return Ok(None);
    }
    let flavor = read_facts(conn).await?.flavor;
    if are_allowed(conn, flavor).await.map_err(Error::target(conn, ASKING))? {
        return Ok(Some(flavor));
    }
    let right = match flavor {
        Flavor::Mysql => "REPLICATION_APPLIER",
        Flavor::MariaDb => "BINLOG REPLAY",
    };
    if path == ApplyPath::Binlog {
        let finding = Finding {
            check: "apply.path".into(),
            severity: Severity::Refusal,
            cause: "the sink is to write rows as events, which its account may not".into(),
            place: place_of(conn),
            remedy: format!("GRANT {right} ON *.* to it, or set apply.path = \"auto\""),
        };
        return Err(Error::Preflight { findings: vec![finding] });
    }
    tracing::info!(
        "the account may not write rows as events (GRANT {right} ON *.* to it): they are written in SQL, which is slower"
    );
    Ok(None)
}

async fn are_allowed(conn: &mut Conn, flavor: Flavor) -> std::result::Result<bool, ClientError> {
    for text in opening(flavor) {
        match conn.query_drop(text).await {
            Err(error) if server_code(&error) == Some(code::SPECIFIC_ACCESS_DENIED) => return Ok(false),
            answer => answer?,
        }
    }
    Ok(true)
}

/// Servers log what they apply under their own number, and with the time of the event.
fn origin() -> Origin {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Origin { server_id: 1, timestamp: now.as_secs() as u32 }
}

fn text(events: &[&[u8]]) -> String {
    let bytes: usize = events.iter().map(|event| event.len()).sum();
    let mut text = String::with_capacity(bytes * 4 / 3 + 4 * events.len() + 16);
    text.push_str("BINLOG '");
    for event in events {
        STANDARD.encode_string(event, &mut text);
        text.push('\n');
    }
    text.push('\'');
    text
}
