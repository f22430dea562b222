//! Prints a Connect schema as Confluent's Avro converter does: the same unions, the same properties in
//! the same order, so that a registry which already holds Debezium's schema sees the same text.
//!
//! Avro defines a named record once and refers to it afterwards. A second column of the same record type
//! (two GEOMETRY columns) would lose its own parameters with that: they go to the field instead, where
//! other readers ignore them and ours looks for them.

use super::{Connect, Type, semantic};
use std::{
    collections::HashMap,
    fmt::{Display, Write},
};

const DEFAULT_NAMESPACE: &str = "io.confluent.connect.avro";
const DEFAULT_NAME: &str = "ConnectDefault";

pub(crate) fn avro_text(schema: &Connect) -> String {
    let mut printer = Printer { out: String::new(), defined: HashMap::new() };
    printer.schema(schema, "");
    printer.out
}

/// A JSON string literal.
pub(super) fn quoted(text: &str) -> impl Display + use<> {
    serde_json::Value::from(text)
}

type Parameters = [(&'static str, String)];

struct Printer<'s> {
    out: String,
    /// The records printed so far, by full name, and the parameters they were printed with.
    defined: HashMap<String, &'s Parameters>,
}

impl<'s> Printer<'s> {
    fn push(&mut self, part: impl Display) {
        write!(self.out, "{part}").expect("writing to a String does not fail");
    }

    /// The union that optionality asks for, or the bare type. A default must be of the first branch.
    fn schema(&mut self, schema: &'s Connect, namespace: &str) {
        match (schema.optional, schema.default) {
            (false, _) => self.base(schema, namespace),
            (true, None) => {
                self.push("[\"null\",");
                self.base(schema, namespace);
                self.push("]");
            }
            (true, Some(_)) => {
                self.push("[");
                self.base(schema, namespace);
                self.push(",\"null\"]");
            }
        }
    }

    fn base(&mut self, schema: &'s Connect, namespace: &str) {
        let primitive = match &schema.ty {
            Type::Boolean => "boolean",
            Type::Int16 | Type::Int32 => "int",
            Type::Int64 => "long",
            Type::Float32 => "float",
            Type::Float64 => "double",
            Type::Text => "string",
            Type::Bytes => "bytes",
            Type::Array(items) => {
                self.push("{\"type\":\"array\",\"items\":");
                self.schema(items, namespace);
                self.properties(schema);
                return self.push("}");
            }
            Type::Struct(fields) => return self.record(schema, fields, namespace),
        };
        if schema.name.is_none() && schema.parameters.is_empty() && schema.ty != Type::Int16 {
            return self.push(quoted(primitive));
        }
        self.push(format_args!("{{\"type\":{}", quoted(primitive)));
        self.properties(schema);
        self.push("}");
    }

    fn record(&mut self, schema: &'s Connect, fields: &'s [super::Field], enclosing: &str) {
        let (namespace, name) = full_name(schema);
        let known = format!("{namespace}.{name}");
        if self.defined.contains_key(&known) {
            return self.push(quoted(if namespace == enclosing { name } else { &known }));
        }
        self.defined.insert(known, &schema.parameters);
        self.push(format_args!("{{\"type\":\"record\",\"name\":{}", quoted(name)));
        if namespace != enclosing {
            self.push(format_args!(",\"namespace\":{}", quoted(namespace)));
        }
        self.push(",\"fields\":[");
        for (i, field) in fields.iter().enumerate() {
            self.push(if i == 0 { "" } else { "," });
            self.field(field, namespace);
        }
        self.push("]");
        self.properties(schema);
        self.push("}");
    }

    fn field(&mut self, field: &'s super::Field, namespace: &str) {
        let defined = matches!(field.schema.ty, Type::Struct(_)).then(|| full_name(&field.schema));
        let defined = defined.and_then(|(space, name)| self.defined.get(&format!("{space}.{name}")).copied());
        self.push(format_args!("{{\"name\":{},\"type\":", quoted(&field.name)));
        self.schema(&field.schema, namespace);
        if let Some(default) = field.schema.default {
            self.push(format_args!(",\"default\":{}", quoted(default)));
        } else if field.schema.optional {
            self.push(",\"default\":null");
        }
        if defined.is_some_and(|parameters| parameters != field.schema.parameters) {
            self.parameters(&field.schema.parameters);
        }
        self.push("}");
    }

    fn parameters(&mut self, parameters: &Parameters) {
        self.push(",\"connect.parameters\":{");
        for (i, (key, value)) in parameters.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            self.push(format_args!("{comma}{}:{}", quoted(key), quoted(value)));
        }
        self.push("}");
    }

    fn properties(&mut self, schema: &Connect) {
        let decimal = schema.name.as_deref() == Some(semantic::DECIMAL);
        if decimal {
            for (parameter, property) in [(semantic::SCALE, "scale"), (semantic::PRECISION, "precision")] {
                if let Some((_, value)) = schema.parameters.iter().find(|(key, _)| *key == parameter) {
                    self.push(format_args!(",\"{property}\":{value}"));
                }
            }
        }
        if let Some(doc) = schema.doc {
            self.push(format_args!(",\"connect.doc\":{}", quoted(doc)));
        }
        if let Some(version) = schema.version {
            self.push(format_args!(",\"connect.version\":{version}"));
        }
        if !schema.parameters.is_empty() {
            self.parameters(&schema.parameters);
        }
        if let Some(default) = schema.default {
            self.push(format_args!(",\"connect.default\":{}", quoted(default)));
        }
        if let Some(name) = &schema.name {
            self.push(format_args!(",\"connect.name\":{}", quoted(name)));
        }
        if schema.ty == Type::Int16 {
            self.push(",\"connect.type\":\"int16\"");
        }
        if let Some(logical) = schema.name.as_deref().and_then(logical_type) {
            self.push(format_args!(",\"logicalType\":\"{logical}\""));
        }
    }
}

/// Connect's own semantic types are Avro's logical ones; Debezium's are not.
fn logical_type(semantic: &str) -> Option<&'static str> {
    Some(match semantic {
        semantic::DECIMAL => "decimal",
        semantic::CONNECT_DATE => "date",
        semantic::CONNECT_TIME => "time-millis",
        semantic::CONNECT_TIMESTAMP => "timestamp-millis",
        _ => return None,
    })
}

/// Namespace and name. A structure without a name gets Connect's own.
fn full_name(schema: &Connect) -> (&str, &str) {
    match &schema.name {
        None => (DEFAULT_NAMESPACE, DEFAULT_NAME),
        Some(name) => name.rsplit_once('.').unwrap_or(("", name)),
    }
}
