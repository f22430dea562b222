CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(20))
INSERT INTO orders VALUES (1, 'a'), (2, 'b'), (3, 'c')
-- gh-ost
create /* gh-ost */ table `shop`.`_orders_ghc` (id bigint unsigned auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null, primary key(id), unique key hint_uidx(hint)) auto_increment=256 comment='gh-ost'
insert /* gh-ost */ into `shop`.`_orders_ghc` (id, hint, value) values (NULLIF(2, 0), 'state', 'GhostTableMigrated') on duplicate key update last_update=NOW(), value=VALUES(value)
create /* gh-ost */ table `shop`.`_orders_gho` like `shop`.`orders`
alter /* gh-ost */ table `shop`.`_orders_gho` ADD COLUMN added INT NOT NULL DEFAULT 5
insert /* gh-ost */ ignore into `shop`.`_orders_gho` (`id`, `note`) (select `id`, `note` from `shop`.`orders` force index (`PRIMARY`) where id <= 2 lock in share mode)
UPDATE orders SET note = 'A' WHERE id = 1
replace /* gh-ost */ into `shop`.`_orders_gho` (`id`, `note`) values (1, 'A')
insert /* gh-ost */ ignore into `shop`.`_orders_gho` (`id`, `note`) (select `id`, `note` from `shop`.`orders` where id > 2)
create /* gh-ost */ table `shop`.`_orders_del` (id int auto_increment primary key) engine=InnoDB comment='ghost-cut-over-sentry'
drop /* gh-ost */ table if exists `shop`.`_orders_del`
rename /* gh-ost */ table `shop`.`orders` to `shop`.`_orders_del`, `shop`.`_orders_gho` to `shop`.`orders`
INSERT INTO orders VALUES (4, 'd', 6)
drop /* gh-ost */ table if exists `shop`.`_orders_ghc`
drop /* gh-ost */ table if exists `shop`.`_orders_del`
-- pt-online-schema-change
CREATE TABLE `shop`.`_orders_new` (⏎  `id` int NOT NULL,⏎  `note` varchar(20) DEFAULT NULL,⏎  `added` int NOT NULL DEFAULT '5',⏎  PRIMARY KEY (`id`)⏎) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci
ALTER TABLE `shop`.`_orders_new` ADD COLUMN more VARCHAR(5) DEFAULT 'm', ADD INDEX (added)
CREATE TRIGGER `pt_osc_shop_orders_del` AFTER DELETE ON `shop`.`orders` FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; DELETE IGNORE FROM `shop`.`_orders_new` WHERE `shop`.`_orders_new`.`id` <=> OLD.`id`; END
CREATE TRIGGER `pt_osc_shop_orders_upd` AFTER UPDATE ON `shop`.`orders` FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; DELETE IGNORE FROM `shop`.`_orders_new` WHERE !(OLD.`id` <=> NEW.`id`) AND `shop`.`_orders_new`.`id` <=> OLD.`id`; REPLACE INTO `shop`.`_orders_new` (`id`, `note`, `added`) VALUES (NEW.`id`, NEW.`note`, NEW.`added`); END
CREATE TRIGGER `pt_osc_shop_orders_ins` AFTER INSERT ON `shop`.`orders` FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR 1146 begin end; REPLACE INTO `shop`.`_orders_new` (`id`, `note`, `added`) VALUES (NEW.`id`, NEW.`note`, NEW.`added`); END
INSERT INTO orders VALUES (5, 'e', 7)
INSERT LOW_PRIORITY IGNORE INTO `shop`.`_orders_new` (`id`, `note`, `added`) SELECT `id`, `note`, `added` FROM `shop`.`orders` LOCK IN SHARE MODE /*pt-online-schema-change 1 copy table*/
UPDATE orders SET id = 50 WHERE id = 5
DELETE FROM orders WHERE id = 3
ANALYZE TABLE `shop`.`_orders_new` /* pt-online-schema-change */
RENAME TABLE `shop`.`orders` TO `shop`.`_orders_old`, `shop`.`_orders_new` TO `shop`.`orders`
DROP TABLE IF EXISTS `shop`.`_orders_old`
DROP TRIGGER IF EXISTS `shop`.`pt_osc_shop_orders_del`
DROP TRIGGER IF EXISTS `shop`.`pt_osc_shop_orders_upd`
DROP TRIGGER IF EXISTS `shop`.`pt_osc_shop_orders_ins`
INSERT INTO orders VALUES (6, 'f', 8, 'mm')
