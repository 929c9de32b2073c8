-- Your task: one vote per user and post.
CREATE TABLE votes (
  user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE
);
