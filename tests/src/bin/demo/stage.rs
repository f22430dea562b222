//! The steps before the show, each with the time it took.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::screen::Screen;

pub struct Stages<'a> {
    screen: &'a Screen,
}

impl<'a> Stages<'a> {
    pub fn new(screen: &'a Screen) -> Self {
        Self { screen }
    }

    /// Shows `doing` while it runs and `done` when it has ended.
    pub async fn run<T>(&self, done: &str, doing: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let start = Instant::now();
        let mut work = std::pin::pin!(work);
        let mut turn = 0;
        loop {
            self.screen.doing(turn, doing, start.elapsed());
            tokio::select! {
                result = &mut work => {
                    if result.is_ok() {
                        self.screen.done(done, start.elapsed());
                    }
                    return result;
                }
                () = tokio::time::sleep(Duration::from_millis(100)) => turn += 1,
            }
        }
    }
}
