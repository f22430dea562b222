//! One way of the type table through Kafka: inserted, then each row given the values of the next one, then deleted; both
//! servers compared after each step, and at last every record judged.

use std::{fs, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    Strait, eventually, install, run_dir,
    types::{Documented, Family, Modes},
};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};
use strait_schemas::topics;

use crate::{
    line::Line,
    shown::{described, json_types, plain_rows, quoted, shortened, stored_rows},
};

const PATIENCE: Duration = Duration::from_mins(5);
/// Differing values that are told.
const SHOWN: usize = 20;

pub struct Run<'a> {
    pub line: &'a Line,
    pub families: &'a [Family],
    pub format: &'static str,
    pub modes: Modes,
    /// Each table once more without a key, where rows are found by their images.
    pub keyless: bool,
}

/// A table of this run.
struct Table<'a> {
    name: String,
    family: &'a Family,
    key: &'static str,
}

impl Run<'_> {
    /// Errors name what differs. `name` is new for each run: the database's and the topics'.
    pub async fn judge(&self, name: &str) -> Result<()> {
        let database = format!("types_{name}");
        let tables = self.tables();
        self.create(&database, &tables).await?;
        let (connector, sink) = self.line.processes(&database, "never", self.format, &self.modes).await?;
        let mut expected: Vec<Value> = tables.iter().map(|table| self.expected(&database, table)).collect();
        for step in 0..2 {
            self.write(&database, &tables, step).await?;
            for (table, expected) in tables.iter().zip(&mut expected) {
                let rows = plain_rows(&self.line.source, &database, &table.name, table.family).await?;
                expected["states"].as_array_mut().context("a list")?.push(rows);
            }
            self.equal_soon(&database, &tables, &connector, &sink).await?;
        }
        for rows in ["id % 2 = 0", "TRUE"] {
            let deletes =
                tables.iter().map(|table| format!("DELETE FROM {database}.{} WHERE {rows}", table.name));
            self.line.source.run(deletes).await?;
            self.equal_soon(&database, &tables, &connector, &sink).await?;
        }
        let repaired = sink.metrics().await?.sum("strait_sink_repaired_total").unwrap_or(0.0);
        ensure!(repaired == 0.0, "the sink repaired {repaired} rows");
        let said = self.read_by_others(&database, expected).await?;
        println!("{name} ({}, {:?}): {said}", self.format, self.modes);
        connector.stop().await?;
        sink.stop().await
    }

    /// The same rows by SELECT: what the source has before it is streamed from.
    pub async fn snapshot(&self, name: &str) -> Result<()> {
        let database = format!("types_{name}");
        let tables = self.tables();
        self.create(&database, &tables).await?;
        self.write(&database, &tables, 0).await?;
        let (connector, sink) = self.line.processes(&database, "initial", self.format, &self.modes).await?;
        self.equal_soon(&database, &tables, &connector, &sink).await?;
        connector.stop().await?;
        sink.stop().await
    }

    fn tables(&self) -> Vec<Table<'_>> {
        let keyed = self.families.iter().map(|family| Table {
            name: family.name.to_owned(),
            family,
            key: "PRIMARY KEY",
        });
        let twins = self.families.iter().filter(|_| self.keyless);
        keyed
            .chain(twins.map(|family| Table {
                name: format!("{}_keyless", family.name),
                family,
                key: "NOT NULL",
            }))
            .collect()
    }

    /// At both ends, outside of their logs.
    async fn create(&self, database: &str, tables: &[Table<'_>]) -> Result<()> {
        let mut statements = vec![
            "SET SESSION sql_log_bin = 0, sql_mode = ''".to_owned(),
            format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"),
        ];
        for table in tables {
            let columns: Vec<String> = table
                .family
                .columns()
                .map(|(name, column)| format!("{} {}", quoted(&name), column.definition))
                .collect();
            statements.push(format!(
                "CREATE TABLE {database}.{} (id INT {}, {}) ROW_FORMAT = DYNAMIC",
                table.name,
                table.key,
                columns.join(", ")
            ));
        }
        self.line.source.run(&statements).await?;
        self.line.target.run(&statements).await
    }

    /// Step 0 inserts; step 1 gives each row the next one's values.
    async fn write(&self, database: &str, tables: &[Table<'_>], step: usize) -> Result<()> {
        let mut statements = vec![
            // Whatever the server can hold, in what way it ever came there.
            "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'"
                .to_owned(),
            "SET NAMES utf8mb4".to_owned(),
        ];
        for table in tables {
            let rows = table.family.rows();
            for row in 0..rows {
                let values = table.family.columns().filter(|(_, column)| !column.generated());
                let set: Vec<String> = values
                    .map(|(name, column)| {
                        format!("{} = {}", quoted(&name), column.value((row + step) % rows))
                    })
                    .collect();
                let set = set.join(", ");
                statements.push(match step {
                    0 => format!("INSERT INTO {database}.{} SET id = {row}, {set}", table.name),
                    _ => format!("UPDATE {database}.{} SET {set} WHERE id = {row}", table.name),
                });
            }
        }
        let mut conn = self.line.source.conn().await?;
        let mut refused = Vec::new();
        for statement in statements {
            if let Err(error) = conn.query_drop(&statement).await {
                refused.push(format!("{error}: {}", statement.chars().take(300).collect::<String>()));
            }
        }
        ensure!(refused.is_empty(), "the source refuses values:\n{}", refused.join("\n"));
        Ok(())
    }

    /// Gives up as soon as one of the processes has ended.
    async fn equal_soon(
        &self,
        database: &str,
        tables: &[Table<'_>],
        connector: &Strait,
        sink: &Strait,
    ) -> Result<()> {
        tokio::select! {
            equal = self.equal(database, tables) => equal.with_context(|| words(connector, sink)),
            _ = connector.wait(2 * PATIENCE) => connector.running(),
            _ = sink.wait(2 * PATIENCE) => sink.running(),
        }
    }

    /// Waits until the target has the source's bytes.
    async fn equal(&self, database: &str, tables: &[Table<'_>]) -> Result<()> {
        for table in tables {
            let ours = stored_rows(&self.line.source, database, &table.name, table.family).await?;
            eventually(PATIENCE, async || {
                let theirs = stored_rows(&self.line.target, database, &table.name, table.family)
                    .await
                    .map_err(|error| format!("{error:#}"))?;
                if ours == theirs { Ok(()) } else { Err(difference(table, &ours, &theirs)) }
            })
            .await
            .map_err(|error| anyhow::anyhow!("{}", error.to_string().replace("\\n", "\n")))?;
            let (types, others) = tokio::try_join!(
                json_types(&self.line.source, database, &table.name, table.family),
                json_types(&self.line.target, database, &table.name, table.family)
            )?;
            if let Some((one, other)) = types.iter().zip(&others).find(|(one, other)| one != other) {
                bail!("{}: types within a document differ:\n{one}\n{other}", table.name);
            }
        }
        Ok(())
    }

    fn expected(&self, database: &str, table: &Table<'_>) -> Value {
        let columns: Vec<Value> = table
            .family
            .columns()
            .map(|(name, column)| described(&name, column, &Documented::of(&column.kind, &self.modes)))
            .collect();
        let topic = topics::data_topic(database, database, &table.name);
        json!({ "name": table.name, "topic": topic, "columns": columns, "states": [] })
    }

    /// What the Python readers say; an error with the first values that are not as documented.
    async fn read_by_others(&self, database: &str, tables: Vec<Value>) -> Result<String> {
        let modes = &self.modes;
        let modes = json!({ "decimal": modes.decimal, "binary": modes.binary, "bigint": modes.bigint, "time": modes.time });
        let file = run_dir::make_dir(database)?.join("expected.json");
        fs::write(&file, json!({ "format": self.format, "modes": modes, "tables": tables }).to_string())?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/readers/judge.py");
        let mut python = tokio::task::spawn_blocking(install::python).await??;
        python.arg(script).arg(file).args([self.line.kafka.bootstrap(), self.line.registry.url()]);
        let output = tokio::task::spawn_blocking(move || python.output()).await?.context("run the judge")?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(said)
    }
}

fn words(connector: &Strait, sink: &Strait) -> String {
    format!("the connector:\n{}\nthe sink:\n{}", connector.last_words(), sink.last_words())
}

fn difference(table: &Table<'_>, ours: &crate::shown::Rows, theirs: &crate::shown::Rows) -> String {
    let columns: Vec<String> = table
        .family
        .columns()
        .map(|(name, column)| format!("{name} {}", shortened(&column.definition)))
        .collect();
    let mut told = vec![format!("{}: {} rows and {}", table.name, ours.len(), theirs.len())];
    for (one, other) in ours.iter().zip(theirs) {
        for (at, column) in columns.iter().enumerate().filter(|(at, _)| one.get(at + 1) != other.get(at + 1))
        {
            told.push(format!(
                "{column} row {:?}: {:?} and {:?}",
                one[0],
                one.get(at + 1),
                other.get(at + 1)
            ));
        }
        if told.len() > SHOWN {
            break;
        }
    }
    told.join("\n")
}
