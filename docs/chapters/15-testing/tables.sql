CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE
);

CREATE TABLE posts (
  id serial PRIMARY KEY,
  owner_id integer NOT NULL REFERENCES users (id),
  title text NOT NULL,
  published boolean NOT NULL
);

INSERT INTO users (email) VALUES ('ada@example.com'), ('bob@example.com');
