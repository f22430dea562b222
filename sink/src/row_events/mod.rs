//! Rows as events: `BINLOG '...'`, by which the server applies them as a replica does, without parsing a value.
//!
//! It writes the same steps as `sql` (Form::Folded), faster, and at less cost to the server. What it cannot say, or not exactly, is
//! said in SQL beside it, in the same transaction: a step that asks the target to check foreign keys, of a
//! snapshot, of an image that is not whole, of a table without a primary key or with triggers (which do not fire for events), with columns that the server computes or that the source has not, and of a
//! value that the column does not hold as it is. For the server converts nothing here and checks little: each value is looked at
//! against the target's own definition before it is written, and the definition is looked at again in each transaction (`definition`).
//!
//! Few rows are written in SQL as well: what must be asked before events costs as much.
//!
//! An event sets the session's clock for everything that comes after it; the lane sets it right again (`apply::session`).
//!
//! The server's mode is STRICT: a row that is missing or there already is an error, and, as after any error of a folded batch, all
//! of it is done again in SQL, row by row, where an error tells what it is about.

mod batch;
mod definition;
mod form;
mod table;

pub use batch::EventBatch;
pub use definition::Definitions;
pub use table::TableForm;

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use strait_mysql::{
    binlog::encode::{Origin, format_description},
    client::{ClientError, Conn, Queryable, quote_name, server_code},
    server::{Flavor, place_of, read_facts},
};
use strait_service::{Finding, Severity};

use crate::{
    config::ApplyPath,
    error::{Error, Result},
};

pub const ASKING: &str = "asking whether rows may come as events";

/// To be said after an event, before anything that looks at the clock.
pub const SET_CLOCK_FREE: &str = "SET SESSION timestamp = DEFAULT";

/// What must come before the first rows of a session.
pub fn opening(flavor: Flavor) -> Vec<String> {
    let mut texts = vec![text(&[&format_description(flavor, origin())]), SET_CLOCK_FREE.into()];
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
    let (cause, remedy) = if let Some(setting) = meddling(conn, flavor).await? {
        (format!("the target would change what events say: {setting}"), "set that to its default".to_owned())
    } else if !are_allowed(conn, flavor).await.map_err(Error::target(conn, ASKING))? {
        let right = match flavor {
            Flavor::Mysql => "REPLICATION_APPLIER",
            Flavor::MariaDb => "BINLOG REPLAY",
        };
        let account: Option<String> =
            conn.query_first("SELECT CURRENT_USER()").await.map_err(Error::target(conn, ASKING))?;
        let cause = "the sink's account may not write rows as events";
        (cause.to_owned(), format!("GRANT {right} ON *.* TO {}", grantee(&account.unwrap_or_default())))
    } else {
        return Ok(Some(flavor));
    };
    if path == ApplyPath::Binlog {
        let finding = Finding {
            check: "apply.path".into(),
            severity: Severity::Refusal,
            cause,
            place: place_of(conn),
            remedy: format!("{remedy}; or set apply.path = \"auto\""),
        };
        return Err(Error::Preflight { findings: vec![finding] });
    }
    tracing::info!("rows go as SQL, which is slower than as events: {cause}; {remedy}");
    Ok(None)
}

/// `user@host`, quoted.
fn grantee(account: &str) -> String {
    let (user, host) = account.rsplit_once('@').unwrap_or((account, "%"));
    format!("{}@{}", quote_name(user), quote_name(host))
}

/// What an operator has set for the server's own replication also holds for events of a session: errors that are passed over,
/// databases under other names.
async fn meddling(conn: &mut Conn, flavor: Flavor) -> Result<Option<String>> {
    let settings: &[(&str, &str)] = match flavor {
        Flavor::Mysql => &[("replica_skip_errors", "OFF"), ("replica_type_conversions", "")],
        Flavor::MariaDb => &[
            ("slave_skip_errors", "OFF"),
            ("slave_exec_mode", "STRICT"),
            ("slave_type_conversions", ""),
            ("replicate_rewrite_db", ""),
        ],
    };
    for (setting, harmless) in settings {
        let found: Option<(String, String)> = conn
            .query_first(format!("SHOW GLOBAL VARIABLES LIKE '{setting}'"))
            .await
            .map_err(Error::target(conn, ASKING))?;
        if let Some((_, value)) = found.filter(|(_, value)| value != harmless) {
            return Ok(Some(format!("{setting} = {value}")));
        }
    }
    Ok(None)
}

async fn are_allowed(conn: &mut Conn, flavor: Flavor) -> std::result::Result<bool, ClientError> {
    for text in opening(flavor) {
        match conn.query_drop(text).await {
            // Or `secure_timestamp` of MariaDB.
            Err(error) if server_code(&error).is_some() => return Ok(false),
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
