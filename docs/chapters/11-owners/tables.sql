CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE
);

CREATE TABLE posts (
  id serial PRIMARY KEY,
  title text NOT NULL,
  content text NOT NULL,
  published boolean NOT NULL DEFAULT true,
  owner_id integer NOT NULL REFERENCES users ON DELETE CASCADE
);

INSERT INTO users (email) VALUES ('ada@example.com'), ('bob@example.com');
