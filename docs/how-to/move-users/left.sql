SELECT substr(password, 1, 7) AS scheme, count(*)::int FROM users GROUP BY 1 ORDER BY 1;
