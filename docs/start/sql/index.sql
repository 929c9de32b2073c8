-- #region index
INSERT INTO posts (title, owner_id) SELECT 'Post ' || n, 1 FROM generate_series(1, 10000) AS n;

EXPLAIN (COSTS OFF) SELECT * FROM posts WHERE title = 'Post 7777';

CREATE INDEX posts_title ON posts (title);

ANALYZE posts;

EXPLAIN (COSTS OFF) SELECT * FROM posts WHERE title = 'Post 7777';
-- #endregion
