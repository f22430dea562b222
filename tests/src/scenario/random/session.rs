//! Settings of the session that change what a statement does, in both ends' eyes.

use super::chance::{Rng, one};
use crate::mysql::Flavor;

/// A setting, and its value; most sessions let pass what is not quite right, so that edges get in. What changes the value of a
/// generated column (PAD_CHAR_TO_FULL_LENGTH) is left out: the target computes it itself.
pub fn setting(flavor: Flavor, random: &mut Rng) -> String {
    let own: &[&str] = match flavor {
        Flavor::MySql => &[
            "default_collation_for_utf8mb4 = utf8mb4_general_ci",
            "default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci",
            "explicit_defaults_for_timestamp = ON",
        ],
        // Not alter_algorithm: the log does not tell it, and rows that are numbered get other numbers by another one.
        Flavor::MariaDb => &["check_constraint_checks = ON"],
    };
    let set = match random.u32(..8) {
        0..=2 => one(
            random,
            &["sql_mode = ''", "sql_mode = ''", "sql_mode = DEFAULT", "sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"],
        ),
        3 => one(random, &["time_zone = '+05:30'", "time_zone = '-11:00'", "time_zone = '+00:00'"]),
        4 => one(
            random,
            &["NAMES utf8mb4", "NAMES utf8mb4 COLLATE utf8mb4_bin", "NAMES latin1", "NAMES utf8mb4"],
        ),
        5 => one(
            random,
            &[
                "foreign_key_checks = 0",
                "foreign_key_checks = 1",
                "unique_checks = 1",
                "timestamp = 1700000000.25",
                "timestamp = DEFAULT",
            ],
        ),
        // An offset above the increment makes gaps where a server's estimate of the rows decides.
        6 => one(
            random,
            &[
                "auto_increment_increment = 3, auto_increment_offset = 2",
                "auto_increment_increment = 3, auto_increment_offset = 1",
                "auto_increment_increment = 1, auto_increment_offset = 1",
            ],
        ),
        _ => one(random, own),
    };
    format!("SET {set}")
}
