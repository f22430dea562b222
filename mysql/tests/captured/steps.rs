//! The sequence of steps that a binlog gives, against what the SQL that made it did (framing.steps, checked by
//! hand against framing.sql and mysqlbinlog).

use std::{fmt::Write, sync::Arc};

use strait_mysql::binlog::{
    EventType, Framer, RowsKind, Step, TransactionEnd, TransactionHead, Xid, row_flags,
};

use super::{file, render::hex};

fn describe(step: &Step) -> Option<String> {
    Some(match step {
        Step::Nothing | Step::FormatDescription(_) | Step::Rotate { .. } | Step::PreviousGtids(_) => {
            return None;
        }
        Step::Begin { head, xa: None } => format!("begin {}", gtid(head)),
        Step::Begin { head, xa: Some(xid) } => format!("begin {} xa {}", gtid(head), name(xid)),
        Step::RowsQuery(statement) => format!("  query {}", String::from_utf8_lossy(statement)),
        Step::Rows { table, rows, .. } => {
            let kind = match rows.kind {
                RowsKind::Insert => "insert",
                RowsKind::Update => "update",
                RowsKind::Delete => "delete",
            };
            let partial = if rows.is_full() { "" } else { " partial" };
            format!("  {kind}{partial} {}.{}{}", table.database, table.table, flags(rows.flags))
        }
        Step::Ddl { head, query, .. } => {
            format!("ddl {} [{}] {}", gtid(head), query.database_text(), first_line(&query.text()))
        }
        Step::Empty { head, .. } => format!("empty {}", gtid(head)),
        Step::CreateSelect(query) => format!("  create {}", first_line(&query.text())),
        Step::Statement { event, statement } => format!("  statement {event} {statement}"),
        Step::Commit(_) => "commit".into(),
        Step::Rollback(_) => "rollback".into(),
        Step::XaPrepare { xid, one_phase, .. } => {
            format!("prepare {}{}", name(xid), if *one_phase { " and commit" } else { "" })
        }
        Step::XaCommit { head, xid, .. } => format!("xa commit {} {}", gtid(head), name(xid)),
        Step::XaRollback { head, xid, .. } => format!("xa rollback {} {}", gtid(head), name(xid)),
        Step::Heartbeat { .. } => "heartbeat".into(),
    })
}

fn flags(flags: u16) -> String {
    let names = [
        (row_flags::STMT_END, "end"),
        (row_flags::NO_FOREIGN_KEY_CHECKS, "no-fk"),
        (row_flags::RELAXED_UNIQUE_CHECKS, "no-unique"),
        (row_flags::USE_SQL_FOREIGN_KEY, "sql-fk"),
    ];
    names
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .fold(String::new(), |text, (_, name)| text + " " + name)
}

/// The server's own uuid, which is another with each capture, as "own".
fn gtid(head: &TransactionHead) -> String {
    let Some(gtid) = head.gtid else { return "anonymous".into() };
    let text = gtid.to_string();
    match text.split_once(':') {
        Some((uuid, rest)) if !uuid.starts_with("aaaa") && !uuid.starts_with("bbbb") => format!("own:{rest}"),
        _ => text,
    }
}

fn name(xid: &Xid) -> String {
    format!("{}/{}/{}", hex(&xid.global), hex(&xid.branch), xid.format_id)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn trace(name: &str) -> String {
    let mut trace = String::new();
    file::each_step(name, |step, _: &Framer| {
        if let Some(line) = describe(&step) {
            writeln!(trace, "{line}").expect("writing to a string cannot fail");
        }
    });
    trace
}

#[test]
fn framing() {
    let trace = trace("framing");
    if std::env::var_os("UPDATE_STEPS").is_some() {
        file::write("framing.steps", &trace);
    }
    assert_eq!(trace, file::text("framing.steps"));
}

#[test]
fn statement_form_is_always_reported() {
    let lines = trace("statements");
    let statements: Vec<&str> = lines.lines().filter_map(|line| line.strip_prefix("  statement ")).collect();
    assert_eq!(
        statements,
        [
            "INTVAR ",
            "QUERY INSERT INTO t (a) VALUES (1)",
            "INTVAR ",
            "RAND ",
            "QUERY INSERT INTO t (a) VALUES (FLOOR(RAND() * 10))",
            "INTVAR ",
            "USER_VAR ",
            "QUERY INSERT INTO t (a) VALUES (@variable)",
            "QUERY UPDATE t SET a = 5",
        ]
    );
}

#[test]
fn events_of_a_compressed_transaction_are_at_its_place() {
    let (mut compressed, mut inside) = (0, None);
    file::each_step("compressed", |step, framer| match step {
        Step::Begin { head, .. } => {
            // The server does not compress XA transactions and CREATE TABLE ... SELECT.
            let whole = framer.pos() - head.pos == head.transaction_length.expect("the server says it");
            compressed += usize::from(whole);
            inside = whole.then_some((head.pos, framer.pos()));
        }
        Step::Rows { pos, .. } => {
            if let Some((begin, end)) = inside {
                assert!(begin < pos && pos < end && framer.pos() == end);
            }
        }
        Step::Commit(TransactionEnd { pos, .. }) => assert!(inside.is_none_or(|(_, end)| pos == end)),
        _ => {}
    });
    let events = file::events("compressed");
    let payloads = events.iter().filter(|event| event.header.event_type == EventType::TransactionPayload);
    assert_eq!(compressed, payloads.count());
    assert!(compressed > 5);
}

#[test]
fn table_maps_are_the_same_while_their_description_is() {
    let mut maps: Vec<(String, Arc<_>)> = Vec::new();
    file::each_step("framing", |step, _| {
        if let Step::Rows { table, .. } = step {
            maps.push((table.table.clone(), table));
        }
    });
    let mut distinct: Vec<_> =
        maps.iter().filter(|(name, _)| name == "t").map(|(_, map)| map.clone()).collect();
    assert!(distinct.len() > 20);
    distinct.dedup_by(|a, b| Arc::ptr_eq(a, b));
    // As created, with the new column, with the column renamed; FLUSH TABLES changes only the number.
    let names: Vec<Vec<&str>> =
        distinct.iter().map(|map| map.columns.iter().map(|column| column.name.as_str()).collect()).collect();
    assert_eq!(names, [vec!["id", "a", "b"], vec!["id", "a", "b", "c"], vec!["id", "a", "b", "cc"]]);
    assert!(distinct.is_sorted_by(|a, b| a.version < b.version));
}
