//! The corpus of DDL statements on a real server: it takes each of them, and what it writes into its binary log is
//! classified as the statement was.

#[path = "../../mysql/tests/ddl/corpus.rs"]
mod corpus;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use corpus::{Entry, Fate, Step, objects, steps};
use e2e::{MySql, MySqlOptions};
use mysql_async::{Conn, prelude::Queryable};
use strait_mysql::{
    binlog::{Framer, QueryEvent, Step as Event, expand},
    ddl::{Kind, Reading, Role, Statement, classify},
    gtid::{Gtid, GtidSet},
    server::{Flavor, ServerOptions},
    stream::{BinlogStream, StartAt},
};

const SILENCE: Duration = Duration::from_secs(20);

/// One found in the binary log: kind, and objects with their databases.
type Logged = (Kind, String);

#[tokio::test(flavor = "multi_thread")]
async fn the_server_takes_and_logs_each_statement_of_the_corpus() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("ddl-corpus")).await?;
    let mut conn = server.conn().await?;
    let before = number(&mut conn).await?;
    let mut judged = Vec::new();
    let mut refused = Vec::new();
    for step in steps() {
        match step {
            Step::Run(statement) => {
                let text = String::from_utf8_lossy(&statement).into_owned();
                conn.query_drop(statement).await.with_context(|| text)?;
            }
            Step::Judge(entry) if entry.fate == Fate::OnlyRead => {}
            Step::Judge(entry) => {
                let first = number(&mut conn).await? + 1;
                match conn.query_iter(entry.statement.clone()).await {
                    Ok(result) => result.drop_result().await?,
                    Err(error) => refused.push(format!("line {}: {error}", entry.line)),
                }
                let last = number(&mut conn).await?;
                judged.push((entry, first..=last));
            }
        }
    }
    ensure!(refused.is_empty(), "not accepted:\n{}", refused.join("\n"));
    let last = number(&mut conn).await?;
    let logged = read(&server, before, last).await?;
    let mut wrong = Vec::new();
    for (entry, numbers) in &judged {
        let found: Vec<_> = logged
            .iter()
            .filter(|(number, _)| numbers.contains(number))
            .flat_map(|(_, found)| found.clone())
            .collect();
        if let Err(error) = judge(entry, &found) {
            let near: Vec<_> = logged.range(numbers.start().saturating_sub(2)..numbers.end() + 3).collect();
            wrong.push(format!("line {}: {error}; transactions {numbers:?} among {near:?}", entry.line));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} statements accepted, {} events classified", judged.len(), logged.len());
    Ok(())
}

fn judge(entry: &Entry, found: &[Logged]) -> Result<()> {
    if entry.fate == Fate::NotLogged {
        ensure!(found.is_empty(), "in the binary log: {found:?}");
        return Ok(());
    }
    let statement = classify(&entry.statement, entry.reading);
    ensure!(objects(&statement, None) == entry.objects, "it names {}", entry.objects);
    let said = told(&statement, "d");
    let objects: Vec<_> =
        found.iter().map(|(_, objects)| objects.as_str()).filter(|it| !it.is_empty()).collect();
    // Tables of several engines are dropped one by one, and in an order of the server's own.
    let (mut one, mut other): (Vec<_>, Vec<_>) =
        (said.split(", ").collect(), objects.iter().flat_map(|it| it.split(", ")).collect());
    one.retain(|it| !it.is_empty());
    if statement.kind == Kind::DropTable {
        one.sort_unstable();
        other.sort_unstable();
    }
    let kinds = !found.is_empty() && found.iter().all(|(kind, _)| kind.name() == entry.kind);
    ensure!(kinds && one == other, "{} {said}, but in the binary log: {found:?}", entry.kind);
    Ok(())
}

/// The tables that a query reads are no part of what is logged.
fn told(statement: &Statement, default: &str) -> String {
    let mut statement = statement.clone();
    if statement.kind == Kind::CreateTableSelect {
        statement.objects.retain(|object| object.role != Role::Referenced);
    }
    objects(&statement, Some(default))
}

/// The number of the server's last transaction.
async fn number(conn: &mut Conn) -> Result<u64> {
    let set: Option<Vec<u8>> = conn.query_first("SELECT @@GLOBAL.gtid_executed").await?;
    let set = String::from_utf8(set.context("one row")?)?;
    let last = set.rsplit([':', '-']).next().unwrap_or_default();
    Ok(if set.is_empty() { 0 } else { last.parse()? })
}

/// What the statements up to a transaction are, by its number.
async fn read(server: &MySql, before: u64, last: u64) -> Result<BTreeMap<u64, Vec<Logged>>> {
    let options = ServerOptions::new(server.host(), server.port(), server.user());
    let start = StartAt::Gtid(GtidSet::default());
    let mut stream = BinlogStream::open(&options, 3_900_000_000, &start, SILENCE).await?;
    let mut framer = Framer::new("", 0);
    let mut logged: BTreeMap<u64, Vec<Logged>> = BTreeMap::new();
    let mut current = 0;
    while current < last {
        for event in expand(stream.next().await?) {
            let event = event?;
            let step = framer.step(&event)?;
            match &step {
                Event::Begin { head, .. } | Event::Ddl { head, .. } => {
                    let Some(Gtid::Uuid(gtid)) = &head.gtid else { bail!("no GTID of MySQL: {head:?}") };
                    current = gtid.number;
                }
                _ => {}
            }
            if let Event::Ddl { query, .. } | Event::CreateSelect(query) = &step
                && current > before
            {
                logged.entry(current).or_default().push(classified(query));
            }
        }
    }
    Ok(logged)
}

fn classified(query: &QueryEvent<'_>) -> Logged {
    let statement = classify(query.statement, Reading::of(query, Flavor::Mysql));
    (statement.kind, told(&statement, &query.database_text()))
}
