//! Where the rows of a table go: compiled once for each version of a table, at its first row. A column that was
//! added meanwhile comes with a new table map, hence with a new version, schema and encoder, at once.

use std::{collections::HashMap, sync::Arc};

use strait_mysql::{binlog::TableMap, server::Flavor};
use strait_schemas::{TableEncoder, TableSchema};

use crate::{
    Error, Result,
    condition::Bound,
    config::{Config, Format},
    filter::Filter,
    kafka::{Purpose, Topic, Topics},
    mapping::{RowMapper, Types, Unmappable, map_table},
    routing::Routing,
    schema_registry::SchemaRegistry,
    shaping::{Shaping, Unfit},
    source::Source,
    special_tables,
};

/// Table versions kept; old ones of altered tables go first, all at once.
const KEPT: usize = 4096;

/// What becomes of the rows of one table version. Kept once a version, so its size is no matter.
#[expect(clippy::large_enum_variant, reason = "kept once a table version, never moved")]
pub enum Destination {
    Published(PublishedTable),
    /// Not published: `strait` and what the configuration leaves out.
    LeftOut,
}

pub struct PublishedTable {
    pub topic: Topic,
    pub encoder: TableEncoder,
    pub mapper: RowMapper,
    /// Columns that must be decoded; `None`: all of them.
    pub wanted: Option<Box<[bool]>>,
    /// Which of its rows are published; `None`: all of them.
    pub condition: Option<Bound>,
    /// Its records are read by others alone: an update is one record whatever it changes, and no tombstone follows a delete.
    pub flat: bool,
    /// Places, among the published columns, of those that choose the partition; `None`: the key does.
    pub partition_by: Option<Box<[usize]>>,
    pub has_key: bool,
    /// `<database>.<table>`, as Debezium names a data collection.
    pub collection: Arc<str>,
}

pub struct Tables {
    site: String,
    filter: Filter,
    known: HashMap<u64, Arc<Destination>>,
    compiler: Compiler,
}

/// Makes a table version ready to be published.
struct Compiler {
    prefix: String,
    flavor: Flavor,
    format: Format,
    types: Types,
    registry: SchemaRegistry,
    routing: Routing,
    /// Database and table of each topic.
    owners: HashMap<String, (String, String)>,
}

impl Tables {
    pub fn new(
        config: &Config,
        flavor: Flavor,
        filter: Filter,
        routing: Routing,
        registry: SchemaRegistry,
    ) -> Self {
        let compiler = Compiler {
            flavor,
            prefix: config.prefix.clone(),
            format: config.schema.format,
            // Flat forms have values as MySQL shows them.
            types: if config.schema.format.is_flat() { Types::default() } else { config.types },
            registry,
            routing,
            owners: HashMap::new(),
        };
        Self { site: config.site().to_owned(), filter, known: HashMap::new(), compiler }
    }

    /// The site where changes are made that no sink of ours wrote.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// First part of every topic's name.
    pub fn prefix(&self) -> &str {
        &self.compiler.prefix
    }

    /// The destination of a table's rows. `place` names GTID and position for a refusal.
    pub fn destination(
        &mut self,
        map: &TableMap,
        topics: &mut Topics,
        source: &mut Source,
        place: impl Fn() -> String,
    ) -> Result<Arc<Destination>> {
        if let Some(known) = self.known.get(&map.version) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(match self.filter.publishes(&map.database, &map.table) {
            true => {
                Destination::Published(self.compiler.compile(map, &self.filter, topics, source, place)?)
            }
            false => Destination::LeftOut,
        });
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(map.version, Arc::clone(&made));
        Ok(made)
    }
}

impl Compiler {
    fn compile(
        &mut self,
        map: &TableMap,
        filter: &Filter,
        topics: &mut Topics,
        source: &mut Source,
        place: impl Fn() -> String,
    ) -> Result<PublishedTable> {
        if self.flavor == Flavor::MariaDb
            && let Some((name, kind)) = source.special_table(&map.database, &map.table)?
        {
            return Err(special_tables::refused(&name, &kind, &place()));
        }
        let key = key_of(map, source)?;
        let shaping = Shaping::of(&self.prefix, filter, &self.routing, map, &key)
            .map_err(|cause| unfit(map, &cause, &place))?;
        let shaping = match self.flavor {
            Flavor::MariaDb => shaping.without_hashes(map),
            Flavor::Mysql => shaping,
        };
        if !shaping.is_whole() {
            let catalog = source.table(&map.database, &map.table)?;
            shaping
                .ensure_promises(map, &key, catalog.as_ref())
                .map_err(|cause| unfit(map, &cause, &place))?;
        }
        let schema = map_table(&self.prefix, self.types, map, &key, &shaping.published)
            .map_err(|cause| unmappable(&cause, map, place()))?;
        let name = shaping.topic.clone();
        self.own(&name, map, &place)?;
        let topic = topics.ensure(&name, Purpose::Data)?;
        let encoder = self.encoder(&name, &schema)?.map_err(|column| {
            let cause = "its form has no place for the values".to_owned();
            unfit(map, &Unfit { setting: "schema.format".into(), column: Some(column), cause }, &place)
        })?;
        let flat = self.format.is_flat();
        tracing::info!(
            table = %format_args!("{}.{}", map.database, map.table),
            topic = name,
            partitions = topic.partitions,
            columns = schema.columns.len(),
            key = ?schema.key.iter().map(|&at| schema.columns[at].name.as_str()).collect::<Vec<_>>(),
            "table published"
        );
        Ok(PublishedTable {
            topic,
            encoder,
            mapper: RowMapper::new(map, self.types, &shaping.treatments, flat),
            wanted: shaping.wanted(),
            condition: shaping.condition,
            flat,
            partition_by: shaping.partition_by,
            has_key: !schema.key.is_empty(),
            collection: format!("{}.{}", map.database, map.table).into(),
        })
    }

    /// Two tables whose names differ only in what a topic's name cannot carry would mix in one topic.
    fn own(&mut self, topic: &str, map: &TableMap, place: impl Fn() -> String) -> Result<()> {
        let table = (map.database.clone(), map.table.clone());
        let owner = self.owners.entry(topic.to_owned()).or_insert_with(|| table.clone());
        if *owner == table {
            return Ok(());
        }
        Err(Error::refused(
            format!(
                "tables {}.{} and {}.{} would share the topic {topic}: a topic's name cannot tell them apart",
                owner.0, owner.1, table.0, table.1
            ),
            place(),
            "rename one of the tables, or leave one of them out (table.exclude.list)",
        ))
    }

    /// The inner error is a column that the format cannot carry.
    fn encoder(&self, topic: &str, schema: &TableSchema) -> Result<Result<TableEncoder, String>> {
        let register = |what: &str, text: &str| self.registry.register(&format!("{topic}-{what}"), text);
        Ok(Ok(match self.format {
            Format::Avro => {
                let key = schema.avro_key().map(|text| register("key", &text)).transpose()?;
                TableEncoder::avro(schema, key, register("value", &schema.avro_value())?)
            }
            Format::Json => TableEncoder::json(schema, true),
            Format::JsonSchemaless => TableEncoder::json(schema, false),
            Format::Maxwell => return Ok(TableEncoder::maxwell(schema)),
            Format::Canal => return Ok(TableEncoder::canal(schema)),
        }))
    }
}

/// A setting that does not fit the table.
fn unfit(map: &TableMap, unfit: &Unfit, place: impl Fn() -> String) -> Error {
    let (cause, remedy) = unfit.told(&map.database, &map.table);
    Error::refused(cause, place(), remedy)
}

fn unmappable(cause: &Unmappable, map: &TableMap, place: String) -> Error {
    let remedy = match cause {
        Unmappable::NoMetadata => {
            "SET PERSIST binlog_row_metadata=FULL at the source; what was written before can be passed only by a new start: \
             another `prefix` with source.start = \"now\" and equal databases"
        }
        Unmappable::Type { .. } => {
            "leave the table or the column out (table.exclude.list, column.exclude.list), or change the column's type; what is in the \
             binary log already can be passed only by leaving it out or by a new start"
        }
    };
    Error::refused(
        format!("rows of table {}.{} cannot be published: {cause}", map.database, map.table),
        place,
        remedy,
    )
}

/// Columns of the record's key: the primary key, else a unique key on whole columns that are never NULL, else none.
/// The binary log tells the primary key only, so the rest is looked up as it is now; a key whose columns the
/// row images do not have is no key.
fn key_of(map: &TableMap, source: &mut Source) -> Result<Vec<usize>> {
    if !map.primary_key.is_empty() || !map.full_metadata {
        return Ok(map.primary_key.iter().map(|part| part.column).collect());
    }
    let Some(table) = source.table(&map.database, &map.table)? else { return Ok(Vec::new()) };
    let mut keys = table.unique.iter().filter(|index| index.plain() && !index.nullable());
    let columns =
        keys.find_map(|index| index.columns().map(|name| map.column(name)).collect::<Option<Vec<_>>>());
    Ok(columns.unwrap_or_default())
}
