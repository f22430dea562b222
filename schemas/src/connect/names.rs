//! Names that Avro allows: `[A-Za-z_][A-Za-z0-9_]*`, dots between the parts of a full name. Anything else
//! becomes `_`, as with Debezium's `avro` adjustment modes. JSON keeps the names as they are.

use std::collections::HashSet;

/// Whose names: those of Avro, or the real ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    Avro,
    Real,
}

/// `<prefix>.<database>.<table>.<kind>`.
pub(crate) fn record_name(naming: Naming, prefix: &str, database: &str, table: &str, kind: &str) -> String {
    match naming {
        Naming::Real => format!("{prefix}.{database}.{table}.{kind}"),
        Naming::Avro => {
            let prefix: Vec<_> = prefix.split('.').map(part).collect();
            format!("{}.{}.{}.{kind}", prefix.join("."), part(database), part(table))
        }
    }
}

/// One part of a full name. A leading digit, which Debezium leaves and Avro refuses, gets a `_` before it;
/// a dot inside a database's or table's name becomes one, so that the parts stay countable.
fn part(name: &str) -> String {
    let adjusted = underscored(name);
    match adjusted.as_bytes().first() {
        None => "_".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{adjusted}"),
        Some(_) => adjusted,
    }
}

/// One `_` for each UTF-16 unit that is not allowed, as Java code has it.
fn underscored(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
        } else {
            out.extend(std::iter::repeat_n('_', c.len_utf16()));
        }
    }
    out
}

/// The field name of each column, distinct: a column whose name Avro allows keeps it, whatever the others
/// become; of two that would become the same the later one gets more underscores.
pub(crate) fn field_names<'a>(naming: Naming, columns: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    if naming == Naming::Real {
        return columns.map(str::to_owned).collect();
    }
    let mut taken: HashSet<String> =
        columns.clone().filter(|name| field(name) == *name).map(str::to_owned).collect();
    columns
        .map(|name| {
            let mut adjusted = field(name);
            if adjusted != name {
                while !taken.insert(adjusted.clone()) {
                    adjusted.push('_');
                }
            }
            adjusted
        })
        .collect()
}

fn field(name: &str) -> String {
    let mut adjusted = underscored(name);
    match adjusted.as_bytes().first() {
        None => adjusted.push('_'),
        Some(first) if first.is_ascii_digit() => adjusted.replace_range(..1, "_"),
        Some(_) => {}
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_names_are_adjusted_part_by_part() {
        let avro = |p, d, t| record_name(Naming::Avro, p, d, t, "Value");
        assert_eq!(avro("dc1", "shop", "orders"), "dc1.shop.orders.Value");
        assert_eq!(avro("dc-1.x", "2024", "a.b"), "dc_1.x._2024.a_b.Value");
        assert_eq!(avro("dc1", "店", "𝄞"), "dc1._.__.Value");
        assert_eq!(record_name(Naming::Real, "dc-1", "2024", "a.b", "Key"), "dc-1.2024.a.b.Key");
    }

    #[test]
    fn field_names_stay_distinct_and_allowed_ones_unchanged() {
        let columns = ["a-b", "a_b", "a b", "1x", "", "名"];
        let avro = field_names(Naming::Avro, columns.into_iter());
        assert_eq!(avro, ["a_b_", "a_b", "a_b__", "_x", "_", "__"]);
        assert_eq!(field_names(Naming::Real, columns.into_iter()), columns);
    }
}
