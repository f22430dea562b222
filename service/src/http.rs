//! The HTTP pages: /health/live, /health/ready, /metrics, /status.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::TextEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    error::{Error, Result},
    status::Status,
};

/// Where the health, metrics and status pages are served.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port; port 0 takes a free one and logs it. When not set: loopback (the pages have no login),
    /// 127.0.0.1:8401 for the connector, 127.0.0.1:8402 for the sink.
    pub address: Option<SocketAddr>,
}

impl Config {
    /// The address to bind, with the process's own default port.
    pub fn address_or(&self, port: u16) -> SocketAddr {
        self.address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

/// What the pages show.
#[derive(Clone)]
pub struct Pages {
    pub process: &'static str,
    pub metrics: prometheus::Registry,
    pub status: Status,
    /// More JSON for /status, made at each request.
    pub details: Arc<dyn Fn() -> Value + Send + Sync>,
}

/// Binds, then serves until `stop` in a task of its own; gives the bound address.
pub async fn serve(address: SocketAddr, pages: Pages, stop: CancellationToken) -> Result<SocketAddr> {
    let refused = |source| Error::HttpBind { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    let state = Arc::new((pages, Instant::now()));
    let app = Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(state);
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the http pages ended");
        }
    });
    tracing::info!(address = %bound, "serving /health/live, /health/ready, /metrics and /status");
    Ok(bound)
}

type Shared = State<Arc<(Pages, Instant)>>;

async fn live(State(shared): Shared) -> Response {
    health("live", &shared.0.status.not_live())
}

async fn ready(State(shared): Shared) -> Response {
    health("ready", &shared.0.status.not_ready())
}

fn health(name: &str, reasons: &[String]) -> Response {
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_page(status, &json!({name: reasons.is_empty(), "reasons": reasons}))
}

async fn metrics(State(shared): Shared) -> Response {
    match TextEncoder::new().encode_to_string(&shared.0.metrics.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn status(State(shared): Shared) -> Response {
    let (pages, begun) = &*shared;
    let page = json!({
        "process": pages.process,
        "version": env!("CARGO_PKG_VERSION"),
        "up_seconds": begun.elapsed().as_secs_f64(),
        "components": pages.status.to_json(),
        "details": (pages.details)(),
    });
    json_page(StatusCode::OK, &page)
}

fn json_page(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body:#}\n")).into_response()
}
