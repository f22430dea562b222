//! Proof that nothing is applied twice: AFTER triggers at the target note every change that reaches the ledger.
//!
//! The triggers write in the applying transaction itself, so what was rolled back leaves no note. Two changes of one key are applied one
//! after the other, so the notes of a key are in the order of their numbers.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};
use mysql_async::{Conn, Opts, prelude::Queryable};

use super::ledger;
use crate::oracle::{LoggedTransaction, RowKind};

/// One change of one key: the version it brought, none for a delete.
type Version = Option<u64>;
type History = BTreeMap<u64, Vec<Version>>;

pub const DATABASE: &str = "audit";

/// Creates the audit table and the triggers, at the target only.
pub async fn create(target: &Opts) -> Result<()> {
    let mut conn = Conn::new(target.clone()).await.context("connecting to create the audit")?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop("CREATE DATABASE audit").await?;
    conn.query_drop(
        "CREATE TABLE audit.applied (n BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, \
         id INT UNSIGNED NOT NULL, version BIGINT UNSIGNED NULL)",
    )
    .await?;
    for (event, id, version) in [
        ("INSERT", "NEW.id", "NEW.version"),
        ("UPDATE", "NEW.id", "NEW.version"),
        ("DELETE", "OLD.id", "NULL"),
    ] {
        conn.query_drop(format!(
            "CREATE TRIGGER {}.note_{event} AFTER {event} ON {} FOR EACH ROW \
             INSERT INTO audit.applied (id, version) VALUES ({id}, {version})",
            ledger::DATABASE,
            ledger::TABLE
        ))
        .await?;
    }
    conn.disconnect().await?;
    Ok(())
}

/// What the target has noted since the last call.
pub async fn take_applied(target: &Opts) -> Result<Audit> {
    let mut conn = Conn::new(target.clone()).await?;
    let notes: Vec<(u64, Version)> = conn.query("SELECT id, version FROM audit.applied ORDER BY n").await?;
    conn.query_drop("SET SESSION sql_log_bin = 0").await?;
    conn.query_drop("DELETE FROM audit.applied").await?;
    conn.disconnect().await?;
    Ok(Audit { history: history(notes) })
}

/// What the source committed, by its binary log (read with two columns kept).
pub fn committed(logged: &[LoggedTransaction]) -> Result<Audit> {
    let rows = logged.iter().flat_map(|transaction| &transaction.rows);
    let notes = rows.filter(|row| &*row.table == ledger::TABLE).map(|row| {
        let image = if row.kind == RowKind::Delete { &row.before } else { &row.after };
        let [id, version] = &image[..] else { bail!("a row of two columns was expected: {row:?}") };
        Ok((id.parse()?, if row.kind == RowKind::Delete { None } else { Some(version.parse()?) }))
    });
    Ok(Audit { history: history(notes.collect::<Result<Vec<_>>>()?) })
}

fn history(notes: impl IntoIterator<Item = (u64, Version)>) -> History {
    let mut history = History::new();
    for (id, version) in notes {
        history.entry(id).or_default().push(version);
    }
    history
}

/// Changes of each key, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Audit {
    history: History,
}

impl Audit {
    pub fn changes(&self) -> usize {
        self.history.values().map(Vec::len).sum()
    }

    /// Without folding: each change of each row exactly once, in order.
    pub fn verify_each_once(&self, committed: &Self) -> Result<()> {
        for (id, versions) in &committed.history {
            let applied = self.history.get(id).map_or(&[][..], Vec::as_slice);
            if applied != versions {
                let at = versions.iter().zip(applied).take_while(|(a, b)| a == b).count();
                bail!(
                    "key {id}: {} changes committed, {} applied; they differ at change {at}: committed {:?}, applied {:?}",
                    versions.len(),
                    applied.len(),
                    versions.get(at),
                    applied.get(at)
                );
            }
        }
        ensure!(
            self.history.len() == committed.history.len(),
            "keys were applied which were never committed"
        );
        Ok(())
    }

    /// With folding some changes of a key never show, but those that do strictly increase, were all committed, and end at the last.
    pub fn verify_increasing(&self, committed: &Self) -> Result<()> {
        for (id, applied) in &self.history {
            let real = committed.history.get(id).with_context(|| format!("key {id} was never committed"))?;
            let rank: HashMap<u64, usize> =
                real.iter().enumerate().filter_map(|(rank, version)| Some(((*version)?, rank))).collect();
            let mut last = None;
            for version in applied.iter().flatten() {
                let now = rank
                    .get(version)
                    .with_context(|| format!("key {id}: version {version} was never committed"))?;
                ensure!(
                    last < Some(now),
                    "key {id}: version {version} was applied again or after a greater one"
                );
                last = Some(now);
            }
        }
        for (id, real) in &committed.history {
            let last = real.last().copied().flatten();
            let applied = self.history.get(id).and_then(|versions| versions.last().copied().flatten());
            ensure!(applied == last, "key {id} ends at {applied:?}, but {last:?} was committed last");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(versions: &[Version]) -> Audit {
        Audit { history: history(versions.iter().map(|version| (1, *version))) }
    }

    #[test]
    fn a_change_applied_twice_is_found() {
        let committed = audit(&[Some(1), Some(2), None, Some(4)]);
        audit(&[Some(1), Some(2), None, Some(4)]).verify_each_once(&committed).expect("right");
        assert!(audit(&[Some(1), Some(2), Some(2), None, Some(4)]).verify_each_once(&committed).is_err());
        assert!(audit(&[Some(1), Some(2), None]).verify_each_once(&committed).is_err());
    }

    #[test]
    fn folding_may_skip_but_not_return() {
        let committed = audit(&[Some(1), Some(2), None, Some(4)]);
        audit(&[Some(2), None, Some(4)]).verify_increasing(&committed).expect("right");
        audit(&[Some(4)]).verify_increasing(&committed).expect("right");
        for wrong in [
            &[Some(1), Some(1), Some(4)][..],
            &[Some(2), Some(1), Some(4)],
            &[Some(1), Some(3), Some(4)],
            &[Some(1), Some(2)],
        ] {
            assert!(audit(wrong).verify_increasing(&committed).is_err(), "{wrong:?}");
        }
    }
}
