//! A Kafka that lets its users do only what they were granted: the commands that a refusal prints are enough, and whatever
//! is missing is named.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Kafka, KafkaOptions, Latency, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Pipe;

const PASSWORD: &str = "open-sesame";
const SOON: Duration = Duration::from_secs(30);

/// Who comes through the WAN door is a user; the LOCAL one is open, and all-powerful.
async fn guarded() -> Result<Kafka> {
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let options = KafkaOptions::named("guarded")
        .wan(Latency::NONE)
        .property("listener.security.protocol.map", "LOCAL:PLAINTEXT,WAN:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT")
        .property("sasl.enabled.mechanisms", "PLAIN")
        .property("listener.name.wan.plain.sasl.jaas.config", format!("{module} user_strait=\"{PASSWORD}\";"))
        .property("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        .property("super.users", "User:ANONYMOUS");
    Kafka::start(options).await
}

async fn pipe(kafka: &Kafka, password: &str) -> Result<Pipe> {
    let brokers = kafka.wan_bootstrap()?;
    Pipe::shared_source_own_kafka(
        kafka,
        &[
            ("kafka.brokers", &brokers),
            ("kafka.delivery_timeout", "5s"),
            ("kafka.options.security.protocol", "SASL_PLAINTEXT"),
            ("kafka.options.sasl.mechanism", "PLAIN"),
            ("kafka.options.sasl.username", "strait"),
            ("kafka.options.sasl.password", password),
        ],
    )
    .await
}

/// What a line of kafka-acls.sh adds.
struct Acl<'a> {
    resource: Resource,
    name: &'a str,
    prefixed: bool,
    operations: Vec<&'a str>,
    allow: bool,
}

#[derive(Clone, Copy)]
enum Resource {
    Topic = 2,
    TransactionalId = 5,
}

fn parse(command: &str) -> Result<Acl<'_>> {
    let words: Vec<_> = command.split_whitespace().collect();
    let after =
        |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied();
    let (resource, name) = match (after("--topic"), after("--transactional-id")) {
        (Some(topic), None) => (Resource::Topic, topic),
        (None, Some(id)) => (Resource::TransactionalId, id),
        _ => anyhow::bail!("not one resource: {command}"),
    };
    let operations = words.windows(2).filter(|pair| pair[0] == "--operation").map(|pair| pair[1]).collect();
    Ok(Acl {
        resource,
        name,
        prefixed: after("--resource-pattern-type") == Some("prefixed"),
        operations,
        allow: true,
    })
}

/// CreateAcls, version 1, for User:strait from every host.
async fn create(kafka: &Kafka, acl: &Acl<'_>) -> Result<()> {
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u16).to_be_bytes());
        bytes.extend(text.as_bytes());
    };
    let mut request = Vec::new();
    request.extend([0, 30, 0, 1, 0, 0, 0, 7]);
    text(&mut request, "test");
    request.extend((acl.operations.len() as u32).to_be_bytes());
    for operation in &acl.operations {
        request.push(acl.resource as u8);
        text(&mut request, acl.name);
        request.push(if acl.prefixed { 4 } else { 3 });
        text(&mut request, "User:strait");
        text(&mut request, "*");
        request.push(match *operation {
            "Read" => 3,
            "Write" => 4,
            "Create" => 5,
            "Describe" => 8,
            "DescribeConfigs" => 10,
            other => anyhow::bail!("operation {other}"),
        });
        request.push(if acl.allow { 3 } else { 2 });
    }
    let mut broker = TcpStream::connect(kafka.bootstrap()).await?;
    broker.write_u32(request.len() as u32).await?;
    broker.write_all(&request).await?;
    let mut answer = vec![0; broker.read_u32().await? as usize];
    broker.read_exact(&mut answer).await?;
    // Correlation and throttling, then the results: an error code and a message each.
    let mut results = answer.get(12..).context("an answer")?;
    for _ in &acl.operations {
        let (code, rest) = results.split_first_chunk::<2>().context("a result")?;
        ensure!(*code == [0, 0], "CreateAcls: error {}", i16::from_be_bytes(*code));
        let (length, rest) = rest.split_first_chunk::<2>().context("a message")?;
        results = &rest[usize::try_from(i16::from_be_bytes(*length)).unwrap_or(0)..];
    }
    Ok(())
}

/// The commands that a refusal prints.
fn commands(words: &str) -> Vec<String> {
    let lines = words.replace("\\n", "\n");
    let mut all: Vec<_> =
        lines.lines().filter_map(|line| line.find("kafka-acls.sh").map(|at| line[at..].to_owned())).collect();
    all.dedup();
    all
}

#[tokio::test]
async fn the_rights_that_a_refusal_prints_are_enough_and_a_missing_one_is_named() -> Result<()> {
    let kafka = guarded().await?;
    let pipe = pipe(&kafka, PASSWORD).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u (id INT PRIMARY KEY)"]).await?;
    let (status, words) = pipe.start_and_halt().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    let printed = commands(&words);
    assert!(printed.len() >= 5, "{words}");
    for command in &printed[..5] {
        let command = command.trim_end_matches(['"', '}', ',']);
        create(&kafka, &parse(command)?).await?;
    }
    let (status, words) = pipe.connector.run("check").await?;
    assert_eq!(status.code(), Some(0), "{words}");
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)", "ALTER TABLE t COMMENT 'x'"]).await?;
    pipe.published().await?;
    pipe.connector.stop().await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (2)"]).await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 2);

    let topic = pipe.topic("u");
    let mut denied = parse("--operation Write --topic nothing")?;
    (denied.name, denied.allow) = (&topic, false);
    create(&kafka, &denied).await?;
    pipe.run(["INSERT INTO u VALUES (1)"]).await?;
    let (status, words) = pipe.halted().await?;
    assert_eq!(status.code(), Some(1), "{words}");
    let (_, told) = words.rsplit_once("cause:").context("a cause")?;
    assert!(told.contains(&format!("\"{topic}\"")) && told.contains("kafka-acls.sh"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_told() -> Result<()> {
    let kafka = guarded().await?;
    let pipe = pipe(&kafka, "closed-sesame").await?;
    pipe.connector.start()?;
    eventually(SOON, || async {
        let status = pipe.connector.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains("Authentication failed") && status.contains("sasl.password") {
            Ok(())
        } else {
            Err(status)
        }
    })
    .await?;
    pipe.connector.stop().await?;
    let words = pipe.connector.words()?;
    assert!(!words.contains("closed-sesame"), "{words}");
    Ok(())
}
