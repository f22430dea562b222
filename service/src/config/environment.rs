//! The `STRAIT_*` variables as a layer: sections are separated by two underscores.

use std::ffi::{OsStr, OsString};

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
            if is_service_link(path, value) {
                continue;
            }
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

/// Variables that look like ours and that Kubernetes has set for a Service of that name: no settings of anybody's.
pub(super) fn service_links(variables: &[(String, OsString)]) -> impl Iterator<Item = &str> {
    let names = variables.iter().filter_map(|(variable, value)| {
        let path = variable.strip_prefix(PREFIX)?;
        is_service_link(path, value).then_some(variable.as_str())
    });
    names.filter(|variable| !variable.starts_with(LAB_PREFIX))
}

/// For a Service `strait-sink`, in every pod of its namespace: `STRAIT_SINK_SERVICE_HOST`, `_SERVICE_PORT` with or without
/// the name of a port, `_PORT` (an address, `tcp://...`), `_PORT_8402_TCP`, and that with `_PROTO`, `_PORT` and `_ADDR`.
fn is_service_link(path: &str, value: &OsStr) -> bool {
    if path.contains("__") {
        return false;
    }
    let is_address = || value.to_str().is_some_and(|value| value.contains("://"));
    path.ends_with("_SERVICE_HOST")
        || path.split_once("_SERVICE_PORT").is_some_and(|(_, port)| port.is_empty() || port.starts_with('_'))
        || path.ends_with("_PORT") && is_address()
        || path.split("_PORT_").skip(1).any(|port| {
            let mut words = port.split('_');
            words.next().is_some_and(|number| number.parse::<u16>().is_ok())
                && words.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
        })
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
