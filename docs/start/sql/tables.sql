-- #region users
CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  password text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
-- #endregion

-- #region posts
CREATE TABLE posts (
  id serial PRIMARY KEY,
  title text NOT NULL,
  content text,
  published boolean NOT NULL DEFAULT true,
  owner_id integer NOT NULL REFERENCES users ON DELETE CASCADE
);
-- #endregion

-- #region votes
CREATE TABLE votes (
  user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE,
  PRIMARY KEY (user_id, post_id)
);
-- #endregion
