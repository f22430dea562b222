//! The process's own metrics from /proc/self, under the names every Prometheus client uses.

use std::fs;

use prometheus::{
    Counter, Gauge, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Ticks a second in /proc/*/stat: part of the kernel's interface, 100 on every architecture we build for,
/// whatever the kernel's own HZ.
const USER_HZ: f64 = 100.0;

/// Adds the process's metrics to a registry; a second call for the same registry changes nothing.
pub fn register(registry: &Registry) {
    // Fails only when the names are there already.
    let _ = registry.register(Box::new(Process::new()));
}

struct Process {
    cpu: Counter,
    resident: IntGauge,
    virtual_memory: IntGauge,
    threads: IntGauge,
    files: IntGauge,
    started: Gauge,
}

/// One reading of /proc/self.
#[derive(Debug, Default, PartialEq)]
struct Reading {
    cpu_seconds: f64,
    resident_bytes: i64,
    virtual_bytes: i64,
    threads: i64,
    started_seconds: f64,
}

impl Process {
    fn new() -> Self {
        let int = |name: &str, help: &str| {
            IntGauge::with_opts(Opts::new(name, help)).expect("the name is a valid metric name")
        };
        Self {
            cpu: Counter::with_opts(Opts::new(
                "process_cpu_seconds_total",
                "User and system CPU time spent.",
            ))
            .expect("the name is a valid metric name"),
            resident: int("process_resident_memory_bytes", "Resident memory."),
            virtual_memory: int("process_virtual_memory_bytes", "Virtual memory."),
            threads: int("process_threads", "Threads."),
            files: int("process_open_fds", "Open file descriptors."),
            started: Gauge::with_opts(Opts::new(
                "process_start_time_seconds",
                "Start, in seconds since 1970.",
            ))
            .expect("the name is a valid metric name"),
        }
    }

    fn update(&self) {
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.files.set(files as i64);
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let reading = parse(&read("/proc/self/stat"), &read("/proc/self/status"), &read("/proc/stat"));
        let Some(reading) = reading else { return };
        self.cpu.inc_by((reading.cpu_seconds - self.cpu.get()).max(0.0));
        self.resident.set(reading.resident_bytes);
        self.virtual_memory.set(reading.virtual_bytes);
        self.threads.set(reading.threads);
        self.started.set(reading.started_seconds);
    }

    fn parts(&self) -> [&dyn Collector; 6] {
        [&self.cpu, &self.resident, &self.virtual_memory, &self.threads, &self.files, &self.started]
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.parts().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.update();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}

fn parse(stat: &str, status: &str, system: &str) -> Option<Reading> {
    // The second field is the program's name in parentheses, and may hold anything: begin behind it.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    // Numbered as in proc(5), whose field 3 is our first.
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok().map(|ticks| ticks / USER_HZ);
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().trim_end_matches("kB").trim().parse::<i64>().ok()? * 1024)
    };
    let booted: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Reading {
        cpu_seconds: ticks(14)? + ticks(15)?,
        threads: fields.get(20 - 3)?.parse().ok()?,
        started_seconds: booted + ticks(22)?,
        resident_bytes: kib("VmRSS")?,
        virtual_bytes: kib("VmSize")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_a_name_with_parentheses() {
        let stat =
            "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 6 7 20 0 9 0 1200 8192 2 18446744073709551615";
        let reading = parse(stat, "Name:\tx\nVmSize:\t  8 kB\nVmRSS:\t  4 kB\n", "cpu 1\nbtime 1000\n");
        let expected = Reading {
            cpu_seconds: 2.0,
            resident_bytes: 4096,
            virtual_bytes: 8192,
            threads: 9,
            started_seconds: 1012.0,
        };
        assert_eq!(reading, Some(expected));
        assert_eq!(parse("", "", ""), None);
        assert_eq!(parse("7 (x) S 1", "", "btime 1"), None);
    }

    #[test]
    fn this_very_process_is_measured() {
        let registry = Registry::new();
        register(&registry);
        register(&registry);
        let families = registry.gather();
        let value = |name: &str| {
            let family = families.iter().find(|family| family.name() == name).expect(name);
            let metric = &family.get_metric()[0];
            metric.get_gauge().get_value().max(metric.get_counter().get_value())
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_open_fds") >= 3.0 && value("process_threads") >= 1.0);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        assert!((now.as_secs_f64() - value("process_start_time_seconds")).abs() < 3600.0);
    }
}
