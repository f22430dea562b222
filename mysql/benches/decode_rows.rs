//! How long one row takes to decode: `cargo bench -p strait-mysql`. A table of ten columns of the common types.

use std::{hint::black_box, time::Instant};

use bytes::Bytes;
use strait_mysql::binlog::{ColumnDef, ColumnType, EventHeader, EventType, RawEvent, RowsEvent, TableMap};

const ROWS: usize = 200;
const ROUNDS: usize = 5_000;

fn column(name: &str, ty: ColumnType) -> ColumnDef {
    ColumnDef {
        name: name.into(),
        ty,
        unsigned: false,
        nullable: true,
        collation: Some(255),
        labels: [].into(),
        visible: true,
    }
}

fn table() -> TableMap {
    let columns = vec![
        column("id", ColumnType::LongLong),
        column("quantity", ColumnType::Long),
        column("state", ColumnType::Tiny),
        column("price", ColumnType::Decimal { precision: 10, scale: 2 }),
        column("name", ColumnType::VarChar { max_bytes: 400 }),
        column("code", ColumnType::Char { max_bytes: 40 }),
        column("created", ColumnType::DateTime { fsp: 0 }),
        column("changed", ColumnType::Timestamp { fsp: 6 }),
        column("weight", ColumnType::Double),
        column("note", ColumnType::Blob { length_bytes: 2 }),
    ];
    TableMap::new("shop".into(), "item".into(), columns, Vec::new(), true)
}

fn event(table: &TableMap) -> RawEvent {
    let mut body = vec![1, 0, 0, 0, 0, 0, 1, 0, 2, 0, table.columns.len() as u8, 0xff, 0x03];
    for row in 0..ROWS {
        body.extend([0, 0]);
        body.extend((row as u64).to_le_bytes());
        body.extend((row as u32).to_le_bytes());
        body.push(1);
        body.extend([0x80, 0, 0, 12, 50]);
        body.extend(13_u16.to_le_bytes());
        body.extend(b"a common thing");
        body.truncate(body.len() - 1);
        body.push(6);
        body.extend(b"AB-123");
        body.extend([0x99, 0xb2, 0xba, 0x10, 0x83]);
        body.extend([0x65, 0, 0, 1, 0, 0, 5]);
        body.extend(1.5_f64.to_le_bytes());
        body.extend(40_u16.to_le_bytes());
        body.extend([b'n'; 40]);
    }
    let header = EventHeader {
        timestamp: 0,
        event_type: EventType::WriteRows,
        server_id: 1,
        event_size: 0,
        log_pos: 0,
        flags: 0,
    };
    RawEvent { header, body: Bytes::from(body), inside_payload: false }
}

fn main() {
    let table = table();
    let event = event(&table);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut best = f64::MAX;
    for _ in 0..10 {
        let mut count = 0_usize;
        let start = Instant::now();
        for _ in 0..ROUNDS / 10 {
            let rows = RowsEvent::parse(black_box(&event)).expect("a sound event");
            let mut iter = rows.rows(&table).expect("the event's table");
            while iter.next(&mut before, &mut after).expect("sound rows") {
                black_box(&after);
                count += 1;
            }
        }
        assert_eq!(count, ROWS * ROUNDS / 10);
        best = best.min(start.elapsed().as_secs_f64() / count as f64);
    }
    println!(
        "{:.1} ns a row of {} columns and {} bytes",
        best * 1e9,
        table.columns.len(),
        event.body.len() / ROWS
    );
    println!("a value takes {} bytes", size_of::<strait_mysql::value::ColumnValue>());
}
