-- For this chapter only: no two posts have the same title.
CREATE UNIQUE INDEX posts_title_key ON posts (title);
