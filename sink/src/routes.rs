//! Where rows go, if not to the table and columns of the same names.
//!
//! The source's names are what the log, `strait.snapshot` and the settings speak of; the target's names are what is looked up,
//! locked, written and altered. The change is made where a table is looked up and before a statement is run, nowhere else.
//!
//! Several tables may lead to one. What is done to a table as a whole (a snapshot's removal of rows that the source has not,
//! TRUNCATE, DROP, ALTER) would then be done to the others' rows, too: for a table that a route leads to, it is not done.

mod statement;

pub use statement::Routed;

use strait_mysql::{catalog::TableName, client::quote_name};
use strait_service::{
    Finding,
    config::{Ambiguous, Rewrite, refuse},
};

use crate::{
    config,
    error::{Error, Result},
};

/// Databases that hold no rows of anybody's.
const PRIVATE: [&str; 5] = ["mysql", "sys", "information_schema", "performance_schema", "strait"];

#[derive(Debug, Clone, Default)]
pub struct Routes {
    databases: Vec<Rewrite>,
    tables: Vec<Rewrite>,
    columns: Vec<Rewrite>,
}

impl Routes {
    pub fn new(config: &config::Route) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut read = |section: &str, all: &std::collections::BTreeMap<String, String>, dots: usize| {
            let mut routes = Vec::new();
            for (from, to) in all {
                let route = match Rewrite::new(&format!("route.{section}"), from, to) {
                    Ok(route) => route,
                    Err(finding) => {
                        findings.push(finding);
                        continue;
                    }
                };
                let database = to.split('.').next().unwrap_or_default();
                let private =
                    section != "columns" && PRIVATE.iter().any(|it| it.eq_ignore_ascii_case(database));
                if to.is_empty() || private || to.matches('.').count() != dots {
                    findings.push(refuse(
                        route.setting(),
                        format!("\"{to}\" is no place for rows"),
                        match section {
                            "databases" => "write a database of the target",
                            "tables" => {
                                "write database.table of the target, $1 being the pattern's first group"
                            }
                            _ => "write the column's name at the target, without its table's",
                        },
                    ));
                }
                routes.push(route);
            }
            routes
        };
        let databases = read("databases", &config.databases, 0);
        let tables = read("tables", &config.tables, 1);
        let columns = read("columns", &config.columns, 0);
        if findings.is_empty() { Ok(Self { databases, tables, columns }) } else { Err(findings) }
    }

    /// The target's name of a source's database.
    pub fn database(&self, database: &str) -> Result<String> {
        Ok(sole(&self.databases, database)?
            .map_or_else(|| database.to_owned(), |route| route.apply(database)))
    }

    /// The target's name of a source's table.
    pub fn table(&self, database: &str, table: &str) -> Result<TableName> {
        let full = format!("{database}.{table}");
        if let Some(route) = sole(&self.tables, &full)? {
            let to = route.apply(&full);
            let (database, table) = to.split_once('.').unwrap_or(("", &to));
            return Ok(TableName::new(database, table));
        }
        Ok(TableName::new(self.database(database)?, table))
    }

    /// Whether other tables' rows may be in the table that this one leads to.
    pub fn may_share(&self, source: &TableName, target: &TableName) -> bool {
        source != target
            || self.tables.iter().any(|route| route.may_give(&target.to_string()))
            || self.databases.iter().any(|route| route.may_give(&target.database))
    }

    /// The target's name of a column.
    pub fn column(&self, source: &TableName, column: &str) -> Result<String> {
        if self.columns.is_empty() {
            return Ok(column.to_owned());
        }
        let full = format!("{source}.{column}");
        Ok(sole(&self.columns, &full)?.map_or_else(|| column.to_owned(), |route| route.apply(&full)))
    }

    fn may_rename_columns(&self, source: &TableName) -> bool {
        self.columns.iter().any(|route| route.may_match_below(&format!("{source}.")))
    }
}

/// The one route for a name.
fn sole<'r>(routes: &'r [Rewrite], name: &str) -> Result<Option<&'r Rewrite>> {
    Rewrite::sole(routes, name).map_err(|Ambiguous { setting, other }| Error::Route {
        setting,
        cause: format!("it leads {name} to one place, and {other} to another"),
    })
}

/// For people: both names, where they differ.
pub fn shown(source: &TableName, target: &TableName) -> String {
    if source == target { target.to_string() } else { format!("{target} (rows of {source})") }
}

/// The two names in what [`shown`] has made: of the target's table and of the source's, as a statement takes them.
pub fn in_sql(shown: &str) -> (String, String) {
    let (target, source) = match shown.split_once(" (rows of ") {
        Some((target, source)) => (target, source.trim_end_matches(')')),
        None => (shown, shown),
    };
    (statement_name(target), statement_name(source))
}

/// Quoted only where it must be.
fn statement_name(name: &str) -> String {
    let is_plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
    match name.split_once('.') {
        Some((database, table)) if !(is_plain(database) && is_plain(table)) => {
            format!("{}.{}", quote_name(database), quote_name(table))
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_names_tables_as_a_statement_takes_them() {
        let names = |source: (&str, &str), target: (&str, &str)| {
            let [source, target] = [source, target].map(|(database, table)| TableName::new(database, table));
            in_sql(&shown(&source, &target))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(names(("shop", "t"), ("shop", "t")), pair("shop.t", "shop.t"));
        assert_eq!(names(("shop", "or ders"), ("crm", "t-1")), pair("`crm`.`t-1`", "`shop`.`or ders`"));
    }

    pub(super) fn routes(databases: &[(&str, &str)], tables: &[(&str, &str)]) -> Routes {
        let map = |all: &[(&str, &str)]| {
            all.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
        };
        Routes::new(&config::Route {
            databases: map(databases),
            tables: map(tables),
            ..config::Route::default()
        })
        .expect("routes")
    }

    fn led(routes: &Routes, database: &str, table: &str) -> String {
        routes.table(database, table).expect("one route").to_string()
    }

    #[test]
    fn a_table_s_route_wins_over_its_database_s() {
        let routes = routes(&[("shop", "crm"), (r"s_(\d)", "t_$1")], &[(r"shop\.o_\d", "all.orders")]);
        assert_eq!(led(&routes, "shop", "users"), "crm.users");
        assert_eq!(led(&routes, "shop", "o_7"), "all.orders");
        assert_eq!(led(&routes, "s_3", "x"), "t_3.x");
        assert_eq!(led(&routes, "other", "x"), "other.x");
    }

    #[test]
    fn two_routes_for_one_table_are_refused_by_name() {
        let routes = routes(&[], &[(r"a\..*", "x.y"), (r".*\.b", "x.z")]);
        let error = routes.table("a", "b").expect_err("two");
        assert!(error.to_string().contains("route.tables") && error.to_string().contains("a.b"), "{error}");
    }

    #[test]
    fn a_table_that_a_route_may_lead_to_is_not_one_source_s() {
        let routes = routes(&[("old", "new")], &[(r"s\d\.o", "all.o"), (r"(\w+)\.log", "logs.$1")]);
        let name = TableName::new;
        assert!(routes.may_share(&name("s1", "o"), &name("all", "o")));
        assert!(routes.may_share(&name("all", "o"), &name("all", "o")), "its own rows, and s1's");
        assert!(routes.may_share(&name("logs", "shop"), &name("logs", "shop")));
        assert!(routes.may_share(&name("new", "t"), &name("new", "t")));
        assert!(!routes.may_share(&name("shop", "t"), &name("shop", "t")));
    }

    #[test]
    fn a_route_to_no_place_is_refused() {
        for (section, to) in
            [("databases", "strait"), ("databases", "a.b"), ("tables", "x"), ("tables", "mysql.user")]
        {
            let map = std::collections::BTreeMap::from([("shop".to_owned(), to.to_owned())]);
            let route = match section {
                "databases" => config::Route { databases: map, ..config::Route::default() },
                _ => config::Route { tables: map, ..config::Route::default() },
            };
            let findings = Routes::new(&route).expect_err(to);
            assert!(findings[0].place.contains(&format!("route.{section}")), "{findings:?}");
        }
    }
}
