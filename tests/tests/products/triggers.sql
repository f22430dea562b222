DELIMITER $$
CREATE TRIGGER ins_film AFTER INSERT ON film FOR EACH ROW IF @strait_apply IS NULL THEN INSERT INTO film_text (film_id, title, description) VALUES (NEW.film_id, NEW.title, NEW.description); END IF $$
CREATE TRIGGER upd_film AFTER UPDATE ON film FOR EACH ROW IF @strait_apply IS NULL THEN UPDATE film_text SET title = NEW.title, description = NEW.description WHERE film_id = OLD.film_id; END IF $$
CREATE TRIGGER del_film AFTER DELETE ON film FOR EACH ROW IF @strait_apply IS NULL THEN DELETE FROM film_text WHERE film_id = OLD.film_id; END IF $$
DELIMITER ;
