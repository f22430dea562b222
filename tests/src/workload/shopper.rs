//! One connection's shopping.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, TxOpts};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::{Counters, Workload};
use crate::shop::PRODUCTS;

/// A server that is frozen answers nothing: as good as a broken connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many of his own rows of each kind a shopper remembers.
const MEMORY: usize = 500;

pub struct Shopper {
    opts: Opts,
    site: u64,
    number: u64,
    /// Emails are unique over all shoppers of all runs.
    run: u64,
    next_email: u64,
    random: Rng,
    customers: VecDeque<u64>,
    orders: VecDeque<Order>,
    counters: Arc<Counters>,
}

#[derive(Debug, Clone, Copy)]
struct Order {
    id: u64,
    lines: u16,
}

/// What a transaction did, to be remembered once it is committed.
#[derive(Debug, Default)]
struct Done {
    rows: u64,
    customer: Option<u64>,
    order: Option<Order>,
}

impl Shopper {
    pub fn new(opts: Opts, workload: Workload, number: u64, counters: Arc<Counters>) -> Self {
        let seed = workload.seed ^ (workload.site << 48) ^ (number << 32);
        Self {
            opts,
            site: workload.site,
            number,
            run: Rng::new().u64(..) >> 16,
            next_email: 0,
            random: Rng::with_seed(seed),
            customers: VecDeque::new(),
            orders: VecDeque::new(),
            counters,
        }
    }

    pub async fn shop(mut self, delay: Duration, pace: Duration, stop: Arc<AtomicBool>) {
        let mut ticks = interval_at(Instant::now() + delay, pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection: Option<Conn> = None;
        while !stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            let Some(mut conn) = self.connection(connection.take()).await else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            let outcome = timeout(PATIENCE, self.transaction(&mut conn)).await;
            if let Some(healthy) = self.take_note(outcome.ok(), conn) {
                connection = Some(healthy);
            }
        }
        if let Some(conn) = connection {
            let _ = conn.disconnect().await;
        }
    }

    /// The one at hand or a new one; `None` if the server is down: nothing was asked of it yet.
    async fn connection(&self, at_hand: Option<Conn>) -> Option<Conn> {
        if at_hand.is_some() {
            return at_hand;
        }
        timeout(PATIENCE, Conn::new(self.opts.clone())).await.ok()?.ok()
    }

    /// Counts and remembers; gives the connection back if it can be used again.
    fn take_note(&mut self, outcome: Option<Result<Done, Error>>, conn: Conn) -> Option<Conn> {
        match outcome {
            Some(Ok(done)) => {
                // One that changed nothing is in no binary log.
                self.counters.transactions.fetch_add(u64::from(done.rows > 0), Ordering::Relaxed);
                self.counters.rows.fetch_add(done.rows, Ordering::Relaxed);
                remember(&mut self.customers, done.customer);
                remember(&mut self.orders, done.order);
                Some(conn)
            }
            Some(Err(Error::Server(_))) => {
                // Its transaction ends with this connection: no statement can slip into what remains of it.
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
            Some(Err(_)) | None => {
                self.counters.unknown.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// One transaction. What it touches is forgotten first and remembered when it is committed.
    async fn transaction(&mut self, conn: &mut Conn) -> Result<Done, Error> {
        let kind = self.random.u8(..100);
        let customer = self.customers.front().copied();
        let mut transaction = conn.start_transaction(TxOpts::default()).await?;
        let done = match (kind, customer) {
            (0..10, _) | (_, None) => self.sign_up(&mut transaction).await?,
            (10..50, Some(_)) => self.place_order(&mut transaction).await?,
            (50..70, _) => self.advance_order(&mut transaction).await?,
            (70..80, _) => self.change_customer(&mut transaction).await?,
            (80..88, _) => self.change_product(&mut transaction).await?,
            (88..94, _) => self.cancel_order(&mut transaction).await?,
            _ => self.renumber_lines(&mut transaction).await?,
        };
        // Some change their minds.
        if self.random.u8(..50) == 0 {
            transaction.rollback().await?;
            return Ok(Done::default());
        }
        transaction.commit().await?;
        Ok(done)
    }

    async fn sign_up(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let (email, name) = (self.email(), self.words(2));
        conn.exec_drop(
            "INSERT INTO shop.customers (email, name, created) VALUES (?, ?, NOW(6))",
            (email, name),
        )
        .await?;
        Ok(Done { rows: 1, customer: conn.last_insert_id(), order: None })
    }

    async fn place_order(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let Some(customer) = self.any_customer() else { return Ok(Done::default()) };
        let lines = self.random.u16(1..=5);
        let note = self.random.bool().then(|| self.words(6));
        conn.exec_drop(
            "INSERT INTO shop.orders (customer_id, total, placed, note) VALUES (?, 0, NOW(6), ?)",
            (customer, note),
        )
        .await?;
        let id = conn.last_insert_id().unwrap_or_default();
        // In ascending order, as everybody does who wants no deadlock.
        let mut products = (0..lines).map(|_| self.own_product()).collect::<Vec<_>>();
        products.sort_unstable();
        for (line, product) in (1..).zip(&products) {
            let quantity = self.random.u16(1..=9);
            conn.exec_drop(
                "INSERT INTO shop.order_items SELECT ?, ?, id, ?, price FROM shop.products WHERE id = ?",
                (id, line, quantity, product),
            )
            .await?;
            conn.exec_drop("UPDATE shop.products SET stock = stock - ? WHERE id = ?", (quantity, product))
                .await?;
        }
        conn.exec_drop(
            "UPDATE shop.orders SET total = (SELECT SUM(quantity * price) FROM shop.order_items WHERE order_id = ?) \
             WHERE id = ?",
            (id, id),
        )
        .await?;
        let rows = 2 + 2 * u64::from(lines);
        Ok(Done { rows, customer: None, order: Some(Order { id, lines }) })
    }

    async fn advance_order(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let Some(order) = self.take_order() else { return Ok(Done::default()) };
        conn.exec_drop(
            "UPDATE shop.orders SET status = ELT(LEAST(status + 1, 4), 'placed', 'paid', 'sent', 'returned'), \
             note = CONCAT(COALESCE(note, ''), '.') WHERE id = ?",
            (order.id,),
        )
        .await?;
        Ok(Done { rows: conn.affected_rows(), customer: None, order: Some(order) })
    }

    async fn change_customer(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let Some(customer) = self.any_customer() else { return Ok(Done::default()) };
        let tier = self.random.u8(1..=3);
        if self.random.u8(..4) == 0 {
            // A secondary unique key changes.
            let email = self.email();
            conn.exec_drop("UPDATE shop.customers SET email = ? WHERE id = ?", (email, customer)).await?;
        } else {
            let name = self.words(2);
            conn.exec_drop(
                "UPDATE shop.customers SET name = ?, tier = ? WHERE id = ?",
                (name, tier, customer),
            )
            .await?;
        }
        Ok(Done { rows: conn.affected_rows(), ..Done::default() })
    }

    async fn change_product(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let (product, cents, weight) =
            (self.own_product(), self.random.u32(100..99_999), self.random.u32(..500));
        conn.exec_drop(
            "UPDATE shop.products SET price = ? / 100, stock = stock + 10, details = JSON_SET(details, '$.weight', ?) \
             WHERE id = ?",
            (cents, weight, product),
        )
        .await?;
        Ok(Done { rows: conn.affected_rows(), ..Done::default() })
    }

    /// The lines go with it, by the foreign key.
    async fn cancel_order(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let Some(order) = self.take_order() else { return Ok(Done::default()) };
        conn.exec_drop("DELETE FROM shop.orders WHERE id = ?", (order.id,)).await?;
        Ok(Done { rows: 1 + u64::from(order.lines), ..Done::default() })
    }

    /// A primary key changes. Upwards, from the last line on: each goes where there is none.
    async fn renumber_lines(&mut self, conn: &mut mysql_async::Transaction<'_>) -> Result<Done, Error> {
        let Some(order) = self.take_order() else { return Ok(Done::default()) };
        conn.exec_drop(
            "UPDATE shop.order_items SET line = line + 1 WHERE order_id = ? ORDER BY line DESC",
            (order.id,),
        )
        .await?;
        Ok(Done { rows: conn.affected_rows(), customer: None, order: Some(order) })
    }

    fn any_customer(&mut self) -> Option<u64> {
        let count = self.customers.len();
        (count > 0).then(|| self.customers[self.random.usize(..count)])
    }

    /// Forgotten until the transaction on it is committed.
    fn take_order(&mut self) -> Option<Order> {
        let count = self.orders.len();
        if count == 0 { None } else { self.orders.swap_remove_back(self.random.usize(..count)) }
    }

    /// One of this site's half.
    fn own_product(&mut self) -> u64 {
        1 + 2 * self.random.u64(..PRODUCTS / 2) + self.site
    }

    fn email(&mut self) -> String {
        self.next_email += 1;
        format!("{}.{:x}.{}@site{}.example", self.number, self.run, self.next_email, self.site)
    }

    fn words(&mut self, count: usize) -> String {
        const WORDS: [&str; 12] =
            ["amber", "blue", "café", "delta", "Ärger", "fox", "北京", "hill", "深圳", "jade", "kite", "🙂"];
        (0..count).map(|_| WORDS[self.random.usize(..WORDS.len())]).collect::<Vec<_>>().join(" ")
    }
}

fn remember<T>(memory: &mut VecDeque<T>, item: Option<T>) {
    memory.extend(item);
    if memory.len() > MEMORY {
        memory.pop_front();
    }
}
