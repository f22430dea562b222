//! What is seen: on a terminal a block that is drawn over itself, elsewhere a line a second.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _, stdout};
use std::time::{Duration, Instant};

use e2e::compare::Comparison;

use crate::measure::{Reading, Readings};

const WIDTH: usize = 72;
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Which part of the show it is.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    Writing { so_far: Duration, of: Duration },
    Settling { since: Duration },
}

pub struct Screen {
    live: bool,
    color: bool,
    /// Lines of the block that the next one replaces.
    drawn: Cell<usize>,
    last_line: RefCell<Option<Instant>>,
}

impl Screen {
    pub fn new() -> Self {
        let live = stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let color = live && std::env::var_os("NO_COLOR").is_none();
        Self { live, color, drawn: Cell::new(0), last_line: RefCell::new(None) }
    }

    /// Between two frames.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(if self.live { 250 } else { 500 })
    }

    pub fn title(&self) {
        self.line("");
        self.line(&format!("  {}", self.bold("Strait: two MySQL servers, kept equal through Kafka")));
        self.line("");
    }

    pub fn line(&self, text: &str) {
        self.draw(&[text.to_owned()]);
        self.drawn.set(0);
    }

    /// A step under way; not shown where it cannot be replaced.
    pub fn doing(&self, turn: usize, what: &str, since: Duration) {
        if self.live {
            let spinner = self.cyan(&SPINNER[turn % SPINNER.len()].to_string());
            self.draw(&[timed(&spinner, what, since)]);
        }
    }

    pub fn done(&self, what: &str, took: Duration) {
        self.draw(&[timed(&self.green("✓"), what, took)]);
        self.drawn.set(0);
    }

    pub fn frame(&self, phase: Phase, readings: &Readings) {
        if self.live {
            let mut block = vec![String::new(), self.heading(phase), String::new()];
            block.extend(self.table(readings));
            return self.draw(&block);
        }
        let due = self.last_line.borrow().is_none_or(|last| last.elapsed() >= Duration::from_secs(1));
        if due {
            self.last_line.replace(Some(Instant::now()));
            self.line(&plain(phase, readings));
        }
    }

    /// What stays on the screen: the figures of the whole show.
    pub fn last_frame(&self, readings: &Readings) {
        let mut block = vec![String::new()];
        block.extend(self.table(readings));
        self.draw(&block);
        self.drawn.set(0);
    }

    pub fn verdict(&self, comparison: &Comparison) {
        self.line("");
        if comparison.equal() {
            let what = format!(
                "{} tables with {} rows, compared byte for byte",
                comparison.tables,
                grouped(comparison.rows)
            );
            self.line(&format!("  {}  {what}", self.green("✓ equal")));
        } else {
            self.line(&format!("  {}  {comparison}", self.red("✗ different")));
        }
    }

    fn heading(&self, phase: Phase) -> String {
        match phase {
            Phase::Writing { so_far, of } => {
                let share = (so_far.as_secs_f64() / of.as_secs_f64()).min(1.0);
                let full = (share * 24.0).round() as usize;
                let bar = self.cyan(&"━".repeat(full)) + &self.dim(&"━".repeat(24 - full));
                format!("  writing at both sites  {bar}  {} of {} s", so_far.as_secs(), of.as_secs())
            }
            Phase::Settling { since } => {
                format!("  writers stopped; waiting for quiet  {:.1} s", since.as_secs_f64())
            }
        }
    }

    fn table(&self, readings: &Readings) -> Vec<String> {
        let row = |name: &str, cell: &dyn Fn(&Reading) -> String| {
            let [one, other] = readings.each_ref().map(|reading| format!("{:>18}", cell(reading)));
            format!("  {}{one}    {other}", self.dim(&format!("{name:<26}")))
        };
        let names = readings.each_ref().map(|reading| self.bold(&format!("{:>18}", reading.name)));
        vec![
            format!("  {:<26}{}    {}", "", names[0], names[1]),
            row("transactions written here", &|reading| grouped(reading.written.transactions)),
            row("  rows", &|reading| grouped(reading.written.rows)),
            row("  rows a second", &|reading| grouped(reading.written.rows_a_second)),
            row("transactions applied here", &|reading| grouped(reading.applied.transactions)),
            row("  rows, after folding", &|reading| grouped(reading.applied.rows)),
            row("  rows a second", &|reading| grouped(reading.applied.rows_a_second)),
            row("commit to commit, p50", &|reading| milliseconds(reading.delay_p50)),
            row("  p99", &|reading| milliseconds(reading.delay_p99)),
            row("received over the WAN", &|reading| megabytes(reading.received)),
        ]
    }

    /// Replaces the last block, if it is to be replaced, and leaves the cursor below the new one.
    fn draw(&self, block: &[String]) {
        let mut text = String::new();
        if self.live && self.drawn.get() > 0 {
            let _ = write!(text, "\x1b[{}A\x1b[J", self.drawn.get());
        }
        for line in block {
            text.push_str(line);
            text.push('\n');
        }
        self.drawn.set(block.len());
        let mut out = stdout().lock();
        // A reader that went away is no reason to end without stopping the servers.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    pub fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    pub fn dim(&self, text: &str) -> String {
        self.styled("2", text)
    }

    fn cyan(&self, text: &str) -> String {
        self.styled("36", text)
    }

    fn green(&self, text: &str) -> String {
        self.styled("1;32", text)
    }

    fn red(&self, text: &str) -> String {
        self.styled("1;31", text)
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.color { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn timed(mark: &str, what: &str, time: Duration) -> String {
    let dots = WIDTH.saturating_sub(what.chars().count() + 16);
    format!("  {mark} {what} {} {:>6.1} s", " ".repeat(dots), time.as_secs_f64())
}

fn plain(phase: Phase, readings: &Readings) -> String {
    let when = match phase {
        Phase::Writing { so_far, .. } => format!("{:>3} s", so_far.as_secs()),
        Phase::Settling { since } => format!("+{:>2} s", since.as_secs()),
    };
    let site = |reading: &Reading| {
        format!(
            "{}: {} transactions written, {} applied, delay {} / {}, {} received",
            reading.name,
            grouped(reading.written.transactions),
            grouped(reading.applied.transactions),
            milliseconds(reading.delay_p50),
            milliseconds(reading.delay_p99),
            megabytes(reading.received),
        )
    };
    format!("  {when}  {}  |  {}", site(&readings[0]), site(&readings[1]))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.0} ms", seconds * 1000.0))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
