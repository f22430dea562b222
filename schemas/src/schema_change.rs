//! Debezium's schema-change records, on the topic `<prefix>`: key `{databaseName}`, value with the statement and the
//! tables as they are after it. There are few of them, so each is written by walking its schema.

use serde_json::{Map, Value, json};

use crate::{
    Source,
    avro::write as avro,
    connect::{Connect, Field, Type, avro_text, json_text, shared},
    envelope::{CONNECTOR, VERSION},
    json::write as text,
};

/// One statement.
#[derive(Debug, Clone)]
pub struct SchemaChange<'a> {
    pub source: Source<'a>,
    pub database: &'a str,
    pub ddl: &'a str,
    pub tables: Vec<TableChange>,
    /// When it is published.
    pub ts_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeType {
    Create,
    Alter,
    Drop,
}

/// What becomes of one table.
#[derive(Debug, Clone)]
pub struct TableChange {
    pub change: ChangeType,
    pub database: String,
    pub table: String,
    /// None for one that is dropped, or is not there any more.
    pub structure: Option<Structure>,
}

#[derive(Debug, Clone, Default)]
pub struct Structure {
    pub charset: Option<String>,
    pub primary_key: Vec<String>,
    pub columns: Vec<StructureColumn>,
}

#[derive(Debug, Clone, Default)]
pub struct StructureColumn {
    pub name: String,
    /// Of `java.sql.Types`.
    pub jdbc_type: i32,
    /// In capitals, with UNSIGNED: `INT UNSIGNED`.
    pub type_name: String,
    pub charset: Option<String>,
    pub length: Option<i32>,
    pub scale: Option<i32>,
    pub optional: bool,
    pub auto_incremented: bool,
    pub generated: bool,
    pub default: Option<String>,
    /// Of ENUM and SET, in their quotes.
    pub labels: Vec<String>,
}

/// The key's Avro schema, to register under `<topic>-key`.
pub fn avro_key() -> String {
    avro_text(&key_schema())
}

/// The value's Avro schema, to register under `<topic>-value`.
pub fn avro_value() -> String {
    avro_text(&value_schema())
}

#[derive(Debug)]
pub struct SchemaChangeEncoder {
    prefix: String,
    form: Form,
    key: Connect,
    value: Connect,
}

#[derive(Debug)]
enum Form {
    Avro { key_id: u32, value_id: u32 },
    Json { with_schema: bool },
}

impl SchemaChangeEncoder {
    pub fn avro(prefix: &str, key_id: u32, value_id: u32) -> Self {
        Self::new(prefix, Form::Avro { key_id, value_id })
    }

    pub fn json(prefix: &str, with_schema: bool) -> Self {
        Self::new(prefix, Form::Json { with_schema })
    }

    fn new(prefix: &str, form: Form) -> Self {
        Self { prefix: prefix.to_owned(), form, key: key_schema(), value: value_schema() }
    }

    pub fn encode_key(&self, database: &str, out: &mut Vec<u8>) {
        self.encode(&self.key, &json!({ "databaseName": database }), out, |form| match form {
            Form::Avro { key_id, .. } => *key_id,
            Form::Json { .. } => 0,
        });
    }

    pub fn encode_value(&self, change: &SchemaChange<'_>, out: &mut Vec<u8>) {
        let value = json!({
            "source": self.source(change),
            "ts_ms": change.ts_ms,
            "databaseName": change.database,
            "ddl": change.ddl,
            "tableChanges": change.tables.iter().map(table_change).collect::<Vec<_>>(),
        });
        self.encode(&self.value, &value, out, |form| match form {
            Form::Avro { value_id, .. } => *value_id,
            Form::Json { .. } => 0,
        });
    }

    fn encode(&self, schema: &Connect, value: &Value, out: &mut Vec<u8>, id: impl Fn(&Form) -> u32) {
        match self.form {
            Form::Avro { .. } => {
                out.extend_from_slice(&avro::frame(id(&self.form)));
                write_avro(schema, value, out);
            }
            Form::Json { with_schema: false } => write_json(schema, value, out),
            Form::Json { with_schema: true } => {
                text::literal(out, &format!("{{\"schema\":{},\"payload\":", json_text(schema)));
                write_json(schema, value, out);
                text::literal(out, "}");
            }
        }
    }

    fn source(&self, change: &SchemaChange<'_>) -> Value {
        let source = &change.source;
        let tables: Vec<&str> = change.tables.iter().map(|table| table.table.as_str()).collect();
        json!({
            "version": VERSION,
            "connector": CONNECTOR,
            "name": self.prefix,
            "ts_ms": source.ts_us.div_euclid(1000),
            "snapshot": source.snapshot.as_str(),
            "db": change.database,
            "ts_us": source.ts_us,
            "ts_ns": source.ts_us.saturating_mul(1000),
            "table": if tables.is_empty() { None } else { Some(tables.join(",")) },
            "server_id": source.server_id,
            "gtid": source.gtid,
            "file": source.file,
            "pos": source.pos,
            "row": source.row,
            "thread": source.thread,
            "query": source.query,
        })
    }
}

fn table_change(change: &TableChange) -> Value {
    let name = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    json!({
        "type": match change.change {
            ChangeType::Create => "CREATE",
            ChangeType::Alter => "ALTER",
            ChangeType::Drop => "DROP",
        },
        "id": format!("{}.{}", name(&change.database), name(&change.table)),
        "table": change.structure.as_ref().map(structure),
    })
}

fn structure(table: &Structure) -> Value {
    let columns = table.columns.iter().enumerate().map(|(at, column)| {
        json!({
            "name": column.name,
            "jdbcType": column.jdbc_type,
            "typeName": column.type_name,
            "typeExpression": column.type_name,
            "charsetName": column.charset,
            "length": column.length,
            "scale": column.scale,
            "position": at + 1,
            "optional": column.optional,
            "autoIncremented": column.auto_incremented,
            "generated": column.generated,
            "defaultValueExpression": column.default,
            "enumValues": column.labels,
        })
    });
    json!({
        "defaultCharsetName": table.charset,
        "primaryKeyColumnNames": table.primary_key,
        "columns": columns.collect::<Vec<_>>(),
    })
}

fn key_schema() -> Connect {
    Connect::structure(
        "io.debezium.connector.mysql.SchemaChangeKey",
        vec![Field::required("databaseName", Type::Text)],
    )
    .version(1)
}

fn value_schema() -> Connect {
    Connect::structure(
        "io.debezium.connector.mysql.SchemaChangeValue",
        vec![
            Field::new("source", shared::source()),
            Field::required("ts_ms", Type::Int64),
            Field::optional("databaseName", Type::Text),
            Field::optional("schemaName", Type::Text),
            Field::optional("ddl", Type::Text),
            Field::required("tableChanges", Type::Array(Box::new(change_schema()))),
        ],
    )
    .version(1)
}

fn change_schema() -> Connect {
    Connect::structure(
        "io.debezium.connector.schema.Change",
        vec![
            Field::required("type", Type::Text),
            Field::required("id", Type::Text),
            Field::new("table", table_schema()),
        ],
    )
    .version(1)
}

fn table_schema() -> Connect {
    Connect::structure(
        "io.debezium.connector.schema.Table",
        vec![
            Field::optional("defaultCharsetName", Type::Text),
            Field::optional("primaryKeyColumnNames", texts()),
            Field::required("columns", Type::Array(Box::new(column_schema()))),
            Field::optional("comment", Type::Text),
        ],
    )
    .version(1)
    .optional()
}

fn column_schema() -> Connect {
    Connect::structure(
        "io.debezium.connector.schema.Column",
        vec![
            Field::required("name", Type::Text),
            Field::required("jdbcType", Type::Int32),
            Field::optional("nativeType", Type::Int32),
            Field::required("typeName", Type::Text),
            Field::optional("typeExpression", Type::Text),
            Field::optional("charsetName", Type::Text),
            Field::optional("length", Type::Int32),
            Field::optional("scale", Type::Int32),
            Field::required("position", Type::Int32),
            Field::optional("optional", Type::Boolean),
            Field::optional("autoIncremented", Type::Boolean),
            Field::optional("generated", Type::Boolean),
            Field::optional("comment", Type::Text),
            Field::optional("defaultValueExpression", Type::Text),
            Field::optional("enumValues", texts()),
        ],
    )
    .version(1)
}

fn texts() -> Type {
    Type::Array(Box::new(Connect::new(Type::Text)))
}

/// What a structure has not is null.
fn member<'a>(of: Option<&'a Map<String, Value>>, name: &str) -> &'a Value {
    of.and_then(|members| members.get(name)).unwrap_or(&Value::Null)
}

fn write_json(schema: &Connect, value: &Value, out: &mut Vec<u8>) {
    match (&schema.ty, value) {
        (_, Value::Null) => text::null(out),
        (Type::Struct(fields), Value::Object(members)) => {
            for (at, field) in fields.iter().enumerate() {
                out.push(if at == 0 { b'{' } else { b',' });
                text::text(out, &field.name);
                out.push(b':');
                write_json(&field.schema, member(Some(members), &field.name), out);
            }
            out.push(b'}');
        }
        (Type::Array(element), Value::Array(values)) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_json(element, value, out);
            }
            out.push(b']');
        }
        (_, Value::String(value)) => text::text(out, value),
        (_, value) => text::literal(out, &value.to_string()),
    }
}

fn write_avro(schema: &Connect, value: &Value, out: &mut Vec<u8>) {
    if schema.optional {
        // With a default that is not null, null is the second of the two.
        let (null, present) =
            if schema.default.is_some() { (avro::PRESENT, avro::NULL) } else { (avro::NULL, avro::PRESENT) };
        if value.is_null() {
            return out.push(null);
        }
        out.push(present);
    }
    match &schema.ty {
        Type::Boolean => out.push(u8::from(value.as_bool() == Some(true))),
        Type::Int16 | Type::Int32 | Type::Int64 => avro::long(out, value.as_i64().unwrap_or_default()),
        Type::Text => avro::bytes(out, value.as_str().unwrap_or_default().as_bytes()),
        Type::Array(element) => {
            let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
            if !values.is_empty() {
                avro::long(out, values.len() as i64);
                for value in values {
                    write_avro(element, value, out);
                }
            }
            out.push(0);
        }
        Type::Struct(fields) => {
            for field in fields {
                write_avro(&field.schema, member(value.as_object(), &field.name), out);
            }
        }
        Type::Float32 | Type::Float64 | Type::Bytes => unreachable!("the schemas above have none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshot;

    fn change() -> SchemaChange<'static> {
        let column = StructureColumn {
            name: "id".into(),
            jdbc_type: 4,
            type_name: "INT UNSIGNED".into(),
            auto_incremented: true,
            ..StructureColumn::default()
        };
        let table = |change, structure| TableChange {
            change,
            database: "shop".into(),
            table: "o\"x".into(),
            structure,
        };
        let structure = Structure {
            charset: Some("utf8mb4".into()),
            primary_key: vec!["id".into()],
            columns: vec![column],
        };
        SchemaChange {
            source: Source {
                ts_us: 1_700_000_000_123_456,
                snapshot: Snapshot::False,
                server_id: 3,
                gtid: Some("g:1"),
                file: "binlog.000001",
                pos: 157,
                row: 0,
                thread: Some(9),
                query: None,
            },
            database: "shop",
            ddl: "CREATE TABLE …",
            tables: vec![table(ChangeType::Create, Some(structure)), table(ChangeType::Drop, None)],
            ts_ms: 1_700_000_000_200,
        }
    }

    #[test]
    fn json_is_in_debeziums_order_and_names_what_is_missing() {
        let encoder = SchemaChangeEncoder::json("beijing", false);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        encoder.encode_key("shop", &mut key);
        encoder.encode_value(&change(), &mut value);
        assert_eq!(key, br#"{"databaseName":"shop"}"#);
        let value = String::from_utf8(value).expect("UTF-8");
        let head = format!(
            r#"{{"source":{{"version":"{VERSION}","connector":"mysql","name":"beijing","ts_ms":1700000000123,"snapshot":"false","db":"shop","#
        );
        assert!(value.starts_with(&head), "{value}");
        let tail = concat!(
            r#""ts_ms":1700000000200,"databaseName":"shop","schemaName":null,"ddl":"CREATE TABLE …","tableChanges":[{"type":"CREATE","#,
            r#""id":"\"shop\".\"o\"\"x\"","table":{"defaultCharsetName":"utf8mb4","primaryKeyColumnNames":["id"],"columns":[{"name":"id","#,
            r#""jdbcType":4,"nativeType":null,"typeName":"INT UNSIGNED","typeExpression":"INT UNSIGNED","charsetName":null,"length":null,"#,
            r#""scale":null,"position":1,"optional":false,"autoIncremented":true,"generated":false,"comment":null,"#,
            r#""defaultValueExpression":null,"enumValues":[]}],"comment":null}},{"type":"DROP","id":"\"shop\".\"o\"\"x\"","table":null}]}"#
        );
        assert!(value.ends_with(tail), "{value}");
    }

    #[test]
    fn avro_is_what_an_independent_reader_reads() {
        let schema = apache_avro::Schema::parse_str(&avro_value()).expect("a schema");
        let mut value = Vec::new();
        SchemaChangeEncoder::avro("beijing", 1, 2).encode_value(&change(), &mut value);
        assert_eq!(value[..5], [0, 0, 0, 0, 2]);
        let mut rest = &value[5..];
        let reader =
            apache_avro::reader::datum::GenericDatumReader::builder(&schema).build().expect("a plan");
        let read = reader.read_value(&mut rest).expect("a body of this schema");
        assert!(rest.is_empty(), "to the last byte");
        let apache_avro::types::Value::Record(fields) = read else { panic!("a record") };
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["source", "ts_ms", "databaseName", "schemaName", "ddl", "tableChanges"]);
        let changes = format!("{:?}", fields[5].1);
        assert!(changes.contains("INT UNSIGNED") && changes.contains("DROP"), "{changes}");
    }
}
