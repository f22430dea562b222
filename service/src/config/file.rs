//! The TOML file as a layer; every complaint names file, line and key.

use std::path::Path;

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::refusal,
    layer::{Layer, Name, Origin},
    nearest::nearest,
    schema::Node,
};
use crate::Finding;

pub(super) fn read(path: &Path, root: Node<'_>, findings: &mut Vec<Finding>) -> Layer {
    let mut layer = Layer::default();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let cause = format!("the configuration file cannot be read: {error}");
            findings.push(refusal(cause, path.display().to_string(), "give a readable file to --config"));
            return layer;
        }
    };
    match DeTable::parse(&text) {
        Ok(table) => Reader { path, text: &text, root, layer: &mut layer, findings }.section(
            &mut Name::new(),
            root,
            table.get_ref(),
        ),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            // Only the bare message: the parser's full one repeats the line, and the line may hold a secret.
            let cause = format!("the configuration file is no valid TOML: {}", error.message());
            findings.push(refusal(cause, place(path, line), "correct the line"));
        }
    }
    layer
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    root: Node<'a>,
    layer: &'a mut Layer,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn section(&mut self, name: &mut Name, node: Node<'_>, table: &DeTable<'_>) {
        for (key, value) in table {
            let line = line_of(self.text, key.span().start);
            name.push(key.get_ref().to_string());
            match node.child(key.get_ref()) {
                Some(child) => self.field(name, child, value, line),
                None => self.unknown(name, node, line),
            }
            name.pop();
        }
    }

    fn field(&mut self, name: &mut Name, node: Node<'_>, value: &Spanned<DeValue<'_>>, line: usize) {
        let origin = Origin::File { path: self.path.to_owned(), line };
        if node.properties().is_none() {
            if let Err(cause) = self.layer.set(name, node, plain(value.get_ref()), &origin) {
                self.findings.push(refusal(cause, origin.to_string(), format!("correct {}", name.join("."))));
            }
        } else if let DeValue::Table(table) = value.get_ref() {
            // An empty section is still there: it may be an optional one with defaults.
            self.layer.open_section(name, origin);
            self.section(name, node, table);
        } else {
            let cause = format!("{} is a section, not a value", name.join("."));
            let remedy = format!("write its fields under [{}]", name.join("."));
            self.findings.push(refusal(cause, place(self.path, line), remedy));
        }
    }

    fn unknown(&mut self, name: &Name, section: Node<'_>, line: usize) {
        let key = name.last().map_or("", String::as_str);
        let known: Vec<&str> = section.children().map(|(name, _)| name).collect();
        // The right name in the wrong section is the other common slip.
        let elsewhere =
            self.root.leaves().into_iter().filter(|leaf| leaf.last().is_some_and(|last| last == key));
        let elsewhere: Vec<String> = elsewhere.map(|leaf| leaf.join(".")).collect();
        let remedy = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean {}?", dotted(name, near)),
            None if !elsewhere.is_empty() => format!("did you mean {}?", elsewhere.join(" or ")),
            None => {
                let known: Vec<String> = known.iter().map(|known| dotted(name, known)).collect();
                format!("known here: {}", known.join(", "))
            }
        };
        let cause = format!("unknown setting {}", name.join("."));
        self.findings.push(refusal(cause, place(self.path, line), remedy));
    }
}

/// A field of the section that `name` stands in, by its whole name: as a flag or a variable would be told to set it.
fn dotted(name: &Name, field: &str) -> String {
    let sections = name.split_last().map_or(&[][..], |(_, sections)| sections);
    sections.iter().map(String::as_str).chain([field]).collect::<Vec<_>>().join(".")
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect()
        }
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let number = i64::from_str_radix(digits, radix).map(Value::from);
            number
                .or_else(|_| u64::from_str_radix(digits, radix).map(Value::from))
                .unwrap_or_else(|_| digits.into())
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            parsed.map_or_else(|| number.as_str().into(), Value::Number)
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn place(path: &Path, line: usize) -> String {
    format!("{} line {line}", path.display())
}
