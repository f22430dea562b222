//! A Kafka that speaks TLS only, with a certificate of its own making.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Result, ensure};
use e2e::{Kafka, KafkaOptions, Latency, eventually, run_dir::make_dir};

use crate::Pipe;

const PASSWORD: &str = "in-the-open";

/// The broker's key store, and its certificate for those who are to trust it.
fn certificate() -> Result<(PathBuf, PathBuf)> {
    let dir = make_dir("certificate")?;
    let (store, certificate) = (dir.join("kafka.p12"), dir.join("kafka.pem"));
    let keytool = |arguments: &str| -> Result<()> {
        let mut command = Command::new("keytool");
        command.args(arguments.split_whitespace()).args(["-alias", "kafka", "-storepass", PASSWORD]);
        let done = command.arg("-keystore").arg(&store).current_dir(&dir).output()?;
        ensure!(done.status.success(), "keytool {arguments}: {}", String::from_utf8_lossy(&done.stdout));
        Ok(())
    };
    keytool("-genkeypair -keyalg EC -storetype PKCS12 -dname CN=kafka -ext SAN=ip:127.0.0.1 -validity 2")?;
    keytool("-exportcert -rfc -file kafka.pem")?;
    Ok((store, certificate))
}

#[tokio::test]
async fn rows_go_through_tls_and_an_unknown_certificate_is_refused_and_told() -> Result<()> {
    let (store, certificate) = certificate()?;
    let options = KafkaOptions::named("sealed")
        .wan(Latency::NONE)
        .property("listener.security.protocol.map", "LOCAL:PLAINTEXT,WAN:SSL,CONTROLLER:PLAINTEXT")
        .property("listener.name.wan.ssl.keystore.location", store.display().to_string())
        .property("listener.name.wan.ssl.keystore.password", PASSWORD);
    let kafka = Kafka::start(options).await?;
    let brokers = kafka.wan_bootstrap()?;
    let sealed = [("kafka.brokers", &*brokers), ("kafka.options.security.protocol", "SSL")];

    let stranger = Pipe::shared_source_own_kafka(&kafka, &sealed).await?;
    stranger.connector.start()?;
    eventually(Duration::from_secs(30), || async {
        let status = stranger.connector.status().await.map_err(|error| error.to_string())?.to_string();
        if status.contains("certificate verify failed") { Ok(()) } else { Err(status) }
    })
    .await?;
    stranger.connector.stop().await?;

    let authority = certificate.display().to_string();
    let trusting = [sealed[0], sealed[1], ("kafka.options.ssl.ca.location", &*authority)];
    let pipe = Pipe::shared_source_own_kafka(&kafka, &trusting).await?;
    pipe.run(["CREATE TABLE t (id INT PRIMARY KEY)"]).await?;
    pipe.start().await?;
    pipe.run(["INSERT INTO t VALUES (1)"]).await?;
    pipe.published().await?;
    assert_eq!(pipe.table("t").await?.len(), 1);
    pipe.connector.stop().await
}
