//! Renders the reference page of a configuration from its JSON schema.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    environment::variable_name,
    order::Order,
    schema::{Node, schema},
};

/// The page's part about one process: a table for each section with field, unit, default and meaning, in the
/// order of the structs. `title` is the process's name.
pub fn configuration_markdown<T: JsonSchema + Default + Serialize>(title: &str) -> String {
    let mut page = format!("## {title}\n");
    let schema = schema::<T>();
    let root = Node::root(&schema);
    if let Some(meaning) = description(root) {
        let _ = write!(page, "\n{meaning}\n");
    }
    section(&mut page, root, &Order::of::<T>(), &mut Vec::new());
    page
}

fn section(page: &mut String, node: Node<'_>, order: &Order, name: &mut Vec<String>) {
    let mut children: Vec<_> = node.children().collect();
    children.sort_by_key(|(field, _)| order.rank(field));
    let (sections, fields): (Vec<_>, Vec<_>) =
        children.into_iter().partition(|(_, child)| child.properties().is_some());
    if !name.is_empty() {
        let _ = write!(page, "\n### [{}]\n", name.join("."));
        if let Some(meaning) = description(node) {
            let _ = write!(page, "\n{meaning}\n");
        }
    }
    if !fields.is_empty() {
        if let Some((first, _)) = fields.first() {
            let path: Vec<String> = name.iter().cloned().chain([(*first).to_owned()]).collect();
            let _ = write!(page, "\nEnvironment: `{}` and so on.\n", variable_name(&path));
        }
        page.push_str("\n| Field | Unit | Default | Meaning |\n|---|---|---|---|\n");
        let required: Vec<&str> = node.required().collect();
        for (field, child) in fields {
            let default = default(child, required.contains(&field));
            let meaning = cell(&meaning(child));
            let _ = writeln!(page, "| `{field}` | {} | {} | {meaning} |", cell(&unit(child)), cell(&default));
        }
    }
    let unknown = Order::default();
    for (field, child) in sections {
        name.push(field.to_owned());
        section(page, child, order.below(field).unwrap_or(&unknown), name);
        name.pop();
    }
}

/// A field's own words, else those of its type.
fn description(node: Node<'_>) -> Option<String> {
    let own = node.field["description"].as_str().or_else(|| node.body["description"].as_str())?;
    Some(own.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn meaning(node: Node<'_>) -> String {
    let mut meaning = description(node).unwrap_or_default();
    for choice in node.alternatives() {
        if let (Some(value), Some(words)) = (choice.body["const"].as_str(), description(choice)) {
            let _ = write!(meaning, " `{value}`: {words}");
        }
    }
    meaning
}

fn unit(node: Node<'_>) -> String {
    match node.format() {
        Some("duration-with-unit") => return "duration".to_owned(),
        Some("bytes-with-unit") => return "size".to_owned(),
        Some("secret") => return "secret".to_owned(),
        Some("path") => return "file".to_owned(),
        Some("uri") => return "URL".to_owned(),
        _ => {}
    }
    let choices = choices(node);
    if !choices.is_empty() {
        return choices.join(", ");
    }
    if node.map_entry().is_some() {
        return "table".to_owned();
    }
    if node.accepts("array") {
        return format!("list of {}", unit(node.items()));
    }
    let named =
        [("integer", "integer"), ("number", "number"), ("boolean", "true or false"), ("string", "text")];
    let accepted = named.into_iter().filter(|(kind, _)| node.accepts(kind)).map(|(_, name)| name);
    accepted.collect::<Vec<_>>().join(" or ")
}

fn choices(node: Node<'_>) -> Vec<String> {
    let listed = node.body["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let own = listed.chain(node.body["const"].as_str()).map(|value| format!("`{value}`"));
    let mut found: Vec<String> = own.collect();
    for alternative in node.alternatives() {
        let named = choices(alternative);
        if named.is_empty() && alternative.accepts("string") {
            found.push("text".to_owned());
        }
        found.extend(named);
    }
    found
}

fn default(node: Node<'_>, required: bool) -> String {
    match &node.field["default"] {
        _ if required => "required".to_owned(),
        Value::Null => "not set".to_owned(),
        Value::Object(entries) if entries.is_empty() => "empty".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        value => format!("`{value}`"),
    }
}

/// A cell's text must neither end the cell nor begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}
