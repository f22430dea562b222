//! Loads a configuration struct from its layers.
//!
//! Each layer is checked against the schema by itself, so an unknown name is found even where another layer
//! would cover it, and all findings of all layers come at once. Only then is the struct deserialised; what its
//! types refuse is traced back to the line, variable or flag that set it.

use std::{ffi::OsString, path::PathBuf};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::{
    ConfigError, Flags, environment,
    error::refusal,
    file,
    layer::{Layer, Name},
    schema::{Node, schema},
};
use crate::{Finding, finding::Severity};

/// Where a configuration comes from.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// Variables; only `STRAIT_*` ones are looked at.
    pub environment: Vec<(String, OsString)>,
    pub flags: Flags,
}

impl Sources {
    /// File and flags as given, and the process's own environment.
    pub fn from_process(file: Option<PathBuf>, flags: Flags) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(environment::PREFIX))
            .collect();
        Self { file, environment, flags }
    }

    /// What is passed over and yet may have been meant.
    pub fn warnings(&self) -> Vec<Finding> {
        let passed: Vec<&str> = environment::service_links(&self.environment).collect();
        if passed.is_empty() {
            return Vec::new();
        }
        vec![Finding {
            severity: Severity::Warning,
            ..refusal(
                "passed over what Kubernetes sets for a Service whose name begins with strait: no settings",
                format!("environment variables {}", passed.join(", ")),
                "nothing; or `enableServiceLinks: false` in the pod's spec",
            )
        }]
    }
}

/// Loads `T`: flags over environment over file over the struct's own defaults.
pub fn load<T: DeserializeOwned + JsonSchema>(sources: &Sources) -> Result<T, ConfigError> {
    let schema = schema::<T>();
    let root = Node::root(&schema);
    let mut findings = Vec::new();
    let mut layer = Layer::default();
    if let Some(path) = &sources.file {
        let file = file::read(path, root, &mut findings);
        layer.cover(file, root, &mut findings);
    }
    let variables = environment::read(&sources.environment, root, &mut findings);
    layer.cover(variables, root, &mut findings);
    let flags = sources.flags.read(root, &mut findings);
    layer.cover(flags, root, &mut findings);
    layer.read_secrets(root, &mut findings);
    report_missing(&layer, root, &mut Name::new(), &mut findings);
    if !findings.is_empty() {
        return Err(ConfigError { findings });
    }
    deserialise(&layer)
}

/// Required fields of the sections that must be there (or are there) and that no layer set.
fn report_missing(layer: &Layer, node: Node<'_>, name: &mut Name, findings: &mut Vec<Finding>) {
    let required: Vec<&str> = node.required().collect();
    for (field, child) in node.children() {
        name.push(field.to_owned());
        let must = required.contains(&field);
        if child.properties().is_some() {
            if must || layer.origin(name).is_some() || layer.holds_below(name) {
                report_missing(layer, child, name, findings);
            }
        } else if must && !layer.holds(name) && !layer.holds_below(name) {
            findings.push(missing(name));
        }
        name.pop();
    }
}

fn missing(name: &Name) -> Finding {
    let dotted = name.join(".");
    let in_file = match name.split_last() {
        Some((field, sections)) if !sections.is_empty() => {
            format!("{field} under [{}] in the file", sections.join("."))
        }
        _ => format!("{dotted} in the file"),
    };
    let remedy = format!("set {in_file}, or {}, or --set {dotted}=...", environment::variable_name(name));
    refusal(format!("{dotted} is not set, and it has no default"), format!("setting {dotted}"), remedy)
}

fn deserialise<T: DeserializeOwned>(layer: &Layer) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(layer.clone().into_value()).map_err(|error| {
        let name: Name = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                Segment::Enum { variant } => Some(variant.clone()),
                Segment::Seq { .. } | Segment::Unknown => None,
            })
            .collect();
        let path = error.path().to_string();
        let place = layer
            .origin(&name)
            .map_or_else(|| format!("setting {path}"), |origin| format!("setting {path}, {origin}"));
        refusal(error.into_inner().to_string(), place, format!("correct {path}")).into()
    })
}
