//! The named scenarios. Each boots its own servers, loads, measures round by round, compares, and gives its figures.

mod applying;
mod catalog;
mod choosing;
mod dropped;
mod floor;
mod latency;
mod publishing;
mod snapshot;
mod two_way;
mod wan;

use anyhow::{Result, bail};

use super::{figure::Figure, load::Bulk, scale::Scale};

/// Of all that is loaded: the same rows each time.
const SEED: u64 = 20_261_122;

/// Name and what it measures, in the order in which all of them run.
pub const ALL: [(&str, &str); 24] = [
    ("connector-bulk", "the connector on 1,000-row transactions, Avro, against reading the packets only"),
    ("connector-json", "the same as JSON with schemas"),
    ("connector-one-row", "the connector on one-row transactions"),
    ("producer-floor", "librdkafka alone with the same records as the connector"),
    ("connector-filtered-bulk", "1,000-row transactions of tables that are left out"),
    (
        "connector-filtered-one-row",
        "one-row transactions of tables that are left out, against the bare event stream",
    ),
    ("connector-looped-bulk", "1,000-row transactions that a sink wrote"),
    ("connector-looped-one-row", "one-row transactions that a sink wrote, against the bare event stream"),
    ("sink-insert", "the sink on 1,000-row transactions, against MySQL's own replica"),
    ("sink-update", "the same, updates"),
    ("sink-delete", "the same, deletes"),
    ("sink-mixed", "the same, a third of each"),
    ("sink-one-row", "the sink on one-row transactions over 4 tables"),
    ("sink-hot", "the sink on 1,000 counters"),
    ("sink-foreign-keys", "the sink on parents, children and cascades"),
    ("sink-unique", "the sink on a table with two secondary unique keys"),
    ("latency", "commit to commit at 1,000 transactions/s"),
    ("latency-wan", "the same, 36 ms away from the broker"),
    ("wan-36", "throughput over a round trip of 36 ms, wherever the long link is"),
    ("wan-200", "the same, 200 ms"),
    ("two-way-cost", "CPU a row with both sites loaded, against one way"),
    ("start-10k-tables", "start to first row with 10,000 tables in the catalogs"),
    ("snapshot", "a table that is there already, against mysqldump | mysql"),
    ("choosing", "one table of 100 against all of them"),
];

/// Runs one of them.
pub async fn run(name: &str, scale: Scale) -> Result<Vec<Figure>> {
    match name {
        "connector-bulk" => Box::pin(publishing::bulk(scale, "avro")).await,
        "connector-json" => Box::pin(publishing::bulk(scale, "json")).await,
        "connector-one-row" => Box::pin(publishing::one_row(scale)).await,
        "producer-floor" => Box::pin(floor::run(scale)).await,
        "connector-filtered-bulk" => Box::pin(dropped::filtered(scale, dropped::Size::Bulk)).await,
        "connector-filtered-one-row" => Box::pin(dropped::filtered(scale, dropped::Size::OneRow)).await,
        "connector-looped-bulk" => Box::pin(dropped::looped(scale, dropped::Size::Bulk)).await,
        "connector-looped-one-row" => Box::pin(dropped::looped(scale, dropped::Size::OneRow)).await,
        "sink-insert" => Box::pin(applying::bulk(scale, Bulk::Insert)).await,
        "sink-update" => Box::pin(applying::bulk(scale, Bulk::Update)).await,
        "sink-delete" => Box::pin(applying::bulk(scale, Bulk::Delete)).await,
        "sink-mixed" => Box::pin(applying::bulk(scale, Bulk::Mixed)).await,
        "sink-one-row" => Box::pin(applying::one_row(scale)).await,
        "sink-hot" => Box::pin(applying::hot(scale)).await,
        "sink-foreign-keys" => Box::pin(applying::foreign_keys(scale)).await,
        "sink-unique" => Box::pin(applying::unique(scale)).await,
        "latency" => Box::pin(latency::near(scale)).await,
        "latency-wan" => Box::pin(latency::far(scale)).await,
        "wan-36" => Box::pin(wan::run(scale, 36)).await,
        "wan-200" => Box::pin(wan::run(scale, 200)).await,
        "two-way-cost" => Box::pin(two_way::run(scale)).await,
        "start-10k-tables" => Box::pin(catalog::run(scale)).await,
        "snapshot" => Box::pin(snapshot::run(scale)).await,
        "choosing" => Box::pin(choosing::run(scale)).await,
        _ => bail!("no scenario {name}; there are {}", ALL.map(|(name, _)| name).join(", ")),
    }
}
