//! The settings of the session that a statement ran in at the source, for the one that runs it at the target. What
//! needs a right of its own is set only where the target's value differs.

use std::fmt::Write as _;

use strait_mysql::{
    client::{ClientError, Conn, Queryable, quote_name, quote_text, server_code},
    server::Flavor,
};
use strait_schemas::{Ddl, DdlSession};

use super::dialect::{character_set, collations, sql_mode};

const UNKNOWN_DATABASE: u16 = 1049;
/// Waiting longer for a table than this, the sink begins anew: behind a statement that waits for a table, every
/// other user of the table waits too.
const TABLE_WAIT_S: u32 = 30;

/// Makes a session like the one that the statement ran in. `source`, `target`: flavors of the servers.
pub async fn imitate(
    conn: &mut Conn,
    ddl: &Ddl,
    session: &DdlSession,
    [source, target]: [Flavor; 2],
) -> Result<(), ClientError> {
    use_database(conn, ddl).await?;
    for (variable, wanted) in restricted(session, target) {
        set_if_other(conn, variable, wanted).await?;
    }
    let mut set = settings(session, sql_mode(session.sql_mode, source, target));
    for collation in collations(conn, ddl, session, source != target).await? {
        write!(set, ", {collation}").expect("writing to a String cannot fail");
    }
    conn.query_drop(set).await
}

/// A statement that names the database of every object needs none, and may be about to create it.
async fn use_database(conn: &mut Conn, ddl: &Ddl) -> Result<(), ClientError> {
    if ddl.database.is_empty() {
        return Ok(());
    }
    let needed = ddl.objects.iter().any(|object| match object.class.as_str() {
        "database" => object.name.is_empty(),
        _ => object.database.is_none(),
    });
    let statement = format!("USE {}", quote_name(&ddl.database));
    match conn.query_drop(statement).await {
        Err(error) if server_code(&error) == Some(UNKNOWN_DATABASE) && !needed => Ok(()),
        result => result,
    }
}

/// Variables that not every account may set.
fn restricted(session: &DdlSession, target: Flavor) -> Vec<(&'static str, u64)> {
    let all = [
        ("default_collation_for_utf8mb4", session.default_collation_for_utf8mb4.map(u64::from)),
        ("explicit_defaults_for_timestamp", session.explicit_defaults_for_timestamp.map(u64::from)),
        // A statement that ran where it was required has one; and it takes a greater right to require it.
        (
            "sql_require_primary_key",
            session.sql_require_primary_key.filter(|required| !required).map(u64::from),
        ),
        ("default_table_encryption", session.default_table_encryption.map(u64::from)),
    ];
    // All but one are MySQL's alone.
    let has = |variable| target == Flavor::Mysql || variable == "explicit_defaults_for_timestamp";
    all.into_iter()
        .filter(|(variable, _)| has(*variable))
        .filter_map(|(variable, value)| Some((variable, value?)))
        .collect()
}

async fn set_if_other(conn: &mut Conn, variable: &'static str, wanted: u64) -> Result<(), ClientError> {
    let look = match variable {
        // By name, where it is set by number.
        "default_collation_for_utf8mb4" => {
            "SELECT ID FROM information_schema.COLLATIONS WHERE COLLATION_NAME = @@SESSION.default_collation_for_utf8mb4".to_owned()
        }
        _ => format!("SELECT @@SESSION.{variable}"),
    };
    let found: Option<u64> = conn.query_first(look).await?;
    if found == Some(wanted) {
        return Ok(());
    }
    conn.query_drop(format!("SET SESSION {variable} = {wanted}")).await
}

/// In one statement, as after the first the character set may be another. Numbers of collations are what the binary
/// log itself holds.
fn settings(session: &DdlSession, sql_mode: u64) -> String {
    let [client, ..] = session.charset;
    let (increment, offset) = session.auto_increment.unwrap_or((1, 1));
    let mut set = format!(
        "SET SESSION lock_wait_timeout = {TABLE_WAIT_S}, wait_timeout = 86400, foreign_key_checks = {}, unique_checks = {}, \
         auto_increment_increment = {increment}, auto_increment_offset = {offset}, timestamp = {}.{:06}, sql_mode = {sql_mode}, \
         character_set_client = {client}",
        u8::from(session.foreign_key_checks),
        u8::from(session.unique_checks),
        session.timestamp_us / 1_000_000,
        session.timestamp_us % 1_000_000,
        client = character_set(client),
    );
    if let Some(zone) = &session.time_zone {
        write!(set, ", time_zone = {}", quote_text(zone)).expect("writing to a String cannot fail");
    }
    if let Some(names) = session.lc_time_names {
        write!(set, ", lc_time_names = {names}").expect("writing to a String cannot fail");
    }
    set
}
