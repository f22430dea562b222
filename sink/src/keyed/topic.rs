//! A topic's row of `strait.keyed_topic`: what leads a key to its partition, as it was when the topic was first seen.
//!
//! All records of one key are ordered only while they lie in one partition. Which one that is, the key's bytes and the number of partitions
//! say. With another number (`kafka-topics.sh --alter --partitions`), or keys of another form (a column's type in the key has
//! changed, so its schema, whose id or text is part of the bytes), newer records may lie in another partition than older ones
//! that nobody has applied yet: and the older would win. So such a change halts, until somebody who knows confirms it.
//!
//! Partitions are compared when topics are looked at and when one is taken, so before a record of a new one is applied; the key's form with
//! each record.

use strait_mysql::client::{Conn, Queryable, quote_text};

use super::{Part, checkpoint::Rows};
use crate::error::{Error, Place, Result};

impl Rows {
    fn of_topic(&self, topic: &str) -> String {
        format!(
            "origin = {} AND sink = {} AND topic = {}",
            quote_text(&self.identity.origin),
            quote_text(&self.identity.sink),
            quote_text(topic)
        )
    }

    /// Notes how many partitions a topic has, at its first sight.
    ///
    /// # Errors
    /// `PartitionsChanged`: it had another number.
    pub async fn ensure_partitions(&self, conn: &mut Conn, topic: &str, found: i32) -> Result<()> {
        let note = format!(
            "INSERT IGNORE INTO strait.keyed_topic SET origin = {}, sink = {}, topic = {}, partitions = {found}, key_forms = ''",
            quote_text(&self.identity.origin),
            quote_text(&self.identity.sink),
            quote_text(topic)
        );
        let known = match self.partitions(conn, topic).await? {
            Some(known) => known,
            None => {
                conn.query_drop(note)
                    .await
                    .map_err(Error::target(conn, "adding a row to strait.keyed_topic"))?;
                self.partitions(conn, topic).await?.unwrap_or(found)
            }
        };
        if known == found { Ok(()) } else { Err(self.changed(topic, known, found)) }
    }

    /// Before a partition is taken: the group may know of it earlier than a look at the topics.
    pub async fn ensure_known(&self, conn: &mut Conn, part: &Part) -> Result<()> {
        match self.partitions(conn, &part.topic).await? {
            Some(known) if known <= part.number => Err(self.changed(&part.topic, known, part.number + 1)),
            _ => Ok(()),
        }
    }

    async fn partitions(&self, conn: &mut Conn, topic: &str) -> Result<Option<i32>> {
        conn.query_first(format!("SELECT partitions FROM strait.keyed_topic WHERE {}", self.of_topic(topic)))
            .await
            .map_err(Error::target(conn, "reading strait.keyed_topic"))
    }

    fn changed(&self, topic: &str, known: i32, found: i32) -> Error {
        let row = self.of_topic(topic);
        let place = format!("table strait.keyed_topic at {}", self.place);
        Error::PartitionsChanged { topic: topic.to_owned(), known, found, row, place }
    }

    /// Notes the form of a topic's keys, at its first sight.
    ///
    /// # Errors
    /// `KeyFormChanged`: they had another.
    pub async fn ensure_form(
        &self,
        conn: &mut Conn,
        form: &str,
        place: &(dyn Fn() -> Place + Sync),
    ) -> Result<()> {
        let row = self.of_topic(&place().topic);
        let quoted = quote_text(form);
        conn.query_drop(format!(
            "UPDATE strait.keyed_topic SET key_forms = {quoted} WHERE {row} AND key_forms = ''"
        ))
        .await
        .map_err(Error::target(conn, "noting a key's form in strait.keyed_topic"))?;
        let known: Option<String> = conn
            .query_first(format!("SELECT key_forms FROM strait.keyed_topic WHERE {row}"))
            .await
            .map_err(Error::target(conn, "reading strait.keyed_topic"))?;
        let known = known.unwrap_or_default();
        if known.split(',').any(|it| it == form) {
            return Ok(());
        }
        Err(Error::KeyFormChanged { form: form.to_owned(), known, row, place: place() })
    }
}
