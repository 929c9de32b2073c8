CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  password text NOT NULL
);

-- #region rows
INSERT INTO users (email, password) VALUES
  ('django@example.com', 'pbkdf2_sha256$260000$9a37lhexHP5fhxlUeoA20e$vsBRaOkz5r7aqyYXf20Aj+rnKVhanyAtaDE3JrldNRQ='),
  ('django-bcrypt@example.com', 'bcrypt_sha256$$2b$12$jd3TQx3ATY1o4S5BJJc/ouGZNhY.VGIIGw0YeR0sSHwjWSr5IaHLG'),
  ('django-plain@example.com', 'bcrypt$$2b$12$rv4vgokeO8dXNv7YwURzq.bvvDsLR/nXNlISZ5riOy73oug89t5JC'),
  ('passlib@example.com', '$bcrypt-sha256$v=2,t=2b,r=10$o/si7Ssrjio1e8CH0iq4tu$hw1tkC88VbCmRuRFad8knBaD8Ob/VKK'),
  ('passlib-old@example.com', '$bcrypt-sha256$2b,10$Pf4mK8q1UifUEVR3PEK5p.$mHMOxy/7PIH3ASl9.1IzF4hIka/64X6'),
  ('laravel@example.com', '$2y$12$PYg0FXOPwpUe7wRQC/w2KOmim1sibORbJDgVngZ5OmLP68sKGgaLK'),
  ('rails@example.com', '$2a$10$z01mRWxhmEtcecrL8e.L7.uAI3n87e7w.CDBanLtjQUaEnu.MThFO'),
  ('spring@example.com', '{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG'),
  ('wordpress@example.com', '$wp$2y$10$Gze2LVpzwP9k3zzfpxje0.58JHUJ854Aw4Gg3gdv1gtM4Hb8sR4fW'),
  ('wordpress-old@example.com', '$P$BtvwF0Y8ridShLnP5oXSwOL5rZ1HMb0'),
  ('django-argon2@example.com', 'argon2$argon2id$v=19$m=102400,t=2,p=8$RUZJclY5ejR2ZWxTelJwMUpLNDhTVg$tzkG7jffvc15c7lqnIYDKw'),
  ('ldap@example.com', '{SSHA}Z3seCIbkYdX66oVhUpuM1EkkioVGCIFw');
-- #endregion
