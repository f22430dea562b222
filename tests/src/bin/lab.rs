//! `lab`: installs the lab's servers, runs them for a developer, or runs one proxy.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use e2e::install::{KafkaFiles, MariaDbFiles, MySqlFiles, RegistryFiles};
use e2e::{Kafka, KafkaOptions, Latency, MySql, MySqlOptions, Proxy, Registry, RegistryOptions};

/// Real MySQL, MariaDB, Kafka and schema registry on this machine, for tests and for trying things out.
///
/// Everything is kept below .lab/ (or STRAIT_LAB_DIR), listens on loopback, and ends with this program.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Download and prepare all servers, and start none.
    Install,
    /// Start servers and print their addresses, until Ctrl-C.
    Up(Up),
    /// Forward one port with added latency, until Ctrl-C. Typed commands: cut, freeze, heal, reset.
    Proxy {
        /// Where to, as host:port.
        target: String,
        /// Added in each direction.
        #[arg(long, default_value = "18", value_name = "MILLISECONDS")]
        one_way: u64,
        /// Where to listen on loopback; a free port if absent.
        #[arg(long)]
        port: Option<u16>,
    },
}

#[derive(Debug, Args)]
struct Up {
    /// How many MySQL servers.
    #[arg(long, default_value = "2")]
    mysql: usize,
    /// How many MariaDB servers.
    #[arg(long, default_value = "0")]
    mariadb: usize,
    /// Kafka nodes: 0, 1 or 3.
    #[arg(long, default_value = "1")]
    kafka: usize,
    /// Registries: 0 or 1.
    #[arg(long, default_value = "1")]
    registry: usize,
    /// A second door to Kafka behind so much latency in each direction.
    #[arg(long, value_name = "MILLISECONDS")]
    wan: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Install => install().await,
        Command::Up(options) => up(options).await,
        Command::Proxy { target, one_way, port } => proxy(target, one_way, port).await,
    }
}

async fn install() -> Result<()> {
    tokio::task::spawn_blocking(|| {
        MySqlFiles::install()?;
        println!("MySQL     ready");
        MariaDbFiles::install()?;
        println!("MariaDB   ready");
        KafkaFiles::install()?;
        println!("Kafka     ready");
        RegistryFiles::install()?;
        println!("registry  ready");
        println!("in {}", e2e::lab_dir::lab_dir().display());
        Ok(())
    })
    .await?
}

async fn up(options: Up) -> Result<()> {
    let mut servers = Vec::new();
    for number in 1..=options.mysql {
        let server = MySql::start(MySqlOptions::named(format!("mysql-{number}"))).await?;
        println!("MySQL     {}", server.url());
        servers.push(server);
    }
    for number in 1..=options.mariadb {
        let server = MySql::start(MySqlOptions::mariadb(format!("mariadb-{number}"))).await?;
        println!("MariaDB   {}", server.url());
        servers.push(server);
    }
    let kafka = match options.kafka {
        0 => None,
        nodes => {
            let wan = options.wan.map(|wan| Latency::one_way(Duration::from_millis(wan)));
            let kafka = Kafka::start(KafkaOptions { nodes, wan, ..KafkaOptions::default() }).await?;
            println!("Kafka     {}", kafka.bootstrap());
            if wan.is_some() {
                println!("     far  {}", kafka.wan_bootstrap()?);
            }
            Some(kafka)
        }
    };
    let registry = if options.registry == 0 {
        None
    } else {
        let registry = Registry::start(RegistryOptions::default()).await?;
        println!("registry  {}", registry.url());
        Some(registry)
    };
    println!("logs      {}", e2e::run_dir::run_dir()?.display());
    println!("Ctrl-C ends them.");
    tokio::signal::ctrl_c().await?;
    drop((servers, kafka, registry));
    Ok(())
}

async fn proxy(target: String, one_way: u64, port: Option<u16>) -> Result<()> {
    let latency = Latency::one_way(Duration::from_millis(one_way));
    let proxy = match port {
        Some(port) => Proxy::start_on(port, target, latency).await?,
        None => Proxy::start(target, latency).await?,
    };
    println!("{} -> {} with {one_way} ms each way", proxy.address(), proxy.target());
    let (lines, mut typed) = tokio::sync::mpsc::unbounded_channel();
    // A thread of its own: a read of the terminal cannot be called off, and would hold up the end.
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
    });
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            Some(line) = typed.recv() => match line.trim() {
                "cut" => proxy.cut(),
                "freeze" => proxy.freeze(),
                "heal" => proxy.heal(),
                "reset" => proxy.reset(),
                "" => {}
                other => println!("{other}? cut, freeze, heal or reset"),
            },
        }
    }
    println!("{:?}", proxy.traffic());
    Ok(())
}
