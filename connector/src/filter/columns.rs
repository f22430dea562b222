//! What becomes of each column of a table: published as it is, left out, or changed on the way.
//!
//! A change is a function of the value alone, and made wherever the value would go: in both images, and `strait.exact` does
//! not carry it. So equal values stay equal, a row's before image is what its after image was when it was published, and a
//! reader that applies all records holds exactly the changed rows.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha512};
use strait_mysql::{
    binlog::{ColumnDef, ColumnType, TableMap},
    charset,
};
use strait_service::{Finding, Patterns, config::refuse};

use crate::config::Column;

/// Of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    Whole,
    LeftOut { setting: &'static str },
    Changed { setting: String, change: Change },
}

/// What becomes of a text; NULL stays NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// So many asterisks, whatever the value.
    Mask(usize),
    /// At most so many characters.
    Truncate(usize),
    /// The digest of salt and text, in hexadecimal digits, at most so many.
    Hash { algorithm: Algorithm, salt: Box<str>, most: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Sha512,
}

/// A column that a setting changes and cannot.
#[derive(Debug, PartialEq, Eq)]
pub struct Unchangeable {
    pub column: String,
    pub setting: String,
    pub cause: String,
}

/// The settings under `[column]`.
#[derive(Debug, Clone)]
pub struct ColumnRules {
    include: Patterns,
    exclude: Patterns,
    changes: Vec<(String, Change, Patterns)>,
}

impl ColumnRules {
    pub fn new(config: &Column) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut patterns = |setting: &str, list| match Patterns::new(setting, list) {
            Ok(patterns) => Some(patterns),
            Err(finding) => {
                findings.push(finding);
                None
            }
        };
        let include = patterns("column.include.list", &config.include.list);
        let exclude = patterns("column.exclude.list", &config.exclude.list);
        let masks = config.mask.iter().map(|(key, list)| ("column.mask", read_mask(key), key, list));
        let cuts = config.truncate.iter().map(|(key, list)| ("column.truncate", read_cut(key), key, list));
        let mut changes = Vec::new();
        let mut misread = Vec::new();
        for (section, change, key, list) in masks.chain(cuts) {
            let setting = format!("{section}.{key}");
            match change {
                Ok(change) => {
                    changes.extend(patterns(&setting, list).map(|list| (shown(&setting), change, list)));
                }
                Err((cause, remedy)) => misread.push(refuse(&shown(&setting), cause, remedy)),
            }
        }
        findings.append(&mut misread);
        match (include, exclude) {
            (Some(include), Some(exclude)) if findings.is_empty() => Ok(Self { include, exclude, changes }),
            _ => Err(findings),
        }
    }

    /// One for each column of the table.
    pub fn of(&self, map: &TableMap) -> Result<Vec<Treatment>, Unchangeable> {
        map.columns.iter().map(|column| self.of_column(map, column)).collect()
    }

    /// Settings that are about none of these columns (`database.table.column`).
    pub fn idle(&self, names: &[String]) -> Vec<String> {
        let changes = self.changes.iter().map(|(setting, _, list)| (setting.as_str(), list));
        let excluded = std::iter::once(("column.exclude.list", &self.exclude));
        changes
            .chain(excluded)
            .filter(|(_, list)| !list.is_empty() && !names.iter().any(|name| list.matches(name)))
            .map(|(setting, _)| setting.to_owned())
            .collect()
    }

    fn of_column(&self, map: &TableMap, column: &ColumnDef) -> Result<Treatment, Unchangeable> {
        let name = format!("{}.{}.{}", map.database, map.table, column.name);
        if !self.include.is_empty() && !self.include.matches(&name) {
            return Ok(Treatment::LeftOut { setting: "column.include.list" });
        }
        if self.exclude.matches(&name) {
            return Ok(Treatment::LeftOut { setting: "column.exclude.list" });
        }
        let mut changes = self.changes.iter().filter(|(.., list)| list.matches(&name));
        let Some((setting, change, _)) = changes.next() else { return Ok(Treatment::Whole) };
        let unchangeable =
            |cause| Unchangeable { column: column.name.clone(), setting: setting.clone(), cause };
        if let Some((other, ..)) = changes.next() {
            return Err(unchangeable(format!("{other} names it, too")));
        }
        let Some(most) = most_characters(column) else {
            return Err(unchangeable("it does not hold characters".into()));
        };
        Ok(Treatment::Changed { setting: setting.clone(), change: change.within(most) })
    }
}

/// How many characters a column takes; `None`: it is no column of characters.
fn most_characters(column: &ColumnDef) -> Option<usize> {
    if column.is_binary() {
        return None;
    }
    let bytes = match column.ty {
        ColumnType::Char { max_bytes } | ColumnType::VarChar { max_bytes } => usize::from(max_bytes),
        ColumnType::Blob { length_bytes } => (1_usize << (8 * u32::from(length_bytes).min(4))) - 1,
        _ => return None,
    };
    let longest =
        column.collation.and_then(charset::of_collation).map_or(1, |charset| charset.max_bytes.max(1));
    Some(bytes / usize::from(longest))
}

impl Change {
    fn within(&self, most: usize) -> Self {
        match self {
            Self::Mask(length) => Self::Mask((*length).min(most)),
            Self::Truncate(length) => Self::Truncate(*length),
            Self::Hash { algorithm, salt, most: digits } => {
                Self::Hash { algorithm: *algorithm, salt: salt.clone(), most: (*digits).min(most) }
            }
        }
    }

    /// Whether different values may become equal ones.
    pub fn may_join(&self) -> bool {
        // 128 bits do not meet by chance.
        !matches!(self, Self::Hash { most, .. } if *most >= 32)
    }

    pub fn apply(&self, text: &str) -> String {
        match self {
            Self::Mask(length) => "*".repeat(*length),
            Self::Truncate(length) => text.chars().take(*length).collect(),
            Self::Hash { algorithm: Algorithm::Sha256, salt, most } => {
                digits(&Sha256::new().chain_update(salt.as_bytes()).chain_update(text).finalize(), *most)
            }
            Self::Hash { algorithm: Algorithm::Sha512, salt, most } => {
                digits(&Sha512::new().chain_update(salt.as_bytes()).chain_update(text).finalize(), *most)
            }
        }
    }
}

fn digits(digest: &[u8], most: usize) -> String {
    let mut text = String::with_capacity(digest.len() * 2);
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(most);
    text
}

type Misread = (String, &'static str);

/// `with.<n>.chars` and `hash.v2.<algorithm>.with.salt.<salt>`.
fn read_mask(key: &str) -> Result<Change, Misread> {
    const REMEDY: &str =
        "column.mask.with.10.chars = \"...\" or column.mask.hash.v2.SHA-256.with.salt.<salt> = \"...\"";
    if let Some(length) = between(key, "with.", ".chars") {
        return length.parse().map(Change::Mask).map_err(|_| no_number(length, REMEDY));
    }
    let Some(hash) = key.strip_prefix("hash.") else {
        return Err((format!("\"{key}\" is no way to mask"), REMEDY));
    };
    let Some((algorithm, salt)) = hash.strip_prefix("v2.").and_then(|rest| rest.split_once(".with.salt."))
    else {
        let cause = "only the form hash.v2.<algorithm>.with.salt.<salt> is known: the older one hashes what Java makes of a value";
        return Err((cause.into(), REMEDY));
    };
    let (algorithm, most) = match algorithm.to_ascii_uppercase().as_str() {
        "SHA-256" => (Algorithm::Sha256, 64),
        "SHA-512" => (Algorithm::Sha512, 128),
        other => {
            return Err((format!("the algorithm {other} is not supported: SHA-256 and SHA-512 are"), REMEDY));
        }
    };
    Ok(Change::Hash { algorithm, salt: salt.into(), most })
}

/// `to.<n>.chars`.
fn read_cut(key: &str) -> Result<Change, Misread> {
    const REMEDY: &str = "column.truncate.to.20.chars = \"...\"";
    let Some(length) = between(key, "to.", ".chars") else {
        return Err((format!("\"{key}\" is no way to truncate"), REMEDY));
    };
    length.parse().map(Change::Truncate).map_err(|_| no_number(length, REMEDY))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

fn no_number(text: &str, remedy: &'static str) -> Misread {
    (format!("\"{text}\" is no number of characters"), remedy)
}

/// Without the salt: it is as good as a secret.
fn shown(setting: &str) -> String {
    match setting.split_once(".with.salt.") {
        Some((before, _)) => format!("{before}.with.salt.(redacted)"),
        None => setting.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::column;

    fn rules(mask: &[(&str, &str)], truncate: &[(&str, &str)]) -> Result<ColumnRules, Vec<Finding>> {
        let map = |all: &[(&str, &str)]| {
            all.iter().map(|(key, list)| ((*key).to_owned(), [*list].into_iter().collect())).collect()
        };
        ColumnRules::new(&Column { mask: map(mask), truncate: map(truncate), ..Column::default() })
    }

    fn table() -> TableMap {
        let text = |name: &str, max_bytes| ColumnDef {
            collation: Some(255),
            ..column(name, ColumnType::VarChar { max_bytes })
        };
        let columns = vec![column("id", ColumnType::Long), text("email", 400), text("zip", 20)];
        TableMap::new("shop".into(), "users".into(), columns, Vec::new(), true)
    }

    fn changed(rules: &ColumnRules, at: usize) -> Change {
        match rules.of(&table()).expect("fits").swap_remove(at) {
            Treatment::Changed { change, .. } => change,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_mask_has_one_length_and_never_exceeds_the_column() {
        let rules = rules(&[("with.10.chars", r"shop\.users\.(email|zip)")], &[]).expect("read");
        assert_eq!(changed(&rules, 1).apply("a@b"), "**********");
        assert_eq!(changed(&rules, 2).apply("12345"), "*****", "5 characters of 4 bytes");
    }

    #[test]
    fn a_hash_is_of_salt_and_text() {
        let rules = rules(&[("hash.v2.SHA-256.with.salt.pepper", "shop.users.email")], &[]).expect("read");
        // printf peppera@b | sha256sum
        assert_eq!(
            changed(&rules, 1).apply("a@b"),
            "919f9740b9487578d6b6fb432de1eee32c7712a2f90105147f08d8f82c7370a9"
        );
        assert!(!changed(&rules, 1).may_join());
    }

    #[test]
    fn a_cut_counts_characters() {
        let rules = rules(&[], &[("to.3.chars", "shop.users.email")]).expect("read");
        assert_eq!(changed(&rules, 1).apply("größer"), "grö");
        assert_eq!(changed(&rules, 1).apply("g"), "g");
        assert!(changed(&rules, 1).may_join());
    }

    #[test]
    fn what_cannot_be_changed_is_named() {
        let number = rules(&[("with.1.chars", "shop.users.id")], &[]).expect("read").of(&table());
        assert_eq!(number.expect_err("a number").cause, "it does not hold characters");
        let twice = rules(&[("with.1.chars", ".*email")], &[("to.2.chars", ".*email")]).expect("read");
        let twice = twice.of(&table()).expect_err("two rules");
        assert_eq!((twice.column.as_str(), twice.cause.contains("column.truncate")), ("email", true));
    }

    #[test]
    fn a_setting_that_means_nothing_is_refused_without_its_salt() {
        for (mask, cause) in [
            ("with.x.chars", "no number"),
            ("blur", "no way"),
            ("hash.SHA-256.with.salt.hush", "older"),
            ("hash.v2.MD5.with.salt.hush", "not supported"),
        ] {
            let findings = rules(&[(mask, "a")], &[]).expect_err(mask);
            assert!(findings[0].cause.contains(cause), "{findings:?}");
            assert!(!format!("{findings:?}").contains("hush"), "{findings:?}");
        }
        assert!(rules(&[], &[("at.3.chars", "a")]).is_err());
    }
}
