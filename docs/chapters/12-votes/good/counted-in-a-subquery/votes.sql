CREATE TABLE IF NOT EXISTS votes (
  post_id integer REFERENCES posts (id) ON DELETE CASCADE,
  user_id integer REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT votes_pkey PRIMARY KEY (post_id, user_id)
);
