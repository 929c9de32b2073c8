CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  password text NOT NULL
);

-- #region rows
INSERT INTO users (email, password) VALUES
  ('python@example.com', '$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam'),
  ('php@example.com', '$2y$10$7aUWwJkcNt8Nl6lyMbEK3.kUYVV3yDWhxoFY476uSsQdHaq3diMjG'),
  ('passlib@example.com', '$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2'),
  ('django@example.com', 'bcrypt_sha256$$2b$05$CCCCCCCCCCCCCCCCCCCCC.Hj1dXHv09DjjbM63xDk5X5vTegF/6Vq'),
  ('other@example.com', '$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk');
-- #endregion
