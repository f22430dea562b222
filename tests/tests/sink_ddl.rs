//! Schema changes at the sink, fed by a connector that does what the test says: policies, sessions, what halts, and what
//! a former run has left.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use e2e::{
    Lab, MySql, eventually,
    fake_source::{Event, FakeSource, row},
};
use mysql_async::{Conn, prelude::Queryable};
use strait_schemas::{Ddl, DdlObject, DdlSession, Seq};
use strait_service::{CancellationToken, Context, Period, Refusal as _, Secret};
use strait_sink::{Error, config::Config, run_with};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_mins(5);
const UTF8MB4: [u16; 3] = [255, 255, 255];
const ANSI_QUOTES: u64 = 4;

struct Scene {
    server: &'static MySql,
    database: String,
    source: FakeSource,
    config: Config,
}

struct Running {
    stop: CancellationToken,
    context: Context,
    task: JoinHandle<Result<(), Error>>,
}

impl Scene {
    async fn new() -> Result<Self> {
        let server = Lab::shared().mysql().await?;
        let database = server.database("sinkddl").await?;
        let create = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(100), n INT)";
        server.conn_to(&database).await?.query_drop(create).await?;
        let source = FakeSource::new(Lab::shared().kafka().await?, &database).await?;
        let mut config = Config { prefix: source.prefix.clone(), ..Config::default() };
        config.target.host = server.host().into();
        config.target.port = server.port();
        config.target.user = server.user().into();
        config.target.password = server.password().map(Secret::new);
        config.kafka.brokers = Lab::shared().kafka().await?.bootstrap().into();
        Ok(Self { server, database, source, config })
    }

    fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let context = Context::detached(stop.clone());
        let task = tokio::spawn(run_with(Arc::new(self.config.clone()), context.clone()));
        Running { stop, context, task }
    }

    async fn conn(&self) -> Result<Conn> {
        self.server.conn_to(&self.database).await
    }

    /// As it would run in this database with nothing special.
    fn ddl(&self, kind: &str, statement: &str) -> Ddl {
        Ddl {
            database: self.database.clone(),
            statement: statement.into(),
            kind: kind.into(),
            session: Some(session(0, UTF8MB4)),
            ..Ddl::default()
        }
    }

    async fn definition(&self, table: &str) -> Result<String> {
        let found: Option<(Vec<u8>, String)> =
            self.conn().await?.query_first(format!("SHOW CREATE TABLE {table}")).await?;
        Ok(found.context("a table")?.1)
    }

    /// Waits until a query gives these numbers.
    async fn becomes(&self, query: &str, expected: &[i64]) -> Result<()> {
        eventually(PATIENCE, || async {
            let asked = async { Ok::<Vec<i64>, anyhow::Error>(self.conn().await?.query(query).await?) };
            match asked.await {
                Ok(found) if found == expected => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// What the sink has noted of a schema change: GTID, seq.
    async fn intent(&self) -> Result<Option<(String, u64)>> {
        let query = format!("SELECT gtid, seq FROM strait.ddl WHERE origin = '{}'", self.source.prefix);
        Ok(self.conn().await?.query_first(query).await?)
    }
}

impl Running {
    async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(tokio::time::timeout(Duration::from_secs(5), self.task).await.context("it ends in 5 s")???)
    }

    async fn halts(self) -> Result<Error> {
        match tokio::time::timeout(PATIENCE, self.task).await.context("it halts")?? {
            Ok(()) => bail!("it ended without an error"),
            Err(error) => Ok(error),
        }
    }
}

fn session(sql_mode: u64, charset: [u16; 3]) -> DdlSession {
    DdlSession {
        mariadb: false,
        sql_mode,
        charset,
        timestamp_us: 1_700_000_000_500_000,
        foreign_key_checks: true,
        unique_checks: true,
        time_zone: None,
        lc_time_names: None,
        auto_increment: None,
        default_collation_for_utf8mb4: None,
        explicit_defaults_for_timestamp: None,
        sql_require_primary_key: None,
        default_table_encryption: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_made_in_their_place_under_their_own_session() -> Result<()> {
    let scene = Scene::new().await?;
    let running = scene.start();
    let source = &scene.source;
    source.transaction(1, &[Event::Insert(row(1, "a", 1))]).await?;
    source.ddl(2, scene.ddl("alter-table", "ALTER TABLE t ADD extra INT NOT NULL DEFAULT 7")).await?;
    source.transaction(3, &[Event::Insert(row(2, "b", 2))]).await?;
    source.ddl(4, scene.ddl("alter-table", "ALTER TABLE t ALTER extra SET DEFAULT 8")).await?;
    source.transaction(5, &[Event::Insert(row(3, "c", 3))]).await?;
    scene.becomes("SELECT extra FROM t ORDER BY id", &[7, 7, 8]).await?;

    let mut ansi = scene.ddl("create-table", "CREATE TABLE \"an`si\" (at DATETIME(1) DEFAULT NOW(1))");
    ansi.session = Some(session(ANSI_QUOTES, UTF8MB4));
    source.ddl(6, ansi).await?;
    // In sjis, whose second bytes may be a backslash; and a foreign key to a table that is not there yet.
    let mut sjis = scene
        .ddl("create-table", "CREATE TABLE 表 (p INT, FOREIGN KEY (p) REFERENCES later (id)) COMMENT '表'");
    sjis.bytes = Some(
        b"CREATE TABLE \x95\x5c (p INT, FOREIGN KEY (p) REFERENCES later (id)) COMMENT '\x95\x5c'".to_vec(),
    );
    sjis.session = Some(DdlSession { foreign_key_checks: false, ..session(0, [13, 13, 255]) });
    source.ddl(7, sjis).await?;
    let mut timed =
        scene.ddl("alter-table", "ALTER TABLE t ADD at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)");
    timed.session = Some(DdlSession { time_zone: Some("+03:00".into()), ..session(0, UTF8MB4) });
    source.ddl(8, timed).await?;
    scene.becomes("SELECT COUNT(*) FROM t WHERE at = '2023-11-15 01:13:20.5'", &[3]).await?;
    ensure!(scene.definition("`表`").await?.contains("COMMENT='表'"));
    ensure!(scene.definition("`an``si`").await?.contains("datetime(1)"));
    let (gtid, seq) = scene.intent().await?.context("noted")?;
    ensure!(
        seq == Seq::new(1, 8).raw() && gtid.ends_with(":5"),
        "{gtid} {seq}: five changes, one number each"
    );
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_a_kind_is_kept() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.config.ddl.ignore = vec!["create-index".into()];
    scene.config.ddl.halt = vec!["drop-table".into()];
    let running = scene.start();
    let source = &scene.source;
    source.ddl(1, scene.ddl("create-index", "CREATE INDEX i ON t (n)")).await?;
    source
        .ddl(
            2,
            scene.ddl("create-trigger", "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 0"),
        )
        .await?;
    source.ddl(3, scene.ddl("optimize-table", "OPTIMIZE TABLE t")).await?;
    source.ddl(4, Ddl { session: None, ..scene.ddl("account", "CREATE USER") }).await?;
    source.transaction(5, &[Event::Insert(row(1, "a", 1))]).await?;
    scene.becomes("SELECT n FROM t", &[1]).await?;
    ensure!(!scene.definition("t").await?.contains("KEY `i`"));
    source.ddl(6, scene.ddl("drop-table", "DROP TABLE t")).await?;
    let error = running.halts().await?;
    ensure!(error.to_string().contains("ddl.halt names drop-table: DROP TABLE t"), "{error}");
    ensure!(
        error.remedy().is_some_and(|remedy| remedy.contains("--set ddl.ignore=")),
        "{:?}",
        error.remedy()
    );
    ensure!(error.place().is_some_and(|place| place.starts_with("seq 1-6")), "{:?}", error.place());

    // The remedy: passed over once.
    scene.config.ddl.halt.clear();
    scene.config.ddl.ignore.push("drop-table".into());
    let running = scene.start();
    scene.source.transaction(7, &[Event::Insert(row(2, "b", 2))]).await?;
    scene.becomes("SELECT n FROM t ORDER BY id", &[1, 2]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_come_out_the_same_halts_and_is_shown() -> Result<()> {
    let left_out = DdlObject {
        role: "exchanged".into(),
        class: "table".into(),
        database: Some("hidden".into()),
        name: "x".into(),
        at: (0, 0),
        left_out: true,
    };
    let cases: [(&str, &str, bool, &[&str]); 5] = [
        (
            "unknown",
            "FROBNICATE TABLE t",
            false,
            &["it is not known what the statement does", "FROBNICATE TABLE t"],
        ),
        ("import-tablespace", "ALTER TABLE t IMPORT TABLESPACE", false, &["files at the source"]),
        (
            "exchange-partition",
            "ALTER TABLE t EXCHANGE PARTITION p WITH TABLE hidden.x",
            true,
            &["hidden.x, which is not"],
        ),
        ("alter-table", "ALTER TABLE t ADD a INT", false, &["does not say how it ran"]),
        (
            "drop-table",
            "DROP TABLE missing",
            false,
            &["a schema change failed at the target: DROP TABLE missing"],
        ),
    ];
    for (kind, statement, hidden, words) in cases {
        let scene = Scene::new().await?;
        let mut ddl = scene.ddl(kind, statement);
        if hidden {
            ddl.objects.push(left_out.clone());
        }
        if words[0].contains("how it ran") {
            ddl.session = None;
        }
        scene.source.ddl(1, ddl).await?;
        let error = scene.start().halts().await?;
        let text = error.to_string();
        ensure!(words.iter().all(|word| text.contains(word)), "{kind}: {text}");
        ensure!(error.remedy().is_some() && error.place().is_some(), "{kind}");
    }
    Ok(())
}

/// A number that was taken and not used must be free for the next try.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_failed_is_made_at_the_next_start() -> Result<()> {
    let scene = Scene::new().await?;
    scene.source.ddl(1, scene.ddl("alter-table", "ALTER TABLE soon ADD a INT DEFAULT 3")).await?;
    let error = scene.start().halts().await?;
    ensure!(matches!(error, Error::Ddl { .. }), "{error:?}");
    scene.conn().await?.query_drop("CREATE TABLE soon (id INT)").await?;
    scene.conn().await?.query_drop("INSERT INTO soon VALUES (1)").await?;
    let running = scene.start();
    scene.becomes("SELECT a FROM soon", &[3]).await?;
    running.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_takes_too_long_is_ended_shown_and_made_later() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.config.ddl.timeout = Period::seconds(3);
    let mut holder = scene.conn().await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT COUNT(*) FROM t").await?;
    scene.source.ddl(1, scene.ddl("alter-table", "ALTER TABLE t ADD a INT")).await?;
    let running = scene.start();
    eventually(PATIENCE, || async {
        let status = running.context.status.to_json().to_string();
        let shown = ["ALTER TABLE t ADD a INT", "has been running for", "metadata lock"];
        if shown.iter().all(|words| status.contains(words)) { Ok(()) } else { Err(status) }
    })
    .await?;
    let error = running.halts().await?;
    ensure!(matches!(error, Error::DdlTimeout { .. }), "{error:?}");
    ensure!(error.remedy().is_some_and(|remedy| remedy.contains("ddl.timeout")));
    holder.query_drop("ROLLBACK").await?;
    let running = scene.start();
    scene.becomes("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'a'", &[1]).await?;
    running.stop().await
}

/// What a crash leaves behind: noted and run, but the log's place not moved on.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_ran_before_a_crash_is_not_made_again() -> Result<()> {
    let scene = Scene::new().await?;
    let running = scene.start();
    scene.source.ddl(1, scene.ddl("alter-table", "ALTER TABLE t ADD first_one INT")).await?;
    scene.becomes("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'first_one'", &[1]).await?;
    // Made and noted as applied, too: the next intent is of the change after it.
    let applied = format!("SELECT MAX(seq) FROM strait.lane WHERE origin = '{}'", scene.source.prefix);
    scene.becomes(&applied, &[Seq::new(1, 1).raw() as i64]).await?;
    running.stop().await?;
    let (gtid, _) = scene.intent().await?.context("noted")?;
    let next = format!("{}:2", gtid.strip_suffix(":1").context("the first")?);
    let statement = "ALTER TABLE t ADD second_one INT";
    let mut conn = scene.conn().await?;
    conn.query_drop(format!("SET gtid_next = '{next}'")).await?;
    conn.query_drop(statement).await?;
    conn.query_drop("SET gtid_next = 'AUTOMATIC'").await?;
    let seq = Seq::new(1, 2).raw();
    conn.query_drop(format!(
        "UPDATE strait.ddl SET seq = {seq}, gtid = '{next}', statement = '{statement}' WHERE origin = '{}'",
        scene.source.prefix
    ))
    .await?;
    let running = scene.start();
    scene.source.ddl(2, scene.ddl("alter-table", statement)).await?;
    scene.source.transaction(3, &[Event::Insert(row(1, "a", 1))]).await?;
    scene.becomes("SELECT n FROM t", &[1]).await?;
    running.stop().await
}

/// Without a GTID nobody knows: then only a human can tell.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_name_a_gtid_a_crash_is_looked_at_by_hand() -> Result<()> {
    let mut scene = Scene::new().await?;
    let user = format!("limited_{}", scene.database);
    for statement in [
        format!("CREATE USER `{user}` IDENTIFIED BY 'x'"),
        format!("GRANT ALL ON `{}`.* TO `{user}`", scene.database),
        format!("GRANT ALL ON strait.* TO `{user}`"),
    ] {
        scene.conn().await?.query_drop(statement).await?;
    }
    scene.config.target.user = user;
    scene.config.target.password = Some(Secret::new("x"));
    let running = scene.start();
    scene.source.ddl(1, scene.ddl("alter-table", "ALTER TABLE t ADD a INT")).await?;
    scene.source.transaction(2, &[Event::Insert(row(1, "a", 1))]).await?;
    scene.becomes("SELECT n FROM t", &[1]).await?;
    running.stop().await?;
    let (gtid, _) = scene.intent().await?.context("noted")?;
    ensure!(gtid.is_empty(), "{gtid}");

    // A crash in the middle of the next one.
    let statement = "ALTER TABLE t ADD b INT";
    let origin = scene.source.prefix.clone();
    let seq = Seq::new(1, 3).raw();
    let noted =
        format!("UPDATE strait.ddl SET seq = {seq}, statement = '{statement}' WHERE origin = '{origin}'");
    scene.conn().await?.query_drop(noted).await?;
    scene.source.ddl(3, scene.ddl("alter-table", statement)).await?;
    let error = scene.start().halts().await?;
    ensure!(matches!(error, Error::DdlUncertain { .. }), "{error:?}");
    ensure!(
        error.remedy().is_some_and(|remedy| remedy.contains("SET outcome = 'ran'")),
        "{:?}",
        error.remedy()
    );
    let answer = format!("UPDATE strait.ddl SET outcome = 'not-run' WHERE origin = '{origin}'");
    scene.conn().await?.query_drop(answer).await?;
    let running = scene.start();
    scene.becomes("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'b'", &[1]).await?;
    running.stop().await
}
