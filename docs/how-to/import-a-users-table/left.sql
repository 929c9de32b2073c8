SELECT substring(password from '^([a-z0-9_]*\$[^$]*|\{[^}]*\})') AS scheme, count(*)::int FROM users GROUP BY 1 ORDER BY 1;
