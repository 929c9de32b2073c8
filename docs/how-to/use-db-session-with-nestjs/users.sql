CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  invited_by integer REFERENCES users DEFERRABLE INITIALLY DEFERRED
);
