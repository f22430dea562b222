//! What the former run had begun: its connection is ended, and whether the statement took effect is found out.

use std::time::Duration;

use strait_mysql::{
    client::{Conn, Queryable, server_code},
    ddl::Kind,
    server::place_of,
};
use strait_schemas::Ddl;
use strait_service::Component;

use super::{
    At, LOOKING,
    gtid::{self, has_executed},
    intent::{self, Intent},
    recovered::has_recovered,
};
use crate::{
    checkpoint::Started,
    error::{Error, Result, answered},
};

const NO_SUCH_THREAD: u16 = 1094;
const NOT_OWNER: u16 = 1095;
/// Between looks whether a connection that was ended is gone. A large ALTER takes long to be undone.
const LOOK: Duration = Duration::from_millis(200);

/// An intent that is not behind the log.
#[derive(Debug)]
pub struct Former {
    pub intent: Intent,
    /// None: the server cannot tell.
    executed: Option<bool>,
    place: String,
}

/// The former run's schema change, if it is not known to be done; its connection is gone.
pub async fn settle(
    conn: &mut Conn,
    started: &Started,
    limit: Duration,
    status: &Component,
) -> Result<Option<Former>> {
    let server = place_of(conn);
    let reading = intent::read(conn, &started.identity);
    let Some(intent) = answered(limit, server.clone(), LOOKING, reading).await? else { return Ok(None) };
    if started.applied.is_some_and(|applied| applied >= intent.seq) {
        return Ok(None);
    }
    if intent.server.is_same(&started.server) {
        end(conn, &intent, limit, status).await?;
    }
    let executed = match intent.gtid.is_empty() {
        true => None,
        false => Some(answered(limit, server, LOOKING, has_executed(conn, &intent.gtid)).await?),
    };
    let by_server = gtid::is_chosen(&intent.gtid) || intent.server.is_same(&started.server);
    let executed = match executed {
        Some(false) if by_server => Some(false),
        // Another server may have it from one that is gone.
        Some(false) if intent.server.uuid != started.server.uuid => None,
        Some(false) => has_recovered(conn, &intent).await?,
        executed => executed,
    };
    let place = format!(
        "table strait.ddl at {}, origin {}, sink {}",
        place_of(conn),
        started.identity.origin,
        started.identity.sink
    );
    tracing::info!(seq = %intent.seq, gtid = intent.gtid, ?executed, "the former run was at a schema change");
    Ok(Some(Former { intent, executed, place }))
}

/// Ends the connection that runs it, and waits until it is gone: only then is what became of the statement settled.
async fn end(conn: &mut Conn, intent: &Intent, limit: Duration, status: &Component) -> Result<()> {
    let id = intent.connection_id;
    loop {
        status.beat();
        let (server, doing) = (place_of(conn), format!("KILL {id}"));
        let killing = async { Ok(conn.query_drop(&doing).await) };
        match answered(limit, server, &doing, killing).await? {
            Ok(()) => status.waiting(format!(
                "the former run's schema change at seq {} is being undone or ended by connection {id} at the target",
                intent.seq
            )),
            Err(error) if server_code(&error) == Some(NO_SUCH_THREAD) => return Ok(()),
            Err(error) if server_code(&error) == Some(NOT_OWNER) => status.waiting(format!(
                "the former run's schema change at seq {} runs under another account: KILL {id} at the target ends it",
                intent.seq
            )),
            Err(source) => return Err(Error::target(conn, doing)(source)),
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl Former {
    /// The log must say at this seq what the intent says.
    pub fn ensure_same(&self, ddl: &Ddl, at: &At) -> Result<()> {
        if self.intent.statement == ddl.sql() && self.intent.database == ddl.database {
            return Ok(());
        }
        Err(Error::DdlUncertain {
            cause: format!(
                "strait.ddl says that another statement was about to run: {}",
                String::from_utf8_lossy(&self.intent.statement)
            ),
            at: at.to_string(),
            place: self.place.clone(),
        })
    }

    /// Whether the statement took effect.
    pub fn has_run(&self, kind: Kind, conditional: bool, at: &At) -> Result<bool> {
        match (self.executed, self.intent.outcome.as_str()) {
            (Some(executed), _) => Ok(executed),
            (None, "ran") => Ok(true),
            (None, "not-run") => Ok(false),
            (None, _) if is_repeatable(kind, conditional) => Ok(false),
            (None, _) => Err(Error::DdlUncertain {
                cause: format!(
                    "the former run ended in the middle of a schema change, and this server cannot tell whether it took effect: {}",
                    String::from_utf8_lossy(&self.intent.statement)
                ),
                at: at.to_string(),
                place: self.place.clone(),
            }),
        }
    }
}

/// Whether a second run of it, with nothing between, changes nothing.
fn is_repeatable(kind: Kind, conditional: bool) -> bool {
    match kind {
        Kind::TruncateTable
        | Kind::AlterView
        | Kind::AlterDatabase
        | Kind::AlterRoutine
        | Kind::AnalyzeTable
        | Kind::OptimizeTable
        | Kind::RepairTable
        | Kind::Flush => true,
        Kind::CreateTable
        | Kind::CreateTableLike
        | Kind::DropTable
        | Kind::CreateView
        | Kind::DropView
        | Kind::CreateDatabase
        | Kind::DropDatabase
        | Kind::CreateRoutine
        | Kind::DropRoutine => conditional,
        _ => false,
    }
}
