//! Preflight of a source.

use mysql_async::Conn;

use super::{
    Report, ensure_executed, ensure_flush_log, ensure_full_image, ensure_full_metadata, ensure_gtid_mode,
    ensure_gtid_strict_mode, ensure_log_bin, ensure_logged, ensure_not_purged, ensure_order_commits,
    ensure_replication_rights, ensure_row_format, ensure_server_id_free, ensure_snapshot_rights,
    ensure_sync_binlog, ensure_whole_json, read_grants,
};
use crate::{
    Result,
    server::{ServerFacts, ServerOptions, connect, read_facts},
    stream::StartAt,
};

/// What a connector asks of its source.
#[derive(Debug, Clone, Default)]
pub struct SourceNeeds {
    /// The replica id that it will use.
    pub server_id: u32,
    /// Where it would start; `None`: from now.
    pub start: Option<StartAt>,
    /// Databases whose changes must be in the log. That of the sink is one, where changes come back.
    pub databases: Vec<String>,
    /// Databases whose rows it reads, all if there are none; `None`: it reads none.
    pub snapshot: Option<Vec<String>>,
}

/// Makes every check. A server that cannot be reached or refuses the login is a finding like others.
pub async fn check_source(options: &ServerOptions, needs: &SourceNeeds) -> Report {
    let mut report = Report::default();
    if let Err(error) = check(options, needs, &mut report).await {
        report.fail("source", &options.place(), &error);
    }
    report.sorted()
}

async fn check(options: &ServerOptions, needs: &SourceNeeds, report: &mut Report) -> Result<()> {
    let mut conn = connect(options).await?;
    let facts = read_facts(&mut conn).await?;
    let grants = read_grants(&mut conn).await?;
    report.extend(ensure_replication_rights(&facts, &grants));
    if let Some(databases) = &needs.snapshot {
        report.extend(ensure_snapshot_rights(&facts, &grants, databases));
    }
    check_log(&facts, needs, report);
    if facts.log_bin {
        check_start(&mut conn, &facts, needs, report).await?;
    }
    Ok(())
}

fn check_log(facts: &ServerFacts, needs: &SourceNeeds, report: &mut Report) {
    report.add(ensure_log_bin(facts));
    if !facts.log_bin {
        return;
    }
    report.add(ensure_row_format(facts));
    report.add(ensure_full_image(facts));
    report.add(ensure_full_metadata(facts));
    report.add(ensure_whole_json(facts));
    report.add(ensure_gtid_mode(facts));
    report.add(ensure_gtid_strict_mode(facts));
    report.add(ensure_sync_binlog(facts));
    report.add(ensure_flush_log(facts));
    report.add(ensure_order_commits(facts));
    for database in &needs.databases {
        report.add(ensure_logged(facts, database));
    }
}

async fn check_start(
    conn: &mut Conn,
    facts: &ServerFacts,
    needs: &SourceNeeds,
    report: &mut Report,
) -> Result<()> {
    report.add(ensure_server_id_free(conn, facts, needs.server_id).await?);
    if let Some(start) = &needs.start {
        report.add(ensure_executed(facts, start)?);
        report.add(ensure_not_purged(conn, facts, start).await?);
    }
    Ok(())
}
