//! What all lanes of one run share.

use std::{sync::Arc, time::Duration};

use strait_mysql::{client::quote_text, server::ServerOptions};
use strait_schemas::Seq;
use strait_service::Component;

use super::{
    blocked::LockWatch,
    board::Board,
    pace::Pace,
    turn::{Ticket, Turn},
    work::Statement,
};
use crate::{
    checkpoint::{Identity, ServerRun},
    error::Error,
    row_events::Definitions,
};

/// What is counted while tasks are applied; the process' metrics implement it, the tests count.
pub trait Events: std::fmt::Debug + Send + Sync {
    /// A task was rolled back and is done again: "yielded", "lock" or "conflict".
    fn redone(&self, reason: &'static str);
    /// Rows were written as events.
    fn written_as_events(&self, rows: usize);
    /// A row at the target was not as the source's history says, and was made so.
    fn repaired(&self);
}

#[derive(Debug)]
pub struct Shared {
    pub server: ServerOptions,
    pub identity: Identity,
    pub run: ServerRun,
    pub epoch: u64,
    pub lock_wait_s: u32,
    pub answer_timeout: Duration,
    /// Where rows may come as events.
    pub definitions: Option<Definitions>,
    pub turn: Turn,
    pub board: Board,
    pub pace: Pace,
    pub watch: Option<LockWatch>,
    pub events: Arc<dyn Events>,
    pub status: Component,
}

impl Shared {
    /// The WHERE condition of a lane's row.
    pub fn row_of(&self, lane: u16) -> String {
        format!(
            "origin = {} AND sink = {} AND lane = {lane}",
            quote_text(&self.identity.origin),
            quote_text(&self.identity.sink)
        )
    }

    pub fn fenced(&self, lane: u16, seq: Seq) -> Error {
        Error::Fenced {
            lane,
            epoch: self.epoch,
            seq,
            successor: None,
            place: format!("table strait.lane at {}, {}", self.server.place(), self.row_of(lane)),
        }
    }

    /// The head's statement takes long: asks the lanes that hold what it waits for to yield.
    pub async fn clear_the_way(&self, head: Ticket, connection: u64, statement: &Statement) {
        let Some(watch) = &self.watch else { return };
        for blocker in watch.in_the_way_of(connection).await {
            match self.board.lane_of(blocker) {
                Some(lane) => {
                    if self.board.ask(lane, head) {
                        tracing::debug!(lane, what = %statement.what, "asked to yield to the head");
                    }
                }
                None => self.status.waiting(format!(
                    "{} waits for a lock held by connection {blocker} ({}); to end it: KILL {blocker}",
                    statement.what, statement.place
                )),
            }
        }
    }
}
