//! A small shop: four tables with foreign keys (one that cascades), secondary unique keys, and the types
//! that shops use. Two sites share it; each draws ids of its own and changes only rows that it made, or its
//! half of the products.

use anyhow::Result;

use crate::mysql::MySql;

pub const DATABASE: &str = "shop";
pub const PRODUCTS: u64 = 200;

const SCHEMA: [&str; 5] = [
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.customers (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        email VARCHAR(100) NOT NULL,
        name VARCHAR(100) NOT NULL,
        tier ENUM('new', 'silver', 'gold') NOT NULL DEFAULT 'new',
        created DATETIME(6) NOT NULL,
        UNIQUE KEY (email))",
    "CREATE TABLE shop.products (
        id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
        sku CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        title VARCHAR(100) NOT NULL,
        price DECIMAL(10,2) NOT NULL,
        stock INT NOT NULL,
        details JSON NULL,
        UNIQUE KEY (sku))",
    "CREATE TABLE shop.orders (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        customer_id BIGINT UNSIGNED NOT NULL,
        status ENUM('placed', 'paid', 'sent', 'returned') NOT NULL DEFAULT 'placed',
        total DECIMAL(12,2) NOT NULL,
        placed TIMESTAMP(6) NOT NULL,
        note TEXT NULL,
        KEY (customer_id, placed),
        FOREIGN KEY (customer_id) REFERENCES shop.customers (id))",
    "CREATE TABLE shop.order_items (
        order_id BIGINT UNSIGNED NOT NULL,
        line SMALLINT UNSIGNED NOT NULL,
        product_id BIGINT UNSIGNED NOT NULL,
        quantity SMALLINT UNSIGNED NOT NULL,
        price DECIMAL(10,2) NOT NULL,
        PRIMARY KEY (order_id, line),
        FOREIGN KEY (order_id) REFERENCES shop.orders (id) ON DELETE CASCADE,
        FOREIGN KEY (product_id) REFERENCES shop.products (id))",
];

/// Creates schema and products, outside the binary log: the same on each server.
pub async fn create(server: &MySql) -> Result<()> {
    let products = (1..=PRODUCTS)
        .map(|id| {
            let price = 100 + id * 37 % 9_900;
            let details = format!("{{\"weight\": {}, \"tags\": [\"new\", \"café\"]}}", id * 11 % 500);
            format!(
                "({id}, 'SKU-{id:05}', 'Product № {id}', {}.{:02}, 100000, '{details}')",
                price / 100,
                price % 100
            )
        })
        .collect::<Vec<_>>()
        .join(", ");
    let products = format!("INSERT INTO shop.products VALUES {products}");
    server.run(["SET SESSION sql_log_bin = 0"].into_iter().chain(SCHEMA).chain([products.as_str()])).await
}
