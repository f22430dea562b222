//! Which target table, in which mapping, a record is for: found once for each version of each source table.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use strait_mysql::{
    catalog::TableName,
    client::Conn,
    server::{ServerFacts, place_of},
};
use strait_schemas::{Exact, Image, Value};

use crate::{
    datum::Row,
    decode::Columns,
    error::{Error, Place, Result, answered},
    routes::{Routes, shown},
    table_map::{Found, Mapping, Refused, Target, TargetCatalog, assumed_schema},
};

#[derive(Debug)]
pub struct KnownTables {
    routes: Arc<Routes>,
    catalog: TargetCatalog,
    known: HashMap<String, Vec<Known>>,
    /// Topics of which rows are at the target. Later a column may be narrower than an older record tells, as after a schema
    /// change in the other direction of two-way use: then each value is looked at by the server.
    begun: HashSet<Arc<str>>,
    allow_narrower: bool,
    answer_timeout: Duration,
}

#[derive(Debug)]
struct Known {
    database: String,
    columns: Columns,
    mapping: Arc<Mapping>,
}

impl KnownTables {
    pub async fn new(
        conn: &mut Conn,
        routes: Arc<Routes>,
        allow_triggers: bool,
        allow_narrower: bool,
        answer_timeout: Duration,
    ) -> Result<Self> {
        let (place, doing) = (place_of(conn), "reading the server's facts");
        let catalog = answered(answer_timeout, place, doing, TargetCatalog::new(conn, allow_triggers));
        Ok(Self {
            routes,
            catalog: catalog.await?,
            known: HashMap::new(),
            begun: HashSet::new(),
            allow_narrower,
            answer_timeout,
        })
    }

    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Whether rows of other tables may be where a source's table leads.
    pub fn may_share(&self, source: &TableName) -> Result<bool> {
        Ok(self.routes.may_share(source, &self.routes.table(&source.database, &source.table)?))
    }

    /// Rows of this topic are at the target.
    pub fn begun(&mut self, topic: &str) {
        self.begun.insert(topic.into());
    }

    /// Forgets every table: a schema change may have changed any of them, and their triggers.
    pub fn forget_all(&mut self) {
        self.known.clear();
        self.catalog.forget_all();
    }

    pub fn facts(&self) -> &ServerFacts {
        self.catalog.facts()
    }

    pub async fn mapping(
        &mut self,
        conn: &mut Conn,
        columns: &Columns,
        database: &str,
        table: &str,
        place: &(dyn Fn() -> Place + Sync),
    ) -> Result<Arc<Mapping>> {
        let known = self.known.get(table).and_then(|known| {
            known.iter().rev().find(|known| known.database == database && known.columns.is_same(columns))
        });
        if let Some(known) = known {
            return Ok(known.mapping.clone());
        }
        let place = place();
        let topic = Arc::clone(&place.topic);
        let (limit, server) = (self.answer_timeout, place_of(conn));
        let found = self.find(conn, columns, TableName::new(database, table), place);
        let mapping = Arc::new(answered(limit, server, "reading the target's catalog", found).await?);
        self.begun.insert(topic);
        self.known.entry(table.to_owned()).or_default().push(Known {
            database: database.to_owned(),
            columns: columns.clone(),
            mapping: mapping.clone(),
        });
        Ok(mapping)
    }

    async fn find(
        &mut self,
        conn: &mut Conn,
        columns: &Columns,
        source: TableName,
        place: Place,
    ) -> Result<Mapping> {
        let names = self.names(columns, &source)?;
        let target = self.target(conn, &source, &place).await?;
        let shared = self.may_share(&source)?;
        let begins = !self.allow_narrower && !self.begun.contains(&place.topic);
        if let Ok(mapping) = lay(columns, &names, target, begins) {
            return Ok(mapping.shared(shared));
        }
        // The table may have been altered since it was read.
        let name = self.routes.table(&source.database, &source.table)?;
        self.catalog.forget(&name);
        self.known.remove(&source.table);
        let target = self.target(conn, &source, &place).await?;
        lay(columns, &names, target, begins)
            .map(|mapping| mapping.shared(shared))
            .map_err(|refused| refusal(refused, shown(&source, &name), place))
    }

    /// The target's names of the source's columns.
    fn names(&self, columns: &Columns, source: &TableName) -> Result<Vec<String>> {
        let led = |name: &str| self.routes.column(source, name);
        match columns {
            Columns::Avro { decoder, .. } => {
                decoder.table().columns.iter().map(|column| led(&column.name)).collect()
            }
            Columns::Json(table) => table.columns.iter().map(|column| led(&column.name)).collect(),
            Columns::Names(names) => names.iter().map(|name| led(name)).collect(),
        }
    }

    /// Where the table leads that a step of a snapshot names.
    pub async fn target_named(
        &mut self,
        conn: &mut Conn,
        name: &TableName,
        place: &Place,
    ) -> Result<Arc<Target>> {
        let (limit, server) = (self.answer_timeout, place_of(conn));
        answered(limit, server, "reading the target's catalog", self.target(conn, name, place)).await
    }

    async fn target(&mut self, conn: &mut Conn, source: &TableName, place: &Place) -> Result<Arc<Target>> {
        let name = self.routes.table(&source.database, &source.table)?;
        let table = || shown(source, &name);
        match self.catalog.find(conn, &name).await? {
            Found::Table(target) => Ok(target),
            Found::Missing => Err(Error::MissingTable { table: table(), place: place.clone() }),
            Found::Refused(findings) => {
                Err(Error::TableRefused { table: table(), findings, place: place.clone() })
            }
        }
    }
}

/// `names`: the target's of the columns, in their order. `begins`: no row of it has been applied.
fn lay(columns: &Columns, names: &[String], target: Arc<Target>, begins: bool) -> Result<Mapping, Refused> {
    let told = match columns {
        Columns::Avro { decoder, .. } => decoder.table(),
        Columns::Json(table) => table,
        Columns::Names(_) => return Mapping::new(&assumed_schema(names, &target)?, names, target),
    };
    let mapping = Mapping::new(told, names, Arc::clone(&target))?;
    if begins {
        Mapping::ensure_room(told, names, &target)?;
    }
    Ok(mapping)
}

fn refusal(refused: Refused, table: String, place: Place) -> Error {
    match refused {
        Refused::Missing { column, column_type } => {
            Error::MissingColumn { table, column, column_type, place }
        }
        Refused::Unfilled { column } => Error::UnfilledColumn { table, column, place },
        Refused::Untyped { column, target } => Error::UntypedColumn { table, column, target, place },
        Refused::Room { column, target, source_type } => {
            Error::ColumnRoom { table, column, target, source_type, place }
        }
        Refused::Type { column, target, source_type } => {
            Error::ColumnType { table, column, target, source_type, place }
        }
    }
}

/// What turns an envelope's images into rows.
#[derive(Debug)]
pub struct Images<'a> {
    pub mapping: &'a Mapping,
    pub columns: &'a Columns,
    pub owner: &'a Bytes,
    pub exact: &'a [Exact<'a>],
}

impl Images<'_> {
    /// An error carries the column and the cause.
    pub fn rows(
        &self,
        before: Option<Vec<Value<'_>>>,
        after: Option<Vec<Value<'_>>>,
    ) -> Result<(Option<Row>, Option<Row>), (String, String)> {
        let typed = !matches!(self.columns, Columns::Names(_));
        let row = |image: Option<Vec<Value<'_>>>, which| {
            image.map(|values| self.mapping.row(values, self.owner, typed, which, self.exact)).transpose()
        };
        Ok((row(before, Image::Before)?, row(after, Image::After)?))
    }
}
