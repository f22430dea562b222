//! What a foreign key does to the children is in the log, and is published.

use anyhow::Result;
use serde_json::json;

use crate::{Pipe, Published};

#[tokio::test]
async fn rows_that_a_cascade_deletes_are_published_before_their_parent() -> Result<()> {
    let pipe = Pipe::shared(&[]).await?;
    pipe.run([
        "CREATE TABLE parent (id INT PRIMARY KEY)",
        "CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (7, 1)",
    ])
    .await?;
    pipe.start().await?;
    pipe.run(["DELETE FROM parent WHERE id = 1"]).await?;
    pipe.published().await?;
    let ops = |records: &[Published]| records.iter().map(Published::op).collect::<Vec<_>>();
    let (children, parents) = (pipe.table("child").await?, pipe.table("parent").await?);
    assert_eq!(
        (ops(&children), ops(&parents)),
        (vec!["d".into(), "tombstone".into()], vec!["d".into(), "tombstone".into()])
    );
    assert_eq!(children[0].json()["before"], json!({"id": 7, "parent": 1}));
    assert!(children[0].place() < parents[0].place());
    pipe.connector.stop().await
}
