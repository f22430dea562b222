//! GET for health, metrics and registry pages.

use std::time::Duration;

use anyhow::{Context, Result};

/// The body of a page that answers 200 within 5 s.
pub async fn ok(url: &str) -> Result<String> {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build();
        let agent = ureq::Agent::from(config);
        let mut response = agent.get(&url).call().with_context(|| format!("GET {url}"))?;
        response.body_mut().read_to_string().with_context(|| format!("read {url}"))
    })
    .await?
}

/// The status code and body, whatever the status is.
pub async fn status(url: &str) -> Result<(u16, String)> {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(5)))
            .http_status_as_error(false)
            .build();
        let mut response =
            ureq::Agent::from(config).get(&url).call().with_context(|| format!("GET {url}"))?;
        let body = response.body_mut().read_to_string().with_context(|| format!("read {url}"))?;
        Ok((response.status().as_u16(), body))
    })
    .await?
}
