-- #region rollback
BEGIN;

DELETE FROM posts;

SELECT count(*) FROM posts;

ROLLBACK;

SELECT count(*) FROM posts;
-- #endregion

-- #region failed
BEGIN;

UPDATE posts SET title = 'Changed';

INSERT INTO posts (title, owner_id) VALUES ('Nettles', 99);

SELECT count(*) FROM posts;

COMMIT;

SELECT count(*) FROM posts WHERE title = 'Changed';
-- #endregion
