-- Tables
CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(20))
INSERT INTO orders VALUES (1, 'a'), (2, 'b')
ALTER TABLE orders ADD COLUMN n INT NOT NULL DEFAULT 7, ADD KEY (n)
INSERT INTO orders VALUES (3, 'c', 9)
ALTER TABLE orders ADD COLUMN first_one VARCHAR(5) DEFAULT 'x' FIRST, ALGORITHM=INSTANT
UPDATE orders SET first_one = 'y' WHERE id = 2
ALTER TABLE orders DROP COLUMN first_one
ALTER TABLE orders MODIFY note TEXT, RENAME COLUMN n TO m
INSERT INTO orders VALUES (4, REPEAT('d', 1000), 1)
CREATE TABLE orders_old LIKE orders
INSERT INTO orders_old SELECT * FROM orders WHERE id < 3
RENAME TABLE orders TO t, orders_old TO orders, t TO orders_old
INSERT INTO orders VALUES (5, 'after', 2)
RENAME TABLE orders TO t, orders_old TO orders, t TO orders_old
UPDATE orders SET note = 'swapped back' WHERE id = 4
ALTER TABLE orders_old RENAME other.orders_moved
ALTER TABLE other.orders_moved RENAME TO shop.orders_old
CREATE TABLE child (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE)
INSERT INTO child VALUES (1, 1), (2, 2)
DELETE FROM orders WHERE id = 1
SET foreign_key_checks = 0
CREATE TABLE early (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES late (id))
CREATE TABLE late (id INT PRIMARY KEY)
SET foreign_key_checks = 1
INSERT INTO late VALUES (1)
INSERT INTO early VALUES (1, 1)
TRUNCATE TABLE child
INSERT INTO child VALUES (3, 3)
CREATE TABLE numbered (name VARCHAR(10))
INSERT INTO numbered VALUES ('a')
ALTER TABLE numbered ADD id INT AUTO_INCREMENT PRIMARY KEY
INSERT INTO numbered (name) VALUES ('b')
-- Rows with a table
CREATE TABLE copied SELECT id, note FROM orders
CREATE TABLE copied3 (PRIMARY KEY (id)) ENGINE = InnoDB COMMENT ') START TRANSACTION' SELECT id, note FROM orders
INSERT INTO copied VALUES (99, 'later')
CREATE TABLE copied2 (id INT PRIMARY KEY, extra INT DEFAULT 3) SELECT id FROM orders
@mysql SET NAMES latin1
@mysql CREATE TABLE copied_as_latin1 (id INT COMMENT 'größe') SELECT id FROM orders
@mysql SET NAMES utf8mb4
CREATE TABLE empty_copy SELECT id FROM orders WHERE id > 10000
DROP TABLE copied
-- Times, modes and variables of the session
SET timestamp = 1700000000.5
CREATE TABLE timed (id INT PRIMARY KEY)
INSERT INTO timed VALUES (1), (2)
ALTER TABLE timed ADD at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), ADD ts TIMESTAMP DEFAULT CURRENT_TIMESTAMP
SET timestamp = DEFAULT
SET time_zone = '+05:00'
ALTER TABLE timed ADD zoned TIMESTAMP NOT NULL DEFAULT '2024-01-01 00:00:00'
SET time_zone = DEFAULT
@mysql SET explicit_defaults_for_timestamp = OFF
@mysql CREATE TABLE implicit (id INT, ts TIMESTAMP)
@mysql SET explicit_defaults_for_timestamp = ON
SET collation_server = latin1_bin
CREATE DATABASE made
SET collation_server = DEFAULT
CREATE TABLE made.t (c CHAR(3))
INSERT INTO made.t VALUES ('abc')
ALTER DATABASE made COLLATE utf8mb4_bin
@mysql SET default_collation_for_utf8mb4 = utf8mb4_general_ci
@mysql CREATE TABLE general (c VARCHAR(5) CHARACTER SET utf8mb4)
@mysql SET default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci
SET sql_mode = ''
CREATE TABLE zeros (d DATE DEFAULT '0000-00-00', id INT)
INSERT INTO zeros (id) VALUES (1)
SET sql_mode = DEFAULT
-- Strange writing
SET sql_mode = 'ANSI_QUOTES'
CREATE TABLE "odd ""name" ("a b" INT, c CHAR(9) DEFAULT 'x"y')
ALTER TABLE "odd ""name" ADD "d" INT /* RENAME TO z */ COMMENT 'it''s'
SET sql_mode = 'NO_BACKSLASH_ESCAPES'
CREATE TABLE slash (c CHAR(9) DEFAULT 'a\')
SET sql_mode = DEFAULT
/*!50503 CREATE TABLE commented (id INT) */
CREATE -- to the end⏎TABLE # of the line⏎ `back``tick` (`select` INT) /*!99999 not this */
ALTER TABLE `back``tick` ADD KEY (`select`)
CREATE TABLE größe (ö INT COMMENT '😀')
SET NAMES sjis
CREATE TABLE \x95\x5c (\x97\xf1 INT COMMENT '\x95\x5c') COMMENT '\x83\x5c'
@mysql ALTER TABLE \x95\x5c ADD c VARCHAR(5) DEFAULT '\x8f\x5c'
SET NAMES gbk
CREATE TABLE `\x81\x5c` (id INT COMMENT '\x81\x60')
SET NAMES utf8mb4
-- Indexes
CREATE INDEX by_note ON orders (note(10))
CREATE UNIQUE INDEX u ON late (id)
DROP INDEX by_note ON orders
-- Partitions
CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))
INSERT INTO parts VALUES (1, 1), (11, 11)
CREATE TABLE part (id INT PRIMARY KEY, v INT)
INSERT INTO part VALUES (5, 55)
ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE part
UPDATE part SET v = 100 WHERE id = 1
UPDATE parts SET v = 500 WHERE id = 5
ALTER TABLE parts ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))
ALTER TABLE parts TRUNCATE PARTITION p1
INSERT INTO parts VALUES (12, 12)
ALTER TABLE parts DROP PARTITION p1
ALTER TABLE parts REMOVE PARTITIONING
-- Views and routines
CREATE DEFINER = app VIEW v AS SELECT id, note FROM orders
CREATE OR REPLACE DEFINER = app SQL SECURITY INVOKER VIEW v (i) AS SELECT id FROM orders
CREATE DEFINER = app VIEW gone AS SELECT 1 AS one
DROP VIEW gone
CREATE DEFINER = app PROCEDURE p (IN a INT) COMMENT 'DROP TABLE orders' BEGIN UPDATE orders SET m = a WHERE id = 2; END
CREATE DEFINER = app FUNCTION f (a INT) RETURNS INT DETERMINISTIC RETURN a + 1
ALTER PROCEDURE p SQL SECURITY INVOKER
CREATE DEFINER = app PROCEDURE p2 () SELECT 1
DROP PROCEDURE p2
CALL p(77)
-- What each site does for itself
CREATE TEMPORARY TABLE passing (id INT)
DROP TEMPORARY TABLE passing
ANALYZE TABLE orders
OPTIMIZE TABLE orders
FLUSH TABLES
CREATE USER u1 IDENTIFIED BY 'hush-hush'
GRANT SELECT ON shop.* TO u1
DROP USER u1
@mysql CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR STARTS '2099-01-01' DO DELETE FROM orders
@mysql DROP EVENT ev
-- The end of things
CREATE TABLE other.short (id INT)
DROP TABLE other.short, shop.empty_copy
@mysql CREATE TABLE shop.later_on (id INT PRIMARY KEY, n INT)
@mysql INSERT INTO shop.later_on VALUES (1, 1), (2, 2)
@mysql ALTER TABLE shop.later_on ADD v VECTOR(3) NOT NULL
@mysql UPDATE shop.later_on SET n = n + 1 WHERE id = 1
@mysql UPDATE shop.later_on SET v = TO_VECTOR('[1,2,3]') WHERE id = 2
@mysql INSERT IGNORE INTO shop.later_on (id, n) VALUES (3, 3)
DROP TABLE IF EXISTS never_was
CREATE TABLE made.t2 (id INT)
DROP DATABASE made
