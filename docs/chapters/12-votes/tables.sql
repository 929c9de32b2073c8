CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE
);

CREATE TABLE posts (
  id serial PRIMARY KEY,
  title text NOT NULL
);

INSERT INTO users (email) VALUES ('ada@example.com'), ('bob@example.com'), ('eve@example.com');
