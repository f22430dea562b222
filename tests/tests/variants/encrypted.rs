//! binlog_encryption: the files are encrypted, what the server sends of them is not; over new keys, rotations and restarts of both.

use std::fs;

use anyhow::{Context, Result, ensure};
use e2e::SitesOptions;

use crate::OneWay;

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_logs_arrive_over_new_keys_and_restarts() -> Result<()> {
    // What a transaction leaves in temporary files is encrypted, too.
    let args = ["--binlog-encryption=ON", "--binlog-cache-size=4096"];
    let options = SitesOptions { keyrings: true, ..OneWay::options(&args, "") };
    let table = "CREATE TABLE v.t (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)";
    let one = OneWay::start_with(options, &[table]).await?;
    for round in 0..3 {
        one.run([
            "INSERT INTO t (v) VALUES ('secret'), (REPEAT('secret', 2000))",
            "ALTER INSTANCE ROTATE BINLOG MASTER KEY",
            "UPDATE t SET v = CONCAT(v, 'x')",
        ])
        .await?;
        match round {
            0 => {
                one.site().connector.kill9().await?;
                one.site().connector.start()?;
            }
            1 => one.source().restart().await?,
            // Plain and encrypted files, one after the other.
            _ => {
                one.run([
                    "SET GLOBAL binlog_encryption = OFF",
                    "INSERT INTO t (v) VALUES ('plain')",
                    "SET GLOBAL binlog_encryption = ON",
                    "INSERT INTO t (v) VALUES ('secret')",
                ])
                .await?;
            }
        }
    }
    one.arrives(8).await?;
    let (mut plain, mut encrypted) = (0, 0);
    for file in fs::read_dir(one.source().data_dir()?)? {
        let path = file?.path();
        let is_log =
            path.extension().is_some_and(|number| number.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        if !is_log || path.file_stem() != Some("binlog".as_ref()) {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let count = if bytes.starts_with(b"\xfdbin") { &mut encrypted } else { &mut plain };
        *count += 1;
        let tells = bytes.windows(6).any(|window| window == b"secret");
        ensure!(!tells, "{} has the secret in clear text", path.display());
    }
    ensure!(plain == 1 && encrypted > 4, "{plain} plain files, {encrypted} encrypted");
    one.sites.stop().await
}
