//! The lab: real MySQL servers, Kafka brokers and schema registries on a bare Debian machine, without
//! containers and without services of the system, joined by proxies that play the wide-area network.
//!
//! Everything started here belongs to this process: it listens on loopback only, keeps its files in one
//! directory that goes away at the end, and dies with this process, however that dies.

// In reading order: where things are kept, how they are installed, how a process is held, the servers.
pub mod child;
pub mod eventually;
pub mod external;
pub mod http;
pub mod install;
pub mod kafka;
pub mod lab;
pub mod lab_dir;
pub mod mysql;
pub mod ports;
pub mod prometheus;
pub mod proxy;
pub mod registry;
pub mod run_dir;
// Two sites, our processes between them, load, and whether both ends are equal.
pub mod compare;
pub mod definitions;
pub mod metrics;
pub mod shop;
pub mod sites;
pub mod strait;
pub mod workload;
// What is built on them: judging a published log, measuring.
pub mod bench;
pub mod debezium;
pub mod fake_source;
pub mod oracle;
pub mod scenario;
pub mod types;

pub use eventually::eventually;
pub use kafka::{Kafka, KafkaOptions};
pub use lab::Lab;
pub use mysql::{Flavor, MySql, MySqlOptions, fresh_name};
pub use prometheus::Prometheus;
pub use proxy::{Latency, Proxy};
pub use registry::{Registry, RegistryOptions};
pub use sites::{Site, Sites, SitesOptions};
pub use strait::{Program, Strait};
pub use workload::Workload;
