//! What librdkafka alone costs: a transactional producer that sends one of the connector's own records as often as the connector
//! sends records, with the settings that the connector gives it, and commits as often.
//!
//! Nothing is read, decoded or encoded. What the connector costs beyond this is its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Header, Headers, OwnedHeaders, OwnedMessage},
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};
use strait_schemas::topics::{data_topic, spine_topic};

use super::SEED;
use crate::{
    Kafka,
    bench::{
        drain::{self, each_us},
        figure::Figure,
        load::{DATABASE, LARGE_TRANSACTION, Load, Table},
        rig::{self, Rig, Settings},
        samples::Samples,
        scale::Scale,
        suite::say,
        topics,
    },
    child::Usage,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// The connector's publish.interval.
const INTERVAL: Duration = Duration::from_millis(200);
/// Of each topic, as the connector makes them.
const PARTITIONS: i32 = 4;

pub async fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rig = Rig::start(&[Table::Bulk]).await?;
    let before = rig::executed(&rig.source).await?;
    say("loading");
    Load::logged(SEED).large_transactions(&rig::opts(&rig.source), scale.rows).await?;
    let goal = rig::executed(&rig.source).await?;
    let (mut floor_cpu, mut floor_rate) = (Samples::default(), Samples::default());
    let (mut cpu, mut rate, mut own) = (Samples::default(), Samples::default(), Samples::default());
    for round in 1..=scale.rounds {
        say(&format!("round {round}, the connector"));
        let prefix = format!("round{round}x");
        let connector = rig.connector(&rig.source, &prefix, &before, Settings::new()).await?;
        let drain = drain::publish(&rig, &connector, &prefix, &goal)?;
        connector.stop().await?;
        let row = sample(&rig.kafka, &data_topic(&prefix, DATABASE, "bulk"), PARTITIONS)?;
        let spine = sample(&rig.kafka, &spine_topic(&prefix), 1)?;
        if round == scale.rounds {
            super::publishing::arrive(&rig, &prefix).await?;
        }
        topics::delete(&rig.kafka, &prefix).await?;
        say(&format!("round {round}, the producer alone"));
        let topic = format!("floor{round}x");
        rig.kafka.create_topic(&topic, PARTITIONS, &[]).await?;
        let (elapsed, alone) =
            tokio::task::block_in_place(|| produce(&rig.kafka, &topic, &row, &spine, scale.rows))?;
        topics::delete(&rig.kafka, &topic).await?;
        floor_cpu.push(each_us(alone, scale.rows));
        floor_rate.push(scale.rows as f64 / elapsed.as_secs_f64());
        cpu.push(drain.cpu_us(scale.rows));
        rate.push(drain.per_second(scale.rows));
        own.push(drain.cpu_us(scale.rows) - each_us(alone, scale.rows));
    }
    rig.end()?;
    Ok(vec![
        Figure::lower("CPU a row, the connector", "us", cpu).beside("librdkafka alone", &floor_cpu),
        Figure::lower("CPU a row beyond librdkafka's", "us", own),
        Figure::higher("rows, the connector", "rows/s", rate).beside("librdkafka alone", &floor_rate),
    ])
}

/// A record that the connector wrote.
fn sample(kafka: &Kafka, topic: &str, partitions: i32) -> Result<OwnedMessage> {
    tokio::task::block_in_place(|| {
        let mut config = kafka.client();
        let consumer: BaseConsumer =
            config.set("group.id", "floor").set("isolation.level", "read_committed").create()?;
        let mut all = TopicPartitionList::new();
        for partition in 0..partitions {
            all.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&all)?;
        let message = consumer.poll(PATIENCE).with_context(|| format!("{topic} has no record"))??;
        Ok(message.detach())
    })
}

/// Sends `rows` times `row`, and `spine` once for every transaction of them; the time it took, and CPU time of this process.
fn produce(
    kafka: &Kafka,
    topic: &str,
    row: &OwnedMessage,
    spine: &OwnedMessage,
    rows: u64,
) -> Result<(Duration, Duration)> {
    let producer: BaseProducer = settings(kafka, topic).create()?;
    let before = Usage::of(std::process::id())?.cpu;
    let began = Instant::now();
    producer.init_transactions(PATIENCE)?;
    producer.begin_transaction()?;
    let mut committed = Instant::now();
    for number in 0..rows {
        send(&producer, topic, (number % PARTITIONS as u64) as i32, row)?;
        if (number + 1).is_multiple_of(LARGE_TRANSACTION) {
            send(&producer, topic, 0, spine)?;
            if committed.elapsed() >= INTERVAL {
                commit(&producer)?;
                producer.begin_transaction()?;
                committed = Instant::now();
            }
        }
    }
    commit(&producer)?;
    Ok((began.elapsed(), Usage::of(std::process::id())?.cpu.saturating_sub(before)))
}

/// The connector's defaults.
fn settings(kafka: &Kafka, name: &str) -> ClientConfig {
    let mut config = kafka.client();
    config
        .set("transactional.id", name)
        .set("acks", "all")
        .set("compression.type", "lz4")
        .set("linger.ms", "1")
        .set("batch.size", "1000000")
        .set("queue.buffering.max.kbytes", "8192")
        .set("queue.buffering.max.messages", "10000")
        .set("delivery.report.only.error", "true");
    config
}

/// Waits for room where there is none, as the connector does.
fn send(producer: &BaseProducer, topic: &str, partition: i32, message: &OwnedMessage) -> Result<()> {
    let began = Instant::now();
    let mut record = record(topic, partition, message);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                ensure!(began.elapsed() < PATIENCE, "the producer has had no room for {PATIENCE:?}");
                producer.poll(Duration::from_millis(1));
                record = back;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

fn record<'a>(topic: &'a str, partition: i32, message: &'a OwnedMessage) -> BaseRecord<'a, [u8], [u8]> {
    let mut headers = OwnedHeaders::new();
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        headers = headers.insert(Header { key: header.key, value: header.value });
    }
    let mut record = BaseRecord::to(topic).partition(partition).headers(headers);
    record.key = message.key();
    record.payload = message.payload();
    record
}

/// The client's own waiting goes in steps of 100 ms: everything is delivered before it is asked.
fn commit(producer: &BaseProducer) -> Result<()> {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
    Ok(producer.commit_transaction(PATIENCE)?)
}
