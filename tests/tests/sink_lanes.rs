//! The schedules in which lanes would lose, double or block rows if they were built the straightforward way.
//! Tasks are literal statements, so that each schedule can be forced; named locks hold a statement where it is.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use e2e::{Lab, Latency, MySql, Proxy, eventually, fresh_name};
use mysql_async::{Conn, prelude::Queryable};
use strait_mysql::gtid::GtidSet;
use strait_mysql::server::{ServerOptions, connect, connect_session};
use strait_schemas::Seq;
use strait_service::{Refusal as _, Status};
use strait_sink::{
    Error,
    apply::{
        Applied, Applier, ApplyOptions, Events, Expect, Form, Stamp, Statement, Task, Token, Work, session,
    },
    checkpoint::{self, Claim, Identity, Started},
    error::Place,
};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct Counted {
    redone: Mutex<Vec<&'static str>>,
    repaired: AtomicUsize,
}

impl Events for Counted {
    fn written_as_events(&self, _: usize) {}

    fn redone(&self, reason: &'static str) {
        self.redone.lock().expect("no panic under it").push(reason);
    }

    fn repaired(&self) {
        self.repaired.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counted {
    fn count(&self, reason: &str) -> usize {
        self.redone.lock().expect("no panic under it").iter().filter(|r| **r == reason).count()
    }
}

/// A statement whose ENUM `e` has the invalid value, with the strict mode off.
#[derive(Debug)]
struct Lenient(String);

impl Work for Lenient {
    fn statements(&self, _: Form) -> strait_sink::Result<Vec<Statement>> {
        Ok(vec![Statement { invalid: Some(vec!["e".into()]), ..statement(&self.0) }])
    }
}

#[derive(Debug)]
struct Literal {
    folded: Vec<String>,
    original: Vec<String>,
}

impl Work for Literal {
    fn statements(&self, form: Form) -> strait_sink::Result<Vec<Statement>> {
        let texts = match form {
            Form::Folded | Form::Events => &self.folded,
            Form::Original => &self.original,
        };
        Ok(texts.iter().map(|sql| statement(sql)).collect())
    }
}

fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.into(),
        foreign_key_checks: true,
        rows: 1,
        table: "t".into(),
        what: sql.into(),
        place: Place {
            topic: "topic".into(),
            partition: 0,
            offset: 0,
            seq: Seq::new(1, 1),
            index: 0,
            gtid: "gtid".into(),
        },
        is_events: false,
        expect: Expect::Any,
        on_duplicate: None,
        pending: false,
        on_missing: None,
        invalid: None,
        computed: None,
    }
}

fn task(number: u64, statements: &[&str]) -> Task {
    task_of(number, statements, statements)
}

fn task_of(number: u64, folded: &[&str], original: &[&str]) -> Task {
    let texts = |statements: &[&str]| statements.iter().map(ToString::to_string).collect();
    Task {
        first: Seq::new(1, number),
        last: Seq::new(1, number),
        attempt: 1,
        spine_offset: number as i64,
        tokens: vec![Token::value(0, number)],
        stamps: Vec::new(),
        rows: original.len(),
        work: Arc::new(Literal { folded: texts(folded), original: texts(original) }),
    }
}

/// One test's own origin, table and named lock on the shared server.
struct Scene {
    server: &'static MySql,
    database: String,
    identity: Identity,
    events: Arc<Counted>,
    control: Conn,
}

impl Scene {
    async fn new() -> Result<Self> {
        let server = Lab::shared().mysql().await?;
        let database = server.database("lanes").await?;
        let mut control = server.conn_to(&database).await?;
        control
            .query_drop(
                "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), n INT NOT NULL DEFAULT 0, UNIQUE (v))",
            )
            .await?;
        let identity =
            Identity { origin: fresh_name("site"), sink: "main".into(), cluster_id: "cluster".into() };
        Ok(Self { server, database, identity, events: Arc::default(), control })
    }

    fn options(&self) -> ServerOptions {
        ServerOptions::new(self.server.host(), self.server.port(), self.server.user())
    }

    /// A name of this test, for named locks.
    fn lock(&self, name: &str) -> String {
        format!("{}-{name}", self.database)
    }

    async fn hold(&mut self, name: &str) -> Result<()> {
        let held: Option<i64> = self.control.exec_first("SELECT GET_LOCK(?, 10)", (self.lock(name),)).await?;
        if held != Some(1) {
            bail!("the named lock {name} was not had");
        }
        Ok(())
    }

    async fn release(&mut self, name: &str) -> Result<()> {
        Ok(self.control.exec_drop("DO RELEASE_LOCK(?)", (self.lock(name),)).await?)
    }

    /// A statement that stays where it is until the test releases the lock.
    fn wait_for(&self, name: &str) -> String {
        let lock = self.lock(name);
        format!("DO IF(GET_LOCK('{lock}', 60), RELEASE_LOCK('{lock}'), 0)")
    }

    async fn start(&self) -> Result<Started, Error> {
        self.start_claiming(&Claim::default()).await
    }

    async fn start_claiming(&self, claim: &Claim) -> Result<Started, Error> {
        let mut conn = connect_session(&self.options(), &session(50)).await?;
        checkpoint::start(&mut conn, self.identity.clone(), 2, &GtidSet::new(), claim).await
    }

    async fn applier(
        &self,
        started: &Started,
        server: ServerOptions,
        lock_wait_s: u32,
        answer_timeout: Duration,
    ) -> Result<(Applier, mpsc::UnboundedReceiver<Applied>), Error> {
        let (report, reports) = mpsc::unbounded_channel();
        let options = ApplyOptions { server, lanes: 2, lock_wait_s, answer_timeout, row_events: None };
        let status = Status::new().component("lanes");
        let applier = Applier::start(options, started, self.events.clone(), status, report).await?;
        Ok((applier, reports))
    }

    async fn rows(&mut self) -> Result<Vec<(i32, String, i32)>> {
        Ok(self.control.query(format!("SELECT id, v, n FROM {}.t ORDER BY id", self.database)).await?)
    }

    fn sql(&self, statement: &str) -> String {
        statement.replace("@t", &format!("{}.t", self.database))
    }

    /// Waits until a session of the server is executing a statement with this text.
    async fn executing(&mut self, text: &str) -> Result<()> {
        let server = self.server;
        let text = format!("%{}%", text.replace('\'', "%"));
        eventually(PATIENCE, async || {
            let mut conn = server.conn().await?;
            let seen: Option<u64> = conn
                .exec_first(
                    "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND ID <> CONNECTION_ID()",
                    (text.as_str(),),
                )
                .await?;
            seen.with_context(|| format!("nothing executes {text}"))
        })
        .await
        .map(|_| ())
    }

    /// Waits until the row `id` of the table is locked by a session.
    async fn locked(&mut self, id: i32) -> Result<()> {
        let (server, statement) =
            (self.server, self.sql(&format!("SELECT id FROM @t WHERE id = {id} FOR UPDATE NOWAIT")));
        eventually(PATIENCE, async || {
            let mut conn = server.conn().await?;
            match conn.query_drop(statement.as_str()).await {
                Err(mysql_async::Error::Server(error)) if error.code == 3572 => Ok(()),
                other => bail!("not locked: {other:?}"),
            }
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_waits_for_its_turn_yields_to_the_head() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, '', 0)").await?;
    scene.hold("head").await?;
    let started = scene.start().await?;
    // A lock wait may last a minute: only yielding can end it sooner.
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 60, PATIENCE * 4).await?;
    let append = |what: &str| scene.sql(&format!("UPDATE @t SET v = CONCAT(v, '{what}') WHERE id = 1"));
    let (first, second) = (append("a"), append("b"));
    applier.submit(task(1, &[&scene.wait_for("head"), &first])).await?;
    applier.submit(task(2, &[&second])).await?;
    scene.locked(1).await?;
    scene.release("head").await?;
    tokio::time::timeout(PATIENCE, applier.drain()).await.context("the head is blocked for ever")??;
    assert_eq!(scene.rows().await?, [(1, "ab".to_owned(), 0)], "in the source's order");
    assert_eq!(scene.events.count("yielded"), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_before_ones_turn_is_no_evidence() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, 'x', 0)").await?;
    scene.hold("head").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    let (free, take) =
        (scene.sql("DELETE FROM @t WHERE id = 1"), scene.sql("INSERT INTO @t VALUES (2, 'x', 0)"));
    applier.submit(task(1, &[&scene.wait_for("head"), &free])).await?;
    applier.submit(task(2, &[&take])).await?;
    let events = scene.events.clone();
    eventually(PATIENCE, async || match events.count("conflict") {
        0 => Err("the second task has not failed yet"),
        _ => Ok(()),
    })
    .await?;
    scene.release("head").await?;
    applier.drain().await?;
    assert_eq!(scene.rows().await?, [(2, "x".to_owned(), 0)]);
    assert_eq!(applier.applied(), Some(Seq::new(1, 2)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_in_ones_turn_is_real() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, 'x', 0)").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    applier.submit(task(1, &[&scene.sql("INSERT INTO @t VALUES (2, 'x', 0)")])).await?;
    let error = applier.drain().await.err().context("it must halt")?;
    assert!(matches!(&error, Error::Apply { .. }), "{error:?}");
    assert_eq!(scene.rows().await?, [(1, "x".to_owned(), 0)], "nothing of the transaction is left");
    Ok(())
}

/// Error 1205 undoes its statement only, and what began the transaction anew would commit the half.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_wait_timeout_leaves_no_half_batch() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0)").await?;
    let mut application = scene.server.conn_to(&scene.database).await?;
    application.query_drop("BEGIN").await?;
    application.query_drop("UPDATE t SET v = 'held' WHERE id = 2").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 1, PATIENCE).await?;
    let (one, two) = (
        scene.sql("UPDATE @t SET n = n + 1 WHERE id = 1"),
        scene.sql("UPDATE @t SET n = n + 1 WHERE id = 2"),
    );
    applier.submit(task(1, &[&one, &two])).await?;
    let events = scene.events.clone();
    eventually(PATIENCE, async || match events.count("lock") {
        0 | 1 => Err("no lock wait has timed out twice yet"),
        _ => Ok(()),
    })
    .await?;
    assert_eq!(scene.rows().await?[0].2, 0, "half of the task is visible");
    application.query_drop("ROLLBACK").await?;
    applier.drain().await?;
    let rows = scene.rows().await?;
    assert_eq!((rows[0].2, rows[1].2), (1, 1), "each change exactly once");
    Ok(())
}

/// The former run's machine is gone, its session is not: it holds its lane row and the rows of its task.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_session_that_holds_its_lane_row_is_ended() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, 'a', 0)").await?;
    let proxy = Proxy::start(scene.server.address(), Latency::one_way(Duration::ZERO)).await?;
    let through = ServerOptions::new("127.0.0.1", proxy.port(), scene.server.user());
    scene.hold("dead").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, through, 50, Duration::from_millis(500)).await?;
    let count = scene.sql("UPDATE @t SET n = n + 1 WHERE id = 1");
    applier.submit(task(1, &[&count, &scene.wait_for("dead")])).await?;
    scene.locked(1).await?;
    proxy.freeze();
    let error = applier.drain().await.err().context("the connection is dead")?;
    assert!(matches!(error, Error::TargetSilent { .. }), "{error:?}");

    // Its lock waits would last 50 s: only ending the session makes this quick.
    let restarted = tokio::time::timeout(Duration::from_secs(20), scene.start())
        .await
        .context("the dead session still holds its lane row")??;
    assert_eq!((restarted.applied, restarted.epoch), (None, started.epoch + 1));
    let (mut applier, _reports) = scene.applier(&restarted, scene.options(), 5, PATIENCE).await?;
    applier.submit(task(1, &[&count])).await?;
    applier.drain().await?;
    scene.release("dead").await?;
    assert_eq!(scene.rows().await?, [(1, "a".to_owned(), 1)], "exactly once");
    Ok(())
}

/// The answer to a COMMIT is lost while the server still works at it: whoever looks by a plain SELECT sees
/// the old seq, applies again, and then the first COMMIT succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_in_flight_is_waited_for() -> Result<()> {
    // FLUSH TABLES WITH READ LOCK would stop the other tests: a server of its own.
    let own: &'static MySql = Box::leak(Box::new(MySql::start(e2e::MySqlOptions::named("commits")).await?));
    let mut scene = Scene { server: own, ..Scene::new().await? };
    own.run([
        format!("CREATE DATABASE {}", scene.database),
        format!(
            "CREATE TABLE {}.t (id INT PRIMARY KEY, v VARCHAR(20), n INT NOT NULL DEFAULT 0)",
            scene.database
        ),
        format!("INSERT INTO {}.t VALUES (1, 'a', 0)", scene.database),
        "CREATE USER other".to_owned(),
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON *.* TO other".to_owned(),
    ])
    .await?;
    scene.control = own.conn_to(&scene.database).await?;
    scene.hold("commit").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) =
        scene.applier(&started, scene.options(), 50, Duration::from_secs(2)).await?;
    let count = scene.sql("UPDATE @t SET n = n + 1 WHERE id = 1");
    applier.submit(task(1, &[&count, &scene.wait_for("commit")])).await?;
    scene.locked(1).await?;
    let mut freezer = own.conn().await?;
    freezer.query_drop("FLUSH TABLES WITH READ LOCK").await?;
    scene.release("commit").await?;
    scene.executing("COMMIT").await?;
    let error = applier.drain().await.err().context("no answer came")?;
    assert!(matches!(&error, Error::TargetSilent { doing, .. } if doing.contains("COMMIT")), "{error:?}");

    // The next run logs in as somebody who may not end the first session.
    let other = ServerOptions::new(own.host(), own.port(), "other");
    let identity = scene.identity.clone();
    let restart = tokio::spawn(async move {
        let mut conn = connect(&other).await?;
        checkpoint::start(&mut conn, identity, 2, &GtidSet::new(), &Claim::default()).await
    });
    scene.executing("UPDATE strait.lane SET epoch").await?;
    freezer.query_drop("UNLOCK TABLES").await?;
    let restarted = restart.await??;
    assert_eq!(restarted.applied, Some(Seq::new(1, 1)), "the commit in flight was waited for");
    assert_eq!(scene.rows().await?, [(1, "a".to_owned(), 1)], "exactly once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_run_that_lives_on_is_fenced() -> Result<()> {
    let mut scene = Scene::new().await?;
    let started = scene.start().await?;
    let (mut old, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    // Another sink under the same name; that it ends the old one's sessions is left out here.
    scene
        .control
        .exec_drop("UPDATE strait.lane SET epoch = epoch + 1 WHERE origin = ?", (&scene.identity.origin,))
        .await?;
    old.submit(task(1, &[&scene.sql("INSERT INTO @t VALUES (1, 'x', 0)")])).await?;
    let error = old.drain().await.err().context("it must be fenced")?;
    assert!(matches!(error, Error::Fenced { lane: _, epoch: 1, .. }), "{error:?}");
    assert!(scene.rows().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_transaction_commits_whole_or_not_at_all() -> Result<()> {
    let mut scene = Scene::new().await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    let insert = |id: i32| scene.sql(&format!("INSERT INTO @t VALUES ({id}, '{id}', 0)"));
    let (one, two, three) = (insert(1), insert(2), insert(3));
    let mut large = applier.begin_large(task(1, &[])).await?;
    large.write(task(1, &[&one])).await?;
    large.write(task(1, &[&two])).await?;
    assert!(scene.rows().await?.is_empty(), "nothing is visible before its end");
    large.commit(Stamp { commit_us: 1, records: 2 }).await?;
    assert_eq!(scene.rows().await?.len(), 2);

    let mut abandoned = applier.begin_large(task(2, &[])).await?;
    abandoned.write(task(2, &[&three])).await?;
    drop(abandoned);
    let error = applier.drain().await.err().context("it was not read to its end")?;
    assert!(matches!(error, Error::Task { .. }), "{error:?}");
    assert_eq!(scene.rows().await?.len(), 2);
    Ok(())
}

/// A batch that was taken and not given (a shutdown may end the waiting for a lane) must not be passed over.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_does_not_follow_the_one_before_is_refused() -> Result<()> {
    let mut scene = Scene::new().await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    let insert = |id: i32| scene.sql(&format!("INSERT INTO @t VALUES ({id}, '{id}', 0)"));
    let (one, three) = (insert(1), insert(3));
    applier.submit(task(1, &[&one])).await?;
    let error = applier.submit(task(3, &[&three])).await.err().context("2 is missing")?;
    assert!(error.to_string().contains("seq 1-3 was to be applied right after seq 1-1"), "{error}");
    let (mut applier, _reports) = scene.applier(&scene.start().await?, scene.options(), 5, PATIENCE).await?;
    let error = applier.begin_large(task(3, &[&three])).await.err().context("2 is missing")?;
    assert!(matches!(error, Error::Task { .. }), "{error}");
    assert!(scene.rows().await?.len() <= 1, "3 is not applied");
    Ok(())
}

/// Otherwise two sinks under one name would end each other's sessions for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_taken_over_from_does_not_take_back() -> Result<()> {
    let mut scene = Scene::new().await?;
    let (first, second) = (Claim::default(), Claim::default());
    scene.start_claiming(&first).await?;
    scene.start_claiming(&first).await.context("its own rows it may always take")?;
    let started = scene.start_claiming(&second).await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    let error = scene.start_claiming(&first).await.err().context("it must be fenced")?;
    assert!(matches!(error, Error::Fenced { epoch: 2, .. }), "{error:?}");
    applier.submit(task(1, &[&scene.sql("INSERT INTO @t VALUES (1, 'x', 0)")])).await?;
    applier.drain().await.context("the other's sessions live on")?;
    assert_eq!(scene.rows().await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_s_offset_is_not_taken_for_one_of_ours() -> Result<()> {
    let mut scene = Scene::new().await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    applier.submit(task(1, &[&scene.sql("INSERT INTO @t VALUES (1, 'x', 0)")])).await?;
    applier.drain().await?;
    applier.stop().await?;
    assert_eq!(scene.start().await?.spine_offset, Some(1));
    // A first session at another cluster opens its lanes and applies nothing.
    scene.identity.cluster_id = "another".into();
    let started = scene.start().await?;
    assert_eq!((started.applied, started.spine_offset), (Some(Seq::new(1, 1)), None));
    let (applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    applier.stop().await?;
    let offset = scene.start().await?.spine_offset;
    assert!(offset.is_none_or(|offset| offset == 0), "{offset:?} is an offset of the first cluster");
    Ok(())
}

/// Many rows may share a text: the server's silence is measured at each of its statements.
#[tokio::test(flavor = "multi_thread")]
async fn each_statement_of_a_text_has_the_whole_time() -> Result<()> {
    let scene = Scene::new().await?;
    let started = scene.start().await?;
    let limit = Duration::from_secs(2);
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, limit).await?;
    applier.submit(task(1, &["DO SLEEP(0.9);DO SLEEP(0.9);DO SLEEP(0.9)"])).await?;
    applier.drain().await?;
    applier.submit(task(2, &["DO SLEEP(30)"])).await?;
    let error = applier.drain().await.err().context("it takes longer than it may")?;
    assert!(matches!(error, Error::TargetSilent { .. }), "{error:?}");
    assert!(error.remedy().is_some_and(|remedy| remedy.contains("target.answer_timeout")));
    assert!(error.place().is_some_and(|place| place.contains(&scene.server.address())));
    Ok(())
}

/// An account that may not look at lock waits: the head's own lock wait must end, and then all behind it give way.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_look_the_lanes_behind_give_way_after_a_lock_wait() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, '', 0)").await?;
    let account = fresh_name("blind");
    scene.control.query_drop(format!("CREATE USER '{account}'")).await?;
    for schema in [scene.database.as_str(), "strait"] {
        scene.control.query_drop(format!("GRANT ALL ON `{schema}`.* TO '{account}'")).await?;
    }
    let blind = ServerOptions::new(scene.server.host(), scene.server.port(), account.as_str());
    scene.hold("head").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, blind, 60, PATIENCE * 4).await?;
    let append = |what: &str| scene.sql(&format!("UPDATE @t SET v = CONCAT(v, '{what}') WHERE id = 1"));
    let (first, second) = (append("a"), append("b"));
    applier.submit(task(1, &[&scene.wait_for("head"), &first])).await?;
    applier.submit(task(2, &[&second])).await?;
    scene.locked(1).await?;
    scene.release("head").await?;
    tokio::time::timeout(PATIENCE, applier.drain()).await.context("the head is blocked for ever")??;
    assert_eq!(scene.rows().await?, [(1, "ab".to_owned(), 0)], "in the source's order");
    assert_eq!((scene.events.count("lock") > 0, scene.events.count("yielded")), (true, 1));
    Ok(())
}

/// What fails in its turn only because it was folded is done once more as the source did it.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_folded_in_its_turn_is_done_unfolded() -> Result<()> {
    let mut scene = Scene::new().await?;
    scene.control.query_drop("INSERT INTO t VALUES (1, 'x', 0)").await?;
    let started = scene.start().await?;
    let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
    let (folded, delete, insert) = (
        scene.sql("INSERT INTO @t VALUES (2, 'x', 0)"),
        scene.sql("DELETE FROM @t WHERE id = 1"),
        scene.sql("INSERT INTO @t VALUES (2, 'x', 1)"),
    );
    applier.submit(task_of(1, &[&folded], &[&delete, &insert])).await?;
    tokio::time::timeout(PATIENCE, applier.drain()).await.context("it is tried folded for ever")??;
    assert_eq!(scene.rows().await?, [(2, "x".to_owned(), 1)]);
    assert_eq!(scene.events.count("conflict"), 1);
    Ok(())
}

/// With the strict mode off the server cuts what does not fit, and only warns.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_changed_without_an_error_halts() -> Result<()> {
    let mut scene = Scene::new().await?;
    let lenient = "/*+ SET_VAR(sql_mode='ALLOW_INVALID_DATES') */";
    scene.control.query_drop("CREATE TABLE odd (id INT PRIMARY KEY, e ENUM('a'), v VARCHAR(2))").await?;
    let odd = format!("{}.odd", scene.database);
    let work = |number, sql: String| Task { work: Arc::new(Lenient(sql)), ..task(number, &[]) };
    let (mut applier, _reports) = scene.applier(&scene.start().await?, scene.options(), 5, PATIENCE).await?;
    applier.submit(work(1, format!("INSERT {lenient} INTO {odd} VALUES (1, 0, 'ab')"))).await?;
    // Nothing tells the lanes that the next one is about the same row.
    applier.drain().await?;
    applier.submit(work(2, format!("UPDATE {lenient} {odd} SET e = 0, v = 'cd' WHERE id = 1"))).await?;
    applier.drain().await?;
    for (at, sql) in [
        format!("INSERT {lenient} INTO {odd} VALUES (2, 0, 'abc')"),
        format!("UPDATE {lenient} {odd} SET e = 0, v = 'cde' WHERE id = 1"),
    ]
    .into_iter()
    .enumerate()
    {
        let started = scene.start().await?;
        let (mut applier, _reports) = scene.applier(&started, scene.options(), 5, PATIENCE).await?;
        applier.submit(work(3, sql)).await?;
        let error = applier.drain().await.err().context("a value was cut")?;
        assert!(matches!(error, Error::ValueChanged { .. }), "{at}: {error:?}");
        assert!(error.to_string().contains("'v'"), "{error}");
        let rows: Vec<(i32, i32, String)> = scene.control.query("SELECT id, e + 0, v FROM odd").await?;
        assert_eq!(rows, [(1, 0, "cd".to_owned())], "{at}");
    }
    Ok(())
}
