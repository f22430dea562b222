-- What later versions of MediaWiki do to its tables, in the like.
CREATE TABLE block_target (bt_id INT UNSIGNED AUTO_INCREMENT NOT NULL, bt_address TINYBLOB DEFAULT NULL, bt_user INT UNSIGNED DEFAULT NULL, bt_auto TINYINT(1) DEFAULT 0 NOT NULL, INDEX bt_address (bt_address(42)), INDEX bt_user (bt_user), PRIMARY KEY (bt_id));
ALTER TABLE pagelinks ADD pl_target_id BIGINT UNSIGNED DEFAULT NULL;
UPDATE pagelinks SET pl_target_id = CRC32(CONCAT(pl_from, ':', pl_namespace, ':', pl_title));
CREATE INDEX pl_target_id ON pagelinks (pl_target_id, pl_from);
ALTER TABLE pagelinks DROP PRIMARY KEY, ADD PRIMARY KEY (pl_from, pl_namespace, pl_title), CHANGE pl_from_namespace pl_from_namespace INT DEFAULT 0 NOT NULL;
ALTER TABLE user_newtalk CHANGE user_last_timestamp user_last_timestamp BINARY(14) DEFAULT NULL;
ALTER TABLE page CHANGE page_links_updated page_links_updated VARBINARY(14) DEFAULT NULL, ALGORITHM=INPLACE, LOCK=NONE;
DROP INDEX page_len ON page;
ALTER TABLE ipblocks RENAME TO block;
ALTER TABLE site_identifiers CONVERT TO CHARACTER SET utf8mb4;
ALTER TABLE watchlist MODIFY wl_namespace INT NOT NULL FIRST, RENAME COLUMN wl_notificationtimestamp TO wl_seen;
TRUNCATE TABLE objectcache;
