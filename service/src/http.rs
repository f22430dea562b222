//! The HTTP pages: /health/live, /health/ready, /metrics, /status.

use std::{net::SocketAddr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::status::Status;

/// Where the pages are served.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port; port 0 takes a free one (logged). Loopback by default: the pages have no login.
    pub address: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

/// What the pages show.
#[derive(Clone)]
pub struct Pages {
    pub process: &'static str,
    pub metrics: prometheus::Registry,
    pub status: Status,
    /// More JSON for /status, made at each request.
    pub details: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
}

/// Binds and serves until `stop`; gives the bound address.
pub async fn serve(config: &Config, pages: Pages, stop: CancellationToken) -> crate::Result<SocketAddr> {
    let _ = (config, pages, stop);
    todo!()
}
