//! Preflight: each finding provoked on a real server, its cause, place and remedy read as an operator would,
//! and where the remedy is a command, the command run and the check made again.

use std::{io::Write as _, process::Stdio};

use anyhow::{Context, Result};
use e2e::{Lab, MySql, MySqlOptions, fresh_name};
use strait_mysql::{
    catalog::TableName,
    ensure::{Finding, Report, Severity, SourceNeeds, TargetNeeds, check_source, check_target},
    gtid::GtidSet,
    server::{ServerOptions, connect, read_facts},
    stream::StartAt,
};
use tokio::sync::OnceCell;

fn options(server: &MySql) -> ServerOptions {
    ServerOptions::new(server.host(), server.port(), server.user())
}

/// An account of this test's own, with these rights.
async fn account(server: &MySql, grants: &[&str]) -> Result<ServerOptions> {
    let user = fresh_name("acc");
    server.run([format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'secret'")]).await?;
    server.run(grants.iter().map(|grant| format!("GRANT {grant} TO '{user}'@'%'"))).await?;
    Ok(ServerOptions::new(server.host(), server.port(), user).with_password("secret"))
}

fn source_needs() -> SourceNeeds {
    SourceNeeds {
        server_id: 4_000_000_001,
        start: None,
        databases: vec!["strait".to_owned()],
        snapshot: None,
    }
}

fn target_needs(tables: Vec<TableName>) -> TargetNeeds {
    TargetNeeds {
        schema: "strait".to_owned(),
        tables,
        allow_triggers: false,
        schema_changes: false,
        packet: 1 << 20,
    }
}

/// The one finding of a check, whose words must hold all of `words`.
#[track_caller]
fn finding<'a>(report: &'a Report, check: &str, words: &[&str]) -> &'a Finding {
    let found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.check == check).collect();
    let [finding] = found.as_slice() else { panic!("one finding of {check}, but:\n{report}") };
    let text = finding.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in:\n{text}");
    }
    finding
}

#[track_caller]
fn nothing_found(report: &Report) {
    assert!(report.findings.is_empty(), "{report}");
}

/// A server on which everything about the binary log is wrong that can be wrong at once.
async fn careless() -> Result<&'static MySql> {
    static SERVER: OnceCell<MySql> = OnceCell::const_new();
    let start = || {
        MySql::start(MySqlOptions::named("careless").args([
            "--binlog-format=STATEMENT",
            "--binlog-row-image=MINIMAL",
            "--binlog-row-metadata=MINIMAL",
            "--binlog-row-value-options=PARTIAL_JSON",
            "--gtid-mode=OFF",
            "--enforce-gtid-consistency=OFF",
            "--sync-binlog=0",
            "--innodb-flush-log-at-trx-commit=2",
            "--binlog-order-commits=OFF",
            "--binlog-ignore-db=strait",
        ]))
    };
    SERVER.get_or_try_init(start).await
}

/// A server without a binary log, locked against writing.
async fn locked() -> Result<&'static MySql> {
    static SERVER: OnceCell<MySql> = OnceCell::const_new();
    let start = || {
        MySql::start(MySqlOptions::named("locked").args([
            "--skip-log-bin",
            "--gtid-mode=OFF",
            "--super-read-only=ON",
            "--max-allowed-packet=2M",
        ]))
    };
    SERVER.get_or_try_init(start).await
}

#[tokio::test]
async fn a_server_set_up_as_it_should_be_passes() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let source = account(server, &["REPLICATION SLAVE, REPLICATION CLIENT ON *.*"]).await?;
    nothing_found(&check_source(&source, &source_needs()).await);
    let database = server.database("fine").await?;
    server.run([format!("CREATE TABLE `{database}`.t (id INT PRIMARY KEY)")]).await?;
    let rights = [
        "ALL ON `strait`.*".to_owned(),
        format!("SELECT, INSERT, UPDATE, DELETE, TRIGGER ON `{database}`.*"),
    ];
    let target = account(server, &rights.each_ref().map(String::as_str)).await?;
    nothing_found(&check_target(&target, &target_needs(vec![TableName::new(&database, "t")])).await);
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_told_with_what_to_do() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let wrong = account(server, &[]).await?.with_password("not it");
    let report = check_source(&wrong, &source_needs()).await;
    assert_eq!(report.findings.len(), 1);
    let found = finding(&report, "source", &["1045", "Access denied", "ALTER USER", &wrong.user]);
    assert_eq!(found.severity, Severity::Refusal);
    assert_eq!(found.place, format!("{}@{}", wrong.user, server.address()));
    assert!(!report.to_string().contains("not it"), "a password is never shown");
    finding(&check_target(&wrong, &target_needs(vec![])).await, "target", &["1045"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_address() {
    let port = e2e::ports::free_port().expect("a free port");
    let nobody = ServerOptions::new("127.0.0.1", port, "u");
    let report = check_source(&nobody, &source_needs()).await;
    finding(&report, "source", &["no connection", &format!("127.0.0.1:{port}"), "firewall"]);
}

#[tokio::test]
async fn missing_replication_rights_are_told_one_by_one() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let none = account(server, &[]).await?;
    let report = check_source(&none, &source_needs()).await;
    let [slave, client] = report.findings.as_slice() else { panic!("two findings, but:\n{report}") };
    assert!(slave.cause.contains("REPLICATION SLAVE") && client.cause.contains("REPLICATION CLIENT"));
    assert!(report.refused());
    for found in [slave, client] {
        server.run([&found.remedy]).await?;
    }
    nothing_found(&check_source(&none, &source_needs()).await);
    Ok(())
}

#[tokio::test]
async fn rights_that_come_with_a_role_count() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let role = fresh_name("role");
    server
        .run([
            format!("CREATE ROLE '{role}'"),
            format!("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{role}'"),
        ])
        .await?;
    let options = account(server, &[&format!("`{role}`")]).await?;
    assert!(check_source(&options, &source_needs()).await.refused(), "the role is not active");
    server.run([format!("SET DEFAULT ROLE '{role}' TO '{}'@'%'", options.user)]).await?;
    nothing_found(&check_source(&options, &source_needs()).await);
    Ok(())
}

#[tokio::test]
async fn every_setting_of_the_log_is_told_with_its_command() -> Result<()> {
    let server = careless().await?;
    let report = check_source(&options(server), &source_needs()).await;
    let place = format!("root@{}", server.address());
    let refusals = [
        ("binlog_format", "STATEMENT", "SET PERSIST binlog_format = ROW;"),
        ("binlog_row_metadata", "MINIMAL", "SET PERSIST binlog_row_metadata = FULL;"),
        ("binlog_row_value_options", "PARTIAL_JSON", "SET PERSIST binlog_row_value_options = '';"),
        ("logged_databases", "binlog_ignore_db", "take strait out of binlog_ignore_db"),
    ];
    for (check, cause, remedy) in refusals {
        let found = finding(&report, check, &[cause, remedy, &place]);
        assert_eq!(found.severity, Severity::Refusal, "{found}");
    }
    let warnings = [
        ("binlog_row_image", "MINIMAL", "SET PERSIST binlog_row_image = FULL;"),
        ("gtid_mode", "gtid_mode = OFF", "SET PERSIST gtid_mode = ON;"),
        ("sync_binlog", "sync_binlog = 0", "SET PERSIST sync_binlog = 1;"),
        ("innodb_flush_log_at_trx_commit", " = 2", "SET PERSIST innodb_flush_log_at_trx_commit = 1;"),
        ("binlog_order_commits", " = OFF", "SET PERSIST binlog_order_commits = ON;"),
    ];
    for (check, cause, remedy) in warnings {
        let found = finding(&report, check, &[cause, remedy, &place]);
        assert_eq!(found.severity, Severity::Warning, "{found}");
    }
    finding(&report, "gtid_mode", &["failover", "file and position"]);
    assert_eq!(report.findings.len(), refusals.len() + warnings.len(), "{report}");
    let severities: Vec<Severity> = report.findings.iter().map(|finding| finding.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b), "refusals first");
    Ok(())
}

#[tokio::test]
async fn a_server_without_a_binary_log_is_refused() -> Result<()> {
    let server = locked().await?;
    let report = check_source(&options(server), &source_needs()).await;
    let found = finding(&report, "log_bin", &["the binary log is off", "log_bin", &server.address()]);
    assert_eq!(found.severity, Severity::Refusal);
    assert_eq!(report.findings.len(), 1, "what follows from it is not told as well:\n{report}");
    Ok(())
}

#[tokio::test]
async fn a_locked_target_is_refused() -> Result<()> {
    let server = locked().await?;
    let mut needs = target_needs(vec![]);
    needs.packet = 64 << 20;
    let report = check_target(&options(server), &needs).await;
    finding(&report, "writable", &["super_read_only = ON", "SET PERSIST read_only = OFF;"]);
    let packet = finding(&report, "max_allowed_packet", &["2097152", "SET PERSIST max_allowed_packet"]);
    assert_eq!(packet.severity, Severity::Warning);
    Ok(())
}

#[tokio::test]
async fn a_server_id_in_use_is_told() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let own = SourceNeeds { server_id: u32::from(server.port()), ..source_needs() };
    finding(
        &check_source(&options(server), &own).await,
        "server_id",
        &["is the source's own", "set source.server_id"],
    );
    let zero = SourceNeeds { server_id: 0, ..source_needs() };
    finding(&check_source(&options(server), &zero).await, "server_id", &["server_id = 0"]);
    Ok(())
}

#[tokio::test]
async fn a_start_that_is_purged_or_never_happened_is_refused() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("purged")).await?;
    server
        .run([
            "CREATE DATABASE d",
            "CREATE TABLE d.t (id INT PRIMARY KEY)",
            "FLUSH BINARY LOGS",
            "INSERT INTO d.t VALUES (1)",
        ])
        .await?;
    let mut conn = connect(&options(&server)).await?;
    let facts = read_facts(&mut conn).await?;
    let newest = facts.binlog.clone().context("it is on")?;
    let uuid = facts.server_uuid.clone().context("MySQL has one")?;
    server.run([format!("PURGE BINARY LOGS TO '{}'", newest.file)]).await?;

    let at = |start: StartAt| {
        let needs = SourceNeeds { start: Some(start), ..source_needs() };
        let options = options(&server);
        async move { check_source(&options, &needs).await }
    };
    let purged = at(StartAt::Gtid(format!("{uuid}:1").parse()?)).await;
    finding(
        &purged,
        "not_purged",
        &["purged 1 transactions", &format!("{uuid}:2"), "snapshot", "binlog_expire_logs_seconds"],
    );
    nothing_found(&at(StartAt::Gtid(format!("{uuid}:1-2").parse()?)).await);
    nothing_found(&at(StartAt::Gtid(facts.executed()?)).await);

    let mut unknown: GtidSet = facts.executed()?;
    unknown.union(&"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7".parse()?);
    let unknown = at(StartAt::Gtid(unknown)).await;
    finding(
        &unknown,
        "executed",
        &["7 transactions", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7", "another server"],
    );

    let file = |file: &str, pos| at(StartAt::File { file: file.to_owned(), pos });
    nothing_found(&file(&newest.file, newest.pos).await);
    finding(&file("binlog.000001", 4).await, "not_purged", &["no binary log binlog.000001", "snapshot"]);
    finding(&file(&newest.file, newest.pos + 1000).await, "not_purged", &["beyond the end", &newest.file]);
    Ok(())
}

#[tokio::test]
async fn missing_rights_at_the_target_are_told_with_the_grant() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("rights").await?;
    server.run([format!("CREATE TABLE `{database}`.t (id INT PRIMARY KEY)")]).await?;
    let options = account(server, &[&format!("SELECT, TRIGGER ON `{database}`.*")]).await?;
    let needs = target_needs(vec![TableName::new(&database, "t")]);
    let report = check_target(&options, &needs).await;
    let schema = finding(&report, "schema_rights", &["database strait", "CREATE", "GRANT ALL ON `strait`.*"]);
    let tables = finding(&report, "table_rights", &["no right INSERT, UPDATE, DELETE on table t", &database]);
    server.run([&schema.remedy, &tables.remedy]).await?;
    nothing_found(&check_target(&options, &needs).await);

    server.run([format!("REVOKE TRIGGER ON `{database}`.* FROM '{}'@'%'", options.user)]).await?;
    let report = check_target(&options, &needs).await;
    let blind = finding(&report, "trigger_right", &["TRIGGER", "cannot be seen", &database]);
    server.run([&blind.remedy]).await?;
    nothing_found(&check_target(&options, &needs).await);
    Ok(())
}

#[tokio::test]
async fn a_table_that_knows_no_transactions_is_refused() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("engine").await?;
    server.run([format!("CREATE TABLE `{database}`.t (id INT PRIMARY KEY) ENGINE = MyISAM")]).await?;
    let needs = target_needs(vec![TableName::new(&database, "t")]);
    let report = check_target(&options(server), &needs).await;
    let place = format!("table {database}.t");
    let found = finding(&report, "transactional_engine", &["MyISAM", &place, &server.address()]);
    server.run([&found.remedy]).await?;
    nothing_found(&check_target(&options(server), &needs).await);
    Ok(())
}

/// The text that preflight prints, fed to the server's own client, makes the trigger pass, keep its work for
/// ordinary sessions, and do nothing for the sink's.
#[tokio::test]
async fn an_unguarded_trigger_is_refused_with_the_text_that_guards_it() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("guard").await?;
    server
        .run([
            &format!("USE `{database}`"),
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "CREATE TABLE audit (id INT)",
            "CREATE TRIGGER `by one's side` AFTER INSERT ON t FOR EACH ROW \
             BEGIN INSERT INTO audit VALUES (NEW.id); INSERT INTO audit VALUES (-NEW.id); END",
            "CREATE TRIGGER plain BEFORE UPDATE ON t FOR EACH ROW SET NEW.id = NEW.id + 1",
        ])
        .await?;
    let needs = target_needs(vec![TableName::new(&database, "t")]);
    let report = check_target(&options(server), &needs).await;
    assert_eq!(report.findings.len(), 2, "{report}");
    for found in &report.findings {
        assert_eq!((found.check, found.severity), ("unguarded_trigger", Severity::Refusal));
        assert!(
            found.place.contains(&format!("{}, table {database}.t, trigger ", server.address())),
            "{found}"
        );
        assert!(found.remedy.contains("IF @strait_apply IS NULL THEN"), "{found}");
        let (_, script) = found.remedy.split_once('\n').context("the statements follow a line of words")?;
        let mut client = server.tool("mysql").await?.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        client.stdin.take().context("piped")?.write_all(script.as_bytes())?;
        let output = client.wait_with_output()?;
        assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    }
    nothing_found(&check_target(&options(server), &needs).await);

    let mut conn = server.conn_to(&database).await?;
    use strait_mysql::client::Queryable;
    conn.query_drop("INSERT INTO t VALUES (1)").await?;
    conn.query_drop("SET @strait_apply = 1").await?;
    conn.query_drop("INSERT INTO t VALUES (5)").await?;
    conn.query_drop("UPDATE t SET id = 6 WHERE id = 5").await?;
    let audit: Vec<i32> = conn.query("SELECT id FROM audit ORDER BY id").await?;
    assert_eq!(audit, [-1, 1], "the guarded trigger works for others and passes over applied rows");
    assert_eq!(conn.query::<i32, _>("SELECT id FROM t ORDER BY id").await?, [1, 6]);

    server
        .run([format!(
            "CREATE TRIGGER `{database}`.loud BEFORE DELETE ON `{database}`.t FOR EACH ROW SET @x = 1"
        )])
        .await?;
    assert!(check_target(&options(server), &needs).await.refused());
    let allowed = TargetNeeds { allow_triggers: true, ..needs };
    nothing_found(&check_target(&options(server), &allowed).await);
    Ok(())
}

#[tokio::test]
async fn an_event_that_writes_an_applied_table_is_refused() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("event").await?;
    server
        .run([
            &format!("USE `{database}`"),
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "CREATE TABLE other (id INT PRIMARY KEY)",
            "CREATE EVENT clean ON SCHEDULE EVERY 1 DAY STARTS '2099-01-01' DO DELETE FROM t",
            "CREATE EVENT elsewhere ON SCHEDULE EVERY 1 DAY STARTS '2099-01-01' DO DELETE FROM other",
        ])
        .await?;
    let needs = target_needs(vec![TableName::new(&database, "t")]);
    let report = check_target(&options(server), &needs).await;
    finding(
        &report,
        "scheduled_event",
        &[&format!("event {database}.clean"), &format!("{database}.t"), "DISABLE"],
    );
    server.run([format!("ALTER EVENT `{database}`.`clean` DISABLE")]).await?;
    nothing_found(&check_target(&options(server), &needs).await);
    Ok(())
}
