//! The lab itself: its servers boot, survive what the tests will do to them, and never outlive it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::{Kafka, KafkaOptions, Lab, Latency, MySql, MySqlOptions, Prometheus, eventually, fresh_name};
use mysql_async::prelude::Queryable;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};

#[tokio::test]
async fn mysql_keeps_commits_through_a_crash_and_answers_nothing_while_frozen() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("crash")).await?;
    let database = server.database("lab").await?;
    let mut conn = server.conn_to(&database).await?;
    conn.query_drop("CREATE TABLE t (id INT PRIMARY KEY)").await?;
    conn.query_drop("INSERT INTO t VALUES (1)").await?;
    server.kill9().await?;
    conn.query_drop("SELECT 1").await.expect_err("it was killed");
    server.boot().await?;
    let mut conn = server.conn_to(&database).await?;
    assert_eq!(conn.query_first::<i32, _>("SELECT id FROM t").await?, Some(1));
    let settings: Option<(String, String, String)> =
        conn.query_first("SELECT @@binlog_row_metadata, @@gtid_mode, @@version").await?;
    let (metadata, gtid_mode, version) = settings.context("one row")?;
    assert_eq!((metadata.as_str(), gtid_mode.as_str()), ("FULL", "ON"));
    assert!(version.starts_with("9."), "{version}");

    server.freeze()?;
    let silence = tokio::time::timeout(Duration::from_millis(300), conn.query_drop("SELECT 1")).await;
    assert!(silence.is_err(), "a frozen server must not answer");
    server.thaw()?;
    assert_eq!(server.conn_to(&database).await?.query_first::<i32, _>("SELECT id FROM t").await?, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let options = MySqlOptions::named("broken").args(["--no-such-option"]);
    let error = format!("{:#}", MySql::start(options).await.expect_err("an unknown option"));
    assert!(error.contains("unknown option '--no-such-option'"), "{error}");
}

#[tokio::test]
async fn two_servers_have_two_identities() -> Result<()> {
    let (one, two) = (Lab::shared().mysql().await?, Lab::shared().target().await?);
    let identity = "SELECT @@server_uuid, @@server_id";
    let first: Option<(String, u32)> = one.conn().await?.query_first(identity).await?;
    let second: Option<(String, u32)> = two.conn().await?.query_first(identity).await?;
    let (first, second) = (first.context("one row")?, second.context("one row")?);
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    Ok(())
}

#[tokio::test]
async fn mysql_comes_with_its_tools() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let output = server.tool("mysql").await?.args(["-BNe", "SELECT 6*7"]).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "42", "{output:?}");
    Ok(())
}

#[tokio::test]
async fn mariadb_writes_full_metadata_and_comes_back_after_a_crash() -> Result<()> {
    let server = MySql::start(MySqlOptions::mariadb("mariadb")).await?;
    server.database("lab").await?;
    server.kill9().await?;
    server.boot().await?;
    let settings = "SELECT @@binlog_row_metadata, @@sync_binlog, @@version";
    let (metadata, sync, version): (String, u32, String) =
        server.conn().await?.query_first(settings).await?.context("one row")?;
    assert_eq!((metadata.as_str(), sync), ("FULL", 1));
    assert!(version.contains("MariaDB"), "{version}");
    let output = server.tool("mariadb").await?.args(["-BNe", "SELECT 6*7"]).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "42", "{output:?}");
    Ok(())
}

#[tokio::test]
async fn prometheus_reads_pages_and_answers_queries() -> Result<()> {
    let output = e2e::install::promtool()?.arg("--version").output()?;
    assert!(output.status.success(), "{output:?}");
    let first = Prometheus::start(&[], None).await?;
    let second = Prometheus::start(&[("first", first.url().trim_start_matches("http://"))], None).await?;
    eventually(Duration::from_secs(30), async || match second.query("up{job=\"first\"}").await {
        Ok(values) if values == [1.0] => Ok(()),
        other => Err(other),
    })
    .await?;
    let refused = second.query("no such {query").await.expect_err("it is not PromQL");
    assert!(refused.to_string().contains("parse error"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn the_registry_answers() -> Result<()> {
    let registry = Lab::shared().registry().await?;
    assert_eq!(e2e::http::ok(&format!("{}/subjects", registry.url())).await?, "[]");
    Ok(())
}

/// Writes one record through a door and reads it back; blocking, as the client is.
fn round_trip(bootstrap: &str, kafka: &Kafka, topic: &str) -> Result<()> {
    let mut config = kafka.client();
    config.set("bootstrap.servers", bootstrap);
    let producer: ThreadedProducer<_> = config.create()?;
    producer.send(BaseRecord::to(topic).key("k").payload("v")).map_err(|(error, _)| error)?;
    producer.flush(Duration::from_secs(20))?;
    config.set("group.id", fresh_name("group")).set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create()?;
    let mut assignment = rdkafka::TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, rdkafka::Offset::Beginning)?;
    consumer.assign(&assignment)?;
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        // A broker that is down is an error here, and no reason to stop: the others take over.
        let seen = match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                assert_eq!(message.payload(), Some(&b"v"[..]));
                return Ok(());
            }
            Some(Err(error)) => error.to_string(),
            None => "nothing".to_owned(),
        };
        anyhow::ensure!(Instant::now() < until, "no record within 20 s; last seen: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_at_the_wan_door_stays_on_the_slow_link() -> Result<()> {
    let kafka = Kafka::start(KafkaOptions::named("doors").wan(Latency::WAN)).await?;
    let topic = fresh_name("doors");
    kafka.create_topic(&topic, 1, &[]).await?;
    let link = kafka.links().next().context("one link")?;
    let bytes = || link.traffic().to_target;

    round_trip(kafka.bootstrap(), &kafka, &topic)?;
    assert_eq!(bytes(), 0, "the local door does not lead over the link");
    round_trip(&kafka.wan_bootstrap()?, &kafka, &topic)?;
    assert!(link.traffic().connections > 1, "the bootstrap and the broker it names, both over the link");

    kafka.kill9(0).await?;
    kafka.boot(0).await?;
    round_trip(&kafka.wan_bootstrap()?, &kafka, &topic)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_go_on_when_one_is_killed() -> Result<()> {
    let mut options = KafkaOptions::named("three");
    options.nodes = 3;
    let kafka = Kafka::start(options).await?;
    let topic = fresh_name("three");
    kafka.create_topic(&topic, 1, &[]).await?;
    kafka.kill9(1).await?;
    round_trip(kafka.bootstrap(), &kafka, &topic)?;
    kafka.boot(1).await
}

/// The one that is killed is this test's own child: a second lab, started as `lab up` would.
#[tokio::test]
async fn servers_die_with_a_lab_that_is_killed() -> Result<()> {
    use std::io::BufRead;
    let mut lab = std::process::Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["up", "--mysql", "1", "--kafka", "0", "--registry", "0"])
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let output = std::io::BufReader::new(lab.stdout.take().context("piped")?);
    let line =
        output.lines().map_while(Result::ok).find(|line| line.contains("mysql://")).context("an address")?;
    let address = line.rsplit('@').next().context("host:port")?.trim().to_owned();
    tokio::net::TcpStream::connect(&address).await.context("it is up")?;
    lab.kill()?;
    lab.wait()?;
    eventually(Duration::from_secs(10), || async {
        match tokio::net::TcpStream::connect(&address).await {
            Ok(_) => Err("mysqld still listens"),
            Err(_) => Ok(()),
        }
    })
    .await?;
    let runs = e2e::lab_dir::lab_dir().join("run");
    let mine = format!("{}-", lab.id());
    eventually(Duration::from_secs(10), || async {
        let left = std::fs::read_dir(&runs)
            .map_err(|error| error.to_string())?
            .flatten()
            .find(|file| file.file_name().to_string_lossy().starts_with(&mine));
        left.map_or(Ok(()), |file| Err(format!("{} is still there", file.path().display())))
    })
    .await
}
