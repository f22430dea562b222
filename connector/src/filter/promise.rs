//! What no setting may touch. The log promises that whoever applies its records holds the published rows:
//!
//! - A row is found by its key, so the key's columns are published as they are.
//! - Where different values of a unique column became equal, the reader's own unique index would refuse the second row; and a
//!   NOT NULL column that is left out has one default for all rows.
//! - A foreign key whose values were changed would lead to no parent.

use strait_mysql::{
    binlog::TableMap,
    catalog::{Index, Table},
};

use super::Treatment;

/// A promise that a setting would break.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    pub setting: String,
    pub column: String,
    pub cause: String,
}

/// `key`: columns of the record's key. `catalog`: what the server says of the table, as far as it lets us look.
pub fn ensure(
    map: &TableMap,
    treatments: &[Treatment],
    key: &[usize],
    catalog: Option<&Table>,
) -> Result<(), Broken> {
    for (at, (column, treatment)) in map.columns.iter().zip(treatments).enumerate() {
        let (setting, doing) = match treatment {
            Treatment::Whole => continue,
            Treatment::LeftOut { setting } => ((*setting).to_owned(), "left out"),
            Treatment::Changed { setting, .. } => (setting.clone(), "changed"),
        };
        let broken = |cause| Err(Broken { setting, column: column.name.clone(), cause });
        if key.contains(&at) {
            return broken(format!("it is part of the key that rows are found by, and would be {doing}"));
        }
        let Some(table) = catalog else { continue };
        let is_in = |index: &&Index| index.columns().any(|name| name.eq_ignore_ascii_case(&column.name));
        if let Some(index) = table.unique.iter().find(is_in) {
            match treatment {
                Treatment::Changed { change, .. } if change.may_join() => {
                    return broken(format!(
                        "the unique index {} is on it, and different values would become equal",
                        index.name
                    ));
                }
                Treatment::LeftOut { .. } if !column.nullable => {
                    return broken(format!(
                        "the unique index {} is on it, it is NOT NULL, and all rows would get one default",
                        index.name
                    ));
                }
                _ => {}
            }
        }
        let leads = table.foreign_keys.iter().chain(&table.referenced_by).find(|key| {
            let own = if key.child == table.name { &key.child_columns } else { &key.parent_columns };
            own.iter().any(|name| name.eq_ignore_ascii_case(&column.name))
        });
        if let (Treatment::Changed { .. }, Some(foreign)) = (treatment, leads) {
            return broken(format!(
                "the foreign key {} from {} to {} is on it, and would lead to no row",
                foreign.name, foreign.child, foreign.parent
            ));
        }
    }
    Ok(())
}
