//! The target's tables, read when a record first names one and kept for the session.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use strait_mysql::{
    catalog::{Table, TableName, read_tables},
    client::Conn,
    ensure::{Grants, check_target_tables, read_grants},
    server::{ServerFacts, read_facts},
};
use strait_service::{Finding, Severity};

use super::Target;
use crate::{error::Result, finding};

#[derive(Debug)]
pub struct TargetCatalog {
    targets: HashMap<TableName, Arc<Target>>,
    /// Tables read on the way: parents and children of foreign keys.
    tables: HashMap<TableName, Table>,
    facts: ServerFacts,
    grants: Grants,
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
    pub async fn new(conn: &mut Conn, allow_triggers: bool) -> Result<Self> {
        let facts = read_facts(conn).await?;
        let grants = read_grants(conn).await?;
        Ok(Self { targets: HashMap::new(), tables: HashMap::new(), facts, grants, allow_triggers })
    }

    /// Of the server, as of the session's start.
    pub fn facts(&self) -> &ServerFacts {
        &self.facts
    }

    /// The name as the server keeps it: with lower_case_table_names = 1 in lower case, whatever is asked for.
    fn kept(&self, name: &TableName) -> TableName {
        match self.facts.lower_case_table_names {
            1 => TableName::new(name.database.to_lowercase(), name.table.to_lowercase()),
            _ => name.clone(),
        }
    }

    /// The table by name, read from the target unless it is known.
    pub async fn find(&mut self, conn: &mut Conn, name: &TableName) -> Result<Found> {
        let name = &self.kept(name);
        if let Some(target) = self.targets.get(name) {
            return Ok(Found::Table(target.clone()));
        }
        self.read(conn, std::slice::from_ref(name)).await?;
        let Some(table) = self.tables.get(name).cloned() else { return Ok(Found::Missing) };
        let findings = self.check(conn, name).await?;
        if findings.iter().any(|finding| finding.severity == Severity::Refusal) {
            return Ok(Found::Refused(findings));
        }
        for finding in findings {
            tracing::warn!(table = %name, place = %finding.place, remedy = %finding.remedy, "{}", finding.cause);
        }
        let parents: Vec<TableName> = table.foreign_keys.iter().map(|key| key.parent.clone()).collect();
        self.read(conn, &parents).await?;
        let cascades = self.cascades_from(conn, name).await?;
        let parents: Vec<Table> = parents.iter().filter_map(|name| self.tables.get(name).cloned()).collect();
        let target = Arc::new(Target::new(table, &parents, &cascades));
        self.targets.insert(name.clone(), target.clone());
        Ok(Found::Table(target))
    }

    /// Forgets a table, as its definition seems to have changed.
    pub fn forget(&mut self, name: &TableName) {
        let name = &self.kept(name);
        self.targets.remove(name);
        self.tables.remove(name);
    }

    pub fn forget_all(&mut self) {
        self.targets.clear();
        self.tables.clear();
    }

    async fn check(&self, conn: &mut Conn, name: &TableName) -> Result<Vec<Finding>> {
        let names = std::slice::from_ref(name);
        let found = check_target_tables(conn, &self.facts, &self.grants, names, self.allow_triggers).await?;
        Ok(found.into_iter().map(finding::from_mysql).collect())
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
