//! A walk over the writer's schema in its JSON text. apache-avro has checked the text before, but keeps no
//! properties of primitive types, and those (`connect.name`, `connect.parameters`) tell what a column is.

use crate::{Error, Result};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// A writer's schema with its named types found.
#[derive(Debug)]
pub(super) struct Names<'j> {
    types: HashMap<String, Node<'j>>,
}

/// A type where it stands: the namespace is what its unqualified names belong to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'j> {
    json: &'j Json,
    namespace: &'j str,
}

#[derive(Debug, Clone)]
pub(super) enum Type<'j> {
    Primitive(Primitive, Properties<'j>),
    Fixed { name: String, size: usize },
    Enum { name: String },
    Array { items: Node<'j>, properties: Properties<'j> },
    Map { values: Node<'j> },
    Record(Record<'j>),
    Union(Vec<Node<'j>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Text,
    Bytes,
}

#[derive(Debug, Clone)]
pub(super) struct Record<'j> {
    pub full_name: String,
    pub fields: Vec<Field<'j>>,
    pub properties: Properties<'j>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'j> {
    pub name: &'j str,
    pub node: Node<'j>,
    pub properties: Properties<'j>,
}

/// The attributes beside a type or a field; none for a bare `"int"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Properties<'j>(Option<&'j Map<String, Json>>);

impl<'j> Properties<'j> {
    fn entry(self, key: &str) -> Option<&'j Json> {
        self.0?.get(key)
    }

    pub fn text(self, key: &str) -> Option<&'j str> {
        self.entry(key)?.as_str()
    }

    pub fn number(self, key: &str) -> Option<u64> {
        self.entry(key)?.as_u64()
    }

    /// The semantic name; where there is none, Avro's logical type.
    pub fn semantic(self) -> Option<&'j str> {
        self.text("connect.name").or_else(|| self.text("logicalType"))
    }

    pub fn has_parameters(self) -> bool {
        self.entry("connect.parameters").is_some()
    }

    pub fn parameter(self, key: &str) -> Option<&'j str> {
        self.entry("connect.parameters")?.get(key)?.as_str()
    }
}

impl Type<'_> {
    /// For messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Primitive(primitive, properties) => match properties.semantic() {
                Some(semantic) => format!("`{semantic}`"),
                None => format!("{primitive:?}").to_lowercase(),
            },
            Self::Fixed { name, .. } => format!("fixed `{name}`"),
            Self::Enum { name } => format!("enum `{name}`"),
            Self::Array { properties, .. } => match properties.semantic() {
                Some(semantic) => format!("array `{semantic}`"),
                None => "array".to_owned(),
            },
            Self::Map { .. } => "map".to_owned(),
            Self::Record(record) => format!("record `{}`", record.full_name),
            Self::Union(_) => "union of several types".to_owned(),
        }
    }
}

impl<'j> Names<'j> {
    /// Finds the named types of a schema that apache-avro has accepted.
    pub fn of(schema: &'j Json) -> (Self, Node<'j>) {
        let root = Node { json: schema, namespace: "" };
        let mut names = Self { types: HashMap::new() };
        names.collect(root);
        (names, root)
    }

    fn collect(&mut self, node: Node<'j>) {
        match node.json {
            Json::Array(branches) => {
                for json in branches {
                    self.collect(Node { json, ..node });
                }
            }
            Json::Object(object) => match object.get("type").and_then(Json::as_str) {
                Some("record" | "error" | "enum" | "fixed") => {
                    let (namespace, full_name) = qualified(object, node.namespace);
                    self.types.insert(full_name, node);
                    for field in object.get("fields").and_then(Json::as_array).into_iter().flatten() {
                        if let Some(json) = field.get("type") {
                            self.collect(Node { json, namespace });
                        }
                    }
                }
                Some("array") => self.collect_at(object, "items", node.namespace),
                Some("map") => self.collect_at(object, "values", node.namespace),
                _ => self.collect_at(object, "type", node.namespace),
            },
            _ => {}
        }
    }

    fn collect_at(&mut self, object: &'j Map<String, Json>, key: &str, namespace: &'j str) {
        if let Some(json) = object.get(key) {
            self.collect(Node { json, namespace });
        }
    }

    pub fn resolve(&self, node: Node<'j>) -> Result<Type<'j>> {
        match node.json {
            Json::String(name) => self.named(name, Properties(None), node.namespace),
            Json::Array(branches) => {
                Ok(Type::Union(branches.iter().map(|json| Node { json, ..node }).collect()))
            }
            Json::Object(object) => self.object(object, node),
            _ => Err(unreadable(node)),
        }
    }

    fn object(&self, object: &'j Map<String, Json>, node: Node<'j>) -> Result<Type<'j>> {
        let inner = |key| {
            let json = object.get(key).ok_or_else(|| unreadable(node))?;
            Ok::<_, Error>(Node { json, namespace: node.namespace })
        };
        let properties = Properties(Some(object));
        let Some(name) = object.get("type").and_then(Json::as_str) else {
            return self.resolve(inner("type")?);
        };
        Ok(match name {
            "array" => Type::Array { items: inner("items")?, properties },
            "map" => Type::Map { values: inner("values")? },
            "enum" => Type::Enum { name: qualified(object, node.namespace).1 },
            "fixed" => Type::Fixed {
                name: qualified(object, node.namespace).1,
                size: properties.number("size").ok_or_else(|| unreadable(node))? as usize,
            },
            "record" | "error" => Type::Record(record(object, node)?),
            primitive => return self.named(primitive, properties, node.namespace),
        })
    }

    fn named(&self, name: &str, properties: Properties<'j>, namespace: &str) -> Result<Type<'j>> {
        let primitive = match name {
            "null" => Primitive::Null,
            "boolean" => Primitive::Boolean,
            "int" => Primitive::Int,
            "long" => Primitive::Long,
            "float" => Primitive::Float,
            "double" => Primitive::Double,
            "string" => Primitive::Text,
            "bytes" => Primitive::Bytes,
            name => {
                let qualified = join(namespace, name);
                let found = self.types.get(&qualified).or_else(|| self.types.get(name));
                let node =
                    found.ok_or_else(|| Error::foreign(name, "the schema does not define this type"))?;
                return match node.json {
                    Json::Object(object) => self.object(object, *node),
                    _ => Err(unreadable(*node)),
                };
            }
        };
        Ok(Type::Primitive(primitive, properties))
    }
}

fn record<'j>(object: &'j Map<String, Json>, node: Node<'j>) -> Result<Record<'j>> {
    let (namespace, full_name) = qualified(object, node.namespace);
    let fields = object.get("fields").and_then(Json::as_array).ok_or_else(|| unreadable(node))?;
    let fields = fields.iter().map(|field| {
        let (Some(field), Some(name), Some(json)) =
            (field.as_object(), field.get("name").and_then(Json::as_str), field.get("type"))
        else {
            return Err(unreadable(node));
        };
        Ok(Field { name, node: Node { json, namespace }, properties: Properties(Some(field)) })
    });
    Ok(Record { full_name, fields: fields.collect::<Result<_>>()?, properties: Properties(Some(object)) })
}

/// The namespace inside a named type, and its full name.
fn qualified<'j>(object: &'j Map<String, Json>, enclosing: &'j str) -> (&'j str, String) {
    let text = |key| object.get(key).and_then(Json::as_str);
    let name = text("name").unwrap_or_default();
    let namespace = match name.rsplit_once('.') {
        Some((namespace, _)) => namespace,
        None => text("namespace").unwrap_or(enclosing),
    };
    (namespace, join(namespace, name))
}

fn join(namespace: &str, name: &str) -> String {
    if namespace.is_empty() || name.contains('.') { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn unreadable(node: Node<'_>) -> Error {
    let text: String = node.json.to_string().chars().take(80).collect();
    Error::foreign(text, "this is no Avro type that can be read")
}
