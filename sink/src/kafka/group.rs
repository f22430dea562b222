//! A member of a consumer group, as the applying by key sees it: records, and which partitions are this process's.
//!
//! The thread that polls asks before it begins or ends to read a partition, and waits for the answer within the client's callback:
//! at an assignment it is told where to begin, which the target's row says; when partitions are taken away, nothing is under way for
//! them any more once it is answered. Each record bears the epoch that its partition was taken at, so that what was
//! fetched before a partition went and came back is known. Nothing here is what exactness rests on: a process that learns
//! of its loss too late is fenced by the row.

use std::{sync::mpsc as commands, thread, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{Cluster, KeyedRecord, Topics, client::Logged, group_reader::Reader};
use crate::{
    error::{Error, Result},
    keyed::Part,
};

/// Events that wait to be taken.
const EVENTS: usize = 2;
/// So long the group is told that this process leaves it.
const LEAVING: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub enum Event {
    Records(Vec<Owned>),
    Assigned(Assigned),
    Revoked(Revoked),
    /// Kafka has answered: these are the topics to read, and how many partitions each has.
    Looked(Vec<(String, i32)>),
}

/// A record, and the epoch at which its partition was taken.
#[derive(Debug)]
pub struct Owned {
    pub part: Part,
    pub epoch: u64,
    pub record: KeyedRecord,
}

/// Where a partition is read on, once it is taken.
#[derive(Debug, Clone)]
pub struct Begin {
    pub part: Part,
    pub epoch: u64,
    /// Negative: from its beginning.
    pub offset: i64,
    /// The records before it are of a connector of ours, which writes in transactions.
    pub ours: bool,
}

#[derive(Debug)]
pub struct Assigned {
    pub parts: Vec<Part>,
    pub answer: commands::Sender<Vec<Begin>>,
}

#[derive(Debug)]
pub struct Revoked {
    pub parts: Vec<Part>,
    pub answer: commands::Sender<()>,
}

/// What the reader is told.
#[derive(Debug)]
pub enum Command {
    Pause(Part),
    Resume(Part),
    /// Tells the group how far partitions are applied, for those who watch it.
    Hint(Vec<(Part, i64)>),
}

#[derive(Debug)]
pub struct Group {
    events: mpsc::Receiver<Result<Event>>,
    commands: commands::Sender<Command>,
    logged: Logged,
    left: oneshot::Receiver<()>,
}

impl Group {
    /// Joins the group: a thread that polls.
    pub fn join(cluster: Cluster, topics: Topics) -> Result<Self> {
        let (send, events) = mpsc::channel(EVENTS);
        let (tell, told) = commands::channel();
        let (leaves, left) = oneshot::channel();
        let logged = cluster.logged.clone();
        thread::Builder::new()
            .name("kafka-group".into())
            .spawn(move || {
                Reader::new(cluster, topics, told, send).run();
                // Nobody may wait for it.
                let _ = leaves.send(());
            })
            .map_err(|error| Error::Task { cause: format!("no thread for reading Kafka: {error}") })?;
        Ok(Self { events, commands: tell, logged, left })
    }

    /// The next event. Cancel-safe.
    pub async fn next(&mut self) -> Result<Event> {
        match self.events.recv().await {
            Some(event) => event,
            None => Err(Error::Task { cause: "the thread that reads Kafka has ended".into() }),
        }
    }

    /// What the client complained of lately.
    pub fn complaint(&self) -> Option<String> {
        self.logged.complaint(Duration::from_secs(10))
    }

    pub fn tell(&self, command: Command) {
        // A reader that has ended says why through the events.
        drop(self.commands.send(command));
    }

    /// Leaves the group, so that others need not wait until this process counts as dead.
    pub async fn leave(self) {
        let Self { events, commands, left, .. } = self;
        drop((events, commands));
        let _ = tokio::time::timeout(LEAVING, left).await;
    }
}
