//! The readers: each takes one table after the other and reads it in chunks, on a connection of its own.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use strait_mysql::{
    binlog::TableMap,
    catalog::{ForeignKey, TableName, read_table},
    client::{ClientError, Conn, Queryable as _},
    server::{Flavor, ServerOptions, Session, connect_session, read_identity},
    snapshot::{KeyValue, SelectedRow, Shape, key_values, read_shape},
};
use strait_schemas::{SnapshotPlan, SnapshotProgress};

use super::{
    adapt::ChunkSize,
    committing::Committing,
    desk::{Changes, Desk, LogPlace, Outcome, ReadRows, WindowId},
    failed, keys,
    moment::Moment,
    window::Discarded,
};
use tokio::runtime::Handle;

use crate::{Error, Result, reader::now_us};

/// Chunks of a table that are read ahead of the one that is published next.
const AHEAD: usize = 2;
/// Rows of a table without a key that are handed over at once.
const PORTION: usize = 1000;

#[derive(Debug, Clone)]
pub struct ReaderOptions {
    pub server: ServerOptions,
    pub server_id: u32,
    pub runtime: Handle,
    pub flavor: Flavor,
    /// Rather than ask what is executed: `Config::writes_watermarks`.
    pub watermarks: bool,
    /// The server that is streamed from: a proxy may lead elsewhere.
    pub server_uuid: Option<String>,
    pub readers: usize,
    pub chunk_rows: u64,
    pub chunk_bytes: usize,
    /// Of MariaDB: what a snapshot may not see yet.
    pub committing: Committing,
}

/// What is left to do, shared by the readers.
#[derive(Debug, Clone)]
pub struct Work {
    plan: Arc<SnapshotPlan>,
    left: Arc<Mutex<VecDeque<(u32, Option<Begun>)>>>,
}

/// A place in the order of a key that all is published up to.
#[derive(Debug, Clone)]
struct Begun {
    /// `Shape::key_order`
    key: Vec<String>,
    through: Vec<KeyValue>,
}

impl Work {
    /// Tables of the plan that nothing has come of yet.
    pub fn of(plan: Arc<SnapshotPlan>, tables: std::ops::Range<u32>) -> Self {
        let left = tables.map(|table| (table, None)).collect();
        Self { plan, left: Arc::new(Mutex::new(left)) }
    }

    pub fn new(plan: Arc<SnapshotPlan>, progress: &SnapshotProgress) -> Self {
        let left = (progress.next..plan.tables.len() as u32)
            .filter(|table| !progress.is_done(*table))
            .map(|table| {
                let begun = progress.of(table).and_then(|begun| {
                    let through = keys::from_wire(begun.through.as_deref()?);
                    Some(Begun { key: begun.key.clone(), through })
                });
                (table, begun)
            })
            .collect();
        Self { plan, left: Arc::new(Mutex::new(left)) }
    }

    /// The next table that may be begun. `None`: there is none yet.
    fn next(&self, desk: &super::desk::State) -> Option<Next> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.is_empty() || desk.is_closed() {
            return Some(Next::End);
        }
        let free =
            left.iter().position(|(table, _)| desk.are_done(&self.plan.tables[*table as usize].after))?;
        left.remove(free).map(|(table, begun)| Next::Table(table, begun))
    }
}

/// What a reader does next.
enum Next {
    /// A table, from behind what has come of it on.
    Table(u32, Option<Begun>),
    End,
}

/// Reads until there is nothing left, the run is over, or a fault, which the desk tells the publisher.
pub async fn read(options: ReaderOptions, work: Work, desk: Desk) {
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..options.readers.max(1) {
        let (options, work, desk) = (options.clone(), work.clone(), desk.clone());
        readers.spawn(async move {
            if let Err(error) = Reader::work(&options, &work, &desk).await {
                desk.fail(error);
            }
        });
    }
    while let Some(ended) = readers.join_next().await {
        if let Err(broken) = ended {
            desk.fail(Error::Restart { why: format!("a reader of the snapshot broke off: {broken}") });
        }
    }
}

pub(super) struct Reader<'a> {
    pub options: &'a ReaderOptions,
    pub desk: &'a Desk,
    pub conn: Conn,
    /// Of MariaDB: the place in the binary log that the open transaction sees everything up to.
    pub sees: Option<LogPlace>,
}

/// A table on its way.
pub(super) struct Reading {
    pub table: u32,
    pub name: TableName,
    /// What the desk said before the table was looked at.
    pub looked: Changes,
    condition: Option<String>,
    pub shape: Arc<Shape>,
    pub cascading: Vec<ForeignKey>,
    /// Its engine takes part in a consistent snapshot.
    pub transactional: bool,
    size: ChunkSize,
    /// Where the next chunk begins, and where the one begins that is published next.
    above: Option<Vec<KeyValue>>,
    published: Option<Vec<KeyValue>>,
    ahead: VecDeque<(WindowId, Option<Vec<KeyValue>>)>,
    /// The last chunk is read.
    ended: bool,
}

impl<'a> Reader<'a> {
    async fn work(options: &'a ReaderOptions, work: &Work, desk: &'a Desk) -> Result<()> {
        let mut reader: Option<Self> = None;
        loop {
            let next = match desk.look(|state| work.next(state)) {
                Some(next) => next,
                None => {
                    // It may take hours until there is one: no connection waits for so long.
                    reader = None;
                    desk.wait_for(|state| work.next(state)).await
                }
            };
            let Next::Table(table, begun) = next else { return Ok(()) };
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(Self { conn: login(options).await?, options, desk, sees: None }),
            };
            let planned = &work.plan.tables[table as usize];
            let name = TableName::new(&planned.database, &planned.table);
            if !reader.read_table(table, &name, planned.condition.as_deref(), begun).await? {
                return Ok(());
            }
        }
    }

    pub fn failed(&self, attempted: &'static str) -> impl FnOnce(strait_mysql::Error) -> Error + use<> {
        let place = self.options.server.place();
        move |source| Error::Source { attempted, place, source }
    }

    pub fn sql(&self, attempted: &'static str) -> impl FnOnce(ClientError) -> Error + use<> {
        let place = self.options.server.place();
        move |source| failed(attempted, &place, source)
    }

    /// False: the run is over.
    async fn read_table(
        &mut self,
        table: u32,
        name: &TableName,
        condition: Option<&str>,
        mut begun: Option<Begun>,
    ) -> Result<bool> {
        let options = self.options;
        let mut size = ChunkSize::new(options.chunk_rows, options.chunk_bytes);
        loop {
            let looked = self.desk.changes();
            let Some(shape) =
                read_shape(&mut self.conn, name).await.map_err(self.failed("read a table's shape"))?
            else {
                tracing::warn!(table = %name, "the table is gone: the snapshot passes it over");
                let high = self.end_of_log().await?;
                return Ok(self.desk.is_gone(table, high));
            };
            // Where another order begins nobody knows what has come: all of it comes again.
            let published = begun.filter(|begun| begun.key == shape.key_order).map(|begun| begun.through);
            let (cascading, transactional) = self.relations(name).await?;
            let mut reading = Reading {
                table,
                name: name.clone(),
                looked,
                condition: condition.map(str::to_owned),
                cascading,
                transactional,
                size,
                above: published.clone(),
                published,
                shape: Arc::new(shape),
                ahead: VecDeque::new(),
                ended: false,
            };
            let outcome = match reading.shape.key.is_empty() {
                true => self.read_whole(&mut reading).await?,
                false => self.read_chunks(&mut reading).await?,
            };
            let Reading { shape, published, size: learned, .. } = reading;
            size = learned;
            match outcome {
                Outcome::Published | Outcome::Discarded(Discarded::Left) => return Ok(true),
                // It was left before its window opened, or the run is over.
                Outcome::Closed => return Ok(!self.desk.is_closed()),
                Outcome::Discarded(why) => {
                    tracing::debug!(table = %name, ?why, "what is not published of a table is read again");
                    if why == Discarded::Crowded {
                        size.shrink();
                    }
                }
            }
            begun = published.map(|through| Begun { key: shape.key_order.clone(), through });
        }
    }

    /// Foreign keys that may write this table without a word in the log: its own, and those of the tables above it. And
    /// whether its engine has transactions.
    async fn relations(&mut self, name: &TableName) -> Result<(Vec<ForeignKey>, bool)> {
        let mut transactional = true;
        let of = name;
        let mut found: Vec<ForeignKey> = Vec::new();
        let mut left = vec![name.clone()];
        while let Some(name) = left.pop() {
            let table = read_table(&mut self.conn, &name).await.map_err(self.failed("read foreign keys"))?;
            if name == *of {
                transactional = table.as_ref().is_none_or(|table| table.transactional);
            }
            for key in table.into_iter().flat_map(|table| table.foreign_keys) {
                let writes = key.on_delete.writes_child() || key.on_update.writes_child();
                if writes && !found.contains(&key) {
                    left.push(key.parent.clone());
                    found.push(key);
                }
            }
        }
        Ok((found, transactional))
    }

    /// Reads chunk after chunk, some ahead of what is published.
    async fn read_chunks(&mut self, reading: &mut Reading) -> Result<Outcome> {
        loop {
            while !reading.ended && reading.ahead.len() < AHEAD {
                if !self.read_chunk(reading).await? {
                    return Ok(Outcome::Closed);
                }
            }
            let Some((id, through)) = reading.ahead.pop_front() else { return Ok(Outcome::Published) };
            match self.desk.outcome(id).await {
                Outcome::Published => reading.published = through,
                Outcome::Closed => return Ok(Outcome::Closed),
                discarded @ Outcome::Discarded(_) => {
                    for (id, _) in std::mem::take(&mut reading.ahead) {
                        self.desk.outcome(id).await;
                    }
                    return Ok(discarded);
                }
            }
        }
    }

    /// False: the run is over.
    async fn read_chunk(&mut self, reading: &mut Reading) -> Result<bool> {
        let id = match self.open_moment(reading).await? {
            Moment::Open(id) => id,
            Moment::Missed(id) => {
                reading.ahead.push_back((id, None));
                reading.ended = true;
                return Ok(true);
            }
            Moment::Over => return Ok(false),
        };
        let began = Instant::now();
        let sql =
            reading.shape.chunk(reading.above.as_deref(), reading.condition.as_deref(), reading.size.rows());
        let (rows, whole) = self.select(&reading.shape, &sql, reading.size.bytes()).await?;
        let high = self.end_moment(reading.transactional).await?;
        let bytes: usize = rows.iter().map(SelectedRow::bytes).sum();
        let count = rows.len() as u64;
        let ended = whole && count < reading.size.rows();
        let through = match ended {
            true => None,
            false => last_key(&reading.shape, &rows).map_err(|why| self.misread(reading, &why))?,
        };
        reading.size.learn(count, bytes, began.elapsed());
        reading.ahead.push_back((id, through.clone()));
        let above = std::mem::replace(&mut reading.above, through.clone());
        reading.ended = ended;
        let shape = Arc::clone(&reading.shape);
        let chosen = reading.condition.is_some();
        self.desk.deliver(
            id,
            ReadRows { shape, rows, more: None, above, through, chosen, high, read_us: now_us() },
        );
        Ok(true)
    }

    fn misread(&self, reading: &Reading, cause: &str) -> Error {
        Error::Restart {
            why: format!(
                "rows of {} do not look like the table at {}: {cause}",
                reading.name,
                self.options.server.place()
            ),
        }
    }

    /// The rows, and whether all of them: what exceeds `bytes` is left for the next chunk.
    async fn select(&mut self, shape: &Shape, sql: &str, bytes: usize) -> Result<(Vec<SelectedRow>, bool)> {
        let sql_failed = self.sql("read rows for the snapshot");
        let place = self.options.server.place();
        let read = async {
            let mut rows = Vec::new();
            let mut room = bytes;
            let mut result = self.conn.exec_iter(sql, ()).await?;
            let mut whole = true;
            while let Some(row) = result.next().await? {
                let row = SelectedRow::new(&shape.map.columns, row);
                let size = row.as_ref().map_or(0, SelectedRow::bytes);
                rows.push(row);
                if size >= room {
                    whole = false;
                    break;
                }
                room -= size;
            }
            drop(result);
            Ok((rows, whole))
        };
        let (rows, whole) = read.await.map_err(sql_failed)?;
        if !whole {
            // The rest is not worth reading: the connection goes with it.
            self.conn = login(self.options).await?;
        }
        let rows: Result<Vec<SelectedRow>, _> = rows.into_iter().collect();
        rows.map(|rows| (rows, whole)).map_err(|unexpected| Error::Restart {
            why: format!("a row read at {place} is not as expected: {unexpected}"),
        })
    }

    /// A table without a key is read at once, from a moment in which nothing changed it; the stream waits meanwhile.
    async fn read_whole(&mut self, reading: &mut Reading) -> Result<Outcome> {
        let id = match self.open_moment(reading).await? {
            Moment::Open(id) => id,
            Moment::Missed(id) => return Ok(self.desk.outcome(id).await),
            Moment::Over => return Ok(Outcome::Closed),
        };
        let high = self.hold_moment(&reading.shape).await?;
        let (give, more) = tokio::sync::mpsc::channel(2);
        tracing::debug!(table = %reading.name, "a table without a key is read as a whole; the stream waits meanwhile");
        let shape = Arc::clone(&reading.shape);
        let chosen = reading.condition.is_some();
        let read = ReadRows {
            shape,
            rows: Vec::new(),
            more: Some(more),
            above: None,
            through: None,
            chosen,
            high,
            read_us: now_us(),
        };
        self.desk.deliver(id, read);
        let sql = reading.shape.chunk(None, reading.condition.as_deref(), u64::MAX);
        let whole = self.give_rows(&reading.shape, &sql, &give).await?;
        if !whole {
            self.conn = login(self.options).await?;
        }
        drop(give);
        if whole {
            self.end_transaction().await?;
        }
        Ok(self.desk.outcome(id).await)
    }

    /// False: nobody wants them any more.
    async fn give_rows(
        &mut self,
        shape: &Shape,
        sql: &str,
        give: &tokio::sync::mpsc::Sender<Portion>,
    ) -> Result<bool> {
        let failed = self.sql("read rows for the snapshot");
        let place = self.options.server.place();
        let read = async {
            let mut result = self.conn.exec_iter(sql, ()).await?;
            let mut rows = Vec::new();
            while let Some(row) = result.next().await? {
                rows.push(SelectedRow::new(&shape.map.columns, row));
                if rows.len() >= PORTION && give.send(portion(&mut rows, &place)).await.is_err() {
                    return Ok(false);
                }
            }
            let last = portion(&mut rows, &place);
            Ok(give.send(last).await.is_ok() && give.send(Ok(None)).await.is_ok())
        };
        read.await.map_err(failed)
    }
}

/// Some rows of a table without a key; `None` after the last.
pub type Portion = Result<Option<Vec<SelectedRow>>>;

fn portion(rows: &mut Vec<Result<SelectedRow, strait_mysql::snapshot::Unexpected>>, place: &str) -> Portion {
    let rows: Result<Vec<SelectedRow>, _> = std::mem::take(rows).into_iter().collect();
    rows.map(Some).map_err(|unexpected| Error::Restart {
        why: format!("a row read at {place} is not as expected: {unexpected}"),
    })
}

/// `None` without rows.
fn last_key(shape: &Shape, rows: &[SelectedRow]) -> Result<Option<Vec<KeyValue>>, String> {
    let Some(last) = rows.last() else { return Ok(None) };
    let map: &TableMap = &shape.map;
    let mut values = Vec::new();
    last.values(&map.columns, &mut values).map_err(|unexpected| unexpected.to_string())?;
    key_values(&map.columns, &shape.key, &values)
        .map(Some)
        .ok_or_else(|| "the key of its last row is NULL".to_owned())
}

async fn login(options: &ReaderOptions) -> Result<Conn> {
    let place = options.server.place();
    let session = Session {
        setup: vec![
            // The bytes of characters as they are stored; times in UTC; a key may be a date that is none.
            "SET SESSION character_set_results = NULL, time_zone = '+00:00', net_write_timeout = 3600, \
             sql_mode = 'ALLOW_INVALID_DATES', autocommit = 1, completion_type = 0"
                .into(),
            // Another isolation level has no consistent snapshot.
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY".into(),
        ],
        program: Some("strait-connector snapshot".into()),
        ..Session::default()
    };
    let failed =
        |source| Error::Source { attempted: "connect for the snapshot", place: place.clone(), source };
    let mut conn = connect_session(&options.server, &session).await.map_err(failed)?;
    let uuid = read_identity(&mut conn).await.map_err(|source| Error::Sql {
        attempted: "ask which server this is",
        place: place.clone(),
        source,
    })?;
    if uuid == options.server_uuid {
        return Ok(conn);
    }
    Err(Error::Restart {
        why: format!(
            "{place} led to the server {} while the stream comes from {}: a snapshot must read the same one",
            uuid.unwrap_or_default(),
            options.server_uuid.as_deref().unwrap_or("unknown")
        ),
    })
}
