//! The status board: each component that can stand still says why, and since when.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

/// What a component does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not yet at work: the process is not ready.
    Starting,
    /// Records pass.
    Moving,
    /// Nothing to do: "source idle". Ready.
    Idle,
    /// Could move but for what it waits for: "waiting for seq n from topic t partition p". Ready.
    Waiting,
    /// Lost its peer and tries again: not ready.
    Recovering,
    /// Stopped with a cause that a human must mend: not ready.
    Halted,
    /// Ended as asked.
    Stopped,
}

/// The board; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Status {
    _inner: Arc<()>,
}

/// One named line of the board; cheap to clone and to update.
#[derive(Debug, Clone)]
pub struct Component {
    _inner: Arc<()>,
}

impl Status {
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of the board, in state `Starting`.
    pub fn component(&self, name: &str) -> Component {
        let _ = name;
        todo!()
    }

    /// Like `component`, and the process counts as dead (`/health/live`, systemd's watchdog) when the line
    /// is neither set nor `beat` for so long.
    pub fn watched_component(&self, name: &str, deadline: Duration) -> Component {
        let _ = (name, deadline);
        todo!()
    }

    /// Why the process is not ready; empty when it is.
    pub fn not_ready(&self) -> Vec<String> {
        todo!()
    }

    /// Why the process counts as dead; empty when it lives.
    pub fn not_live(&self) -> Vec<String> {
        todo!()
    }

    /// `{"source": {"state": "waiting", "why": "...", "since": "...", "for_seconds": 1.2}, ...}`
    pub fn to_json(&self) -> serde_json::Value {
        todo!()
    }

    /// One line for systemd's STATUS: the first component that is not moving, with its reason.
    pub fn summary(&self) -> String {
        todo!()
    }
}

impl Component {
    /// Sets state and reason; `since` starts anew only when the state changes.
    pub fn set(&self, state: State, why: impl Into<String>) {
        let _ = (state, why.into());
        todo!()
    }

    /// Records pass: no allocation when it was moving already.
    pub fn moving(&self) {
        todo!()
    }

    pub fn starting(&self, why: impl Into<String>) {
        self.set(State::Starting, why);
    }

    pub fn idle(&self, why: impl Into<String>) {
        self.set(State::Idle, why);
    }

    pub fn waiting(&self, why: impl Into<String>) {
        self.set(State::Waiting, why);
    }

    pub fn recovering(&self, why: impl Into<String>) {
        self.set(State::Recovering, why);
    }

    pub fn halted(&self, why: impl Into<String>) {
        self.set(State::Halted, why);
    }

    pub fn stopped(&self) {
        self.set(State::Stopped, "");
    }

    /// Still alive, state unchanged: one atomic store.
    pub fn beat(&self) {
        todo!()
    }
}
