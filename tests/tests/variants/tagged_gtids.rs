//! GTIDs with a tag beside those without, over a restart.

use anyhow::Result;

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn tagged_gtids_arrive_once_over_restarts() -> Result<()> {
    let one =
        OneWay::start(&[], "", &["CREATE TABLE v.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)"]).await?;
    for round in 0..3 {
        one.run([
            "INSERT INTO t (v) VALUES (1)".to_owned(),
            format!("SET gtid_next = 'AUTOMATIC:blue_{round}'"),
            "INSERT INTO t (v) VALUES (2)".to_owned(),
            "SET gtid_next = 'AUTOMATIC:red'".to_owned(),
            "UPDATE t SET v = v + 1".to_owned(),
        ])
        .await?;
        one.site().connector.kill9().await?;
        one.site().connector.start()?;
    }
    one.arrives(6).await?;
    one.sites.stop().await
}
