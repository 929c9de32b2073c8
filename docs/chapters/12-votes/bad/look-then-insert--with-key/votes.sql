CREATE TABLE votes (
  user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
  post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE,
  PRIMARY KEY (user_id, post_id)
);
CREATE INDEX votes_post_id ON votes (post_id);
