//! The binlog stream against real servers: what arrives, and what each way of breaking it looks like.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use e2e::{Lab, Latency, MySql, MySqlOptions, Proxy, eventually, fresh_name};
use strait_mysql::{
    Disposition, Error,
    binlog::{EventType, Framer, RawEvent, Step, expand},
    client::Queryable,
    gtid::GtidSet,
    server::{self, ServerOptions, connect, read_facts},
    stream::{BinlogStream, Request, StartAt},
    value::ColumnValue,
};

const HEARTBEAT: Duration = Duration::from_millis(200);
/// Long enough for a busy machine: tests that do not wait for silence must not meet it.
const PATIENT: Duration = Duration::from_secs(20);

fn options(server: &MySql) -> ServerOptions {
    ServerOptions::new(server.host(), server.port(), server.user())
}

/// A replica id that no other stream of this process uses.
fn replica() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(3_000_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn executed(server: &MySql) -> Result<GtidSet> {
    Ok(read_facts(&mut connect(&options(server)).await?).await?.executed()?)
}

async fn now(server: &MySql) -> Result<StartAt> {
    Ok(StartAt::Gtid(executed(server).await?))
}

/// Makes `t (id INT PRIMARY KEY, body LONGBLOB)` in a database of its own.
async fn table(server: &MySql) -> Result<String> {
    let database = server.database("stream").await?;
    server.run([format!("CREATE TABLE `{database}`.t (id INT PRIMARY KEY, body LONGBLOB)")]).await?;
    Ok(database)
}

/// A stream read as transactions of one database; those of other tests are passed over.
struct Reader {
    stream: BinlogStream,
    framer: Framer,
    database: String,
}

/// The ids of the rows that a transaction inserted, with the lengths of their bodies.
type Rows = Vec<(i64, usize)>;

impl Reader {
    async fn open(server: &MySql, start: &StartAt, database: &str) -> Result<Self> {
        let stream = BinlogStream::open(&options(server), replica(), start, PATIENT).await?;
        Ok(Self { stream, framer: Framer::new("", 0), database: database.to_owned() })
    }

    /// The next transaction with rows in our database.
    async fn transaction(&mut self) -> Result<(String, Rows)> {
        let mut gtid = String::new();
        let mut rows = Rows::new();
        loop {
            for event in expand(self.stream.next().await?) {
                let event = event?;
                match self.framer.step(&event)? {
                    Step::Begin { head, .. } => gtid = head.gtid.context("GTIDs are on")?.to_string(),
                    Step::Rows { table, rows: images, .. } if table.database == self.database => {
                        let mut images = images.rows(&table)?;
                        let (mut before, mut after) = (Vec::new(), Vec::new());
                        while images.next(&mut before, &mut after)? {
                            rows.push(id_and_length(&after)?);
                        }
                    }
                    Step::Commit(_) if !rows.is_empty() => return Ok((gtid, rows)),
                    _ => {}
                }
            }
        }
    }
}

fn id_and_length(row: &[ColumnValue<'_>]) -> Result<(i64, usize)> {
    match row {
        [ColumnValue::Int(id), ColumnValue::Binary(body)] => Ok((*id, body.len())),
        [ColumnValue::Int(id), ColumnValue::Null] => Ok((*id, 0)),
        other => bail!("not a row of the test's table: {other:?}"),
    }
}

/// Reads until the stream ends, and returns why.
async fn end_of(stream: &mut BinlogStream) -> server::Error {
    loop {
        match stream.next().await {
            Ok(_) => {}
            Err(Error::Server(error)) => return error,
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn server_error<T>(result: Result<T, Error>) -> server::Error {
    match result {
        Err(Error::Server(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it should fail"),
    }
}

/// Waits until the server runs a dump thread for our replica, and gives its connection id.
async fn dump_thread(server: &MySql, heading: &str) -> Result<u64> {
    let mut conn = connect(&options(server)).await?;
    let query = format!(
        "SELECT PROCESSLIST_ID FROM performance_schema.threads WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%' \
         AND PROCESSLIST_USER = '{heading}'"
    );
    let id: Option<u64> = conn.query_first(query).await?;
    id.context("no dump thread of that user")
}

/// An account of its own, so that its dump thread can be told from those of other tests.
async fn replica_account(server: &MySql) -> Result<ServerOptions> {
    let user = fresh_name("repl");
    server
        .run([
            format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'x'"),
            format!("GRANT REPLICATION SLAVE ON *.* TO '{user}'@'%'"),
        ])
        .await?;
    Ok(ServerOptions::new(server.host(), server.port(), user).with_password("x"))
}

#[tokio::test]
async fn a_gtid_start_gives_what_comes_after_it_and_nothing_before() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = table(server).await?;
    let insert = |id: i32| server.run([format!("INSERT INTO `{database}`.t VALUES ({id}, NULL)")]);
    insert(1).await?;
    let after_one = executed(server).await?;
    insert(2).await?;
    insert(3).await?;

    let mut reader = Reader::open(server, &StartAt::Gtid(after_one.clone()), &database).await?;
    let (gtid, rows) = reader.transaction().await?;
    assert_eq!(rows, [(2, 0)]);
    assert!(!after_one.contains(&gtid.parse()?));
    assert_eq!(reader.transaction().await?.1, [(3, 0)]);

    // The first of the two done, though it is not the last of what was executed: a gap, exactly filled.
    let mut with_gap = executed(server).await?;
    with_gap.remove(&gtid.parse()?);
    insert(4).await?;
    let mut reader = Reader::open(server, &StartAt::Gtid(with_gap), &database).await?;
    assert_eq!(reader.transaction().await?, (gtid, vec![(2, 0)]));
    assert_eq!(reader.transaction().await?.1, [(4, 0)]);
    Ok(())
}

#[tokio::test]
async fn tagged_gtids_are_streamed_and_excluded_like_others() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = table(server).await?;
    let start = now(server).await?;
    let mut conn = server.conn_to(&database).await?;
    conn.query_drop("SET gtid_next = 'AUTOMATIC:blue'").await?;
    conn.query_drop("INSERT INTO t VALUES (1, NULL)").await?;
    let mut reader = Reader::open(server, &start, &database).await?;
    let (gtid, rows) = reader.transaction().await?;
    assert!(gtid.contains(":blue:"), "{gtid}");
    assert_eq!(rows, [(1, 0)]);
    let start = now(server).await?;
    conn.query_drop("INSERT INTO t VALUES (2, NULL)").await?;
    assert_eq!(Reader::open(server, &start, &database).await?.transaction().await?.1, [(2, 0)]);
    Ok(())
}

#[tokio::test]
async fn a_file_start_gives_what_comes_after_the_position() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = table(server).await?;
    let place = read_facts(&mut connect(&options(server)).await?).await?.binlog.context("it is on")?;
    server.run([format!("INSERT INTO `{database}`.t VALUES (7, NULL)")]).await?;
    let start = StartAt::File { file: place.file.clone(), pos: place.pos };
    assert_eq!(Reader::open(server, &start, &database).await?.transaction().await?.1, [(7, 0)]);

    let oldest = StartAt::File { file: String::new(), pos: 0 };
    assert_eq!(Reader::open(server, &oldest, &database).await?.transaction().await?.1, [(7, 0)]);

    let beyond = StartAt::File { file: place.file.clone(), pos: 1 << 31 };
    let opened = BinlogStream::open(&options(server), replica(), &beyond, PATIENT).await;
    let error = server_error(opened.map(|_| ()));
    assert!(matches!(error, server::Error::Refused { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Halt);
    let unnameable = StartAt::File { file: place.file, pos: 1 << 32 };
    let opened = BinlogStream::open(&options(server), replica(), &unnameable, PATIENT).await;
    assert!(server_error(opened.map(|_| ())).to_string().contains("4 GiB"));
    Ok(())
}

/// Through changes of the checksum: the stream crosses files with it and files without.
#[tokio::test]
async fn every_event_passes_its_checksum_whatever_the_server_writes() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("checksums")).await?;
    let database = table(&server).await?;
    let start = now(&server).await?;
    for (id, checksum) in ["CRC32", "NONE", "NONE", "CRC32"].iter().enumerate() {
        server
            .run([
                format!("SET GLOBAL binlog_checksum = {checksum}"),
                "FLUSH BINARY LOGS".to_owned(),
                format!("INSERT INTO `{database}`.t VALUES ({id}, REPEAT('x', 1000))"),
            ])
            .await?;
    }
    let mut reader = Reader::open(&server, &start, &database).await?;
    for id in 0..4 {
        assert_eq!(reader.transaction().await?.1, [(id, 1000)]);
    }
    // And live, with the stream open.
    for (id, checksum) in [(10, "NONE"), (11, "CRC32")] {
        server
            .run([
                format!("SET GLOBAL binlog_checksum = {checksum}"),
                format!("INSERT INTO `{database}`.t VALUES ({id}, NULL)"),
            ])
            .await?;
        assert_eq!(reader.transaction().await?.1, [(id, 0)]);
    }
    Ok(())
}

/// The library below inflates compressed transactions on its own and gives their events once more.
#[tokio::test]
async fn a_compressed_transaction_comes_once() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = table(server).await?;
    let start = now(server).await?;
    let mut conn = server.conn_to(&database).await?;
    conn.query_drop("SET binlog_transaction_compression = ON").await?;
    for id in [1, 3] {
        conn.query_drop("BEGIN").await?;
        conn.query_drop(format!("INSERT INTO t VALUES ({id}, REPEAT('x', 100000)), ({}, NULL)", id + 1))
            .await?;
        conn.query_drop("COMMIT").await?;
    }
    conn.query_drop("SET binlog_transaction_compression = OFF").await?;
    conn.query_drop("INSERT INTO t VALUES (5, NULL)").await?;

    let mut stream = BinlogStream::open(&options(server), replica(), &start, PATIENT).await?;
    let mut payloads = 0;
    let mut last = EventType::Stop;
    while payloads < 2 {
        let event = stream.next().await?;
        if event.header.event_type == EventType::TransactionPayload {
            assert!(matches!(last, EventType::Gtid | EventType::GtidTagged), "after {last}");
            payloads += 1;
        }
        if last == EventType::TransactionPayload {
            let inner = [EventType::Query, EventType::TableMap, EventType::WriteRows, EventType::Xid];
            assert!(
                !inner.contains(&event.header.event_type),
                "a copy from inside: {}",
                event.header.event_type
            );
        }
        last = event.header.event_type;
    }
    let mut reader = Reader::open(server, &start, &database).await?;
    assert_eq!(reader.transaction().await?.1, [(1, 100_000), (2, 0)]);
    assert_eq!(reader.transaction().await?.1, [(3, 100_000), (4, 0)]);
    assert_eq!(reader.transaction().await?.1, [(5, 0)]);
    Ok(())
}

#[tokio::test]
async fn a_row_of_84_megabytes_passes() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("large")).await?;
    let database = table(&server).await?;
    // The server's own limit is what the client library would take for its own.
    server
        .run([
            format!("INSERT INTO `{database}`.t VALUES (1, REPEAT('x', 42 << 20))"),
            "SET GLOBAL max_allowed_packet = 4 << 20".to_owned(),
        ])
        .await?;
    let start = now(&server).await?;
    server.run([format!("UPDATE `{database}`.t SET id = 2")]).await?;
    server.run([format!("INSERT INTO `{database}`.t VALUES (3, NULL)")]).await?;
    let mut reader = Reader::open(&server, &start, &database).await?;
    assert_eq!(reader.transaction().await?.1, [(2, 42 << 20)], "both images: 84 MB in one event");
    assert_eq!(reader.transaction().await?.1, [(3, 0)]);
    Ok(())
}

#[tokio::test]
async fn an_idle_server_sends_heartbeats() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("idle")).await?;
    let start = now(&server).await?;
    let mut stream = BinlogStream::open(&options(&server), replica(), &start, HEARTBEAT).await?;
    let mut heartbeats = 0;
    while heartbeats < 3 {
        if stream.next().await?.header.event_type == EventType::Heartbeat {
            heartbeats += 1;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_link_is_noticed_within_three_heartbeats() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let proxy = Proxy::start(server.address(), Latency::NONE).await?;
    let options = ServerOptions::new("127.0.0.1", proxy.port(), server.user());
    let mut stream = BinlogStream::open(&options, replica(), &now(server).await?, HEARTBEAT).await?;
    stream.next().await?;
    proxy.freeze();
    let frozen = Instant::now();
    let error = end_of(&mut stream).await;
    assert!(matches!(error, server::Error::StreamSilent { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert!(error.to_string().contains(&proxy.address()), "{error}");
    assert!(frozen.elapsed() < HEARTBEAT * 3 + Duration::from_secs(2), "{:?}", frozen.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_is_worth_another_try() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let account = replica_account(server).await?;
    let mut stream = BinlogStream::open(&account, replica(), &now(server).await?, PATIENT).await?;
    let id = eventually(PATIENT, || dump_thread(server, &account.user)).await?;
    server.run([format!("KILL {id}")]).await?;
    let error = end_of(&mut stream).await;
    assert_eq!(error.disposition(), Disposition::Retry, "killed: {error:?}");

    let proxy = Proxy::start(server.address(), Latency::NONE).await?;
    let through = ServerOptions { host: "127.0.0.1".to_owned(), port: proxy.port(), ..account };
    let mut stream = BinlogStream::open(&through, replica(), &now(server).await?, PATIENT).await?;
    proxy.reset();
    let error = end_of(&mut stream).await;
    assert_eq!(error.disposition(), Disposition::Retry, "reset: {error:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_stops_is_worth_another_try() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("stops")).await?;
    let start = now(&server).await?;
    let mut stream = BinlogStream::open(&options(&server), replica(), &start, PATIENT).await?;
    let (error, stopped) = tokio::join!(end_of(&mut stream), server.stop());
    stopped?;
    assert_eq!(error.disposition(), Disposition::Retry, "an orderly stop: {error:?}");
    let down =
        server_error(BinlogStream::open(&options(&server), replica(), &start, PATIENT).await.map(|_| ()));
    assert_eq!(down.disposition(), Disposition::Retry, "down: {down:?}");

    server.boot().await?;
    let mut stream = BinlogStream::open(&options(&server), replica(), &start, PATIENT).await?;
    let (error, killed) = tokio::join!(end_of(&mut stream), server.kill9());
    killed?;
    assert_eq!(error.disposition(), Disposition::Retry, "a crash: {error:?}");
    Ok(())
}

#[tokio::test]
async fn a_second_replica_of_the_same_id_ends_the_first_for_good() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let (id, start) = (replica(), now(server).await?);
    let mut first = BinlogStream::open(&options(server), id, &start, PATIENT).await?;
    let mut second = BinlogStream::open(&options(server), id, &start, PATIENT).await?;
    let error = end_of(&mut first).await;
    assert!(matches!(error, server::Error::DuplicateServerId { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Halt);
    let text = error.to_string();
    assert!(
        text.contains(&id.to_string()) && text.contains(&server.address()) && text.contains("SHOW REPLICAS"),
        "{text}"
    );

    // And preflight sees the one that is connected.
    let mut conn = connect(&options(server)).await?;
    let facts = read_facts(&mut conn).await?;
    let verdict = strait_mysql::ensure::ensure_server_id_free(&mut conn, &facts, id).await?;
    let finding = verdict.err().context("it is in use")?;
    assert!(finding.cause.contains(&id.to_string()), "{finding}");
    server.run([format!("CREATE DATABASE `{}`", fresh_name("alive"))]).await?;
    second.next().await?;
    Ok(())
}

#[tokio::test]
async fn a_purged_start_is_refused_at_once_and_for_good() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("purged")).await?;
    let start = now(&server).await?;
    server.run(["CREATE DATABASE d", "FLUSH BINARY LOGS"]).await?;
    let newest = read_facts(&mut connect(&options(&server)).await?).await?.binlog.context("it is on")?;
    server.run([format!("PURGE BINARY LOGS TO '{}'", newest.file)]).await?;

    let gone = StartAt::File { file: "binlog.000001".to_owned(), pos: 4 };
    for start in [start, gone] {
        let error =
            server_error(BinlogStream::open(&options(&server), replica(), &start, PATIENT).await.map(|_| ()));
        assert!(matches!(error, server::Error::Purged { .. }), "{start}: {error:?}");
        assert_eq!(error.disposition(), Disposition::Halt);
        let text = error.to_string();
        assert!(text.contains(&server.address()) && text.contains(&start.to_string()), "{text}");
        assert!(text.contains("new snapshot"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_start_that_the_server_never_reached_is_refused_for_good() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let mut conn = connect(&options(server)).await?;
    let uuid = read_facts(&mut conn).await?.server_uuid.context("MySQL has one")?;
    let start = StartAt::Gtid(format!("{uuid}:1-99999999").parse()?);
    let error =
        server_error(BinlogStream::open(&options(server), replica(), &start, PATIENT).await.map(|_| ()));
    assert!(matches!(error, server::Error::Refused { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Halt);
    Ok(())
}

#[tokio::test]
async fn an_account_without_the_right_is_refused_with_the_grant() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let account = replica_account(server).await?;
    server.run([format!("REVOKE REPLICATION SLAVE ON *.* FROM '{}'@'%'", account.user)]).await?;
    let opened = BinlogStream::open(&account, replica(), &now(server).await?, PATIENT).await;
    let error = server_error(opened.map(|_| ()));
    assert!(matches!(error, server::Error::Rights { .. }), "{error:?}");
    assert!(error.to_string().contains("GRANT REPLICATION SLAVE"), "{error}");
    assert_eq!(error.disposition(), Disposition::Halt);
    Ok(())
}

/// Whether a dump thread has been sending the same event for so long.
async fn stuck_for(server: &MySql, user: &str, long: Duration) -> Result<()> {
    let mut conn = connect(&options(server)).await?;
    let query = format!(
        "SELECT PROCESSLIST_STATE, PROCESSLIST_TIME FROM performance_schema.threads \
         WHERE PROCESSLIST_COMMAND LIKE 'Binlog Dump%' AND PROCESSLIST_USER = '{user}'"
    );
    let (state, seconds): (Option<String>, u64) =
        conn.query_first(query).await?.context("the dump thread is gone")?;
    if state.as_deref() != Some("Sending binlog event to replica") || seconds < long.as_secs() {
        bail!("{state:?} for {seconds} s");
    }
    Ok(())
}

/// The server ends a connection to which it could not write for `net_write_timeout`, in the midst of an event.
#[tokio::test]
async fn a_reader_that_pauses_is_not_thrown_out() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("pause").args(["--net-write-timeout=1"])).await?;
    let database = table(&server).await?;
    let start = now(&server).await?;
    let account = replica_account(&server).await?;
    let insert =
        format!("INSERT INTO `{database}`.t VALUES (1, REPEAT('x', 16 << 20)), (2, REPEAT('x', 16 << 20))");
    server.run([insert]).await?;
    let mut stream = BinlogStream::open(&account, replica(), &start, PATIENT).await?;
    // Nothing is read now: the dump thread fills the socket and then waits, longer than the server's default.
    eventually(PATIENT, || stuck_for(&server, &account.user, Duration::from_secs(2))).await?;
    let mut framer = Framer::new("", 0);
    loop {
        let event: RawEvent = stream.next().await?;
        if let Step::Commit(_) = framer.step(&event)? {
            return Ok(());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_than_the_one_meant_is_not_streamed_from() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let uuid: Option<String> = server.conn().await?.query_first("SELECT @@server_uuid").await?;
    let start = now(server).await?;
    let ask = |server_uuid| Request {
        server_id: replica(),
        start: &start,
        heartbeat: PATIENT,
        silence: PATIENT,
        server_uuid,
    };
    BinlogStream::request(&options(server), &ask(uuid.as_deref())).await?;
    let other =
        BinlogStream::request(&options(server), &ask(Some("3e11fa47-71ca-11e1-9e33-c80aa9429562"))).await;
    let error = server_error(other.map(|_| ()));
    assert!(matches!(error, server::Error::OtherServer { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry);
    Ok(())
}
