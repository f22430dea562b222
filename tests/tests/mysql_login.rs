//! Logging in: encryption as far as the mode says, passwords without it, and refusals that tell what to do.

use anyhow::{Context, Result};
use e2e::{Lab, Latency, MySql, MySqlOptions, Proxy, fresh_name};
use strait_mysql::{
    Disposition, Error,
    client::Queryable,
    server::{self, Flavor, ServerOptions, Session, Tls, TlsMode, connect, connect_session, read_facts},
};

/// An account with a password that the server has not seen yet (so that nothing is in its cache).
async fn account(server: &MySql, require: &str) -> Result<ServerOptions> {
    let user = fresh_name("login");
    server.run([format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'sécret' {require}")]).await?;
    Ok(ServerOptions::new(server.host(), server.port(), user).with_password("sécret"))
}

fn tls(mode: TlsMode) -> Tls {
    Tls { mode, ..Tls::default() }
}

/// The cipher of a session; empty: not encrypted.
async fn cipher(options: &ServerOptions) -> Result<String> {
    let mut conn = connect(options).await?;
    let row: Option<(String, String)> = conn.query_first("SHOW SESSION STATUS LIKE 'Ssl_cipher'").await?;
    Ok(row.context("one row")?.1)
}

#[tokio::test]
async fn the_mode_decides_about_encryption() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let options = account(server, "").await?;
    let plain = options.clone().with_tls(tls(TlsMode::Disabled));
    assert_eq!(cipher(&plain).await?, "", "the password goes encrypted by the server's RSA key");
    assert_eq!(cipher(&plain).await?, "", "and again from the server's cache");
    for mode in [TlsMode::Preferred, TlsMode::Required] {
        assert_ne!(cipher(&options.clone().with_tls(tls(mode))).await?, "", "{mode:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_without_tls_is_used_in_clear_only_if_the_mode_lets_it() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("no_tls").args(["--tls-version="])).await?;
    let options = account(&server, "").await?;
    assert_eq!(cipher(&options).await?, "");
    let error = connect(&options.with_tls(tls(TlsMode::Required))).await.err().context("refused")?;
    assert!(matches!(error, Error::Server(server::Error::Tls { .. })), "{error:?}");
    assert!(format!("{error:?}").contains("has no TLS"), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Halt);
    Ok(())
}

#[tokio::test]
async fn certificates_are_checked_as_far_as_the_mode_says() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let options = account(server, "REQUIRE SSL").await?;
    let ca = server.data_dir()?.join("ca.pem");
    let with_ca = |mode, ca| options.clone().with_tls(Tls { mode, ca, ..Tls::default() });
    assert_ne!(cipher(&with_ca(TlsMode::VerifyCa, Some(ca.clone()))).await?, "");

    // Another certificate that no one has signed this server's with: that of the server itself.
    let stranger = server.data_dir()?.join("client-cert.pem");
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        for ca in [Some(stranger.clone()), None] {
            let error = connect(&with_ca(mode, ca.clone())).await.err().context("an unknown CA")?;
            assert!(matches!(error, Error::Server(server::Error::Tls { .. })), "{mode:?} {ca:?}: {error:?}");
        }
    }
    let error = connect(&with_ca(TlsMode::VerifyIdentity, Some(ca))).await.err().context("no name in it")?;
    let Error::Server(server::Error::Tls { remedy, .. }) = &error else { panic!("{error:?}") };
    assert!(remedy.contains("verify_ca"), "{remedy}");
    let absent = with_ca(TlsMode::VerifyCa, Some("/no/such/ca.pem".into()));
    let text = error_text(&connect(&absent).await.err().context("no such file")?);
    assert!(text.contains("/no/such/ca.pem"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_account_asks_for_one() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let options = account(server, "REQUIRE X509").await?;
    let error = connect(&options).await.err().context("no certificate")?;
    assert!(matches!(error, Error::Server(server::Error::Login { .. })), "{error:?}");
    let file = |name| Ok::<_, anyhow::Error>(Some(server.data_dir()?.join(name)));
    let tls = Tls {
        mode: TlsMode::VerifyCa,
        ca: file("ca.pem")?,
        certificate: file("client-cert.pem")?,
        key: file("client-key.pem")?,
        server_name: None,
    };
    assert_ne!(cipher(&options.with_tls(tls)).await?, "");
    Ok(())
}

#[tokio::test]
async fn a_unix_socket_needs_neither_port_nor_encryption() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let mut options = account(server, "").await?.with_socket(server.data_dir()?.join("mysql.sock"));
    options.host = "nowhere.invalid".to_owned();
    assert_eq!(cipher(&options).await?, "");
    assert!(options.place().ends_with("mysql.sock"));
    Ok(())
}

/// The client library would move over to the server's socket by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_through_a_proxy_stays_on_it() -> Result<()> {
    let socket = std::env::temp_dir().join(format!("{}.sock", fresh_name("strait")));
    let server =
        MySql::start(MySqlOptions::named("socket").args([format!("--socket={}", socket.display())])).await?;
    let proxy = Proxy::start(server.address(), Latency::NONE).await?;
    let options =
        ServerOptions::new("127.0.0.1", proxy.port(), server.user()).with_tls(tls(TlsMode::Disabled));
    let mut conn = connect(&options).await?;
    let before = proxy.traffic().to_target;
    conn.query_drop("SELECT 1").await?;
    assert!(proxy.traffic().to_target > before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_given_up_in_time() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let proxy = Proxy::start(server.address(), Latency::NONE).await?;
    proxy.freeze();
    let mut options = ServerOptions::new("127.0.0.1", proxy.port(), server.user());
    options.connect_timeout = std::time::Duration::from_millis(200);
    let error = connect(&options).await.err().context("frozen")?;
    assert!(matches!(error, Error::Server(server::Error::TimedOut { .. })), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry);
    Ok(())
}

#[tokio::test]
async fn refused_logins_tell_what_to_do() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    for (require, remedy) in [
        ("ACCOUNT LOCK", "ACCOUNT UNLOCK"),
        ("PASSWORD EXPIRE", "PASSWORD EXPIRE NEVER"),
        ("REQUIRE X509", "ALTER USER"),
    ] {
        let Err(error) = connect(&account(server, require).await?).await else {
            panic!("{require} should be refused");
        };
        let text = error_text(&error);
        assert!(text.contains(remedy) && text.contains(&server.address()), "{require}: {text}");
        assert_eq!(error.disposition(), Disposition::Halt, "{text}");
    }
    Ok(())
}

fn error_text(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", error_text(source)),
        None => error.to_string(),
    }
}

#[tokio::test]
async fn a_session_is_set_up_in_the_order_given() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("session").await?;
    server.run([format!("CREATE TABLE `{database}`.t (id INT PRIMARY KEY)")]).await?;
    let session = Session {
        found_rows: true,
        database: Some(database),
        setup: vec![
            "SET @a = 1".to_owned(),
            "SET @a = @a * 10".to_owned(),
            "INSERT INTO t VALUES (@a)".to_owned(),
        ],
        program: Some("strait test".to_owned()),
    };
    let options = ServerOptions::new(server.host(), server.port(), server.user());
    // The client library cannot name the program over TLS.
    let options = options.with_tls(tls(TlsMode::Disabled));
    let mut conn = connect_session(&options, &session).await?;
    conn.query_drop("UPDATE t SET id = 10").await?;
    assert_eq!(conn.affected_rows(), 1, "a row that was found counts, though it did not change");
    let program: Option<String> = conn
        .query_first(
            "SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs \
             WHERE PROCESSLIST_ID = CONNECTION_ID() AND ATTR_NAME = 'program_name'",
        )
        .await?;
    assert_eq!(program.as_deref(), Some("strait test"));

    let broken = Session { setup: vec!["SELECT nonsense".to_owned()], ..Session::default() };
    let error = connect_session(&options, &broken).await.err().context("nonsense")?;
    assert_eq!(error.disposition(), Disposition::Halt);
    Ok(())
}

#[tokio::test]
async fn the_facts_are_those_of_the_server() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let mut conn = connect(&ServerOptions::new(server.host(), server.port(), server.user())).await?;
    let facts = read_facts(&mut conn).await?;
    assert_eq!(facts.flavor, Flavor::Mysql);
    assert!(facts.version_number >= (9, 0, 0), "{}", facts.version);
    assert_eq!(facts.server_id, u32::from(server.port()));
    assert_eq!(facts.place, format!("root@{}", server.address()));
    assert!(facts.gtids_on() && facts.log_bin && !facts.read_only && !facts.super_read_only);
    assert_eq!(facts.binlog_row_metadata.as_deref(), Some("FULL"));
    assert_eq!((facts.sync_binlog, facts.flush_log_at_trx_commit), (Some(1), Some(1)));
    assert_eq!((facts.binlog_order_commits, facts.semi_sync.is_some()), (Some(true), false));
    assert_eq!((facts.max_allowed_packet, facts.lower_case_table_names), (1 << 30, 0));
    let uuid: Option<String> = conn.query_first("SELECT @@server_uuid").await?;
    assert_eq!(facts.server_uuid, uuid);
    let binlog = facts.binlog.context("root may ask")?;
    assert!(binlog.file.starts_with("binlog.") && binlog.pos >= 4 && binlog.do_db.is_empty());

    let nobody = account(server, "").await?;
    let facts = read_facts(&mut connect(&nobody).await?).await?;
    assert_eq!(facts.binlog, None, "no right to ask is no error");
    Ok(())
}

/// More than the 1,024 characters at which `SHOW VARIABLES` cuts.
#[tokio::test]
async fn a_long_gtid_set_is_read_whole() -> Result<()> {
    let server = MySql::start(MySqlOptions::named("gtids")).await?;
    let sets: Vec<String> =
        (0..60).map(|n| format!("3e11fa47-71ca-11e1-9e33-c80aa94295{n:02x}:1-5:7-9")).collect();
    server
        .run([
            "RESET BINARY LOGS AND GTIDS".to_owned(),
            format!("SET GLOBAL gtid_purged = '{}'", sets.join(",")),
        ])
        .await?;
    let mut conn = connect(&ServerOptions::new(server.host(), server.port(), server.user())).await?;
    let facts = read_facts(&mut conn).await?;
    assert_eq!(facts.gtid_purged.matches("3e11fa47").count(), 60);
    assert_eq!(facts.gtid_executed, facts.gtid_purged);
    Ok(())
}
