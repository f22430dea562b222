//! What a QUERY event's statement means for the framing of transactions.
//!
//! The statements recognised here are written by the server itself, in a fixed spelling; text of users (DDL, and
//! DML in STATEMENT format) is `Other`.

use super::{
    Error, Result,
    xa::{Xid, parse_xid},
};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement {
    Begin,
    Commit,
    Rollback,
    /// SAVEPOINT, ROLLBACK TO, RELEASE SAVEPOINT: what was rolled back to them is not in the binlog.
    Savepoint,
    XaStart(Xid),
    XaEnd,
    XaCommit(Xid),
    XaRollback(Xid),
    /// CREATE TABLE ... START TRANSACTION: the rows of CREATE TABLE ... SELECT follow.
    CreateSelect,
    Other,
}

pub(super) fn classify(statement: &[u8]) -> Result<Statement> {
    let after = |prefix: &str| {
        let (head, tail) = statement.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix.as_bytes()).then_some(tail)
    };
    let xid = |text: &[u8]| {
        parse_xid(text).ok_or_else(|| Error::Malformed {
            what: "an XA statement",
            found: String::from_utf8_lossy(statement).into_owned(),
        })
    };
    Ok(match () {
        () if statement.eq_ignore_ascii_case(b"BEGIN") => Statement::Begin,
        () if statement.eq_ignore_ascii_case(b"COMMIT") => Statement::Commit,
        () if statement.eq_ignore_ascii_case(b"ROLLBACK") => Statement::Rollback,
        () if after("SAVEPOINT ").is_some()
            || after("ROLLBACK TO ").is_some()
            || after("RELEASE SAVEPOINT ").is_some() =>
        {
            Statement::Savepoint
        }
        () if after("XA END ").is_some() => Statement::XaEnd,
        () => {
            if let Some(tail) = after("XA START ") {
                Statement::XaStart(xid(tail)?)
            } else if let Some(tail) = after("XA COMMIT ") {
                Statement::XaCommit(xid(tail)?)
            } else if let Some(tail) = after("XA ROLLBACK ") {
                Statement::XaRollback(xid(tail)?)
            } else if after("CREATE TABLE ").is_some() && statement.ends_with(b" START TRANSACTION") {
                Statement::CreateSelect
            } else {
                Statement::Other
            }
        }
    })
}
