//! What is refused, with cause, place and remedy.

use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::{Kafka, KafkaOptions, Lab, MySql, MySqlOptions, eventually};
use mysql_async::prelude::Queryable;
use rdkafka::{
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};
use strait_schemas::{Position, topics};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Pipe;

const SOON: Duration = Duration::from_secs(30);

async fn lab_kafka() -> Result<&'static Kafka> {
    Lab::shared().kafka().await
}

/// It halts, and says all of this.
async fn halts(pipe: &Pipe, code: i32, says: &[&str]) -> Result<()> {
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(code), "{words}");
    for what in says {
        assert!(words.contains(what), "it does not say {what:?}:\n{words}");
    }
    Ok(())
}

#[tokio::test]
async fn data_without_a_position_is_never_begun_anew() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    let admin: AdminClient<DefaultClientContext> = lab_kafka().await?.client().create()?;
    let position = topics::position_topic(&pipe.prefix);
    admin.delete_topics(&[&position], &AdminOptions::new()).await?;
    eventually(SOON, || async {
        match pipe.read(&position).await {
            Ok(records) if records.is_empty() => Ok(()),
            other => Err(format!("{:?}", other.map(|records| records.len()))),
        }
    })
    .await?;
    pipe.connector.start()?;
    halts(
        &pipe,
        1,
        &["there is no position, but topic", "would publish them twice", &position, "another `prefix`"],
    )
    .await
}

#[tokio::test]
async fn a_record_larger_than_its_topic_takes_halts_and_passes_after_the_command() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v MEDIUMTEXT)"]).await?;
    pipe.start().await?;
    // Not compressible, or the broker would take it after all.
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(2_000_000).collect();
    pipe.run([
        "INSERT INTO t VALUES (1, 'small')".to_owned(),
        format!("INSERT INTO t VALUES (2, '{noise}')"),
    ])
    .await?;
    let topic = pipe.topic("t");
    halts(
        &pipe,
        1,
        &[
            &format!("is larger than topic {topic} takes (max.message.bytes=1048588)"),
            "key {\\\"id\\\":2}",
            &format!("kafka-configs.sh --bootstrap-server {} --entity-type topics --entity-name {topic} --alter --add-config max.message.bytes=", pipe.bootstrap),
        ],
    )
    .await?;
    let admin: AdminClient<DefaultClientContext> = lab_kafka().await?.client().create()?;
    let larger = rdkafka::admin::AlterConfig::new(rdkafka::admin::ResourceSpecifier::Topic(&topic))
        .set("max.message.bytes", "4194304");
    admin.alter_configs(&[larger], &AdminOptions::new()).await?;
    pipe.start().await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 2);
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_record_larger_than_the_buffer_halts_and_passes_with_a_larger_one() -> Result<()> {
    let pipe = Pipe::shared(&[("kafka.buffer", "1 MiB")]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v MEDIUMTEXT)"]).await?;
    let topic = pipe.topic("t");
    lab_kafka().await?.create_topic(&topic, 1, &[("max.message.bytes", "8388608")]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1, REPEAT('x', 3000000))"]).await?;
    halts(&pipe, 1, &["larger than the producer's buffer", &topic, "kafka.buffer = \"4 MiB\""]).await?;
    let larger = pipe.with_settings(&[("kafka.buffer", "4 MiB")]).await?;
    larger.start().await?;
    larger.published().await?;
    assert_eq!(larger.table("t").await?.len(), 1);
    larger.connector.stop().await
}

#[tokio::test]
async fn a_misspelt_option_halts_and_its_value_is_not_shown() -> Result<()> {
    let pipe = Pipe::shared(&[("kafka.options.sasl.pasword", "hush-4711")]).await?;
    let (status, words) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{words}");
    assert!(words.contains("setting kafka.options.sasl.pasword") && !words.contains("hush-4711"), "{words}");
    pipe.connector.start()?;
    halts(&pipe, 1, &["setting kafka.options.sasl.pasword", "it has no option"]).await?;
    assert!(!pipe.connector.words()?.contains("hush-4711"), "{}", pipe.connector.words()?);
    Ok(())
}

#[tokio::test]
async fn statements_about_accounts_are_told_by_their_verb_alone() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.start().await?;
    let account = format!("u{}", fastrand::u32(..));
    pipe.run([
        format!("CREATE USER {account} IDENTIFIED BY 'hush-4712'"),
        format!("GRANT SELECT ON {}.* TO {account}", pipe.database),
        format!("DROP USER {account}"),
    ])
    .await?;
    pipe.published().await?;
    let told: Vec<_> = pipe.parts().await?.into_iter().filter_map(|part| part.ddl).collect();
    assert!(told.iter().any(|ddl| ddl.statement == "GRANT"), "{told:?}");
    assert!(told.iter().all(|ddl| !ddl.statement.contains(&account)), "{told:?}");
    let words = pipe.connector.words()?;
    assert!(!words.contains(&account), "{words}");
    pipe.connector.stop().await
}

/// A registry that answers every request with this status.
async fn registry(status: &'static str) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                while client.read(&mut request).await.is_ok_and(|size| size > 0) {
                    if client.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(url)
}

#[tokio::test]
async fn a_registry_that_refuses_the_account_is_told() -> Result<()> {
    for (status, code, remedy) in [
        ("401 Unauthorized", "HTTP 401", "registry.password_file"),
        ("403 Forbidden", "HTTP 403", "the rights to read and write"),
    ] {
        let url = registry(status).await?;
        let pipe = Pipe::shared(&[("schema.format", "avro"), ("registry.url", &url)]).await?;
        pipe.connector.start()?;
        halts(&pipe, 1, &["refused our credentials", code, &url, remedy]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_topic_that_takes_small_batches_only_gets_small_batches() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(2000))"]).await?;
    lab_kafka().await?.create_topic(&pipe.topic("t"), 1, &[("max.message.bytes", "20000")]).await?;
    pipe.start().await?;
    let mut rows = Vec::new();
    for id in 0..200 {
        let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(1500).collect();
        rows.push(format!("({id}, '{noise}')"));
    }
    pipe.run([format!("INSERT INTO t VALUES {}", rows.join(","))]).await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 200);
    pipe.connector.stop().await
}

#[tokio::test]
async fn compacted_data_topics_are_refused() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    let topic = pipe.topic("t");
    lab_kafka().await?.create_topic(&topic, 1, &[("cleanup.policy", "compact")]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    let command = format!("--entity-name {topic} --alter --add-config cleanup.policy=delete");
    halts(&pipe, 1, &[&format!("topic {topic} is compacted"), &command]).await
}

#[tokio::test]
async fn a_topic_that_may_not_be_created_halts_with_the_command() -> Result<()> {
    let pipe = Pipe::shared(&[("topics.replication", "3"), ("topics.partitions", "6")]).await?;
    pipe.connector.start()?;
    let position = topics::position_topic(&pipe.prefix);
    let command = format!(
        "kafka-topics.sh --bootstrap-server {} --create --topic {position} --partitions 1 --replication-factor 3 --config cleanup.policy=compact",
        pipe.bootstrap
    );
    halts(&pipe, 1, &[&format!("topic {position} does not exist and cannot be created"), &command]).await?;

    let forbidden = Pipe::shared(&[("topics.create", "false")]).await?;
    forbidden.connector.start()?;
    halts(&forbidden, 1, &["topics.create is false", "kafka-topics.sh"]).await
}

#[tokio::test]
async fn a_second_connector_of_a_prefix_ends_the_first() -> Result<()> {
    // With the same server_id the source ends the first one's stream, often before Kafka fences it off.
    second_ends_the_first(&[]).await?;
    second_ends_the_first(&[("source.server_id", "77")]).await
}

/// It has nothing to publish, so nothing fences it off: it is told when it starts again after any fault.
#[tokio::test]
async fn one_that_was_replaced_does_not_come_back() -> Result<()> {
    let pipe = Pipe::own(MySql::start(MySqlOptions::named("replaced")).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    let second = pipe.with_settings(&[("source.server_id", "77")]).await?;
    second.start().await?;
    let first = eventually(SOON, || async {
        let find =
            "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%' ORDER BY ID";
        let streams: Result<Vec<u64>> = async { Ok(pipe.conn().await?.query(find).await?) }.await;
        match streams.as_deref() {
            Ok([first, _]) => Ok(*first),
            seen => Err(format!("{seen:?}")),
        }
    })
    .await?;
    pipe.run([format!("KILL {first}")]).await?;
    halts(&pipe, 1, &["another connector publishes under the same prefix", "keep one connector a prefix"])
        .await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    second.published().await?;
    assert_eq!(second.table("t").await?.len(), 1);
    second.connector.stop().await
}

#[tokio::test]
async fn a_server_id_that_another_replica_has_halts() -> Result<()> {
    let id = fastrand::u32(2_000_000_000..).to_string();
    let pipe = Pipe::shared(&[("source.server_id", &id)]).await?;
    pipe.start().await?;
    let other = Pipe::shared(&[("source.server_id", &id)]).await?;
    other.start().await?;
    halts(
        &pipe,
        1,
        &[&format!("another replica with server_id {id}"), "another source.server_id", "SHOW REPLICAS"],
    )
    .await?;
    other.connector.stop().await
}

async fn second_ends_the_first(of_the_second: crate::Settings<'_>) -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    let second = pipe.with_settings(of_the_second).await?;
    second.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    halts(&pipe, 1, &["another connector publishes under the same prefix", "keep one connector a prefix"])
        .await?;
    second.published().await?;
    assert_eq!(second.table("t").await?.len(), 1);
    second.connector.stop().await
}

#[tokio::test]
async fn a_statement_in_the_log_halts() -> Result<()> {
    let pipe = Pipe::own(MySql::start(MySqlOptions::named("statement")).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["SET SESSION binlog_format = 'STATEMENT'", "INSERT INTO t VALUES (1)"]).await?;
    halts(
        &pipe,
        1,
        &[
            "logged as a statement, not as rows",
            "INSERT INTO t VALUES (1)",
            "binlog_format=ROW",
            "transaction ",
        ],
    )
    .await
}

/// What is not known of an XA transaction is looked for, and one that is in no log any more halts.
#[tokio::test]
async fn xa_transactions_are_known_until_they_end() -> Result<()> {
    let pipe = Pipe::own(MySql::start(MySqlOptions::named("xa")).await?, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    let prepare = |xid: &str, insert: &str| {
        [
            format!("XA START '{xid}'"),
            insert.to_owned(),
            format!("XA END '{xid}'"),
            format!("XA PREPARE '{xid}'"),
        ]
    };
    pipe.run(prepare("x", "INSERT INTO t VALUES (2)")).await?;
    pipe.run(["FLUSH BINARY LOGS"]).await?;
    let logs: Vec<mysql_async::Row> = pipe.conn().await?.query("SHOW BINARY LOGS").await?;
    let last: String = logs.last().and_then(|row| row.get(0)).unwrap_or_default();
    pipe.run([format!("PURGE BINARY LOGS TO '{last}'")]).await?;
    pipe.start().await?;
    // One that publishes nothing is known even after a restart between its two halves.
    let other = pipe.mysql().database("left_out").await?;
    pipe.run([format!("CREATE TABLE {other}.t (v TEXT)")]).await?;
    pipe.run(prepare("a", &format!("INSERT INTO {other}.t VALUES ('a')"))).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    // It is the last transaction that was read: compared.
    pipe.start().await?;
    pipe.run(prepare("b", &format!("INSERT INTO {other}.t VALUES ('b')"))).await?;
    pipe.run(prepare("c", "INSERT INTO t VALUES (1)")).await?;
    pipe.published().await?;
    let known = |position: Option<Position>| {
        let position = position.unwrap_or_else(|| panic!("no position"));
        (position.left_out_xids.len(), position.prepared_xids.len())
    };
    assert_eq!(known(pipe.position().await?), (2, 1));
    let parts = pipe.beginnings().await?.len();
    pipe.connector.stop().await?;
    pipe.start().await?;
    pipe.run(["XA COMMIT 'a'", "XA ROLLBACK 'b'", "XA COMMIT 'c'"]).await?;
    pipe.published().await?;
    assert_eq!(known(pipe.position().await?), (0, 0));
    assert_eq!(pipe.beginnings().await?.len(), parts + 1, "the commit of c, and nothing before");
    assert_eq!(pipe.table("t").await?.len(), 1);
    pipe.run(["XA COMMIT 'x'"]).await?;
    halts(&pipe, 1, &["XA COMMIT X'78',X'',1", "in no binary log that the server still has"]).await
}

#[tokio::test]
async fn a_wrong_password_and_missing_rights_are_told() -> Result<()> {
    let pipe = Pipe::own(
        MySql::start(MySqlOptions::named("rights")).await?,
        &[("source.user", "poor"), ("source.password", "hush-4713")],
    )
    .await?;
    pipe.mysql().run(["CREATE USER poor IDENTIFIED BY 'hush-4714'"]).await?;
    // The same remedy in both.
    let remedy = "remedy: check user and password; to set it anew: ALTER USER 'poor'@'%'";
    let (status, words) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{words}");
    assert!(words.contains(remedy), "{words}");
    pipe.connector.start()?;
    halts(&pipe, 1, &["refuses the login", remedy]).await?;
    let known = pipe.with_settings(&[("source.password", "hush-4714")]).await?;
    known.connector.start()?;
    halts(&known, 2, &["GRANT REPLICATION SLAVE ON *.* TO"]).await?;
    let (status, words) = known.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{words}");
    assert!(words.contains("REPLICATION SLAVE") && words.contains("REPLICATION CLIENT"), "{words}");
    for words in [words, pipe.connector.words()?, known.connector.words()?] {
        assert!(!words.contains("hush"), "a secret is printed: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn check_finds_everything_at_once() -> Result<()> {
    let mysql = MySql::start(MySqlOptions::named("unfit").args([
        "--binlog-row-metadata=MINIMAL",
        "--binlog-row-image=MINIMAL",
        "--gtid-mode=OFF",
        "--enforce-gtid-consistency=OFF",
    ]))
    .await?;
    let pipe = Pipe::own(
        mysql,
        &[("schema.format", "avro"), ("registry.url", "http://127.0.0.1:1"), ("topics.replication", "3")],
    )
    .await?;
    let (status, words) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{words}");
    for what in [
        "binlog_row_metadata",
        "binlog_row_image",
        "gtid_mode",
        "source.position = \"file\"",
        "could not use the schema registry: the schema registry cannot be reached",
        "place:  schema registry http://127.0.0.1:1",
        "kafka-topics.sh",
    ] {
        assert!(words.contains(what), "it does not say {what:?}:\n{words}");
    }
    let good = Pipe::shared(&[]).await?;
    let (status, words) = good.connector.run("check").await?;
    assert_eq!(status.code(), Some(0), "{words}");
    Ok(())
}

#[tokio::test]
async fn check_refuses_the_start_that_run_refuses() -> Result<()> {
    let elsewhere = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5";
    for (start, code, says) in [
        ("garbage", 2, "\"earliest\", or a GTID set as SELECT @@gtid_executed prints it"),
        (elsewhere, 1, "the source has never executed"),
    ] {
        let pipe = Pipe::shared(&[("source.start", start)]).await?;
        let (status, words) = pipe.connector.run("check").await?;
        assert_eq!(status.code(), Some(2), "{words}");
        assert!(words.contains("place:  setting source.start") && words.contains(says), "{words}");
        pipe.connector.start()?;
        halts(&pipe, code, &["place:  setting source.start", says]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_unreachable_source_is_waited_for_with_the_remedy_that_check_gives() -> Result<()> {
    let pipe = Pipe::shared(&[("source.port", "1")]).await?;
    let remedy = "remedy: is the server up, are host and port right";
    let (status, words) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(2), "{words}");
    assert!(words.contains(remedy), "{words}");
    pipe.connector.start()?;
    eventually(SOON, || async {
        let words = pipe.connector.words().map_err(|error| error.to_string())?;
        if words.contains("starting again") && words.contains(remedy) { Ok(()) } else { Err(words) }
    })
    .await?;
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_refused_like_everything_else() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    let mut command = pipe.connector.command("check");
    command.args(["--source", "mysql://repl:hush-4715@db1"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}");
    for what in
        ["cause:  the source's URL holds a password", "place:  flag --source", "remedy: --source mysql://"]
    {
        assert!(words.contains(what), "it does not say {what:?}:\n{words}");
    }
    assert!(!words.contains("hush"), "{words}");
    Ok(())
}

#[tokio::test]
async fn a_connector_that_cannot_go_on_leaves_the_one_that_runs_alone() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    // Another site's server, and another configuration.
    let elsewhere = pipe.at(MySql::start(MySqlOptions::named("elsewhere")).await?).await?;
    elsewhere.connector.start()?;
    halts(&elsewhere, 1, &["this is another server", "each has its own `prefix`"]).await?;
    let by_file = pipe.with_settings(&[("source.position", "file"), ("source.server_id", "78")]).await?;
    by_file.connector.start()?;
    halts(&by_file, 1, &["the stored position is a GTID set"]).await?;
    let lost = [("schema.format", "avro"), ("registry.url", "ftp://registry"), ("source.server_id", "79")];
    let without_registry = pipe.with_settings(&lost).await?;
    without_registry.connector.start()?;
    halts(&without_registry, 1, &["setting registry.url"]).await?;

    pipe.run(["INSERT INTO t VALUES (2)"]).await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 2);
    assert_eq!(
        pipe.position().await?.map(|position| position.attempt),
        Some(1),
        "it was never started again"
    );
    pipe.connector.stop().await
}

#[tokio::test]
async fn check_of_a_kafka_that_is_down_says_what_it_waits_for_and_ends_soon() -> Result<()> {
    let pipe = Pipe::shared(&[("kafka.brokers", "127.0.0.1:1")]).await?;
    let began = Instant::now();
    let (status, words) = pipe.connector.run("check").await?;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(2), "{words}");
    for what in
        ["still looking at Kafka at 127.0.0.1:1 (", "Connection refused", "place:  Kafka at 127.0.0.1:1"]
    {
        assert!(words.contains(what), "it does not say {what:?}:\n{words}");
    }
    Ok(())
}

#[tokio::test]
async fn kafka_and_registry_that_are_down_are_waited_for_and_named() -> Result<()> {
    let pipe = Pipe::shared(&[("kafka.brokers", "127.0.0.1:1"), ("kafka.delivery_timeout", "2s")]).await?;
    pipe.connector.start()?;
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        let told = ["127.0.0.1:1", "Connection refused", "kafka.brokers"];
        if told.iter().all(|what| status.contains(what)) { Ok(()) } else { Err(status) }
    })
    .await?;
    pipe.connector.stop().await?;

    // The log says it, too, long before patience ends.
    let pipe = Pipe::shared(&[("kafka.brokers", "127.0.0.1:1"), ("kafka.delivery_timeout", "60s")]).await?;
    pipe.connector.start()?;
    eventually(SOON, || async {
        let words = pipe.connector.words().map_err(|error| error.to_string())?;
        let told = words
            .lines()
            .find(|line| line.contains("WARN") && line.contains("waiting for Kafka at 127.0.0.1:1"));
        if told.is_some_and(|line| line.contains("Connection refused")) { Ok(()) } else { Err(words) }
    })
    .await?;
    pipe.connector.stop().await?;

    let pipe = Pipe::shared(&[("schema.format", "avro"), ("registry.url", "http://127.0.0.1:1")]).await?;
    pipe.connector.start()?;
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains("schema registry") { Ok(()) } else { Err(status) }
    })
    .await?;
    pipe.connector.stop().await
}

#[tokio::test]
async fn a_kafka_of_its_own_going_down_is_survived() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions { fast_failover: true, ..KafkaOptions::named("down") }).await?;
    let pipe = Pipe::shared_source_own_kafka(&kafka, &[]).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    kafka.kill9(0).await?;
    pipe.run(["INSERT INTO t VALUES (2)"]).await?;
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains(kafka.bootstrap()) { Ok(()) } else { Err(status) }
    })
    .await?;
    kafka.boot(0).await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 2);
    pipe.connector.stop().await
}
