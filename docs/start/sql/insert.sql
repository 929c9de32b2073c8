-- #region insert
INSERT INTO users (email, password)
VALUES ('ada@example.com', 'hash 1'), ('bob@example.com', 'hash 2'), ('eve@example.com', 'hash 3')
RETURNING id, email;

INSERT INTO posts (title, content, owner_id)
VALUES ('Tomatoes', 'They grow.', 1), ('Radishes', NULL, 1), ('Beans', 'Soon.', 2);
-- #endregion

-- #region refused
INSERT INTO users (email, password) VALUES ('ada@example.com', 'hash 4');

INSERT INTO users (email) VALUES ('zoe@example.com');

INSERT INTO posts (title, owner_id) VALUES ('Nettles', 99);
-- #endregion
