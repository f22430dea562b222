//! A schema change on what a route leads elsewhere: run with the target's names, where that means the same, or not at all.
//!
//! Names are replaced where the statement names a table or database as its object. A body (of a view, a routine, a SELECT) may
//! hold more names than those, and a table with other rows in it is not one source's to change: such a statement halts.

use strait_mysql::{
    catalog::TableName,
    client::quote_name,
    ddl::{Class, Kind, Object, Role, Statement},
};
use strait_schemas::Ddl;

use super::Routes;
use crate::error::Result;

/// What is to be done with a statement whose objects were looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum Routed {
    /// As it is: nothing that it names is led elsewhere.
    Same,
    /// With the target's names.
    Renamed(Box<Ddl>),
    /// It must not be made here, for this reason.
    Not(String),
}

/// Statements in which all names of tables and databases are objects.
fn names_only_objects(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CreateTable
            | Kind::CreateTableLike
            | Kind::AlterTable
            | Kind::DropTable
            | Kind::RenameTable
            | Kind::TruncateTable
            | Kind::CreateIndex
            | Kind::DropIndex
            | Kind::CreateDatabase
            | Kind::AlterDatabase
            | Kind::DropDatabase
    )
}

impl Routes {
    pub fn is_empty(&self) -> bool {
        self.databases.is_empty() && self.tables.is_empty() && self.columns.is_empty()
    }

    /// `read`: the statement as the sink reads it. `creates`: it is one of a snapshot, which makes what is missing.
    pub fn statement(&self, ddl: &Ddl, read: &Statement, creates: bool) -> Result<Routed> {
        if self.is_empty() {
            return Ok(Routed::Same);
        }
        let database = self.database(&ddl.database)?;
        let (mut replaced, mut elsewhere) = (Vec::new(), database != ddl.database);
        for object in &read.objects {
            let led = match self.object(object, &ddl.database)? {
                Led::Same => continue,
                Led::To(name) => name,
                Led::Shared(target) if creates && object.role == Role::Created => target,
                Led::Shared(target) => {
                    return Ok(Routed::Not(format!(
                        "route leads rows of other tables to {} too, and the statement is about one of them ({})",
                        target, object.name
                    )));
                }
            };
            elsewhere = true;
            if object.span.is_empty() {
                continue;
            }
            replaced.push((object.span.clone(), led));
        }
        if !elsewhere {
            return Ok(self.with_renamed_columns(ddl, read));
        }
        if !names_only_objects(read.kind) {
            return Ok(Routed::Not(format!(
                "route leads to another database what it names, and a statement of the kind {} may name more than can be seen",
                read.kind
            )));
        }
        if let Routed::Not(why) = self.with_renamed_columns(ddl, read) {
            return Ok(Routed::Not(why));
        }
        Ok(renamed(ddl, database, replaced))
    }

    /// A statement about columns names those of the source.
    fn with_renamed_columns(&self, ddl: &Ddl, read: &Statement) -> Routed {
        let about_columns = !matches!(
            read.kind,
            Kind::DropTable
                | Kind::TruncateTable
                | Kind::CreateDatabase
                | Kind::AlterDatabase
                | Kind::DropDatabase
        );
        let tables = read.objects.iter().filter(|object| object.class == Class::Table);
        let renames = tables
            .map(|object| TableName::new(object.in_database(&ddl.database), &object.name))
            .find(|table| self.may_rename_columns(table));
        match renames {
            Some(table) if about_columns => Routed::Not(format!(
                "route.columns gives columns of {table} other names, and it may name them"
            )),
            _ => Routed::Same,
        }
    }

    fn object(&self, object: &Object, default: &str) -> Result<Led> {
        let database = object.in_database(default);
        match object.class {
            Class::Database => {
                let led = self.database(database)?;
                let shared = self.databases.iter().filter(|route| route.may_give(&led)).count() > 1
                    || (led == database && self.databases.iter().any(|route| route.may_give(&led)));
                Ok(match (led == database, shared) {
                    (_, true) => Led::Shared(quote_name(&led)),
                    (true, false) => Led::Same,
                    (false, false) => Led::To(quote_name(&led)),
                })
            }
            _ => {
                let source = TableName::new(database, &object.name);
                let target = self.table(database, &object.name)?;
                let by_table = self.tables.iter().any(|route| route.may_give(&target.to_string()))
                    || self.databases.iter().filter(|route| route.may_give(&target.database)).count() > 1
                    || (source == target
                        && self.databases.iter().any(|route| route.may_give(&target.database)));
                Ok(match (source == target, by_table) {
                    _ if object.role == Role::Referenced && source == target => Led::Same,
                    (_, true) if object.role != Role::Referenced => Led::Shared(target.quoted()),
                    (true, _) => Led::Same,
                    (false, _) => Led::To(target.quoted()),
                })
            }
        }
    }
}

/// Where an object is at the target.
enum Led {
    Same,
    /// Quoted.
    To(String),
    /// The same, and rows of others are there, too.
    Shared(String),
}

fn renamed(ddl: &Ddl, database: String, mut replaced: Vec<(std::ops::Range<usize>, String)>) -> Routed {
    replaced.sort_by_key(|(span, _)| span.start);
    let mut sql = ddl.sql().to_vec();
    for (span, name) in replaced.into_iter().rev() {
        // In another character set the name would be other characters.
        if ddl.bytes.is_some() && !name.is_ascii() {
            return Routed::Not(format!("it is not written in UTF-8, and {name} is not in ASCII"));
        }
        sql.splice(span, name.into_bytes());
    }
    let mut routed = Ddl { database, ..ddl.clone() };
    match (ddl.bytes.is_some(), String::from_utf8(sql)) {
        (false, Ok(text)) => routed.statement = text,
        (_, Ok(text)) => routed.bytes = Some(text.into_bytes()),
        (_, Err(bytes)) => routed.bytes = Some(bytes.into_bytes()),
    }
    Routed::Renamed(Box::new(routed))
}
