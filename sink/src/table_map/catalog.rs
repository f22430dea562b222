//! The target's tables, read when a record first names one and kept for the session.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use strait_mysql::{
    catalog::{Table, TableName, read_tables},
    client::Conn,
    ensure,
};
use strait_service::Finding;

use super::Target;
use crate::{error::Result, finding};

#[derive(Debug, Default)]
pub struct TargetCatalog {
    targets: HashMap<TableName, Arc<Target>>,
    /// Tables read on the way: parents and children of foreign keys.
    tables: HashMap<TableName, Table>,
    allow_triggers: bool,
}

/// What a look at the target for a table gives.
#[derive(Debug)]
pub enum Found {
    Table(Arc<Target>),
    Missing,
    /// Unguarded triggers, a storage engine without transactions.
    Refused(Vec<Finding>),
}

impl TargetCatalog {
    pub fn new(allow_triggers: bool) -> Self {
        Self { allow_triggers, ..Self::default() }
    }

    /// The table by name, read from the target unless it is known.
    pub async fn find(&mut self, conn: &mut Conn, place: &str, name: &TableName) -> Result<Found> {
        if let Some(target) = self.targets.get(name) {
            return Ok(Found::Table(target.clone()));
        }
        self.read(conn, std::slice::from_ref(name)).await?;
        let Some(table) = self.tables.get(name).cloned() else { return Ok(Found::Missing) };
        let mut findings = ensure::ensure_transactional_engine(place, std::slice::from_ref(&table));
        if !self.allow_triggers {
            findings.extend(ensure::ensure_no_unguarded_triggers(place, std::slice::from_ref(&table)));
        }
        if !findings.is_empty() {
            return Ok(Found::Refused(findings.into_iter().map(finding::from_mysql).collect()));
        }
        let parents: Vec<TableName> = table.foreign_keys.iter().map(|key| key.parent.clone()).collect();
        self.read(conn, &parents).await?;
        let cascades = self.cascades_from(conn, name).await?;
        let parents: Vec<Table> = parents.iter().filter_map(|name| self.tables.get(name).cloned()).collect();
        let target = Arc::new(Target::new(table, &parents, &cascades));
        self.targets.insert(name.clone(), target.clone());
        Ok(Found::Table(target))
    }

    async fn read(&mut self, conn: &mut Conn, names: &[TableName]) -> Result<()> {
        let unknown: Vec<TableName> =
            names.iter().filter(|name| !self.tables.contains_key(name)).cloned().collect();
        if !unknown.is_empty() {
            for table in read_tables(conn, &unknown).await? {
                self.tables.insert(table.name.clone(), table);
            }
        }
        Ok(())
    }

    /// Tables whose rows a change of this one's rows may write, through any number of cascades.
    async fn cascades_from(&mut self, conn: &mut Conn, name: &TableName) -> Result<Vec<TableName>> {
        let mut reached = BTreeSet::new();
        let mut open = vec![name.clone()];
        while let Some(at) = open.pop() {
            self.read(conn, std::slice::from_ref(&at)).await?;
            let Some(table) = self.tables.get(&at) else { continue };
            for key in &table.referenced_by {
                let writes = key.on_delete.writes_child() || key.on_update.writes_child();
                if writes && reached.insert(key.child.clone()) {
                    open.push(key.child.clone());
                }
            }
        }
        Ok(reached.into_iter().collect())
    }
}
