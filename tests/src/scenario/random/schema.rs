//! Changes of the schema: of columns, keys, names, partitions, whole tables; several in one ALTER.

use super::{
    chance::{Rng, any, one, seldom},
    column::{any_column, charset, is_geometry},
    shape::Shape,
    table,
};
use crate::mysql::Flavor;

/// Between so few and so many tables there are.
const FEWEST: usize = 3;
const MOST: usize = 8;

/// The names that were given so far: none is given twice, but by a rename.
#[derive(Debug, Default)]
pub struct Names {
    pub number: u32,
    /// Whether there may be views: a snapshot brings none.
    pub views: bool,
    /// Whether all tables have come. Before that, rows that get numbers or lose their key halt a sink that keeps what it has.
    pub settled: bool,
}

impl Names {
    fn next(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    fn table(&mut self) -> String {
        format!("t{}", self.next())
    }

    pub fn create(&mut self, flavor: Flavor, random: &mut Rng) -> String {
        let name = self.table();
        table::create(&name, &mut self.number, flavor, random)
    }

    /// Statements that belong together.
    pub fn change(&mut self, shapes: &[Shape], flavor: Flavor, random: &mut Rng) -> Vec<String> {
        let Some(shape) = any(random, shapes).filter(|_| shapes.len() >= FEWEST) else {
            return vec![self.create(flavor, random)];
        };
        let table = &shape.name;
        vec![match random.u32(..30) {
            0..=1 if shapes.len() < MOST => self.create(flavor, random),
            2 if shapes.len() < MOST => format!("CREATE TABLE `{}` LIKE `{table}`", self.table()),
            3 if shapes.len() < MOST => format!("CREATE TABLE `{}` SELECT * FROM `{table}`", self.table()),
            4 => format!("DROP TABLE `{table}`{}", one(random, &["", "", ", never_was"])),
            5 => format!("TRUNCATE TABLE `{table}`"),
            6 => format!("RENAME TABLE `{table}` TO `{}`", self.table()),
            7 => {
                let Some(other) = any(random, shapes).filter(|other| other.name != *table) else {
                    return Vec::new();
                };
                format!(
                    "RENAME TABLE `{table}` TO passing, `{}` TO `{table}`, passing TO `{}`",
                    other.name, other.name
                )
            }
            8..=10 if !shape.partitions.is_empty() => return self.partition(shape, random),
            8 if self.views => return self.view(table, random),
            _ => {
                let pieces = (0..random.u32(1..4)).filter_map(|_| self.piece(shape, flavor, random));
                let pieces = pieces.collect::<Vec<_>>().join(", ");
                if pieces.is_empty() || depends_on_the_time_zone(&pieces, shape) {
                    return Vec::new();
                }
                let algorithm = one(
                    random,
                    &["", "", "", ", ALGORITHM=COPY", ", ALGORITHM=INPLACE", ", ALGORITHM=INSTANT"],
                );
                format!("ALTER TABLE `{table}` {pieces}{algorithm}")
            }
        }]
    }

    /// One clause of an ALTER.
    fn piece(&mut self, shape: &Shape, flavor: Flavor, random: &mut Rng) -> Option<String> {
        let number = self.next();
        let column = any(random, &shape.columns)?;
        let name = &column.name;
        let place = match random.u32(..4) {
            0 => " FIRST".to_owned(),
            1 => format!(" AFTER `{name}`"),
            _ => String::new(),
        };
        let (new, definition) = any_column(number, flavor, &shape.columns, random);
        Some(match random.u32(..24) {
            // In a table without a key the numbers would be drawn in an order that nobody knows, and in one whose other column
            // was numbered they would begin where the server's counter stands, which no log tells.
            0 if shape.has_primary_key()
                && self.settled
                && !shape.columns.iter().any(|column| column.numbered) =>
            {
                format!("ADD COLUMN `{new}` INT AUTO_INCREMENT UNIQUE")
            }
            0..=5 => format!("ADD COLUMN `{new}` {definition}{place}"),
            // It may be the whole primary key.
            6..=7 if !self.settled && !column.nullable => return None,
            6..=7 => format!("DROP COLUMN `{name}`"),
            // As it was, elsewhere; or of another type.
            // MariaDB leaves a GEOMETRY NOT NULL that is added to rows without bytes; in one that may be NULL no statement can.
            8..=11 if flavor == Flavor::MariaDb && is_geometry(&column.kind) => return None,
            8 => format!("MODIFY COLUMN `{name}` {}{place}", column.full),
            9..=10 => format!("MODIFY COLUMN `{name}` {definition}"),
            11 => format!("CHANGE COLUMN `{name}` `{new}` {definition}{place}"),
            12 => format!("RENAME COLUMN `{name}` TO `{}{number}`", &name[..1]),
            13 => format!(
                "ALTER COLUMN `{name}` {}",
                one(random, &["SET DEFAULT 3", "DROP DEFAULT", "SET DEFAULT NULL"])
            ),
            14 if flavor == Flavor::MySql => {
                format!("ALTER COLUMN `{name}` SET {}", one(random, &["INVISIBLE", "VISIBLE"]))
            }
            14..=16 => format!("ADD {}", table::key(number, flavor, &shape.columns, random)?),
            17..=18 => {
                let key = any(random, &shape.keys)?;
                match (key.as_str(), random.bool()) {
                    _ if !self.settled => return None,
                    ("PRIMARY", _) => "DROP PRIMARY KEY".to_owned(),
                    (key, true) => format!("DROP KEY `{key}`"),
                    (key, false) => format!("RENAME KEY `{key}` TO k{number}"),
                }
            }
            19 => format!("ADD PRIMARY KEY (`{name}`)"),
            20 => {
                // MariaDB's CONVERT TO leaves labels in bytes of the old charset.
                let labelled = shape.columns.iter().any(|column| ["enum", "set"].contains(&&*column.kind));
                let verbs = ["DEFAULT ", "CONVERT TO "];
                let verb = one(random, &verbs[..2 - usize::from(labelled && flavor == Flavor::MariaDb)]);
                let charset = charset(flavor, random);
                let collation = charset.strip_prefix("COLLATE ");
                match collation.and_then(|name| name.split_once('_')) {
                    Some((set, _)) if verb.starts_with("CONVERT") => {
                        format!("CONVERT TO CHARACTER SET {set} {charset}")
                    }
                    _ => format!("{verb}{charset}"),
                }
            }
            21 => {
                one(random, &["ENGINE=InnoDB", "FORCE", "ROW_FORMAT=DYNAMIC", "COMMENT='again'"]).to_owned()
            }
            22 => format!("AUTO_INCREMENT={}", random.u32(1..1000)),
            _ => format!("ADD COLUMN `{new}` {definition}{place}"),
        })
    }

    fn partition(&mut self, shape: &Shape, random: &mut Rng) -> Vec<String> {
        let table = &shape.name;
        let part = any(random, &shape.partitions).map_or("", String::as_str);
        let hashed = shape.method.contains("HASH") || shape.method.contains("KEY");
        let number = self.next();
        vec![match random.u32(..7) {
            0 => format!("ALTER TABLE `{table}` TRUNCATE PARTITION {part}"),
            1 => format!("ALTER TABLE `{table}` REMOVE PARTITIONING"),
            2 => {
                let single = self.table();
                return vec![
                    format!("CREATE TABLE `{single}` LIKE `{table}`"),
                    format!("ALTER TABLE `{single}` REMOVE PARTITIONING"),
                    format!("ALTER TABLE `{table}` EXCHANGE PARTITION {part} WITH TABLE `{single}`"),
                ];
            }
            3..=4 if hashed => format!("ALTER TABLE `{table}` ADD PARTITION PARTITIONS 2"),
            5..=6 if hashed => format!("ALTER TABLE `{table}` COALESCE PARTITION 1"),
            3 => format!("ALTER TABLE `{table}` DROP PARTITION {part}"),
            4 if shape.method == "LIST" => {
                format!(
                    "ALTER TABLE `{table}` ADD PARTITION (PARTITION n{number} VALUES IN ({}))",
                    number + 100
                )
            }
            5 if shape.method == "RANGE" => format!(
                "ALTER TABLE `{table}` REORGANIZE PARTITION p2 INTO (PARTITION n{number} VALUES LESS THAN ({}), \
                 PARTITION p2 VALUES LESS THAN MAXVALUE)",
                number + 30
            ),
            _ => format!("ALTER TABLE `{table}` REBUILD PARTITION {part}"),
        }]
    }

    fn view(&mut self, table: &str, random: &mut Rng) -> Vec<String> {
        let view = format!("v{}", self.next());
        let mut statements = vec![format!("CREATE DEFINER = app VIEW `{view}` AS SELECT * FROM `{table}`")];
        if !seldom(random, 3) {
            statements.push(format!("DROP VIEW `{view}`"));
        }
        statements
    }
}

/// What a server computes from a TIMESTAMP depends on the session's time zone, and each computes its own.
fn depends_on_the_time_zone(pieces: &str, shape: &Shape) -> bool {
    let computes = pieces.contains(" GENERATED ") || shape.columns.iter().any(|column| column.generated);
    computes && pieces.contains(" TIMESTAMP")
}
