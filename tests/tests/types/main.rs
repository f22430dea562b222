//! The whole type table, from server to server: every value arrives to the byte by insert, update and delete, and what
//! lies in Kafka meanwhile is what Debezium documents, by its options and in both formats.

mod line;
mod run;
mod shown;

use anyhow::{Context, Result, ensure};
use e2e::{
    Flavor,
    types::{self, Charset, Family, Modes},
};
use line::Line;
use run::Run;

/// Each of Debezium's words at least once, in one format or the other.
fn runs() -> [(&'static str, &'static str, Modes); 5] {
    [
        ("plain", "avro", Modes::default()),
        ("plain_json", "json", Modes::default()),
        (
            "connect",
            "avro",
            Modes { decimal: "string", binary: "base64", bigint: "precise", time: "connect" },
        ),
        ("iso", "json", Modes { decimal: "double", binary: "hex", bigint: "precise", time: "isostring" }),
        (
            "nano",
            "avro",
            Modes { decimal: "double", binary: "base64-url-safe", bigint: "long", time: "nanoseconds" },
        ),
    ]
}

const MYSQL: &str = "mysql";
const MARIADB: &str = "mariadb";

/// Prints how many pairs of a type and a value went through.
fn tell(from: &str, to: &str, charsets: &[Charset], families: &[Family]) -> usize {
    let pairs = families.iter().map(Family::pairs).sum();
    let types: usize = families.iter().map(|family| family.types.len()).sum();
    let refused: usize = charsets.iter().map(|charset| charset.refused).sum();
    println!(
        "{from} -> {to}: {pairs} pairs of a type and a value, {types} types, {} character sets (which took {refused} other values for no text)",
        charsets.len()
    );
    pairs
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo test -p e2e --test types -- --ignored --test-threads=1"]
async fn every_value_arrives_from_mysql_to_mysql() -> Result<()> {
    let line = Line::boot(Flavor::MySql, Flavor::MySql).await?;
    let charsets = Charset::of_server(&mut line.source.conn().await?).await?;
    ensure!(charsets.len() >= 40, "only {} character sets", charsets.len());
    let mut families = types::common(&charsets);
    families.extend(types::of_mysql());
    for (name, format, modes) in runs() {
        let run = Run { line: &line, families: &families, format, modes, keyless: format == "avro" };
        run.judge(name).await.with_context(|| name)?;
    }
    Run { line: &line, families: &families, format: "avro", modes: Modes::default(), keyless: true }
        .snapshot("snapshot")
        .await?;
    ensure!(tell(MYSQL, MYSQL, &charsets, &families) >= 1500);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo test -p e2e --test types -- --ignored --test-threads=1"]
async fn every_value_arrives_from_mariadb_to_mariadb() -> Result<()> {
    let line = Line::boot(Flavor::MariaDb, Flavor::MariaDb).await?;
    let charsets = Charset::of_server(&mut line.source.conn().await?).await?;
    let mut families = types::common(&charsets);
    families.extend(types::of_mariadb());
    Run { line: &line, families: &families, format: "avro", modes: Modes::default(), keyless: true }
        .judge("mariadb")
        .await?;
    tell(MARIADB, MARIADB, &charsets, &families);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo test -p e2e --test types -- --ignored --test-threads=1"]
async fn what_both_have_arrives_from_mysql_at_mariadb() -> Result<()> {
    across(Flavor::MySql, Flavor::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: cargo test -p e2e --test types -- --ignored --test-threads=1"]
async fn what_both_have_arrives_from_mariadb_at_mysql() -> Result<()> {
    across(Flavor::MariaDb, Flavor::MySql).await
}

/// All types but each server's own, in the character sets and with the values that both hold. MariaDB has no minus 0.
async fn across(from: Flavor, to: Flavor) -> Result<()> {
    let line = Line::boot(from, to).await?;
    let mut charsets = Charset::of_server(&mut line.source.conn().await?).await?;
    let others = Charset::of_server(&mut line.target.conn().await?).await?;
    charsets.retain_mut(|charset| {
        let other = others.iter().find(|other| other.name == charset.name);
        // MySQL stores no other bytes as ascii, though it writes them so.
        let no_ascii = |hex: &str| hex.as_bytes().iter().step_by(2).any(|digit| *digit >= b'8');
        charset.values.retain(|value| {
            let both = other.is_some_and(|other| other.values.contains(value));
            both && !(charset.name == "ascii" && no_ascii(value))
        });
        other.is_some()
    });
    let mut families = types::common(&charsets);
    for column in families.iter_mut().flat_map(|family| &mut family.types) {
        column.values.retain(|value| value != "'-0'");
    }
    Run { line: &line, families: &families, format: "avro", modes: Modes::default(), keyless: true }
        .judge("across")
        .await?;
    let name = |flavor| if flavor == Flavor::MySql { MYSQL } else { MARIADB };
    tell(name(from), name(to), &charsets, &families);
    Ok(())
}
