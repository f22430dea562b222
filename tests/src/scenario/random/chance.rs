//! Choices from the run's seed.

pub use fastrand::Rng;

/// One of these.
pub fn one<'a, T: ?Sized>(random: &mut Rng, of: &[&'a T]) -> &'a T {
    of[random.usize(..of.len())]
}

/// One of these, if there is any.
pub fn any<'a, T>(random: &mut Rng, of: &'a [T]) -> Option<&'a T> {
    if of.is_empty() { None } else { Some(&of[random.usize(..of.len())]) }
}

/// True in one of `n` cases.
pub fn seldom(random: &mut Rng, n: u32) -> bool {
    random.u32(..n) == 0
}
