CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE
);

CREATE TABLE posts (
  id serial PRIMARY KEY,
  owner_id integer NOT NULL REFERENCES users,
  title text NOT NULL UNIQUE
);
