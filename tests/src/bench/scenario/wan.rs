//! Throughput over a long link, against the same through the same proxies without delay.
//!
//! The long link may lie in three places, and each time one process drains a backlog over it: the sink, where the broker is at the
//! source's site; the connector, where the broker is at the target's; the sink, where it is far from its own MySQL. Only that
//! process runs, so nothing else can be the limit and hide the distance.

use std::time::Duration;

use anyhow::Result;

use super::{SEED, publishing::arrive};
use crate::{
    Latency, Proxy, Strait,
    bench::{
        base,
        drain::{self, Drain},
        figure::{Figure, Target},
        load::{Load, Table},
        rig::{self, Rig, Settings},
        samples::Samples,
        scale::Scale,
        suite::say,
        topics,
    },
    proxy::Traffic,
};

const PREFIX: &str = "backlog";

/// One place of the long link.
#[derive(Default)]
struct Place {
    delayed: Samples,
    direct: Samples,
    /// For each row, towards the server behind the proxy and back.
    sent: Samples,
    received: Samples,
}

/// `round_trip` in milliseconds.
pub async fn run(scale: Scale, round_trip: u64) -> Result<Vec<Figure>> {
    let long = Long::start(scale, Latency::one_way(Duration::from_millis(round_trip) / 2)).await?;
    let (mut at_source, mut at_target, mut sink_away) = Default::default();
    for round in 1..=scale.rounds {
        for (latency, delay) in [(Latency::NONE, "no delay"), (long.latency, "delay")] {
            say(&format!("round {round}, {delay}"));
            let name = format!("r{round}{}", latency.one_way.as_millis());
            long.broker_at_source(&mut at_source, latency, &format!("{name}far")).await?;
            long.broker_at_target(&mut at_target, latency, &format!("{name}publish"), round == scale.rounds)
                .await?;
            long.sink_away(&mut sink_away, latency, &format!("{name}away")).await?;
        }
    }
    long.rig.end()?;
    let far = round_trip > 100;
    let mut figures = at_source.figures("broker at the source's site", Some(0.9));
    figures.extend(at_target.figures("broker at the target's site", Some(if far { 0.8 } else { 0.9 })));
    figures.extend(sink_away.figures("sink far from its MySQL", (!far).then_some(0.5)));
    Ok(figures)
}

struct Long {
    rig: Rig,
    /// The sink's way to its MySQL.
    target_link: Proxy,
    latency: Latency,
    rows: u64,
    before: String,
    goal: String,
}

impl Long {
    async fn start(scale: Scale, latency: Latency) -> Result<Self> {
        let rig = Rig::start(&[Table::Bulk]).await?;
        let target_link = Proxy::start(rig.target.address(), Latency::NONE).await?;
        base::keep(&rig.target, rig.tables()).await?;
        say("loading and publishing");
        let before = rig::executed(&rig.source).await?;
        let rows = scale.applied();
        Load::logged(SEED).large_transactions(&rig::opts(&rig.source), rows).await?;
        let goal = rig::executed(&rig.source).await?;
        let connector = rig.connector(&rig.source, PREFIX, &before, Settings::new()).await?;
        drain::publish(&rig, &connector, PREFIX, &goal)?;
        connector.stop().await?;
        Ok(Self { rig, target_link, latency, rows, before, goal })
    }

    async fn broker_at_source(&self, place: &mut Place, latency: Latency, name: &str) -> Result<()> {
        self.rig.set_latency(latency);
        let sink = self.rig.sink(&self.rig.target, PREFIX, name, self.rig.far()?).await?;
        let before = self.rig.traffic();
        let drain = self.apply(&sink, name).await?;
        place.add(&drain, self.rows, latency, before, self.rig.traffic());
        Ok(())
    }

    async fn broker_at_target(
        &self,
        place: &mut Place,
        latency: Latency,
        prefix: &str,
        last: bool,
    ) -> Result<()> {
        self.rig.set_latency(latency);
        let rig = &self.rig;
        let connector = rig.connector(&rig.source, prefix, &self.before, rig.far()?).await?;
        let before = rig.traffic();
        let drain = drain::publish(rig, &connector, prefix, &self.goal)?;
        place.add(&drain, self.rows, latency, before, rig.traffic());
        connector.stop().await?;
        if last {
            base::restore(&rig.target, rig.tables()).await?;
            arrive(rig, prefix).await?;
        }
        topics::delete(&rig.kafka, prefix).await
    }

    async fn sink_away(&self, place: &mut Place, latency: Latency, name: &str) -> Result<()> {
        self.target_link.set_latency(latency);
        let extra = vec![("target.port", self.target_link.port().to_string())];
        let sink = self.rig.sink(&self.rig.target, PREFIX, name, extra).await?;
        let before = self.target_link.traffic();
        let drain = self.apply(&sink, name).await?;
        place.add(&drain, self.rows, latency, before, self.target_link.traffic());
        Ok(())
    }

    async fn apply(&self, sink: &Strait, name: &str) -> Result<Drain> {
        let rig = &self.rig;
        base::restore(&rig.target, rig.tables()).await?;
        let goal = drain::last_seq(rig, PREFIX)?;
        let drain = drain::apply(&rig.target, sink, PREFIX, name, goal).await?;
        sink.stop().await?;
        rig.ensure_equal(&rig.source, &rig.target).await?;
        Ok(drain)
    }
}

impl Place {
    fn add(&mut self, drain: &Drain, rows: u64, latency: Latency, before: Traffic, after: Traffic) {
        if latency == Latency::NONE {
            self.direct.push(drain.per_second(rows));
            return;
        }
        self.delayed.push(drain.per_second(rows));
        self.sent.push((after.to_target - before.to_target) as f64 / rows as f64);
        self.received.push((after.from_target - before.from_target) as f64 / rows as f64);
    }

    fn figures(self, place: &str, least: Option<f64>) -> Vec<Figure> {
        let mut rate = Figure::higher(format!("{place}: rows"), "rows/s", self.delayed)
            .beside("without delay", &self.direct);
        if let Some(least) = least {
            rate = rate.target(Target::AtLeastTimes(least));
        }
        vec![
            rate,
            Figure::lower(format!("{place}: to the server behind the link, a row"), "bytes", self.sent),
            Figure::lower(format!("{place}: from it, a row"), "bytes", self.received),
        ]
    }
}
