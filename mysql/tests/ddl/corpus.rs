//! Reads `corpus.txt`; its head says what is in it.

use strait_mysql::{
    charset,
    ddl::{Class, Reading, Statement},
};

const TEXT: &str = include_str!("corpus.txt");

/// What to do next with the session.
#[derive(Debug)]
pub enum Step {
    Run(Vec<u8>),
    Judge(Entry),
}

#[derive(Debug)]
pub struct Entry {
    /// In the file, from 1.
    pub line: usize,
    pub fate: Fate,
    pub kind: &'static str,
    /// `role class name, ...` as [`objects`] writes them.
    pub objects: &'static str,
    pub statement: Vec<u8>,
    pub reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Logged,
    NotLogged,
    /// Not for this server.
    OnlyRead,
}

pub fn steps() -> Vec<Step> {
    let mut reading = Reading { version: 90_700, ..Reading::default() };
    let mut steps = Vec::new();
    for (at, line) in TEXT.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
        } else if let Some(run) = line.strip_prefix("+ ") {
            steps.push(Step::Run(run.into()));
        } else if let Some(set) = line.strip_prefix("= ") {
            change(&mut reading, set);
            steps.push(Step::Run(set.into()));
        } else {
            steps.push(Step::Judge(entry(at + 1, line, reading)));
        }
    }
    steps
}

fn change(reading: &mut Reading, set: &str) {
    if let Some(name) = set.strip_prefix("SET NAMES ") {
        let collation = (1..400).find(|id| charset::of_collation(*id).is_some_and(|it| it.name == name));
        reading.charset = charset::of_collation(collation.expect("a character set"));
    } else {
        reading.ansi_quotes = set.contains("ANSI_QUOTES");
        reading.no_backslash_escapes = set.contains("NO_BACKSLASH_ESCAPES");
    }
}

fn entry(line: usize, text: &'static str, reading: Reading) -> Entry {
    let (fate, text) = match text.split_at(2) {
        ("~ ", rest) => (Fate::NotLogged, rest),
        ("! ", rest) => (Fate::OnlyRead, rest),
        _ => (Fate::Logged, text),
    };
    let mut parts = text.splitn(3, '|');
    let mut part = || parts.next().unwrap_or_else(|| panic!("line {line} has three parts"));
    let (kind, objects, statement) = (part().trim(), part(), part());
    let objects = objects.strip_prefix(' ').and_then(|it| it.strip_suffix(' ')).unwrap_or_default();
    let statement = statement.strip_prefix(' ').unwrap_or(statement).replace('⏎', "\n");
    let foreign = reading.charset.is_some_and(|it| it.name != "utf8mb4");
    let statement = if foreign { bytes(&statement) } else { statement.into_bytes() };
    Entry { line, fate, kind, objects, statement, reading }
}

/// `\xHH` is a byte.
fn bytes(text: &str) -> Vec<u8> {
    let mut pieces = text.split("\\x");
    let mut bytes: Vec<u8> = pieces.next().unwrap_or_default().into();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

/// As the file writes them: names as they stand in the statement, or each with its database where `default` is given.
pub fn objects(statement: &Statement, default: Option<&str>) -> String {
    let name = |object: &strait_mysql::ddl::Object| match (&object.database, default) {
        _ if object.class == Class::Database && default.is_some() => {
            object.in_database(default.unwrap_or_default()).to_owned()
        }
        (Some(database), _) => format!("{database}.{}", object.name),
        (None, Some(default)) if object.class != Class::Database => format!("{default}.{}", object.name),
        (None, _) => object.name.clone(),
    };
    let one = |object| format!("{} {} {}", role(object), class(object), name(object));
    statement.objects.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn role(object: &strait_mysql::ddl::Object) -> &'static str {
    object.role.name()
}

fn class(object: &strait_mysql::ddl::Object) -> &'static str {
    object.class.name()
}
