//! Preflight of a target.

use mysql_async::Conn;

use super::{
    Finding, Grants, Report, Verdict, ensure_gtid_choice, ensure_logged, ensure_no_events,
    ensure_no_unguarded_triggers, ensure_schema_rights, ensure_table_rights, ensure_transactional_engine,
    ensure_triggers_visible, finding::set, read_grants,
};
use crate::{
    Result,
    catalog::{TableName, read_events, read_tables},
    client::quote_name,
    server::{Flavor, ServerFacts, ServerOptions, connect, read_facts},
};

/// What a sink asks of its target.
#[derive(Debug, Clone, Default)]
pub struct TargetNeeds {
    /// The private schema.
    pub schema: String,
    /// Tables known to be applied to; those that do not exist are not looked at here.
    pub tables: Vec<TableName>,
    /// The user has said that unguarded triggers are meant to fire.
    pub allow_triggers: bool,
    /// Schema changes are to be made.
    pub schema_changes: bool,
    /// The largest statement that may have to be sent, in bytes.
    pub packet: u64,
}

/// Makes every check. A server that cannot be reached or refuses the login is a finding like others.
pub async fn check_target(options: &ServerOptions, needs: &TargetNeeds) -> Report {
    let mut report = Report::default();
    if let Err(error) = check(options, needs, &mut report).await {
        report.fail("target", &options.place(), &error);
    }
    report.sorted()
}

async fn check(options: &ServerOptions, needs: &TargetNeeds, report: &mut Report) -> Result<()> {
    let mut conn = connect(options).await?;
    let facts = read_facts(&mut conn).await?;
    let grants = read_grants(&mut conn).await?;
    report.add(ensure_writable(&facts, &grants));
    report.add(ensure_max_allowed_packet(&facts, needs.packet));
    report.add(ensure_strait_schema_rights(&facts, &grants, &needs.schema));
    report.add(ensure_logged(&facts, &needs.schema));
    if needs.schema_changes {
        report.add(ensure_gtid_choice(&facts, &grants));
        let mut databases: Vec<&str> = needs.tables.iter().map(|name| name.database.as_str()).collect();
        databases.sort_unstable();
        databases.dedup();
        report.extend(ensure_schema_rights(&facts, &grants, &databases));
    }
    report
        .extend(check_target_tables(&mut conn, &facts, &grants, &needs.tables, needs.allow_triggers).await?);
    Ok(())
}

/// The checks of the tables alone, for a sink that learns of new tables or definitions as it goes.
pub async fn check_target_tables(
    conn: &mut Conn,
    facts: &ServerFacts,
    grants: &Grants,
    names: &[TableName],
    allow_triggers: bool,
) -> Result<Vec<Finding>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let tables = read_tables(conn, names).await?;
    let existing: Vec<TableName> = tables.iter().map(|table| table.name.clone()).collect();
    let mut databases: Vec<String> = existing.iter().map(|name| name.database.clone()).collect();
    databases.dedup();
    let mut findings = ensure_table_rights(facts, grants, names);
    findings.extend(ensure_transactional_engine(facts, &tables));
    if !allow_triggers {
        findings.extend(ensure_triggers_visible(facts, grants, &existing));
        findings.extend(ensure_no_unguarded_triggers(facts, &tables));
    }
    if !databases.is_empty() {
        findings.extend(ensure_no_events(facts, &existing, &read_events(conn, &databases).await?));
    }
    Ok(findings)
}

/// `read_only` and `super_read_only` are off, or do not bind this account.
pub fn ensure_writable(facts: &ServerFacts, grants: &Grants) -> Verdict {
    let exempt: &[&str] = match facts.flavor {
        Flavor::Mysql => &["CONNECTION_ADMIN", "SUPER"],
        Flavor::MariaDb => &["READ_ONLY ADMIN", "READ ONLY ADMIN"],
    };
    let setting = if facts.super_read_only {
        "super_read_only"
    } else if facts.read_only && !exempt.iter().any(|privilege| grants.globally(privilege)) {
        "read_only"
    } else {
        return Ok(());
    };
    Err(Finding::refusal(
        "writable",
        &facts.place,
        format!("{setting} = ON: the target takes no writes from this account"),
        format!(
            "if this is a replica of the real target, connect to that one; if not: {}",
            // Switching read_only off switches super_read_only off with it.
            set(facts, "read_only", "OFF")
        ),
    ))
}

/// The server takes statements of that size.
pub fn ensure_max_allowed_packet(facts: &ServerFacts, packet: u64) -> Verdict {
    if facts.max_allowed_packet >= packet {
        return Ok(());
    }
    Err(Finding::warning(
        "max_allowed_packet",
        &facts.place,
        format!(
            "max_allowed_packet = {}: a row or statement above that size cannot be applied, and would halt the sink",
            facts.max_allowed_packet
        ),
        format!(
            "{} the largest; memory is taken only when needed",
            set(facts, "max_allowed_packet", "1073741824")
        ),
    ))
}

/// The sink creates and writes its private schema itself.
pub fn ensure_strait_schema_rights(facts: &ServerFacts, grants: &Grants, schema: &str) -> Verdict {
    let missing: Vec<&str> = ["CREATE", "ALTER", "SELECT", "INSERT", "UPDATE", "DELETE"]
        .into_iter()
        .filter(|privilege| !grants.in_database(privilege, schema))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Finding::refusal(
        "schema_rights",
        format!("{}, database {schema}", facts.place),
        format!("the account has no right {} on the sink's own database", missing.join(", ")),
        format!("GRANT ALL ON {}.* TO {};", quote_name(schema), grants.grantee()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensure::facts_for_tests;

    #[test]
    fn read_only_binds_accounts_without_the_exemption() {
        let mut facts = facts_for_tests();
        let plain = Grants::parse(["GRANT SELECT ON *.* TO `u`@`%`"]);
        let admin = Grants::parse(["GRANT CONNECTION_ADMIN ON *.* TO `u`@`%`"]);
        assert_eq!(ensure_writable(&facts, &plain), Ok(()));
        facts.read_only = true;
        assert!(ensure_writable(&facts, &plain).is_err());
        assert_eq!(ensure_writable(&facts, &admin), Ok(()));
        facts.super_read_only = true;
        assert!(ensure_writable(&facts, &admin).unwrap_err().cause.starts_with("super_read_only"));
    }
}
