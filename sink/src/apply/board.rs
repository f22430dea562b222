//! What the lanes know of each other: who has a transaction open, who is asked to give way, and the gate that
//! keeps lanes from beginning while the head is in trouble.
//!
//! InnoDB cannot see that a lane which holds locks waits for its turn, so a head that needs one of those locks
//! would wait for ever: a cycle through Strait itself. Here it is broken: the head asks the lanes in its way to
//! yield; each rolls back and begins again at its own turn.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::turn::Ticket;

#[derive(Debug, Default, Clone, Copy)]
struct Seat {
    connection: u64,
    /// The task whose transaction is open.
    open: Option<Ticket>,
    asked_to_yield: bool,
}

#[derive(Debug)]
pub struct Board {
    seats: Mutex<Vec<Seat>>,
    /// Wakes whoever waits for a change of the seats.
    changed: Notify,
    asked: Vec<Notify>,
    gate: watch::Sender<bool>,
}

impl Board {
    pub fn new(lanes: u16) -> Self {
        Self {
            seats: Mutex::new(vec![Seat::default(); usize::from(lanes)]),
            changed: Notify::new(),
            asked: (0..lanes).map(|_| Notify::new()).collect(),
            gate: watch::Sender::new(true),
        }
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_connection(&self, lane: u16, connection: u64) {
        self.seats()[usize::from(lane)].connection = connection;
    }

    pub fn lane_of(&self, connection: u64) -> Option<u16> {
        self.seats().iter().position(|seat| seat.connection == connection).map(|at| at as u16)
    }

    pub fn begin(&self, lane: u16, ticket: Ticket) {
        let seat = &mut self.seats()[usize::from(lane)];
        seat.open = Some(ticket);
        seat.asked_to_yield = false;
    }

    /// The lane has no transaction open any more.
    pub fn end(&self, lane: u16) {
        let seat = &mut self.seats()[usize::from(lane)];
        seat.open = None;
        seat.asked_to_yield = false;
        self.changed.notify_waiters();
    }

    pub fn must_yield(&self, lane: u16) -> bool {
        self.seats()[usize::from(lane)].asked_to_yield
    }

    /// Returns once the lane is asked to yield.
    pub async fn asked_to_yield(&self, lane: u16) {
        while !self.must_yield(lane) {
            self.asked[usize::from(lane)].notified().await;
        }
    }

    /// Asks a lane to roll back; false: it has nothing open that is younger than `head`.
    pub fn ask(&self, lane: u16, head: Ticket) -> bool {
        let seat = &mut self.seats()[usize::from(lane)];
        if seat.open.is_none_or(|ticket| ticket <= head) {
            return false;
        }
        seat.asked_to_yield = true;
        self.asked[usize::from(lane)].notify_one();
        true
    }

    /// Asks every lane behind `head`; returns once none of them has a transaction open. The count asked.
    pub async fn clear_behind(&self, head: Ticket) -> usize {
        let mut asked = 0;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let behind: Vec<u16> = self
                .seats()
                .iter()
                .enumerate()
                .filter(|(_, seat)| seat.open.is_some_and(|ticket| ticket > head))
                .map(|(at, _)| at as u16)
                .collect();
            if behind.is_empty() {
                return asked;
            }
            asked += behind.iter().filter(|&&lane| self.ask(lane, head)).count();
            changed.await;
        }
    }

    pub fn close_gate(&self) {
        self.gate.send_replace(false);
    }

    pub fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    pub async fn pass_gate(&self) {
        // The sender is `self`: it cannot be gone.
        let _ = self.gate.subscribe().wait_for(|open| *open).await;
    }
}
