CREATE TABLE votes (
  -- The mistake: nothing says that the user and the post exist.
  user_id integer NOT NULL,
  post_id integer NOT NULL,
  PRIMARY KEY (user_id, post_id)
);
