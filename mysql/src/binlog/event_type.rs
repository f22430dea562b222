//! Event type numbers, named as the servers name them: below 160 MySQL's (MariaDB writes the old ones of them), from 160
//! on MariaDB's own.

macro_rules! event_types {
    ($($name:ident = $number:literal $text:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventType { $($name,)* Unknown(u8) }

        impl From<u8> for EventType {
            fn from(number: u8) -> Self {
                match number { $($number => Self::$name,)* other => Self::Unknown(other) }
            }
        }

        impl From<EventType> for u8 {
            fn from(event_type: EventType) -> u8 {
                match event_type { $(EventType::$name => $number,)* EventType::Unknown(other) => other }
            }
        }

        impl std::fmt::Display for EventType {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $(Self::$name => f.write_str($text),)* Self::Unknown(other) => write!(f, "of unknown type {other}") }
            }
        }
    };
}

event_types! {
    Query = 2 "QUERY",
    Stop = 3 "STOP",
    Rotate = 4 "ROTATE",
    Intvar = 5 "INTVAR",
    Slave = 7 "SLAVE",
    AppendBlock = 9 "APPEND_BLOCK",
    DeleteFile = 11 "DELETE_FILE",
    Rand = 13 "RAND",
    UserVar = 14 "USER_VAR",
    FormatDescription = 15 "FORMAT_DESCRIPTION",
    Xid = 16 "XID",
    BeginLoadQuery = 17 "BEGIN_LOAD_QUERY",
    ExecuteLoadQuery = 18 "EXECUTE_LOAD_QUERY",
    TableMap = 19 "TABLE_MAP",
    WriteRowsV1 = 23 "WRITE_ROWS_V1",
    UpdateRowsV1 = 24 "UPDATE_ROWS_V1",
    DeleteRowsV1 = 25 "DELETE_ROWS_V1",
    Incident = 26 "INCIDENT",
    Heartbeat = 27 "HEARTBEAT",
    Ignorable = 28 "IGNORABLE",
    RowsQuery = 29 "ROWS_QUERY",
    WriteRows = 30 "WRITE_ROWS",
    UpdateRows = 31 "UPDATE_ROWS",
    DeleteRows = 32 "DELETE_ROWS",
    Gtid = 33 "GTID",
    AnonymousGtid = 34 "ANONYMOUS_GTID",
    PreviousGtids = 35 "PREVIOUS_GTIDS",
    TransactionContext = 36 "TRANSACTION_CONTEXT",
    ViewChange = 37 "VIEW_CHANGE",
    XaPrepare = 38 "XA_PREPARE",
    PartialUpdateRows = 39 "PARTIAL_UPDATE_ROWS",
    TransactionPayload = 40 "TRANSACTION_PAYLOAD",
    HeartbeatV2 = 41 "HEARTBEAT_V2",
    GtidTagged = 42 "GTID_TAGGED",
    AnnotateRows = 160 "ANNOTATE_ROWS",
    BinlogCheckpoint = 161 "BINLOG_CHECKPOINT",
    MariaDbGtid = 162 "GTID (MariaDB)",
    GtidList = 163 "GTID_LIST",
    StartEncryption = 164 "START_ENCRYPTION",
    QueryCompressed = 165 "QUERY_COMPRESSED",
    WriteRowsCompressedV1 = 166 "WRITE_ROWS_COMPRESSED_V1",
    UpdateRowsCompressedV1 = 167 "UPDATE_ROWS_COMPRESSED_V1",
    DeleteRowsCompressedV1 = 168 "DELETE_ROWS_COMPRESSED_V1",
    WriteRowsCompressed = 169 "WRITE_ROWS_COMPRESSED",
    UpdateRowsCompressed = 170 "UPDATE_ROWS_COMPRESSED",
    DeleteRowsCompressed = 171 "DELETE_ROWS_COMPRESSED",
}
