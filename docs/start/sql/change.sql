-- #region change
UPDATE posts SET title = 'Red tomatoes' WHERE id = 1 AND owner_id = 1 RETURNING id, title;

UPDATE posts SET title = 'Mine' WHERE id = 1 AND owner_id = 2;

DELETE FROM users WHERE id = 1;

SELECT id, title FROM posts;
-- #endregion
