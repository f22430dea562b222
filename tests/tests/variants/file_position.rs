//! GTIDs off: file and position, over rotations and restarts of both.

use anyhow::Result;

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn file_and_position_carry_over_rotations_and_restarts() -> Result<()> {
    let table = "CREATE TABLE v.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50))";
    let off = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"];
    let one =
        OneWay::start(&off, "[source]\nposition = 'file'\n[snapshot]\nmode = 'never'", &[table]).await?;
    for round in 0..3 {
        one.run([
            "INSERT INTO t (v) VALUES ('a'), ('b')",
            "FLUSH BINARY LOGS",
            "UPDATE t SET v = CONCAT(v, 'x')",
        ])
        .await?;
        match round {
            0 => one.site().connector.kill9().await?,
            1 => one.source().restart().await?,
            _ => one.site().connector.stop().await?,
        }
        if round != 1 {
            one.site().connector.start()?;
        }
    }
    one.arrives(6).await?;
    one.sites.stop().await
}
