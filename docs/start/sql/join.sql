-- #region join
SELECT posts.title, users.email
FROM posts
JOIN users ON users.id = posts.owner_id
ORDER BY posts.id;
-- #endregion

-- #region left
SELECT posts.title, count(votes.post_id) AS votes
FROM posts
LEFT JOIN votes ON votes.post_id = posts.id
GROUP BY posts.id
ORDER BY votes DESC;
-- #endregion
