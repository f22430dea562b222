//! The status board: each component that can stand still says why, and since when.
//!
//! Readiness, liveness, the /status page and systemd's STATUS line are all read from here. Updating a line costs
//! a short uncontended lock at most, and nothing but two atomic stores while records pass.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

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

impl State {
    fn is_ready(self) -> bool {
        match self {
            Self::Moving | Self::Idle | Self::Waiting => true,
            Self::Starting | Self::Recovering | Self::Halted | Self::Stopped => false,
        }
    }

    fn has_ended(self) -> bool {
        matches!(self, Self::Halted | Self::Stopped)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Moving => "moving",
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Recovering => "recovering",
            Self::Halted => "halted",
            Self::Stopped => "stopped",
        }
    }
}

/// The board; cheap to clone.
#[derive(Debug, Clone)]
pub struct Status {
    board: Arc<Board>,
}

#[derive(Debug)]
struct Board {
    /// Beats are milliseconds since then.
    begun: Instant,
    lines: Mutex<Vec<Arc<Line>>>,
}

#[derive(Debug)]
struct Line {
    name: String,
    now: Mutex<Now>,
    /// Says that `now.state` is `Moving`, so that `moving` need not look.
    moving: AtomicBool,
    beat: AtomicU64,
    deadline: Mutex<Option<Duration>>,
}

#[derive(Debug, Clone)]
struct Now {
    state: State,
    why: String,
    since: SystemTime,
    since_monotonic: Instant,
}

impl Now {
    fn new(state: State, why: String) -> Self {
        Self { state, why, since: SystemTime::now(), since_monotonic: Instant::now() }
    }
}

/// One named line of the board; cheap to clone and to update.
#[derive(Debug, Clone)]
pub struct Component {
    board: Arc<Board>,
    line: Arc<Line>,
}

impl Default for Status {
    fn default() -> Self {
        Self::new()
    }
}

impl Status {
    pub fn new() -> Self {
        Self { board: Arc::new(Board { begun: Instant::now(), lines: Mutex::default() }) }
    }

    /// The line of that name, in state `Starting` if it is new: a pipeline that starts again finds its own.
    pub fn component(&self, name: &str) -> Component {
        let mut lines = lock(&self.board.lines);
        let line = if let Some(line) = lines.iter().find(|line| line.name == name) {
            line.clone()
        } else {
            let line = Arc::new(Line {
                name: name.to_owned(),
                now: Mutex::new(Now::new(State::Starting, String::new())),
                moving: AtomicBool::new(false),
                beat: AtomicU64::new(0),
                deadline: Mutex::new(None),
            });
            lines.push(line.clone());
            line
        };
        let component = Component { board: self.board.clone(), line };
        component.beat();
        component
    }

    /// Like `component`, and the process counts as dead (`/health/live`, systemd's watchdog) when the line
    /// is neither set nor `beat` for so long. A line that has halted or stopped is watched no more.
    pub fn watched_component(&self, name: &str, deadline: Duration) -> Component {
        let component = self.component(name);
        *lock(&component.line.deadline) = Some(deadline);
        component
    }

    /// Why the process is not ready; empty when it is.
    pub fn not_ready(&self) -> Vec<String> {
        let lines = lock(&self.board.lines);
        if lines.is_empty() {
            return vec!["no component has started yet".to_owned()];
        }
        lines.iter().filter_map(|line| line.describe(|now| !now.state.is_ready())).collect()
    }

    /// Why the process counts as dead; empty when it lives.
    pub fn not_live(&self) -> Vec<String> {
        let elapsed = self.board.elapsed();
        let lines = lock(&self.board.lines);
        lines.iter().filter_map(|line| line.overdue(elapsed)).collect()
    }

    /// Components that have not ended, with what they do: what a shutdown still waits for.
    pub fn unfinished(&self) -> Vec<String> {
        let lines = lock(&self.board.lines);
        lines.iter().filter_map(|line| line.describe(|now| !now.state.has_ended())).collect()
    }

    /// `{"source": {"state": "waiting", "why": "...", "since": "...", "for_seconds": 1.2}, ...}`
    pub fn to_json(&self) -> Value {
        let lines = lock(&self.board.lines);
        Value::Object(lines.iter().map(|line| (line.name.clone(), line.to_json())).collect())
    }

    /// One line: each component that is not moving, with its reason, or "moving".
    pub fn summary(&self) -> String {
        let lines = lock(&self.board.lines);
        let still = lines.iter().filter_map(|line| line.describe(|now| now.state != State::Moving));
        let still: Vec<String> = still.collect();
        if still.is_empty() { "moving".to_owned() } else { still.join("; ") }
    }
}

impl Board {
    fn elapsed(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }
}

impl Line {
    /// "source: waiting: for ..." if the line's state meets `wanted`.
    fn describe(&self, wanted: impl Fn(&Now) -> bool) -> Option<String> {
        let now = lock(&self.now);
        wanted(&now).then(|| match now.why.as_str() {
            "" => format!("{}: {}", self.name, now.state.name()),
            why => format!("{}: {}: {why}", self.name, now.state.name()),
        })
    }

    fn overdue(&self, elapsed: u64) -> Option<String> {
        let deadline = (*lock(&self.deadline))?;
        let silent = Duration::from_millis(elapsed.saturating_sub(self.beat.load(Ordering::Relaxed)));
        if silent <= deadline || lock(&self.now).state.has_ended() {
            return None;
        }
        let doing = self.describe(|_| true).unwrap_or_default();
        Some(format!("{doing} (no sign of life for {silent:.1?}, allowed are {deadline:.1?})"))
    }

    fn to_json(&self) -> Value {
        let now = lock(&self.now);
        let mut line = Map::new();
        line.insert("state".to_owned(), json!(now.state));
        if !now.why.is_empty() {
            line.insert("why".to_owned(), json!(now.why));
        }
        line.insert("since".to_owned(), json!(humantime::format_rfc3339_millis(now.since).to_string()));
        line.insert("for_seconds".to_owned(), json!(now.since_monotonic.elapsed().as_secs_f64()));
        Value::Object(line)
    }
}

impl Component {
    /// Sets state and reason; `since` starts anew only when the state changes.
    pub fn set(&self, state: State, why: impl Into<String>) {
        self.beat();
        let mut now = lock(&self.line.now);
        let why = why.into();
        if now.state == state {
            now.why = why;
        } else {
            *now = Now::new(state, why);
        }
        self.line.moving.store(state == State::Moving, Ordering::Relaxed);
    }

    /// Records pass: two atomic operations when it was moving already.
    pub fn moving(&self) {
        if self.line.moving.load(Ordering::Relaxed) {
            self.beat();
        } else {
            self.set(State::Moving, "");
        }
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

    pub fn state(&self) -> State {
        lock(&self.line.now).state
    }

    /// Still alive, state unchanged.
    pub fn beat(&self) {
        self.line.beat.store(self.board.elapsed(), Ordering::Relaxed);
    }
}

/// A panic in another thread cannot leave a line half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_when_every_component_is() {
        let status = Status::new();
        assert_eq!(status.not_ready(), ["no component has started yet"]);
        let (source, kafka) = (status.component("source"), status.component("kafka"));
        source.moving();
        assert_eq!(status.not_ready(), ["kafka: starting"]);
        kafka.idle("nothing to publish");
        assert!(status.not_ready().is_empty());
        source.recovering("server closed the connection, again in 1s");
        assert_eq!(status.not_ready(), ["source: recovering: server closed the connection, again in 1s"]);
        source.halted("purged");
        kafka.stopped();
        assert_eq!(status.not_ready().len(), 2);
        assert!(status.unfinished().is_empty());
    }

    #[test]
    fn since_changes_with_the_state_only() {
        let status = Status::new();
        let source = status.component("source");
        source.waiting("for seq 1");
        let since = status.to_json()["source"]["since"].clone();
        let first = lock(&source.line.now).since_monotonic;
        source.waiting("for seq 2");
        let json = status.to_json();
        assert_eq!((&json["source"]["since"], &json["source"]["why"]), (&since, &json!("for seq 2")));
        assert_eq!(lock(&source.line.now).since_monotonic, first);
        source.moving();
        assert_ne!(lock(&source.line.now).since_monotonic, first);
        assert_eq!(status.to_json()["source"].get("why"), None);
    }

    #[test]
    fn moving_again_after_anything_else_is_seen() {
        let status = Status::new();
        let source = status.component("source");
        source.moving();
        source.moving();
        source.waiting("for a lock");
        assert_eq!(status.summary(), "source: waiting: for a lock");
        source.moving();
        assert_eq!((source.state(), status.summary().as_str()), (State::Moving, "moving"));
        assert_eq!(status.component("source").state(), State::Moving);
    }

    #[test]
    fn a_watched_component_must_give_signs_of_life() {
        let status = Status::new();
        let _unwatched = status.component("pages");
        let watched = status.watched_component("decoder", Duration::from_secs(3));
        watched.moving();
        let line = &watched.line;
        let beat = line.beat.load(Ordering::Relaxed);
        assert_eq!(line.overdue(beat + 3000), None);
        let reason = line.overdue(beat + 3001).expect("overdue");
        assert!(reason.starts_with("decoder: moving (no sign of life for 3.0s"), "{reason}");
        watched.stopped();
        assert_eq!(line.overdue(beat + 60_000), None);
        assert!(status.not_live().is_empty());
    }
}
