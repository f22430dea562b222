//! The settings collected so far: one value and one origin for each dotted name.
//!
//! Names are kept flat, so that putting a layer over another is plain insertion, and every later complaint about
//! a value knows the line, variable or flag it came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde_json::{Map, Value};

use super::{error::refusal, schema::FILE_SUFFIX, schema::Node};
use crate::Finding;

/// Names of the sections, then the field; in a map with free keys the last is the whole key.
pub(super) type Name = Vec<String>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{} line {line}", path.display()),
            Origin::Variable(name) => write!(f, "environment variable {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    values: BTreeMap<Name, (Value, Origin)>,
}

impl Layer {
    /// Sets one field. A map is set entry by entry, so that it adds to the map of the layer below.
    pub(super) fn set(
        &mut self,
        name: &[String],
        node: Node<'_>,
        value: Value,
        origin: &Origin,
    ) -> Result<(), String> {
        let Some(entry) = node.map_entry() else {
            self.values.insert(name.to_vec(), (value, origin.clone()));
            return Ok(());
        };
        let Value::Object(entries) = value else {
            return Err(format!("{} expects a table of options", name.join(".")));
        };
        for (key, value) in entries {
            self.set_entry(name, key, entry, value, origin);
        }
        Ok(())
    }

    /// A library's key has dots in it, which TOML takes for tables unless it is quoted: both are understood.
    fn set_entry(&mut self, map: &[String], key: String, entry: Node<'_>, value: Value, origin: &Origin) {
        match value {
            Value::Object(inner) if !entry.accepts("object") => {
                for (rest, value) in inner {
                    self.set_entry(map, format!("{key}.{rest}"), entry, value, origin);
                }
            }
            value => {
                let name = map.iter().cloned().chain([key]).collect();
                self.values.insert(name, (value, origin.clone()));
            }
        }
    }

    /// A section that was written, perhaps empty: it may be an optional one with defaults.
    pub(super) fn open_section(&mut self, name: &[String], origin: Origin) {
        self.values.insert(name.to_vec(), (Value::Object(Map::new()), origin));
    }

    pub(super) fn holds(&self, name: &[String]) -> bool {
        self.values.contains_key(name)
    }

    /// Whether anything is set below a name: a section's fields or a map's entries.
    pub(super) fn holds_below(&self, name: &[String]) -> bool {
        self.values.keys().any(|held| held.len() > name.len() && held.starts_with(name))
    }

    /// Origin of a name, else of the nearest section above it that was written.
    pub(super) fn origin(&self, name: &[String]) -> Option<&Origin> {
        (1..=name.len()).rev().find_map(|end| self.values.get(&name[..end]).map(|(_, origin)| origin))
    }

    /// Puts `upper` over this layer. A secret and its file are one setting: the upper of the two counts.
    pub(super) fn cover(&mut self, upper: Layer, root: Node<'_>, findings: &mut Vec<Finding>) {
        for (name, file) in secret_names(root) {
            if let (Some(inline), Some(from_file)) = (upper.values.get(&name), upper.values.get(&file)) {
                findings.push(refusal(
                    format!("{} is given twice: as a value and as a file", name.join(".")),
                    format!("{} and {}", inline.1, from_file.1),
                    format!("keep one of {} and {}", name.join("."), file.join(".")),
                ));
            }
            if upper.holds(&name) {
                self.values.remove(&file);
            } else if upper.holds(&file) {
                self.values.remove(&name);
            }
        }
        self.values.extend(upper.values);
    }

    /// Replaces each `<secret>_file` by the secret that the file holds.
    pub(super) fn read_secrets(&mut self, root: Node<'_>, findings: &mut Vec<Finding>) {
        for (name, file) in secret_names(root) {
            let Some((path, origin)) = self.values.remove(&file) else { continue };
            match read_secret(&path, &origin) {
                Ok(secret) => {
                    self.values.insert(name, (Value::String(secret), origin));
                }
                Err(cause) => {
                    let remedy = format!("let {} name a readable file with the secret in it", file.join("."));
                    findings.push(refusal(cause, format!("{} ({origin})", file.join(".")), remedy));
                    // Keeps "not set" from being complained about as well.
                    self.values.insert(name, (Value::String(String::new()), origin));
                }
            }
        }
    }

    /// The nested form that the struct is deserialised from.
    pub(super) fn into_value(self) -> Value {
        let mut root = Map::new();
        for (name, (value, _)) in self.values {
            let (last, sections) = name.split_last().expect("a name has at least one part");
            let mut section = &mut root;
            for part in sections {
                let next = section.entry(part).or_insert_with(|| Value::Object(Map::new()));
                section = next.as_object_mut().expect("the schema says that this name is a section");
            }
            section.insert(last.clone(), value);
        }
        Value::Object(root)
    }
}

/// Each secret's name and the name of its file.
fn secret_names(root: Node<'_>) -> Vec<(Name, Name)> {
    let mut names = Vec::new();
    for name in root.leaves() {
        let node = name.iter().try_fold(root, |node, part| node.child(part));
        if node.is_some_and(Node::is_secret) {
            let mut file = name.clone();
            if let Some(last) = file.last_mut() {
                last.push_str(FILE_SUFFIX);
            }
            names.push((name, file));
        }
    }
    names
}

fn read_secret(path: &Value, origin: &Origin) -> Result<String, String> {
    let named = PathBuf::from(path.as_str().ok_or("the name of a secret's file must be a text")?);
    let path = match origin {
        Origin::File { path: file, .. } => file.parent().map_or_else(|| named.clone(), |at| at.join(&named)),
        Origin::Variable(_) | Origin::Flag(_) => named,
    };
    let mut secret = std::fs::read_to_string(&path)
        .map_err(|error| format!("the secret's file {} cannot be read: {error}", path.display()))?;
    if secret.ends_with('\n') {
        secret.pop();
        if secret.ends_with('\r') {
            secret.pop();
        }
    }
    if secret.is_empty() {
        return Err(format!("the secret's file {} is empty", path.display()));
    }
    Ok(secret)
}
