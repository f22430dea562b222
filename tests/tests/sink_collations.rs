//! What the sink believes of collations, asked of the server: for those whose printable ASCII it lower-cases to
//! compare, no two strings that differ otherwise are equal, nor is any character ignored.

use anyhow::Result;
use e2e::Lab;
use mysql_async::prelude::Queryable;
use strait_sink::{plan::Comparison, table_map::ColumnClass};

#[tokio::test]
async fn printable_ascii_differs_by_case_alone() -> Result<()> {
    let server = Lab::shared().mysql().await?;
    let database = server.database("collations").await?;
    let mut conn = server.conn_to(&database).await?;
    conn.query_drop("CREATE TABLE s (s VARBINARY(3), l VARBINARY(3))").await?;
    let printable: Vec<u8> = (0x20..0x7f).collect();
    let letters: Vec<u8> = (b'a'..=b'z').collect();
    let mut strings: Vec<Vec<u8>> = printable.iter().map(|a| vec![*a]).collect();
    strings.extend(printable.iter().flat_map(|a| printable.iter().map(|b| vec![*a, *b])));
    // Digraphs that a language holds equal to something else show among three letters at the latest.
    for a in &letters {
        strings.extend(letters.iter().flat_map(|b| letters.iter().map(|c| vec![*a, *b, *c])));
    }
    for some in strings.chunks(5_000) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let rows: Vec<String> = some
            .iter()
            .map(|string| {
                let lower = string.trim_ascii_end().to_ascii_lowercase();
                format!("(x'{}', x'{}')", hex(string), hex(&lower))
            })
            .collect();
        conn.query_drop(format!("INSERT INTO s VALUES {}", rows.join(","))).await?;
    }
    let collations: Vec<(String, String)> = conn
        .query("SELECT COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATIONS ORDER BY 1")
        .await?;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (collation, charset) in collations {
        let class = ColumnClass::Character;
        if Comparison::of(class, Some(&collation)) != Comparison::PrintableAscii {
            continue;
        }
        asked += 1;
        let query = format!(
            "SELECT GROUP_CONCAT(DISTINCT CONVERT(l USING utf8mb4)) FROM s \
             GROUP BY CONVERT(CONVERT(s USING latin1) USING {charset}) COLLATE {collation} \
             HAVING COUNT(DISTINCT l) > 1 LIMIT 3"
        );
        let equal: Vec<String> = conn.query(&query).await?;
        if !equal.is_empty() {
            wrong.push(format!("{collation}: {equal:?}"));
        }
    }
    assert!(wrong.is_empty(), "held equal: {wrong:#?}");
    assert!(asked > 20, "only {asked} collations were asked about");
    // The ground for not trusting the others.
    for (left, right, collation) in [
        ("ccs", "cscs", "utf8mb4_hu_0900_ai_ci"),
        ("~", "y", "gbk_chinese_ci"),
        ("m", "n", "macce_general_ci"),
        ("i", "y", "utf8mb4_lithuanian_ci"),
    ] {
        let charset = collation.split('_').next().unwrap_or_default();
        let query = format!("SELECT _{charset} '{left}' = _{charset} '{right}' COLLATE {collation}");
        let equal: Option<bool> = conn.query_first(query).await?;
        assert_eq!(equal, Some(true), "{left} = {right} in {collation}");
        assert_eq!(Comparison::of(ColumnClass::Character, Some(collation)), Comparison::Doubtful);
    }
    Ok(())
}
