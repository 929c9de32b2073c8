CREATE TABLE jobs (
  id serial PRIMARY KEY,
  email text NOT NULL,
  done_at timestamptz
);
CREATE TABLE invitations (email text PRIMARY KEY);
