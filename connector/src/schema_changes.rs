//! Debezium's schema-change topic, `<prefix>`: each statement with the tables that it changes. In the same Kafka
//! transactions as the rest, but not in the log: its records have no number, and our sink reads the spine.
//!
//! A table's structure is what the catalog says when the statement is published. Read late, after an outage, that may
//! be a later one: Debezium parses the statements to know, and stops at those that it cannot parse.

use strait_mysql::catalog::{Column, Generated, Table};
use strait_schemas::{
    Ddl, SchemaChange, SchemaChangeEncoder, Source as Origin,
    schema_change::{self, ChangeType, Structure, StructureColumn, TableChange},
    topics,
};

use crate::{
    Result,
    config::{Config, Format},
    kafka::{Producer, Purpose, Record, Topic, Topics},
    schema_registry::SchemaRegistry,
    source::Source,
};

/// Made ready at the first statement: a source whose schema never changes has no such topic.
pub struct SchemaChanges {
    prefix: String,
    format: Format,
    registry: SchemaRegistry,
    ready: Option<(Topic, SchemaChangeEncoder)>,
}

impl SchemaChanges {
    pub fn new(config: &Config, registry: SchemaRegistry) -> Self {
        Self { prefix: config.prefix.clone(), format: config.schema.format, registry, ready: None }
    }

    /// Publishes one statement.
    pub fn send(
        &mut self,
        ddl: &Ddl,
        origin: Origin<'_>,
        ts_ms: i64,
        source: &mut Source,
        topics: &mut Topics,
        producer: &mut Producer,
    ) -> Result<()> {
        let tables = tables(ddl, source)?;
        // Debezium names the database of what was changed, else the session's.
        let database =
            tables.first().map_or(ddl.database.as_str(), |table| table.database.as_str()).to_owned();
        let (topic, encoder) = self.prepare(topics)?;
        let change = SchemaChange { source: origin, database: &database, ddl: &ddl.statement, tables, ts_ms };
        let (mut key, mut value) = (Vec::new(), Vec::new());
        encoder.encode_key(&database, &mut key);
        encoder.encode_value(&change, &mut value);
        producer.send(&Record { topic, partition: 0, key: Some(&key), value: Some(&value), headers: &[] })?;
        Ok(())
    }

    fn prepare(&mut self, topics: &mut Topics) -> Result<(&Topic, &SchemaChangeEncoder)> {
        let ready = match self.ready.take() {
            Some(ready) => ready,
            None => {
                let name = topics::schema_change_topic(&self.prefix);
                let topic = topics.ensure(&name, Purpose::Side)?;
                let encoder = match self.format {
                    Format::Avro => {
                        let key =
                            self.registry.register(&format!("{name}-key"), &schema_change::avro_key())?;
                        let value =
                            self.registry.register(&format!("{name}-value"), &schema_change::avro_value())?;
                        SchemaChangeEncoder::avro(&self.prefix, key, value)
                    }
                    Format::Json => SchemaChangeEncoder::json(&self.prefix, true),
                    Format::JsonSchemaless | Format::Maxwell | Format::Canal => {
                        SchemaChangeEncoder::json(&self.prefix, false)
                    }
                };
                (topic, encoder)
            }
        };
        let (topic, encoder) = self.ready.insert(ready);
        Ok((topic, encoder))
    }
}

/// What becomes of the tables that the statement changes.
fn tables(ddl: &Ddl, source: &mut Source) -> Result<Vec<TableChange>> {
    let mut changes = Vec::new();
    let named = ddl
        .objects
        .iter()
        .filter(|object| matches!(object.class.as_str(), "table" | "view") && !object.left_out);
    for object in named {
        let change = match object.role.as_str() {
            "created" => ChangeType::Create,
            "altered" | "renamed-to" | "exchanged" => ChangeType::Alter,
            "dropped" | "renamed-from" => ChangeType::Drop,
            _ => continue,
        };
        let database = object.database.as_deref().unwrap_or(&ddl.database).to_owned();
        let structure = match change {
            ChangeType::Create | ChangeType::Alter => {
                source.table(&database, &object.name)?.as_ref().map(structure)
            }
            ChangeType::Drop => None,
        };
        changes.push(TableChange { change, database, table: object.name.clone(), structure });
    }
    Ok(changes)
}

fn structure(table: &Table) -> Structure {
    let primary_key = table.primary_key.iter().flat_map(|index| index.columns().map(str::to_owned));
    Structure {
        charset: table.columns.iter().find_map(|column| column.charset.clone()),
        primary_key: primary_key.collect(),
        columns: table.columns.iter().map(column).collect(),
    }
}

fn column(column: &Column) -> StructureColumn {
    let unsigned = if column.unsigned { " UNSIGNED" } else { "" };
    let length =
        column.numeric_precision.or_else(|| column.max_characters.map(|count| count as u32)).or(column.fsp);
    let decimal =
        matches!(column.data_type.as_str(), "decimal" | "char" | "varchar" | "binary" | "varbinary" | "bit")
            || column.fsp.is_some_and(|digits| digits > 0);
    StructureColumn {
        name: column.name.clone(),
        jdbc_type: jdbc_type(&column.data_type),
        type_name: format!("{}{unsigned}", column.data_type.to_uppercase()),
        charset: column.charset.clone(),
        length: length.filter(|_| decimal).and_then(|length| i32::try_from(length).ok()),
        scale: column.numeric_scale.filter(|_| column.data_type == "decimal").map(|scale| scale as i32),
        optional: column.nullable,
        auto_incremented: column.auto_increment,
        generated: matches!(column.generated, Some(Generated::Virtual | Generated::Stored)),
        default: column.default.clone(),
        labels: labels(column),
    }
}

/// `'a','b'` of ENUM and SET, each as it is written.
fn labels(column: &Column) -> Vec<String> {
    let list = ["enum(", "set("].iter().find_map(|head| column.column_type.strip_prefix(head));
    let Some(list) = list.and_then(|list| list.strip_suffix(')')) else { return Vec::new() };
    let (mut labels, mut label, mut quoted) = (Vec::new(), String::new(), false);
    for c in list.chars() {
        if c == ',' && !quoted {
            labels.push(std::mem::take(&mut label));
            continue;
        }
        quoted ^= c == '\'';
        label.push(c);
    }
    labels.push(label);
    labels
}

/// Numbers of `java.sql.Types`, as Debezium's MySQL connector chooses them.
fn jdbc_type(data_type: &str) -> i32 {
    match data_type {
        "tinyint" | "smallint" => 5,
        "mediumint" | "int" | "year" => 4,
        "bigint" => -5,
        "float" => 6,
        "double" => 8,
        "decimal" => 3,
        "char" | "enum" | "set" => 1,
        "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => 12,
        "binary" => -2,
        "varbinary" => -3,
        "tinyblob" | "blob" | "mediumblob" | "longblob" => 2004,
        "bit" => -7,
        "date" => 91,
        "time" => 92,
        "datetime" => 93,
        "timestamp" => 2014,
        _ => 1111,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_commas_and_quotes_of_their_own() {
        let labels = |column_type: &str| {
            labels(&Column {
                name: "c".into(),
                ordinal: 1,
                data_type: "enum".into(),
                column_type: column_type.into(),
                charset: None,
                collation: None,
                nullable: true,
                ..Column::default()
            })
        };
        assert_eq!(labels("enum('a','b,c','it''s')"), ["'a'", "'b,c'", "'it''s'"]);
        assert_eq!(labels("int"), Vec::<String>::new());
    }
}
