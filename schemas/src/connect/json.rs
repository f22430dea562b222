//! Prints a Connect schema as Kafka's JSON converter does, keys in the same order.

use super::{Connect, Type, avro::quoted};
use std::fmt::{Display, Write};

pub(crate) fn json_text(schema: &Connect) -> String {
    let mut out = String::new();
    print(&mut out, schema, None);
    out
}

fn push(out: &mut String, part: impl Display) {
    write!(out, "{part}").expect("writing to a String does not fail");
}

fn print(out: &mut String, schema: &Connect, field: Option<&str>) {
    let ty = match &schema.ty {
        Type::Boolean => "boolean",
        Type::Int16 => "int16",
        Type::Int32 => "int32",
        Type::Int64 => "int64",
        Type::Float32 => "float",
        Type::Float64 => "double",
        Type::Text => "string",
        Type::Bytes => "bytes",
        Type::Array(_) => "array",
        Type::Struct(_) => "struct",
    };
    push(out, format_args!("{{\"type\":\"{ty}\""));
    match &schema.ty {
        Type::Array(items) => {
            push(out, ",\"items\":");
            print(out, items, None);
        }
        Type::Struct(fields) => {
            push(out, ",\"fields\":[");
            for (i, field) in fields.iter().enumerate() {
                push(out, if i == 0 { "" } else { "," });
                print(out, &field.schema, Some(&field.name));
            }
            push(out, "]");
        }
        _ => {}
    }
    push(out, format_args!(",\"optional\":{}", schema.optional));
    if let Some(name) = &schema.name {
        push(out, format_args!(",\"name\":{}", quoted(name)));
    }
    if let Some(version) = schema.version {
        push(out, format_args!(",\"version\":{version}"));
    }
    if let Some(doc) = schema.doc {
        push(out, format_args!(",\"doc\":{}", quoted(doc)));
    }
    parameters(out, schema);
    if let Some(default) = schema.default {
        push(out, format_args!(",\"default\":{}", quoted(default)));
    }
    if let Some(field) = field {
        push(out, format_args!(",\"field\":{}", quoted(field)));
    }
    push(out, "}");
}

fn parameters(out: &mut String, schema: &Connect) {
    if schema.parameters.is_empty() {
        return;
    }
    push(out, ",\"parameters\":{");
    for (i, (key, value)) in schema.parameters.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        push(out, format_args!("{comma}{}:{}", quoted(key), quoted(value)));
    }
    push(out, "}");
}
