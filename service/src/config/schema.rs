//! The configuration's JSON schema as the loader and the reference page walk it.

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Suffix of the key that names a file holding a secret.
pub(super) const FILE_SUFFIX: &str = "_file";

/// The schema of `T`, with a `<name>_file` beside every secret `<name>`, as the loader accepts it.
pub fn schema<T: JsonSchema>() -> Schema {
    let mut schema = schemars::schema_for!(T);
    if let Some(root) = schema.as_object_mut() {
        add_secret_files(root);
        if let Some(Value::Object(definitions)) = root.get_mut("$defs") {
            definitions.values_mut().filter_map(Value::as_object_mut).for_each(add_secret_files);
        }
    }
    schema
}

fn add_secret_files(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    let secrets: Vec<String> = properties
        .iter()
        .filter(|(_, node)| node["format"] == "secret")
        .map(|(name, _)| name.clone())
        .collect();
    for name in secrets {
        let description = format!("File that holds `{name}`; one line break at its end is cut.");
        let file = json!({"type": ["string", "null"], "format": "path", "description": description});
        properties.entry(format!("{name}{FILE_SUFFIX}")).or_insert(file);
    }
}

/// A node of the schema, with references and `Option`'s "or null" looked through.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    root: &'a Value,
    /// As the parent wrote it: carries the field's own description and default.
    pub(super) field: &'a Value,
    /// What it means: the referenced definition.
    pub(super) body: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(schema: &'a Schema) -> Self {
        Self::at(schema.as_value(), schema.as_value())
    }

    fn at(root: &'a Value, field: &'a Value) -> Self {
        let mut body = field;
        // A reference cycle needs a recursive struct; the bound only keeps a wrong schema from hanging us.
        for _ in 0..16 {
            if let Some(path) = body["$ref"].as_str() {
                body = root.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null);
            } else if let Some(only) = sole_alternative(body) {
                body = only;
            } else {
                break;
            }
        }
        Self { root, field, body }
    }

    /// The fields of a section; `None` if this is a value.
    pub(super) fn properties(self) -> Option<&'a Map<String, Value>> {
        self.body["properties"].as_object()
    }

    pub(super) fn child(self, name: &str) -> Option<Node<'a>> {
        self.properties()?.get(name).map(|field| Self::at(self.root, field))
    }

    pub(super) fn children(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let fields = self.properties().into_iter().flatten();
        fields.map(move |(name, field)| (name.as_str(), Self::at(self.root, field)))
    }

    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        self.body["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// The value type of a map with free keys; `None` for a section or a plain value.
    pub(super) fn map_entry(self) -> Option<Node<'a>> {
        let entry = &self.body["additionalProperties"];
        (self.properties().is_none() && !matches!(entry, Value::Null | Value::Bool(false)))
            .then(|| Self::at(self.root, entry))
    }

    pub(super) fn items(self) -> Node<'a> {
        Self::at(self.root, &self.body["items"])
    }

    pub(super) fn alternatives(self) -> impl Iterator<Item = Node<'a>> {
        let lists = [&self.body["anyOf"], &self.body["oneOf"]];
        lists.into_iter().filter_map(Value::as_array).flatten().map(move |node| Self::at(self.root, node))
    }

    pub(super) fn is_secret(self) -> bool {
        self.format() == Some("secret")
    }

    pub(super) fn format(self) -> Option<&'a str> {
        self.body["format"].as_str()
    }

    /// Whether a value of the JSON type `name` may stand here.
    pub(super) fn accepts(self, name: &str) -> bool {
        let kind = &self.body["type"];
        kind == name
            || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
            || self.alternatives().any(|node| node.accepts(name))
            || (name == "string" && (!self.body["enum"].is_null() || self.body["const"].is_string()))
    }

    /// Every dotted name below this node that can be set, in the schema's order.
    pub(super) fn leaves(self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.collect_leaves(&mut Vec::new(), &mut found);
        found
    }

    fn collect_leaves(self, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        for (name, node) in self.children() {
            path.push(name.to_owned());
            if node.properties().is_some() {
                node.collect_leaves(path, found);
            } else {
                found.push(path.clone());
            }
            path.pop();
        }
    }
}

/// `anyOf: [X, null]` is how an optional X is written.
fn sole_alternative(body: &Value) -> Option<&Value> {
    let list = body["anyOf"].as_array().or_else(|| body["allOf"].as_array())?;
    let mut others = list.iter().filter(|node| node["type"] != "null");
    let only = others.next()?;
    others.next().is_none().then_some(only)
}
