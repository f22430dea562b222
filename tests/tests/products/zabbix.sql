-- What later versions of Zabbix do to its tables, in the like.
ALTER TABLE hosts ADD vault_token VARCHAR(255) DEFAULT '' NOT NULL AFTER name;
ALTER TABLE users MODIFY lang VARCHAR(7) DEFAULT 'default' NOT NULL, MODIFY url VARCHAR(2048) DEFAULT '' NOT NULL;
CREATE TABLE scim_group (scim_groupid BIGINT UNSIGNED NOT NULL, name VARCHAR(64) DEFAULT '' NOT NULL, userid BIGINT UNSIGNED NOT NULL, PRIMARY KEY (scim_groupid)) ENGINE=InnoDB;
CREATE UNIQUE INDEX scim_group_1 ON scim_group (name);
ALTER TABLE scim_group ADD CONSTRAINT c_scim_group_1 FOREIGN KEY (userid) REFERENCES users (userid) ON DELETE CASCADE;
INSERT INTO scim_group VALUES (1, 'admins', 1), (2, 'guests', 2);
ALTER TABLE config ADD ldap_jit_status INTEGER DEFAULT '0' NOT NULL, DROP COLUMN ldap_port;
ALTER TABLE problem DROP FOREIGN KEY c_problem_2, ADD CONSTRAINT c_problem_9 FOREIGN KEY (r_eventid) REFERENCES events (eventid);
RENAME TABLE sysmap_user TO map_user;
DELETE FROM users WHERE userid = 2;
DROP TABLE trends_uint;
