//! Whether tables still are what their events were made for.
//!
//! Events go by position, and a server that has another table there takes most of them all the same: columns that have
//! changed places, another charset, a sign. A table may be altered at the target by anybody, at any time. So in each transaction,
//! before a table's first event, the lane takes the table's metadata lock, which keeps its definition as it is until COMMIT, and
//! looks at SHOW CREATE TABLE. What is shown so was compared with the catalog once; anything else is compared again, and while it differs the rows
//! go as SQL, by name. Beside it stand the server's settings that change what an event does: they hold for every session at once.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use strait_mysql::{catalog::read_table, client::Conn, server::Flavor};

use crate::{error::Result, table_map::Target};

/// Shared by the lanes.
#[derive(Debug)]
pub struct Definitions {
    pub flavor: Flavor,
    known: Mutex<HashMap<Arc<str>, Known>>,
}

#[derive(Debug)]
struct Known {
    /// What the events are made for; kept, so that no other one gets its address.
    target: Arc<Target>,
    shown: u64,
    fits: bool,
}

impl Definitions {
    pub fn new(flavor: Flavor) -> Self {
        Self { flavor, known: Mutex::default() }
    }

    /// What is to be asked before events of these tables: the settings, then each table's lock and text.
    pub fn question(&self, targets: &[Arc<Target>]) -> String {
        let mut sql = match self.flavor {
            Flavor::Mysql => "SELECT @@GLOBAL.replica_type_conversions".to_owned(),
            Flavor::MariaDb => "SELECT CONCAT(@@GLOBAL.slave_type_conversions, IF(@@GLOBAL.slave_exec_mode = 'STRICT', '', 'no'))".to_owned(),
        };
        for target in targets {
            let table = &target.quoted;
            sql.extend([";SELECT 1 FROM ", table, " LIMIT 0;SHOW CREATE TABLE ", table]);
        }
        sql
    }

    /// Whether events may go to the table, by the text that was shown of it. The transaction has its metadata lock.
    pub async fn fits(&self, conn: &mut Conn, target: &Arc<Target>, shown: &str) -> Result<bool> {
        let hash = hash(shown);
        if let Some(fits) = self.known_fit(target, hash) {
            return Ok(fits);
        }
        let found = read_table(conn, &target.table.name).await?;
        let fits = found.is_some_and(|found| found == target.table);
        if !fits {
            tracing::warn!(table = %target.label, "the table at the target was altered since it was looked at: rows go as SQL until the next start");
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(Arc::clone(&target.label), Known { target: Arc::clone(target), shown: hash, fits });
        Ok(fits)
    }

    fn known_fit(&self, target: &Arc<Target>, shown: u64) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&target.label)?;
        (Arc::ptr_eq(&known.target, target) && known.shown == shown).then_some(known.fits)
    }
}

/// Without the counter, which every insert moves.
fn hash(shown: &str) -> u64 {
    const COUNTER: &str = " AUTO_INCREMENT=";
    let mut hasher = DefaultHasher::new();
    match shown.rsplit_once(COUNTER) {
        Some((before, after)) => {
            (before, after.trim_start_matches(|c: char| c.is_ascii_digit())).hash(&mut hasher);
        }
        None => (shown, "").hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_does_not_count() {
        let table = |counter: &str, name: &str| {
            hash(&format!("CREATE TABLE t ({name} INT) ENGINE=InnoDB{counter} COMMENT='x'"))
        };
        assert_eq!(table(" AUTO_INCREMENT=5", "a"), table(" AUTO_INCREMENT=17", "a"));
        assert_ne!(table(" AUTO_INCREMENT=5", "a"), table(" AUTO_INCREMENT=5", "b"));
    }
}
