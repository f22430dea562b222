-- A shop for films, with what schemas of that kind have: views, routines, full-text and spatial keys, triggers.
CREATE TABLE country (country_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, country VARCHAR(50) NOT NULL, last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) DEFAULT CHARSET=utf8mb4;
CREATE TABLE city (city_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, city VARCHAR(50) NOT NULL, country_id SMALLINT UNSIGNED NOT NULL, KEY idx_country (country_id), CONSTRAINT fk_city FOREIGN KEY (country_id) REFERENCES country (country_id) ON DELETE RESTRICT ON UPDATE CASCADE) DEFAULT CHARSET=utf8mb4;
CREATE TABLE address (address_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, address VARCHAR(50) NOT NULL, city_id SMALLINT UNSIGNED NOT NULL, location GEOMETRY NOT NULL, SPATIAL KEY idx_location (location), CONSTRAINT fk_address FOREIGN KEY (city_id) REFERENCES city (city_id) ON UPDATE CASCADE) DEFAULT CHARSET=utf8mb4;
CREATE TABLE film (film_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(128) NOT NULL, description TEXT, release_year YEAR, rate DECIMAL(4,2) NOT NULL DEFAULT 4.99, rating ENUM('G','PG','R') DEFAULT 'G', features SET('Trailers','Comments','Scenes'), length SMALLINT UNSIGNED, cover BLOB, KEY idx_title (title)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE film_text (film_id SMALLINT UNSIGNED NOT NULL PRIMARY KEY, title VARCHAR(255) NOT NULL, description TEXT, FULLTEXT KEY idx_title_description (title, description)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE rental (rental_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, at DATETIME NOT NULL, film_id SMALLINT UNSIGNED NOT NULL, address_id SMALLINT UNSIGNED, UNIQUE KEY idx_rental (at, film_id), CONSTRAINT fk_film FOREIGN KEY (film_id) REFERENCES film (film_id) ON DELETE CASCADE, CONSTRAINT fk_from FOREIGN KEY (address_id) REFERENCES address (address_id) ON DELETE SET NULL) DEFAULT CHARSET=utf8mb4;
CREATE DEFINER = app VIEW film_list AS SELECT f.film_id, f.title, COUNT(r.rental_id) AS rentals FROM film f LEFT JOIN rental r USING (film_id) GROUP BY f.film_id, f.title;
CREATE DEFINER = app SQL SECURITY INVOKER VIEW places AS SELECT a.address_id, ST_AsText(a.location) AS at, c.city FROM address a JOIN city c USING (city_id);
DELIMITER $$
CREATE DEFINER = app FUNCTION price(id INT) RETURNS DECIMAL(6,2) READS SQL DATA
BEGIN
  DECLARE found DECIMAL(6,2);
  SELECT rate INTO found FROM film WHERE film_id = id; -- ; here
  RETURN found;
END $$
CREATE DEFINER = app PROCEDURE rent(IN film INT, IN place INT) SQL SECURITY INVOKER
BEGIN
  INSERT INTO rental (at, film_id, address_id) VALUES (DATE_ADD('2024-01-01', INTERVAL film * 100 + COALESCE(place, 0) MINUTE), film, place);
  UPDATE film SET rate = rate + 0.01 WHERE film_id = film;
END $$
DELIMITER ;
