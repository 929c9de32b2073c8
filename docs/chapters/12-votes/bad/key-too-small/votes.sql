CREATE TABLE votes (
  user_id integer NOT NULL REFERENCES users ON DELETE CASCADE,
  -- The mistake: now a post has one vote, whoever votes.
  post_id integer NOT NULL PRIMARY KEY REFERENCES posts ON DELETE CASCADE
);
