//! The schemas that do not depend on a table.

use super::{Connect, Field, Type, semantic};

/// `source`, in Debezium 3's order.
pub(crate) fn source() -> Connect {
    let snapshot = Connect::new(Type::Text)
        .semantic(semantic::ENUM)
        .parameter(
            semantic::ALLOWED,
            "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental",
        )
        .optional();
    let snapshot = Connect { default: Some("false"), ..snapshot };
    Connect::structure(
        "io.debezium.connector.mysql.Source",
        vec![
            Field::required("version", Type::Text),
            Field::required("connector", Type::Text),
            Field::required("name", Type::Text),
            Field::required("ts_ms", Type::Int64),
            Field::new("snapshot", snapshot),
            Field::required("db", Type::Text),
            Field::optional("sequence", Type::Text),
            Field::optional("ts_us", Type::Int64),
            Field::optional("ts_ns", Type::Int64),
            Field::optional("table", Type::Text),
            Field::required("server_id", Type::Int64),
            Field::optional("gtid", Type::Text),
            Field::required("file", Type::Text),
            Field::required("pos", Type::Int64),
            Field::required("row", Type::Int32),
            Field::optional("thread", Type::Int64),
            Field::optional("query", Type::Text),
        ],
    )
    .version(1)
}

/// `transaction` of an envelope.
pub(crate) fn transaction_block() -> Connect {
    Connect::structure(
        "event.block",
        vec![
            Field::required("id", Type::Text),
            Field::required("total_order", Type::Int64),
            Field::required("data_collection_order", Type::Int64),
        ],
    )
    .version(1)
    .optional()
}

pub(crate) fn heartbeat_key() -> Connect {
    Connect::structure(
        "io.debezium.connector.common.ServerNameKey",
        vec![Field::required("serverName", Type::Text)],
    )
    .version(1)
}

pub(crate) fn heartbeat_value() -> Connect {
    Connect::structure("io.debezium.connector.common.Heartbeat", vec![Field::required("ts_ms", Type::Int64)])
        .version(1)
}

pub(crate) fn transaction_key() -> Connect {
    Connect::structure(
        "io.debezium.connector.common.TransactionMetadataKey",
        vec![Field::required("id", Type::Text)],
    )
    .version(1)
}

pub(crate) fn transaction_value() -> Connect {
    let collection = Connect::structure(
        "event.collection",
        vec![Field::required("data_collection", Type::Text), Field::required("event_count", Type::Int64)],
    )
    .version(1)
    .optional();
    Connect::structure(
        "io.debezium.connector.common.TransactionMetadataValue",
        vec![
            Field::required("status", Type::Text),
            Field::required("id", Type::Text),
            Field::optional("event_count", Type::Int64),
            Field::optional("data_collections", Type::Array(Box::new(collection))),
            Field::required("ts_ms", Type::Int64),
        ],
    )
    .version(1)
}
