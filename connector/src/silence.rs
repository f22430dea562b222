//! How long nothing may come from the source before the connection counts as dead: three heartbeats. But a large event
//! over a slow link is silence, too, and would be so again at every new try: so a silence at the place where the
//! last one was is borne twice as long.

use std::time::Duration;

use strait_mysql::stream::StartAt;

/// An event has at most 1 GiB.
const LONGEST: Duration = Duration::from_secs(30 * 60);

#[derive(Debug)]
pub struct Silence {
    usual: Duration,
    /// Where the stream began that was given up last, and the silence that ended it.
    given_up: Option<(StartAt, Duration)>,
}

impl Silence {
    pub fn new(heartbeat: Duration) -> Self {
        Self { usual: heartbeat * 3, given_up: None }
    }

    /// For a stream that begins here.
    pub fn borne(&self, start: &StartAt) -> Duration {
        match &self.given_up {
            Some((place, borne)) if place == start => (*borne * 2).min(LONGEST).max(self.usual),
            _ => self.usual,
        }
    }

    /// A stream that began here was silent for so long.
    pub fn give_up(&mut self, start: StartAt, borne: Duration) {
        self.given_up = Some((start, borne));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pos: u64) -> StartAt {
        StartAt::File { file: "binlog.000001".into(), pos }
    }

    #[test]
    fn silence_is_borne_longer_only_where_it_was() {
        let seconds = Duration::from_secs;
        let mut silence = Silence::new(seconds(1));
        assert_eq!(silence.borne(&at(4)), seconds(3));
        silence.give_up(at(4), seconds(3));
        assert_eq!(silence.borne(&at(4)), seconds(6));
        assert_eq!(silence.borne(&at(5)), seconds(3), "the stream had gone on");
        silence.give_up(at(4), seconds(6));
        assert_eq!(silence.borne(&at(4)), seconds(12));
        silence.give_up(at(4), LONGEST);
        assert_eq!(silence.borne(&at(4)), LONGEST);
    }
}
