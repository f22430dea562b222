//! The `STRAIT_*` variables as a layer: sections are separated by two underscores.

use std::ffi::OsString;

use super::{
    error::refusal,
    layer::{Layer, Name, Origin},
    nearest::nearest,
    schema::Node,
    text,
};
use crate::Finding;

pub(super) const PREFIX: &str = "STRAIT_";
/// Belong to the test lab, not to the processes.
const LAB_PREFIX: &str = "STRAIT_LAB_";
/// Names the file itself; the command line reads it.
const CONFIG: &str = "STRAIT_CONFIG";

pub(super) fn read(variables: &[(String, OsString)], root: Node<'_>, findings: &mut Vec<Finding>) -> Layer {
    let mut layer = Layer::default();
    for (variable, value) in variables {
        if variable == CONFIG || variable.starts_with(LAB_PREFIX) {
            continue;
        }
        let Some(path) = variable.strip_prefix(PREFIX) else { continue };
        let place = format!("environment variable {variable}");
        let Some((name, node)) = find(root, path) else {
            findings.push(refusal("unknown setting", place, suggestion(root, variable)));
            continue;
        };
        let Some(text) = value.to_str() else {
            findings.push(refusal("the value is not valid UTF-8", place, "write it in UTF-8"));
            continue;
        };
        let origin = Origin::Variable(variable.clone());
        let taken = text::read(node, text).and_then(|value| layer.set(&name, node, value, &origin));
        if let Err(cause) = taken {
            findings.push(refusal(cause, place, "correct the value"));
        }
    }
    layer
}

/// `SOURCE__HOST` -> source.host; in a map with free keys single underscores stand for dots, as those keys are a
/// library's: `KAFKA__OPTIONS__LINGER_MS` -> linger.ms in kafka.options.
fn find<'a>(root: Node<'a>, path: &str) -> Option<(Name, Node<'a>)> {
    let mut name = Name::new();
    let mut node = root;
    for part in path.to_lowercase().split("__") {
        if let Some(child) = node.child(part) {
            name.push(part.to_owned());
            node = child;
        } else if let Some(entry) = node.map_entry().filter(|_| !part.is_empty()) {
            name.push(part.replace('_', "."));
            node = entry;
        } else {
            return None;
        }
    }
    node.properties().is_none().then_some((name, node))
}

pub(super) fn variable_name(name: &[String]) -> String {
    format!("{PREFIX}{}", name.join("__").to_uppercase())
}

fn suggestion(root: Node<'_>, variable: &str) -> String {
    let known: Vec<String> = root.leaves().iter().map(|name| variable_name(name)).collect();
    match nearest(variable, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}? Correct the name, or unset the variable"),
        None => "unset it; `config schema` prints all settings".to_owned(),
    }
}
