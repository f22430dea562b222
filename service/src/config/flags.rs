//! Settings given by command-line flags, the uppermost layer.

use super::{
    error::refusal,
    layer::{Layer, Name, Origin},
    nearest::nearest,
    schema::Node,
    text,
};
use crate::Finding;

#[derive(Debug, Clone)]
struct Flag {
    /// As the user wrote it, for messages.
    written: String,
    /// Dotted name of the setting.
    key: String,
    value: String,
}

/// Settings given by flags; the later one of two counts.
#[derive(Debug, Default, Clone)]
pub struct Flags(Vec<Flag>);

impl Flags {
    /// `flags.set("--source-host", "source.host", args.source_host)`: nothing happens for `None`.
    #[must_use]
    pub fn set<V: ToString>(mut self, flag: &str, key: &str, value: Option<V>) -> Self {
        if let Some(value) = value {
            self.0.push(Flag { written: flag.to_owned(), key: key.to_owned(), value: value.to_string() });
        }
        self
    }

    pub(super) fn read(&self, root: Node<'_>, findings: &mut Vec<Finding>) -> Layer {
        let mut layer = Layer::default();
        for Flag { written, key, value } in &self.0 {
            let place = format!("flag {written}");
            let Some((name, node)) = find(root, key) else {
                findings.push(refusal(format!("unknown setting {key}"), place, suggestion(root, key)));
                continue;
            };
            let origin = Origin::Flag(written.clone());
            let taken = text::read(node, value).and_then(|value| layer.set(&name, node, value, &origin));
            if let Err(cause) = taken {
                findings.push(refusal(cause, place, format!("correct the value of {key}")));
            }
        }
        layer
    }
}

/// `source.host`; below a map with free keys the rest is the key, dots and all: `kafka.options.linger.ms`.
fn find<'a>(root: Node<'a>, key: &str) -> Option<(Name, Node<'a>)> {
    let mut name = Name::new();
    let mut node = root;
    let mut rest = key;
    loop {
        if let Some(entry) = node.map_entry().filter(|_| !rest.is_empty()) {
            name.push(rest.to_owned());
            return Some((name, entry));
        }
        let (part, after) = rest.split_once('.').map_or((rest, None), |(part, after)| (part, Some(after)));
        node = node.child(part)?;
        name.push(part.to_owned());
        match after {
            Some(after) => rest = after,
            None => return node.properties().is_none().then_some((name, node)),
        }
    }
}

fn suggestion(root: Node<'_>, key: &str) -> String {
    let known: Vec<String> = root.leaves().iter().map(|name| name.join(".")).collect();
    match nearest(key, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "`config schema` prints all settings".to_owned(),
    }
}
