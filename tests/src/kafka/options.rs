//! What differs between clusters.

use std::collections::BTreeMap;

use crate::proxy::Latency;

#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Names its folders and logs.
    pub name: String,
    /// 1 or 3.
    pub nodes: usize,
    /// Of the link to the WAN door; `None`: no such door.
    pub wan: Option<Latency>,
    /// A node that was killed is back in 3 s instead of 13, but a starved one fences itself.
    pub fast_failover: bool,
    /// The compiler that the JVM needs to be fast, and more memory.
    pub fast_code: bool,
    /// Server properties, which win over the lab's.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            name: "kafka".to_owned(),
            nodes: 1,
            wan: None,
            fast_failover: false,
            fast_code: false,
            properties: BTreeMap::new(),
        }
    }
}

impl KafkaOptions {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    #[must_use]
    pub fn wan(mut self, latency: Latency) -> Self {
        self.wan = Some(latency);
        self
    }

    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }
}
