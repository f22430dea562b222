//! Tables that a snapshot is still to bring, and that go by another name now. What has come of such a table lies at the target under
//! the new name, and what has not is read under it; where in it that is nobody knows any more. So it comes again, whole, as the
//! table that it is now. Partitions that change places with a table bring what has not come into what has: then both come again.
//! And a column that numbers the rows as they lie there would number those that have come otherwise than the source's: such a
//! table comes again, too, which a target that keeps its rows refuses.

use std::sync::Arc;

use strait_mysql::{
    binlog::QueryEvent,
    catalog::TableName,
    ddl::{Class, Object, Role, Statement},
};
use strait_schemas::{PlannedTable, SnapshotPlan, SnapshotStep, TableBegin};

use super::{Publisher, STEP};
use crate::{Result, ddl, reader::now_us};

/// What a statement makes of the tables that are still to come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Moved {
    /// Places in the plan: nothing is to come under their names.
    left: Vec<u32>,
    /// Names that all of a table is to come under, and the place in the plan that it had.
    again: Vec<(TableName, Option<u32>)>,
}

impl Publisher {
    /// Behind the statement, in the same Kafka transaction.
    pub(super) fn follow_names(&mut self, query: &QueryEvent<'_>) -> Result<()> {
        let (Some(snapshot), Some(progress)) = (&self.snapshot, &self.progress.snapshot) else {
            return Ok(());
        };
        let statement = ddl::read(query, self.flavor);
        let mut plan: SnapshotPlan = (*snapshot.plan).clone();
        let first = plan.tables.len() as u32;
        let undone = (progress.next..first).filter(|table| !progress.is_done(*table)).map(|table| {
            let planned = &plan.tables[table as usize];
            (table, TableName::new(&planned.database, &planned.table))
        });
        let undone: Vec<_> = undone.collect();
        let Moved { mut left, mut again } = moved(&statement.objects, &query.database_text(), &undone);
        let numbered = self.numbered(&statement, query, &undone);
        if let Some((place, name)) = numbered.clone()
            && !left.contains(&place)
        {
            left.push(place);
            again.push((name, Some(place)));
        }
        if left.is_empty() && again.is_empty() {
            return Ok(());
        }
        let mut followed = Vec::new();
        for (name, place) in again {
            if !self.filter.publishes(&name.database, &name.table) {
                continue;
            }
            tracing::info!(table = %name, "a table that the snapshot was to bring has another name or other numbers now: it comes whole");
            let was = place.map(|place| plan.tables[place as usize].clone());
            followed.extend(place.map(|place| (place, plan.tables.len() as u32)));
            plan.tables.push(PlannedTable {
                condition: was.as_ref().and_then(|was| was.condition.clone()),
                estimate: was.as_ref().map_or(0, |was| was.estimate),
                after: was.map_or_else(Vec::new, |was| was.after),
                database: name.database,
                table: name.table,
            });
        }
        // Those that come after it come after it still.
        for before in plan.tables.iter_mut().flat_map(|table| &mut table.after) {
            if let Some((_, now)) = followed.iter().find(|(was, _)| was == before) {
                *before = *now;
            }
        }
        let plan = Arc::new(plan);
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.plan = Arc::clone(&plan);
            for (was, now) in &followed {
                snapshot.desk.follow(*was, *now);
            }
        }
        for table in left {
            if let Some(snapshot) = &self.snapshot {
                snapshot.desk.leave(table);
            }
            self.leave_table(table)?;
        }
        if let (Some(snapshot), Some(progress)) = (&mut self.snapshot, &self.progress.snapshot) {
            snapshot.name_later(progress);
        }
        let added = &plan.tables[first as usize..];
        for PlannedTable { database, table, .. } in added {
            let repair = numbered.is_some();
            let step = format!("{STEP}{},begin={database}.{table}", plan.id);
            let begin = TableBegin { database: database.clone(), table: table.clone(), rows: true, repair };
            self.numbering.snapshot(&step, now_us(), SnapshotStep::Table(begin));
            self.numbering.close();
        }
        if added.is_empty() { Ok(()) } else { self.read_from(plan, first) }
    }
}

impl Publisher {
    /// The table, of those that are to come, whose rows a statement numbers when some have come.
    fn numbered(
        &self,
        statement: &Statement,
        query: &QueryEvent<'_>,
        undone: &[(u32, TableName)],
    ) -> Option<(u32, TableName)> {
        let object = statement.objects.first().filter(|_| statement.numbers)?;
        let database = object.database.clone().unwrap_or_else(|| query.database_text().into_owned());
        let name = TableName::new(database, &object.name);
        let progress = self.progress.snapshot.as_ref()?;
        undone.iter().find(|(place, known)| *known == name && progress.of(*place).is_some()).cloned()
    }
}

/// Follows the names of `undone` through a statement.
fn moved(objects: &[Object], default: &str, undone: &[(u32, TableName)]) -> Moved {
    let named = |object: &Object| TableName::new(object.database.as_deref().unwrap_or(default), &object.name);
    let mut names = undone.to_vec();
    let (mut left, mut partners) = (Vec::new(), Vec::new());
    let mut subject: Option<TableName> = None;
    for object in objects.iter().filter(|object| object.class == Class::Table) {
        let name = named(object);
        match (object.role, &subject) {
            (Role::Altered | Role::RenamedFrom, _) => subject = Some(name),
            (Role::RenamedTo, Some(from)) => {
                // One of that name, which nobody has met yet, is gone: else there would be no room for it.
                left.extend(names.iter().filter(|(_, known)| *known == name).map(|(place, _)| *place));
                names.retain(|(_, known)| *known != name);
                names
                    .iter_mut()
                    .filter(|(_, known)| known == from)
                    .for_each(|(_, known)| *known = name.clone());
            }
            (Role::Exchanged, Some(other)) => partners.push([other.clone(), name]),
            _ => {}
        }
    }
    let mut again: Vec<(TableName, Option<u32>)> = Vec::new();
    for (place, name) in &names {
        if undone.iter().any(|(known, before)| known == place && before != name) {
            left.push(*place);
            again.push((name.clone(), Some(*place)));
        }
    }
    for pair in partners {
        let place = |name: &TableName| names.iter().find(|(_, known)| known == name).map(|(place, _)| *place);
        if pair.iter().any(|name| place(name).is_some()) {
            left.extend(pair.iter().filter_map(place));
            again
                .extend(pair.into_iter().map(|name| (place(&name), name)).map(|(place, name)| (name, place)));
        }
    }
    Moved { left, again }
}

#[cfg(test)]
mod tests {
    use strait_mysql::{ddl::Reading, server::Flavor};

    use super::*;

    fn name(table: &str) -> TableName {
        TableName::new("d", table)
    }

    fn follow(statement: &'static str, undone: &[&str]) -> (Vec<u32>, Vec<String>) {
        let query = QueryEvent { database: b"d", statement: statement.as_bytes(), ..QueryEvent::default() };
        let statement = strait_mysql::ddl::classify(query.statement, Reading::of(&query, Flavor::Mysql));
        let undone: Vec<_> = (0..).zip(undone.iter().map(|table| name(table))).collect();
        let Moved { mut left, again } = moved(&statement.objects, "d", &undone);
        left.sort_unstable();
        (left, again.into_iter().map(|(name, _)| name.to_string()).collect())
    }

    #[test]
    fn a_table_comes_under_the_name_that_it_has_in_the_end() {
        let nothing = (Vec::new(), Vec::<String>::new());
        assert_eq!(follow("RENAME TABLE a TO b", &["c"]), nothing);
        assert_eq!(follow("ALTER TABLE a ADD i INT", &["a"]), nothing);
        assert_eq!(follow("RENAME TABLE a TO b, b TO e.c", &["z", "a"]), (vec![1], vec!["e.c".into()]));
        assert_eq!(follow("ALTER TABLE a RENAME b", &["a"]), (vec![0], vec!["d.b".into()]));
        assert_eq!(follow("RENAME TABLE a TO b, b TO a", &["a"]), nothing);
    }

    #[test]
    fn tables_that_change_places_come_both() {
        let swap = "RENAME TABLE a TO passing, b TO a, passing TO b";
        assert_eq!(follow(swap, &["a", "b"]), (vec![0, 1], vec!["d.b".into(), "d.a".into()]));
        assert_eq!(follow(swap, &["a"]), (vec![0], vec!["d.b".into()]), "what is in a now has come");
        let exchange = "ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b";
        assert_eq!(follow(exchange, &["b"]), (vec![0], vec!["d.a".into(), "d.b".into()]));
    }

    #[test]
    fn one_that_is_gone_gives_its_name_away() {
        assert_eq!(follow("RENAME TABLE a TO b", &["a", "b"]), (vec![0, 1], vec!["d.b".into()]));
        assert_eq!(follow("RENAME TABLE a TO b", &["b"]), (vec![0], Vec::new()));
    }
}
