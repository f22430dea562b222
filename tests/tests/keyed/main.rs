//! The sink with `order = "key"`: topics that Debezium wrote, what is refused, what a log may look like, and the fence.

mod debezium;
mod fence;
mod layout;
mod log;
mod refusals;
mod scene;
mod silence;
