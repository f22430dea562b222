//! What the pump sees of Kafka: bundles of arrivals, and which partitions are read.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc as commands},
    thread,
    time::Duration,
};

use strait_schemas::SpineRecord;
use tokio::sync::mpsc;

use super::{
    client::{Cluster, Logged},
    hearing::Hearing,
    reader::Reader,
};
use crate::{
    error::{Error, Result},
    merge::Record,
};
use rdkafka::consumer::BaseConsumer;

/// Bundles that wait to be taken.
const BUNDLES: usize = 2;

/// Something was read.
#[derive(Debug)]
pub enum Arrival {
    Spine { start: StartNumber, offset: i64, record: Box<SpineRecord> },
    Data { start: StartNumber, topic: Arc<str>, partition: i32, record: Record },
}

/// Counts the starts of partitions. What was fetched for an earlier start of a partition may still arrive after
/// it was started again at a smaller offset, and would leave a hole behind it: it must be dropped.
pub type StartNumber = u64;

/// What the reader is told.
#[derive(Debug)]
pub enum Command {
    /// Read a partition from an offset; `None`: from its beginning.
    Start {
        topic: Arc<str>,
        partition: i32,
        offset: Option<i64>,
        number: StartNumber,
    },
    Stop {
        topic: Arc<str>,
        partition: i32,
    },
}

#[derive(Debug)]
pub struct Feed {
    bundles: mpsc::Receiver<Result<Vec<Arrival>>>,
    commands: commands::Sender<Command>,
    reading: BTreeMap<(Arc<str>, i32), StartNumber>,
    starts: StartNumber,
    logged: Logged,
    hearing: Hearing,
}

impl Feed {
    /// Starts the reading thread; nothing is read yet.
    pub fn start(cluster: Cluster, consumer: BaseConsumer<Logged>, spine_topic: Arc<str>) -> Result<Self> {
        let (send, bundles) = mpsc::channel(BUNDLES);
        let (tell, told) = commands::channel();
        let logged = cluster.logged.clone();
        let hearing = Hearing::new(cluster.clone(), spine_topic.clone());
        let reader = Reader { cluster, spine_topic, commands: told, bundles: send };
        thread::Builder::new()
            .name("kafka-reader".into())
            .spawn(move || reader.run(&consumer))
            .map_err(|error| Error::Task { cause: format!("no thread for reading Kafka: {error}") })?;
        Ok(Self { bundles, commands: tell, reading: BTreeMap::new(), starts: 0, logged, hearing })
    }

    /// To be called again and again. `silent`: for how long nothing has come, though it was listened for.
    ///
    /// # Errors
    /// Something was published, and has not come.
    pub async fn look(&mut self, silent: Duration) -> Result<()> {
        self.hearing.look(silent).await
    }

    pub fn read(&mut self, topic: &Arc<str>, partition: i32, offset: Option<i64>) {
        let key = (topic.clone(), partition);
        if self.reading.contains_key(&key) {
            return;
        }
        self.starts += 1;
        self.reading.insert(key, self.starts);
        // A reader that has ended says why through the bundles.
        drop(self.commands.send(Command::Start {
            topic: topic.clone(),
            partition,
            offset,
            number: self.starts,
        }));
    }

    pub fn stop(&mut self, topic: &Arc<str>, partition: i32) {
        if self.reading.remove(&(topic.clone(), partition)).is_some() {
            drop(self.commands.send(Command::Stop { topic: topic.clone(), partition }));
        }
    }

    /// Stops reading the partitions for which `must` holds.
    pub fn stop_where(&mut self, must: impl Fn(&Arc<str>, i32) -> bool) {
        let stopped: Vec<_> =
            self.reading.keys().filter(|(topic, partition)| must(topic, *partition)).cloned().collect();
        for (topic, partition) in stopped {
            self.stop(&topic, partition);
        }
    }

    /// Whether an arrival is of the partition's present start.
    pub fn is_current(&self, topic: &Arc<str>, partition: i32, start: StartNumber) -> bool {
        self.reading.get(&(topic.clone(), partition)) == Some(&start)
    }

    /// The next bundle. Cancel-safe.
    pub async fn next(&mut self) -> Result<Vec<Arrival>> {
        match self.bundles.recv().await {
            Some(bundle) => bundle,
            None => Err(Error::Task { cause: "the thread that reads Kafka has ended".into() }),
        }
    }

    /// What the client complained of lately.
    pub fn complaint(&self) -> Option<String> {
        self.logged.complaint(Duration::from_secs(10))
    }
}
