INSERT INTO users (email, password)
VALUES ('ada@example.com', 'hash 1'), ('bob@example.com', 'hash 2'), ('eve@example.com', 'hash 3');

INSERT INTO posts (title, content, owner_id)
VALUES ('Tomatoes', 'They grow.', 1), ('Radishes', NULL, 1), ('Beans', 'Soon.', 2);

INSERT INTO votes (user_id, post_id) VALUES (2, 1), (3, 1), (1, 3);
