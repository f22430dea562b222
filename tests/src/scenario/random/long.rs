//! One seed after the other, at servers of either kind, with and without a snapshot.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Begin, Random};
use crate::mysql::Flavor;

/// Of one seed: what has been broken shows soon, and new tables meet what old ones do not.
const RUN: Duration = Duration::from_mins(3);

/// For `STRAIT_MINUTES`, 60 if it does not say.
pub async fn long(seed: u64) -> Result<String> {
    let minutes = match std::env::var("STRAIT_MINUTES") {
        Ok(minutes) => minutes
            .parse()
            .with_context(|| format!("STRAIT_MINUTES={minutes}: a whole number is expected"))?,
        Err(_) => 60,
    };
    let duration = Duration::from_mins(minutes);
    let begun = Instant::now();
    let (mut runs, mut failed) = (0, 0);
    while begun.elapsed() < duration {
        let random = of(seed + runs, RUN.min(duration.saturating_sub(begun.elapsed())));
        // Another seed may tell something else.
        match random.run().await {
            Ok(report) => println!("{report}"),
            Err(error) => {
                println!("{error:?}");
                failed += 1;
            }
        }
        runs += 1;
    }
    ensure!(failed == 0, "{failed} of {runs} runs failed");
    Ok(format!("{runs} runs"))
}

/// A run that its seed says all about.
const fn of(seed: u64, duration: Duration) -> Random {
    let flavor = if seed.is_multiple_of(2) { Flavor::MySql } else { Flavor::MariaDb };
    let begin = if seed % 4 < 2 { Begin::Snapshot } else { Begin::Empty };
    Random { seed, flavor, begin, duration }
}
