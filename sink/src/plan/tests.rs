//! The plan against a model of a server: whatever a source can do, the steps do the same at the target, and none
//! of them collides on the way.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;
use strait_mysql::catalog::{Column, Index, IndexPart, Table, TableName};
use strait_schemas::{Kind, SourceType, TableSchema, seq::flags};

use super::{fold, *};
use crate::{
    datum::{Datum, Row},
    merge::PartitionId,
    table_map::{Mapping, Target},
};

fn column(name: &str, ordinal: u32, data_type: &str) -> Column {
    Column {
        name: name.into(),
        ordinal,
        data_type: data_type.into(),
        column_type: data_type.into(),
        charset: Some("utf8mb4".into()),
        collation: Some("utf8mb4_0900_ai_ci".into()),
        nullable: true,
        ..Column::default()
    }
}

fn index(name: &str, column: &str) -> Index {
    let part = IndexPart { column: Some(column.into()), expression: None, prefix: None, nullable: true };
    Index { name: name.into(), parts: vec![part] }
}

/// `t (name VARCHAR PRIMARY KEY, email VARCHAR UNIQUE, note INT)`; `unique`: with the unique key.
pub fn mapping(unique: bool) -> Arc<Mapping> {
    let table = Table {
        name: TableName::new("shop", "people"),
        engine: "InnoDB".into(),
        transactional: true,
        columns: vec![column("name", 1, "varchar"), column("email", 2, "varchar"), column("note", 3, "int")],
        primary_key: Some(index("PRIMARY", "name")),
        unique: if unique { vec![index("email", "email")] } else { Vec::new() },
        foreign_keys: Vec::new(),
        referenced_by: Vec::new(),
        triggers: Vec::new(),
    };
    let published = |name: &str, kind| strait_schemas::Column {
        name: name.into(),
        kind,
        optional: true,
        source_type: SourceType::default(),
    };
    let source = TableSchema {
        prefix: "p".into(),
        database: "shop".into(),
        table: "people".into(),
        columns: vec![
            published("name", Kind::Text),
            published("email", Kind::Text),
            published("note", Kind::Int32),
        ],
        key: vec![0],
    };
    let names = ["name", "email", "note"].map(str::to_owned);
    Arc::new(Mapping::new(&source, &names, Arc::new(Target::new(table, &[], &[]))).expect("it fits"))
}

/// A row of the model: name, email, note.
type Person = (String, Option<String>, i64);

pub fn row(person: &Person) -> Row {
    let text = |text: &str| Datum::Text(Bytes::copy_from_slice(text.as_bytes()));
    let email = person.1.as_deref().map_or(Datum::Null, text);
    Box::new([text(&person.0), email, Datum::Int(person.2)])
}

fn person(row: &Row) -> Person {
    let text = |datum: &Datum| match datum {
        Datum::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    let Datum::Int(note) = row[2] else { panic!("a note is a number") };
    (text(&row[0]).expect("a name is text"), text(&row[1]), note)
}

/// As the collation compares.
fn compared(text: &str) -> String {
    text.replace(['É', 'é'], "e").to_lowercase().trim_end().to_owned()
}

/// A server's table. Every write that a real one refuses is an error.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Model {
    rows: BTreeMap<String, Person>,
    unique: bool,
}

impl Model {
    fn holder(&self, email: Option<&String>) -> Option<&String> {
        let email = compared(email.filter(|_| self.unique)?);
        self.rows
            .iter()
            .find(|(_, person)| person.1.as_ref().is_some_and(|held| compared(held) == email))
            .map(|(key, _)| key)
    }

    fn put(&mut self, person: &Person, instead_of: Option<&str>) -> Result<(), String> {
        let key = compared(&person.0);
        let old = instead_of.map(compared);
        if old.as_ref() != Some(&key) && self.rows.contains_key(&key) {
            return Err(format!("{person:?}: the key is taken"));
        }
        if let Some(holder) = self.holder(person.1.as_ref())
            && Some(holder) != old.as_ref()
        {
            return Err(format!("{person:?}: {holder} holds the email"));
        }
        if let Some(old) = old {
            self.rows.remove(&old).ok_or_else(|| format!("{old} is not there"))?;
        }
        self.rows.insert(key, person.clone());
        Ok(())
    }

    fn run(&mut self, changes: &[Change], steps: &[Step]) -> Result<(), String> {
        for step in steps {
            for StepRow { before, after } in &step.rows {
                let old = changes[*before].old().map(person);
                let new = changes[*after].after.as_ref().map(person);
                match (step.action, old, new) {
                    (Action::Insert, _, Some(new)) => self.put(&new, None)?,
                    (Action::Upsert, _, Some(new)) => {
                        let there = self.rows.get(&compared(&new.0)).map(|there| there.0.clone());
                        self.put(&new, there.as_deref())?;
                    }
                    (Action::Update | Action::Move, Some(old), Some(new)) => self.put(&new, Some(&old.0))?,
                    (Action::Delete, Some(old), _) => {
                        self.rows.remove(&compared(&old.0));
                    }
                    other => return Err(format!("{other:?} is not planned for this table")),
                }
            }
        }
        Ok(())
    }
}

pub fn change(
    mapping: &Arc<Mapping>,
    operation: Operation,
    before: Option<&Person>,
    after: Option<&Person>,
) -> Change {
    Change {
        mapping: mapping.clone(),
        operation,
        before: before.map(row),
        after: after.map(row),
        flags: flags::USE_SQL_FOREIGN_KEY,
        stage: Stage::Steady,
        partial_log: false,
        at: RecordAt { partition: PartitionId(0), offset: 0, index: 0, transaction: 0 },
    }
}

#[test]
fn a_change_that_comes_ahead_of_its_table_puts_no_row_there() {
    let mapping = mapping(false);
    let (old, new) = (("al".to_owned(), None, 1), ("al".to_owned(), None, 2));
    for (stage, action) in [(Stage::Steady, Action::Upsert), (Stage::Ahead, Action::Update)] {
        let change = || Change { stage, ..change(&mapping, Operation::Update, Some(&old), Some(&new)) };
        let changes = [change(), change()];
        assert!(fold::steps(&changes).iter().all(|step| step.action == action), "{stage:?}");
        assert!(ordered::steps(&changes).iter().all(|step| step.action == action), "{stage:?}");
        assert_eq!(changes[0].row_before().is_some(), stage == Stage::Steady);
    }
}

/// Names and emails that meet under the collation, some with characters that are doubtful.
const NAMES: [&str; 7] = ["bob", "Bob", "BOB ", "eve", "Éve", "al", "cy"];

#[derive(Debug, Clone)]
struct Wish {
    name: usize,
    new_name: usize,
    email: usize,
    note: i64,
    what: u8,
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let wish = (0..NAMES.len(), 0..NAMES.len(), 0..=NAMES.len(), 0..50i64, 0..10u8)
        .prop_map(|(name, new_name, email, note, what)| Wish { name, new_name, email, note, what });
    prop::collection::vec(wish, 1..60)
}

/// Does at a source what is possible of the wishes; gives the log of it.
fn live(wishes: &[Wish], mapping: &Arc<Mapping>, source: &mut Model) -> Vec<Change> {
    let mut log = Vec::new();
    for wish in wishes {
        let email = NAMES.get(wish.email).map(ToString::to_string);
        let there = source.rows.get(&compared(NAMES[wish.name])).cloned();
        match (wish.what, there) {
            (0..=1, Some(there)) => {
                source.rows.remove(&compared(&there.0));
                log.push(change(mapping, Operation::Delete, Some(&there), None));
            }
            (what, Some(there)) => {
                let name = if what == 2 { NAMES[wish.new_name].to_owned() } else { there.0.clone() };
                let email = if what < 6 { email } else { there.1.clone() };
                let new = (name, email, wish.note);
                if source.put(&new, Some(&there.0)).is_ok() {
                    log.push(change(mapping, Operation::Update, Some(&there), Some(&new)));
                }
            }
            (_, None) => {
                let new = (NAMES[wish.name].to_owned(), email, wish.note);
                if source.put(&new, None).is_ok() {
                    log.push(change(mapping, Operation::Insert, None, Some(&new)));
                }
            }
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn folded_or_not_the_target_becomes_the_source(
        before in wishes(), now in wishes(), unique in any::<bool>()
    ) {
        let mapping = mapping(unique);
        let mut source = Model { unique, ..Model::default() };
        live(&before, &mapping, &mut source);
        let target = source.clone();
        let changes = live(&now, &mapping, &mut source);
        for (form, steps) in [("folded", fold::steps(&changes)), ("ordered", ordered::steps(&changes))] {
            // Which row an upsert changes is the server's choice where two keys can collide.
            let upserts = steps.iter().any(|step| step.action == Action::Upsert);
            prop_assert!(!(unique && upserts), "{}: an upsert", form);
            let mut target = target.clone();
            let done = target.run(&changes, &steps);
            prop_assert!(done.is_ok(), "{}: {:?}\n{:#?}", form, done, steps.iter().map(|s| (s.action, &s.rows)).collect::<Vec<_>>());
            prop_assert_eq!(&target, &source, "{}", form);
        }
    }

    /// Two batches whose tokens do not meet give the same in either order.
    #[test]
    fn batches_that_do_not_meet_commute(before in wishes(), first in wishes(), second in wishes()) {
        let mapping = mapping(true);
        let mut source = Model { unique: true, ..Model::default() };
        live(&before, &mapping, &mut source);
        let target = source.clone();
        // Short ones: long ones always meet.
        let first = live(&first[..first.len().min(2)], &mapping, &mut source);
        let second = live(&second[..second.len().min(2)], &mapping, &mut source);
        let tokens = |changes: &[Change]| {
            let mut tokens = Vec::new();
            for change in changes {
                token::tokens(change, &mut tokens);
            }
            tokens
        };
        let mut footprint = Footprint::default();
        footprint.add(1, &tokens(&first));
        if footprint.newest(&tokens(&second)) != 0 {
            return Ok(());
        }
        let mut swapped = target;
        prop_assert_eq!(swapped.run(&second, &fold::steps(&second)), Ok(()));
        prop_assert_eq!(swapped.run(&first, &fold::steps(&first)), Ok(()));
        prop_assert_eq!(swapped, source);
    }
}

fn bob(email: &str, note: i64) -> Person {
    ("bob".into(), Some(email.into()), note)
}

#[test]
fn many_changes_of_one_key_are_one_row() {
    let mapping = mapping(true);
    let mut changes = vec![change(&mapping, Operation::Insert, None, Some(&bob("a", 0)))];
    for note in 1..100 {
        let (old, new) = (bob("a", note - 1), bob("a", note));
        changes.push(change(&mapping, Operation::Update, Some(&old), Some(&new)));
    }
    let steps = fold::steps(&changes);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].action, Action::Insert);
    assert_eq!(steps[0].rows, [StepRow { before: 0, after: 99 }]);
    let unfolded: usize = ordered::steps(&changes).iter().map(|step| step.rows.len()).sum();
    assert_eq!(unfolded, 100, "each version once");
}

#[test]
fn what_is_inserted_and_deleted_goes_where_it_may_have_been_there() {
    let mapping = mapping(true);
    for (stage, steps) in [(Stage::Steady, vec![]), (Stage::Keep, vec![Action::Delete])] {
        let row = bob("a", 0);
        let changes = [
            Change { stage, ..change(&mapping, Operation::Insert, None, Some(&row)) },
            Change { stage, ..change(&mapping, Operation::Delete, Some(&row), None) },
        ];
        let folded: Vec<_> = fold::steps(&changes).iter().map(|step| step.action).collect();
        assert_eq!(folded, steps, "{stage:?}");
    }
}

#[test]
fn a_key_change_is_one_real_update() {
    let mapping = mapping(false);
    let (old, new) = (bob("a", 1), ("Bob".to_owned(), Some("a".to_owned()), 1));
    let steps = fold::steps(&[change(&mapping, Operation::Update, Some(&old), Some(&new))]);
    assert_eq!(steps[0].action, Action::Move);
}

#[test]
fn a_unique_value_that_changes_hands_closes_the_group() {
    let mapping = mapping(true);
    let eve = |email: &str| ("eve".to_owned(), Some(email.to_owned()), 0);
    let changes = [
        change(&mapping, Operation::Update, Some(&bob("a", 0)), Some(&bob("b", 0))),
        change(&mapping, Operation::Update, Some(&eve("x")), Some(&eve("A"))),
    ];
    let steps = fold::steps(&changes);
    let order: Vec<usize> = steps.iter().flat_map(|step| &step.rows).map(|row| row.after).collect();
    assert_eq!(order, [0, 1], "eve takes 'A' only after bob has given up 'a'");
}
