//! Whether the settings about columns, rows, topics and partitions fit the tables that are there; and which of them are about
//! nothing that is: a mask with a slip in its pattern masks nothing.

use strait_mysql::{
    catalog::{TableName, list_special_tables, list_tables, read_tables},
    server::connect,
    snapshot::read_shape,
};
use strait_service::{Finding, Severity};

use crate::{
    config::{Column, Config, Rows},
    filter::Filter,
    routing::Routing,
    shaping::Shaping,
    special_tables,
};

/// What stands in the way. A source that cannot be asked has a finding already.
pub async fn look(config: &Config) -> Vec<Finding> {
    let asks = config.column != Column::default()
        || config.rows != Rows::default()
        || !(config.topics.names.is_empty() && config.topics.partition_by.is_empty());
    let (Ok(filter), Ok(routing)) = (Filter::new(config), Routing::new(&config.topics)) else {
        return Vec::new();
    };
    let mut findings = look_at_kinds(config, &filter).await.unwrap_or_default();
    if asks {
        findings.extend(look_at_tables(config, &filter, &routing).await.unwrap_or_default());
    }
    findings
}

async fn look_at_kinds(config: &Config, filter: &Filter) -> Result<Vec<Finding>, strait_mysql::Error> {
    let options = config.server_options();
    let special = list_special_tables(&mut connect(&options).await?).await?;
    let published = special.iter().filter(|(name, _)| filter.publishes(&name.database, &name.table));
    Ok(published.map(|(name, kind)| special_tables::finding(name, kind, options.place())).collect())
}

async fn look_at_tables(
    config: &Config,
    filter: &Filter,
    routing: &Routing,
) -> Result<Vec<Finding>, strait_mysql::Error> {
    let options = config.server_options();
    let mut conn = connect(&options).await?;
    let all = list_tables(&mut conn, &[]).await?;
    let names: Vec<TableName> =
        all.into_iter().filter(|name| filter.publishes(&name.database, &name.table)).collect();
    let tables = read_tables(&mut conn, &names).await?;
    let finding = |severity, cause, remedy| Finding {
        check: "shaping".into(),
        severity,
        cause,
        place: options.place(),
        remedy,
    };
    let mut findings = Vec::new();
    for table in &tables {
        let Some(shape) = read_shape(&mut conn, &table.name).await? else { continue };
        let key: Vec<usize> = shape.map.primary_key.iter().map(|part| part.column).collect();
        let shaped = Shaping::of(&config.prefix, filter, routing, &shape.map, &key)
            .and_then(|shaping| shaping.ensure_promises(&shape.map, &key, Some(table)));
        if let Err(unfit) = shaped {
            let (cause, remedy) = unfit.told(&table.name.database, &table.name.table);
            findings.push(finding(Severity::Refusal, cause, remedy));
        }
    }
    let columns: Vec<String> = tables
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| format!("{}.{}", table.name, column.name)))
        .collect();
    let idle_columns = filter.columns.idle(&columns).into_iter().map(|setting| (setting, "column"));
    let tables: Vec<String> = names.iter().map(ToString::to_string).collect();
    let idle_rows = filter.rows.idle(&tables).into_iter().map(|setting| (setting, "table"));
    for (setting, what) in idle_columns.chain(idle_rows) {
        findings.push(finding(
            Severity::Warning,
            format!("{setting} is about no {what} that is there and published"),
            "correct the pattern, unless it is for what is still to come".into(),
        ));
    }
    Ok(findings)
}
