//! Schema changes of the source, made at the target.
//!
//! A schema change commits by itself, so it can never be one transaction with the row of `strait.lane` that says how
//! far the log is applied. Instead, in the log's order and with all lanes at rest:
//!
//! 1. the intent is committed to `strait.ddl`: seq, the GTID to run under, the connection that will;
//! 2. the statement is run under the settings of its own session, and under that GTID;
//! 3. the seq is committed to `strait.lane`, as for every transaction.
//!
//! **Whether it ran.** After a crash between 1 and 3 the catalog does not tell: after two tables of one shape have
//! changed places everything looks as before. But the server commits the GTID with the statement, so
//! `gtid_executed` has it exactly if the statement took effect (`gtid`, with what stands for it on MariaDB). The former connection may still be at it:
//! it is ended, and waited for, before anybody looks (`former`). Should it live on behind a proxy all the same, it
//! still holds the GTID: whoever takes the same one waits for it, and if it has committed, the server passes the
//! statement over.
//!
//! **Fence.** The intent is committed only while the epoch in `strait.lane` is this run's, under a lock that a takeover
//! needs too. So a sink that was taken over notes nothing more, and what it has noted the next one finds.
//!
//! Without the right to choose a GTID, an unsettled intent of a statement that cannot simply be run again halts the sink
//! for a human to look: nothing else is sound.

mod dialect;
mod former;
mod gtid;
mod intent;
mod policy;
mod recovered;
mod running;
mod session;

use former::Former;
use intent::Intent;
pub use policy::{Action, decide, is_never_applied};
use running::Running;

use std::{sync::Arc, time::Duration};

use strait_mysql::{
    client::Conn,
    ddl::{Kind, Reading, Statement, classify},
    ensure::{may_choose_gtids, read_grants},
    server::{Flavor, ServerOptions, read_facts},
};
use strait_schemas::{Ddl, DdlSession, Seq};
use strait_service::Component;

use crate::{
    checkpoint::{Identity, ServerRun, Started},
    config,
    error::{Error, Result, answered},
    metrics::Metrics,
    routes::{Routed, Routes},
};

const LOOKING: &str = "looking what the former run has left of a schema change";

/// Where a schema change is in the log.
#[derive(Debug, Clone)]
pub struct At {
    pub seq: Seq,
    pub gtid: Arc<str>,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seq {}, transaction {}", self.seq, self.gtid)
    }
}

/// Makes the schema changes of one run of the sink.
#[derive(Debug)]
pub struct SchemaChanges {
    settings: config::Ddl,
    routes: Arc<Routes>,
    server: ServerOptions,
    /// A server that says nothing for so long counts as lost.
    answer_timeout: Duration,
    identity: Identity,
    epoch: u64,
    run: ServerRun,
    /// What the former run had begun, if that is not behind the log.
    former: Option<Former>,
    flavor: Flavor,
    /// Whether a statement can be run under a GTID of ours.
    own_gtids: bool,
    metrics: Metrics,
    status: Component,
}

impl SchemaChanges {
    /// Looks what the former run has left, and waits for it to end.
    pub async fn start(
        conn: &mut Conn,
        (settings, routes): (config::Ddl, Arc<Routes>),
        (server, answer_timeout): (ServerOptions, Duration),
        started: &Started,
        metrics: Metrics,
        [status, sink]: [Component; 2],
    ) -> Result<Self> {
        let looking = async {
            let facts = read_facts(conn).await?;
            Ok((facts.flavor, may_choose_gtids(&facts, &read_grants(conn).await?)))
        };
        let (flavor, own_gtids) = answered(answer_timeout, server.place(), LOOKING, looking).await?;
        let former = former::settle(conn, started, answer_timeout, &sink).await?;
        status.idle("no schema change is under way");
        Ok(Self {
            settings,
            routes,
            server,
            answer_timeout,
            identity: started.identity.clone(),
            epoch: started.epoch,
            run: started.server.clone(),
            former,
            flavor,
            own_gtids,
            metrics,
            status,
        })
    }

    /// What is to be done about a statement; `Halt` comes as the error that says why.
    pub fn action(&self, ddl: &Ddl, at: &At) -> Result<Action> {
        let kind = kind_of(ddl);
        match decide(&self.settings, kind) {
            Action::Halt => Err(policy::halted(&self.settings, kind, ddl, at)),
            Action::Apply if ddl.session.is_none() => Err(policy::untold(kind, ddl, at)),
            Action::Apply => policy::ensure_same_result(kind, ddl, at).map(|()| Action::Apply),
            Action::Ignore => Ok(Action::Ignore),
        }
    }

    /// Passes a statement over, saying so.
    pub fn ignore(&self, ddl: &Ddl, at: &At) {
        self.metrics.ddl_ignored.inc();
        policy::log_ignored(kind_of(ddl), ddl, at);
    }

    /// Makes the change, if the former run has not. All lanes must be at rest. `creates`: a snapshot makes what is missing.
    pub async fn apply(&mut self, ddl: &Ddl, at: &At, creates: bool) -> Result<()> {
        match self.routes.statement(ddl, &read(ddl), creates)? {
            Routed::Same => self.apply_routed(ddl, at).await,
            Routed::Renamed(routed) => self.apply_routed(&routed, at).await,
            Routed::Not(why) => Err(policy::not_here(why, kind_of(ddl), ddl, at)),
        }
    }

    async fn apply_routed(&mut self, ddl: &Ddl, at: &At) -> Result<()> {
        let former = self.former.take().filter(|former| former.intent.seq == at.seq);
        if let Some(former) = &former {
            former.ensure_same(ddl, at)?;
            if former.has_run(kind_of(ddl), read(ddl).conditional, at)? {
                tracing::info!(%at, gtid = former.intent.gtid, "the schema change ran before the restart");
                return Ok(());
            }
        }
        let gtid = former.map(|former| former.intent.gtid).filter(|gtid| !gtid.is_empty());
        self.run(ddl, at, gtid).await
    }

    async fn run(&mut self, ddl: &Ddl, at: &At, gtid: Option<String>) -> Result<()> {
        let preparing = self.prepare(ddl, at, gtid);
        let doing = "preparing a schema change";
        let (running, gtid) = answered(self.answer_timeout, self.server.place(), doing, preparing).await?;
        tracing::info!(%at, kind = ddl.kind, gtid, database = ddl.database, statement = policy::excerpt(ddl), "schema change");
        let limit = self.settings.timeout.duration();
        let seconds = running.execute(ddl, &gtid, limit, &self.status, &self.metrics).await?;
        self.metrics.ddl_applied.inc();
        self.status.idle("no schema change is under way");
        tracing::info!(%at, seconds, "schema change made");
        Ok(())
    }

    /// A connection that is ready to run the statement, and is noted as such; and the GTID to run it under.
    async fn prepare(&self, ddl: &Ddl, at: &At, gtid: Option<String>) -> Result<(Running, String)> {
        let mut running = Running::open(&self.server, at).await?;
        running.prepare(ddl, self.flavor).await?;
        let gtid = match gtid {
            Some(gtid) if self.own_gtids && self.flavor == Flavor::Mysql => gtid,
            _ if self.own_gtids => gtid::next(running.conn(), self.flavor, &self.identity).await?,
            _ => String::new(),
        };
        let intent = Intent {
            seq: at.seq,
            gtid,
            connection_id: running.connection_id(),
            server: self.run.clone(),
            database: ddl.database.clone(),
            statement: ddl.sql().to_vec(),
            outcome: String::new(),
        };
        intent::commit(&self.server, &self.identity, self.epoch, &intent).await?;
        Ok((running, intent.gtid))
    }
}

/// As the sink itself reads the statement; of one that is not told whole, as the connector did.
fn read(ddl: &Ddl) -> Statement {
    let session = ddl.session.as_ref();
    let reading = Reading::of_session(
        session.map_or(0, |session| session.sql_mode),
        session.map(|session| session.charset[0]),
        source_of(session),
    );
    classify(ddl.sql(), reading)
}

fn source_of(session: Option<&DdlSession>) -> Flavor {
    match session {
        Some(session) if session.mariadb => Flavor::MariaDb,
        _ => Flavor::Mysql,
    }
}

fn kind_of(ddl: &Ddl) -> Kind {
    Kind::from_name(&ddl.kind).unwrap_or_else(|| match ddl.kind.is_empty() {
        true => read(ddl).kind,
        // A newer connector's.
        false => Kind::Unknown,
    })
}

/// For errors: the statement's beginning.
fn failed(ddl: &Ddl, at: &At, place: String, source: strait_mysql::client::ClientError) -> Error {
    Error::Ddl { statement: policy::excerpt(ddl), at: at.to_string(), place, source }
}
