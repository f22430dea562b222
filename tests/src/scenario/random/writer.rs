//! One session at the source, and what is done in it.

use std::{fs::File, io::Write as _, path::Path};

use anyhow::{Context, Result};
use mysql_async::{Conn, prelude::Queryable};

use super::{
    chance::{Rng, seldom},
    rows,
    schema::Names,
    session,
    shape::{self, Shape},
};
use crate::{MySql, mysql::Flavor};

#[derive(Debug)]
pub struct Writer {
    conn: Conn,
    /// Looks at the tables, with settings that nobody changes.
    eye: Conn,
    database: String,
    flavor: Flavor,
    pub(super) random: Rng,
    pub(super) names: Names,
    shapes: Vec<Shape>,
    log: File,
    /// Statements that the server took, and those that it refused.
    pub done: u32,
    pub refused: u32,
}

impl Writer {
    /// What is done is noted in the file, one line a statement.
    pub async fn open(server: &MySql, database: &str, seed: u64, file: &Path) -> Result<Self> {
        let mut conn = server.conn_to(database).await?;
        conn.query_drop("SET sql_mode = ''").await?;
        let mut writer = Self {
            conn,
            eye: server.conn_to(database).await?,
            database: database.to_owned(),
            flavor: server.flavor(),
            random: Rng::with_seed(seed),
            names: Names::default(),
            shapes: Vec::new(),
            log: File::create(file)?,
            done: 0,
            refused: 0,
        };
        writer.look().await?;
        Ok(writer)
    }

    pub(super) fn note(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.log, "{line}")?)
    }

    /// A new table.
    pub(super) async fn create(&mut self) -> Result<()> {
        let create = self.names.create(self.flavor, &mut self.random);
        self.run(&create).await?;
        self.look().await
    }

    /// A change of the schema now and then, else of rows.
    pub async fn step(&mut self) -> Result<()> {
        if seldom(&mut self.random, 12) {
            for statement in self.names.change(&self.shapes, self.flavor, &mut self.random) {
                self.run(&statement).await?;
            }
            return self.look().await;
        }
        if seldom(&mut self.random, 20) {
            let setting = session::setting(self.flavor, &mut self.random);
            return self.run(&setting).await;
        }
        self.change_rows().await
    }

    /// Rows alone, of the tables that there are.
    pub async fn change_rows(&mut self) -> Result<()> {
        for statement in rows::change(&self.shapes, &mut self.random) {
            self.run(&statement).await?;
        }
        Ok(())
    }

    /// Rows for every table, as far as its keys let them.
    pub(super) async fn fill(&mut self) -> Result<()> {
        for at in 0..self.shapes.len() {
            let insert = rows::insert("INSERT IGNORE", &self.shapes[at], &mut self.random);
            self.run(&insert).await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        self.shapes = shape::read(&mut self.eye, &self.database).await?;
        Ok(())
    }

    /// Whatever the server says to it, unless it says nothing more.
    pub async fn run(&mut self, statement: &str) -> Result<()> {
        self.note(statement)?;
        match self.conn.query_drop(statement).await {
            Ok(()) => self.done += 1,
            Err(mysql_async::Error::Server(_)) => self.refused += 1,
            Err(error) => return Err(error).with_context(|| statement.to_owned()),
        }
        Ok(())
    }
}
