-- #region select
SELECT id, title FROM posts WHERE owner_id = 1 AND published ORDER BY title LIMIT 10;

SELECT count(*) FROM posts;
-- #endregion

-- #region null
SELECT title FROM posts WHERE content = NULL;

SELECT title FROM posts WHERE content IS NULL;
-- #endregion
