//! Where the rows of a table go: compiled once for each version of a table, at its first row. A column that was
//! added meanwhile comes with a new table map, hence with a new version, schema and encoder, at once.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use strait_mysql::binlog::TableMap;
use strait_schemas::{TableEncoder, TableSchema, topics};

use crate::{
    Error, Result,
    config::{Config, Format},
    filter::Filter,
    kafka::{Purpose, Topic, Topics},
    mapping::{RowMapper, Unmappable, map_table},
    schema_registry::SchemaRegistry,
    source::Source,
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
    pub has_key: bool,
    /// `<database>.<table>`, as Debezium names a data collection.
    pub collection: Arc<str>,
}

pub struct Tables {
    prefix: String,
    site: String,
    format: Format,
    filter: Filter,
    registry: SchemaRegistry,
    known: HashMap<u64, Arc<Destination>>,
}

impl Tables {
    pub fn new(config: &Config, filter: Filter, registry: SchemaRegistry) -> Self {
        Self {
            prefix: config.prefix.clone(),
            site: config.site().to_owned(),
            format: config.schema.format,
            filter,
            registry,
            known: HashMap::new(),
        }
    }

    /// The site where changes are made that no sink of ours wrote.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The destination of a table's rows. `place` names GTID and position for a refusal.
    pub fn destination(
        &mut self,
        map: &TableMap,
        topics: &mut Topics,
        source: &mut Source,
        place: impl Fn() -> String,
    ) -> Result<Arc<Destination>> {
        if self.known.len() > KEPT {
            self.known.clear();
        }
        match self.known.entry(map.version) {
            Entry::Occupied(known) => Ok(Arc::clone(known.get())),
            Entry::Vacant(free) => {
                let made = if self.filter.publishes(&map.database) {
                    let made =
                        publish(&self.prefix, self.format, &self.registry, map, topics, source, place)?;
                    Destination::Published(made)
                } else {
                    Destination::LeftOut
                };
                Ok(Arc::clone(free.insert(Arc::new(made))))
            }
        }
    }
}

fn publish(
    prefix: &str,
    format: Format,
    registry: &SchemaRegistry,
    map: &TableMap,
    topics: &mut Topics,
    source: &mut Source,
    place: impl Fn() -> String,
) -> Result<PublishedTable> {
    let key = key_of(map, source)?;
    let schema = map_table(prefix, map, key).map_err(|cause| unmappable(&cause, map, place()))?;
    let name = topics::data_topic(prefix, &map.database, &map.table);
    let topic = topics.ensure(&name, Purpose::Data)?;
    let encoder = encoder(format, registry, &name, &schema)?;
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
        mapper: RowMapper::new(map),
        has_key: !schema.key.is_empty(),
        collection: format!("{}.{}", map.database, map.table).into(),
    })
}

fn unmappable(cause: &Unmappable, map: &TableMap, place: String) -> Error {
    let remedy = match cause {
        Unmappable::NoMetadata => {
            "SET PERSIST binlog_row_metadata=FULL at the source; what was written before can be passed only by a new start: \
             another `prefix` with source.start = \"now\" and equal databases"
        }
        Unmappable::Type { .. } => {
            "leave the table's database out (databases.exclude), or change the column's type; what is in the binary log already \
             can be passed only by leaving the database out or by a new start"
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

fn encoder(
    format: Format,
    registry: &SchemaRegistry,
    topic: &str,
    schema: &TableSchema,
) -> Result<TableEncoder> {
    Ok(match format {
        Format::Avro => {
            let key = schema
                .avro_key()
                .map(|text| registry.register(&format!("{topic}-key"), &text))
                .transpose()?;
            let value = registry.register(&format!("{topic}-value"), &schema.avro_value())?;
            TableEncoder::avro(schema, key, value)
        }
        Format::Json => TableEncoder::json(schema, true),
        Format::JsonSchemaless => TableEncoder::json(schema, false),
    })
}
