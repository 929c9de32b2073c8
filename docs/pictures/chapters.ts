import type { Picture } from './draw.ts'

/** The pictures of `docs/start/` and the chapters. `npm run docs:pictures` draws them. */
export const CHAPTER_PICTURES: readonly Picture[] = [
  {
    file: 'pictures/start-request.svg',
    title: 'The life of a request in Fastify',
    description:
      'From top to bottom. The router finds the route. The hooks onRequest and preParsing run. Fastify reads the body. The hook preValidation runs. Fastify validates params, query, headers and body. The hook preHandler runs. The handler runs and returns an object. The hook preSerialization runs. Fastify turns the object into JSON. The hook onSend runs, the response is sent, and the hook onResponse runs. If a step throws or the schema does not match, the error handler runs, then onSend, the response and onResponse.',
    parts: [
      {
        lanes: ['client', 'Fastify', 'your code'],
        steps: [
          { from: 0, to: 1, text: 'request' },
          { at: 1, note: 'finds your route' },
          { at: 2, note: 'onRequest: who is asking?', tone: 'accent' },
          { at: 2, note: 'preParsing', tone: 'accent' },
          { at: 1, note: 'reads the body: JSON becomes an object' },
          { at: 2, note: 'preValidation', tone: 'accent' },
          { at: 1, note: 'validates params, query, headers and body' },
          { at: 2, note: 'preHandler: may this user do that?', tone: 'accent' },
          { at: 2, note: 'your handler returns an object', tone: 'good' },
          { at: 2, note: 'preSerialization: changes the object', tone: 'accent' },
          { at: 1, note: 'turns the object into JSON' },
          { at: 2, note: 'onSend: changes the text or the headers', tone: 'accent' },
          { from: 1, to: 0, text: 'response' },
          { at: 2, note: 'onResponse: logs and measures', tone: 'accent' },
        ],
      },
      {
        boxes: [
          {
            head: 'If a step throws or the schema does not match:',
            lines: ['the error handler runs, then onSend, the response and onResponse'],
            tone: 'bad',
          },
        ],
      },
    ],
  },
  {
    file: 'pictures/01-reload.svg',
    title: 'A save restarts the server',
    description:
      'npm run dev starts a watcher, and the watcher starts the server. A save of a file ends the server and starts a new one with the new code. A log level decides which lines a request prints.',
    parts: [
      {
        lanes: ['you', 'watcher', 'server'],
        steps: [
          { from: 0, to: 1, text: 'npm run dev' },
          { from: 1, to: 2, text: 'start' },
          { at: 2, note: 'runs the code as it is now', tone: 'accent' },
          { from: 0, to: 2, text: 'GET /' },
          { from: 2, to: 0, text: '{ "message": "Hello …" }' },
          { from: 0, to: 1, text: 'save app.ts' },
          { from: 1, to: 2, text: 'SIGTERM', tone: 'bad' },
          { at: 2, note: 'the old process ends' },
          { from: 1, to: 2, text: 'start again' },
          { at: 2, note: 'a new process runs the new code', tone: 'accent' },
        ],
      },
    ],
  },
  {
    file: 'pictures/02-schemas.svg',
    title: 'Schemas between JSON and a row',
    description:
      'A request with an additional role passes the schema UserIn, which lets email and password through. The model stores a row with all columns. The schema UserOut lets id, email and created_at out, so the password hash never leaves.',
    parts: [
      {
        boxes: [
          {
            head: 'request',
            isCode: true,
            lines: ['{ "email": "ada@example.com",', '  "password": "…",', '  "role": "admin" }'],
          },
        ],
      },
      { down: 'UserIn: only the listed properties pass' },
      { boxes: [{ isCode: true, tone: 'accent', lines: ['{ "email": …, "password": … }'] }] },
      { down: 'hash, and insert' },
      {
        boxes: [
          {
            head: 'row of users (the model)',
            tone: 'plain',
            lines: ['id · email · password (hash) · role · created_at'],
          },
        ],
      },
      { down: 'UserOut: only the listed properties leave' },
      {
        boxes: [
          {
            head: 'response',
            tone: 'good',
            isCode: true,
            lines: ['{ "id": 1,', '  "email": "ada@example.com",', '  "created_at": … }'],
          },
        ],
      },
    ],
  },
  {
    file: 'pictures/03-migration.svg',
    title: 'A migration changes the table and keeps its rows',
    description:
      'Before, the table users has the columns id and email, with Ada and Bob. The migration up adds phone_number: the rows stay, with null in the new column. The migration down drops the column again. CREATE TABLE IF NOT EXISTS would have changed nothing.',
    parts: [
      {
        boxes: [
          {
            head: 'users, before',
            isCode: true,
            lines: ['id  email', ' 1  ada@example.com', ' 2  bob@example.com'],
          },
        ],
      },
      {
        boxes: [
          { head: 'CREATE TABLE IF NOT EXISTS', lines: ['the table exists: no change'], tone: 'bad' },
          { head: 'up: ALTER TABLE', lines: ['adds the column'], tone: 'good' },
        ],
      },
      { down: 'up' },
      {
        boxes: [
          {
            head: 'users, after',
            tone: 'accent',
            isCode: true,
            lines: [
              'id  email            phone_number',
              ' 1  ada@example.com  null',
              ' 2  bob@example.com  null',
            ],
          },
        ],
      },
      { down: 'down: drops the column' },
      {
        boxes: [
          {
            head: 'users, as before',
            isCode: true,
            lines: ['id  email', ' 1  ada@example.com', ' 2  bob@example.com'],
          },
        ],
      },
    ],
  },
  {
    file: 'explanation/session.svg',
    title: 'A database session, from the first statement to the response',
    description:
      'A request reaches the handler, and nothing is reserved yet. The first statement takes a connection from the pool and begins a transaction; the other statements run in it. The handler returns and its payload is serialized. For a status below 400, the session sends COMMIT, and the response leaves only after Postgres has replied COMMIT. For a status from 400, or an error, it sends ROLLBACK before the response.',
    parts: [
      {
        lanes: ['client', 'service', 'Postgres'],
        steps: [
          { from: 0, to: 1, text: 'request' },
          { at: 1, note: 'the handler runs; no connection yet' },
          { from: 1, to: 2, text: 'BEGIN, first statement' },
          { from: 2, to: 1, text: 'rows' },
          { from: 1, to: 2, text: 'more statements' },
          { from: 2, to: 1, text: 'rows' },
          { at: 1, note: 'the handler returns; the payload is serialized' },
          { at: [0, 2], note: 'status below 400', tone: 'good' },
          { from: 1, to: 2, text: 'COMMIT' },
          { from: 2, to: 1, text: 'COMMIT' },
          { from: 1, to: 0, text: 'response' },
          { at: [0, 2], note: 'status from 400, or an error', tone: 'bad' },
          { from: 1, to: 2, text: 'ROLLBACK' },
          { from: 1, to: 0, text: 'error response' },
        ],
      },
    ],
  },
  {
    file: 'pictures/04a-routes.svg',
    title: 'Method and path choose the route',
    description:
      'POST /posts creates a post and returns 201. GET /posts/1 returns 200 with the post, PUT /posts/1 replaces it and returns 200, DELETE /posts/1 returns 204 without a body. An id that is not stored is a 404, an id that is not a number is rejected by the schema.',
    parts: [
      { boxes: [{ head: 'request', lines: ['method and path'] }] },
      { down: 'the router' },
      {
        boxes: [
          {
            isCode: true,
            tone: 'accent',
            lines: [
              'POST   /posts',
              'GET    /posts',
              'GET    /posts/:id',
              'PUT    /posts/:id',
              'DELETE /posts/:id',
            ],
            share: 1.25,
          },
          {
            lines: ['create: 201', 'list: 200', 'read: 200', 'replace: 200', 'delete: 204, no body'],
            tone: 'good',
          },
        ],
      },
      { down: 'otherwise' },
      {
        boxes: [
          { head: '404', lines: ['no such post, or no such path'], tone: 'bad' },
          { head: '400', lines: ['the schema rejects the id or the body'], tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'pictures/05-salt.svg',
    title: 'A salt makes two hashes of one password different',
    description:
      'Ada and Bob have the same password. bcrypt creates a random salt for each, so their hashes differ. A fast hash without a salt gives both the same value, which shows the thief that the passwords are equal and can be looked up in a list.',
    parts: [
      { heading: 'Without a salt' },
      {
        boxes: [
          { head: 'Ada', lines: ['“tomatoes”'] },
          { head: 'Bob', lines: ['“tomatoes”'] },
        ],
      },
      { down: 'SHA-256' },
      {
        boxes: [
          { isCode: true, lines: ['8f1c…'], tone: 'bad' },
          { isCode: true, lines: ['8f1c…'], tone: 'bad' },
        ],
      },
      { text: 'Equal hashes: a thief sees that the passwords are equal.' },
      { heading: 'With a salt' },
      {
        boxes: [
          { head: 'Ada', lines: ['“tomatoes”', '+ random salt A'] },
          { head: 'Bob', lines: ['“tomatoes”', '+ random salt B'] },
        ],
      },
      { down: 'bcrypt, slow on purpose' },
      {
        boxes: [
          { isCode: true, lines: ['$2b$12$saltA…x9K…'], tone: 'good' },
          { isCode: true, lines: ['$2b$12$saltB…mQ4…'], tone: 'good' },
        ],
      },
      { text: 'Different hashes. The salt is stored in the hash, so a login can use it again.' },
    ],
  },
  {
    file: 'pictures/05a-secrets.svg',
    title: 'Where a secret lives',
    description:
      'On your computer, the secret is in the file .env, which Git ignores. In production, it is in the secret store of the platform. Both set an environment variable, which the settings check at the start. A missing or short secret stops the start. The secret never gets into Git, a log line or a response.',
    parts: [
      {
        boxes: [
          { head: 'your computer', lines: ['.env, which Git ignores'] },
          { head: 'production', lines: ['the secret store of the platform'] },
        ],
      },
      { down: 'an environment variable' },
      { boxes: [{ head: 'settings', lines: ['checked once, at the start'], tone: 'accent' }] },
      {
        boxes: [
          { head: 'good', lines: ['the service starts, and signs with it'], tone: 'good' },
          {
            head: 'missing or short',
            lines: ['the start fails, with the name of the variable'],
            tone: 'bad',
          },
        ],
      },
      { text: 'It never gets into:' },
      {
        boxes: [
          { lines: ['Git'], tone: 'bad' },
          { lines: ['a log line'], tone: 'bad' },
          { lines: ['a response'], tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'pictures/06-session-or-token.svg',
    title: 'A login session and a token',
    description:
      'With a login session, the server stores who is logged in and the client sends a random ID in a cookie: each request needs a lookup, and a logout takes effect at once. With a token, the server stores nothing: it verifies the signature of what the client sends, and the token stays valid until it expires.',
    parts: [
      { heading: 'Login session: the server remembers' },
      {
        lanes: ['client', 'server', 'store'],
        steps: [
          { from: 0, to: 1, text: 'email, password' },
          { from: 1, to: 2, text: 'random ID → user 7' },
          { from: 1, to: 0, text: 'cookie with the ID' },
          { from: 0, to: 1, text: 'cookie' },
          { from: 1, to: 2, text: 'who is this ID?' },
          { from: 2, to: 1, text: 'user 7' },
          { at: [1, 2], note: 'a logout deletes the ID, at once', tone: 'good' },
        ],
      },
      { heading: 'Token: the client carries it' },
      {
        lanes: ['client', 'server', 'store'],
        steps: [
          { from: 0, to: 1, text: 'email, password' },
          { at: 1, note: 'signs “user 7, until 12:30”' },
          { from: 1, to: 0, text: 'token' },
          { from: 0, to: 1, text: 'token' },
          { at: 1, note: 'verifies the signature; no lookup', tone: 'good' },
          { at: [0, 1], note: 'the token stays valid until 12:30', tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'explanation/token.svg',
    title: 'The three parts of a token',
    description:
      'A token has three parts, separated by dots. The header names the algorithm, the type and the key. The payload has the claims: who the user is, what they may do, who issued the token and when it expires. Both are encoded and not encrypted, so everyone can read them. The signature is computed over both with the key, so nobody without the key can change them without being noticed.',
    parts: [
      { boxes: [{ isCode: true, lines: ['eyJhbGc…  .  eyJzdWI…  .  hQm3v…'] }] },
      { heading: '1. Header: how it is signed' },
      {
        boxes: [
          {
            isCode: true,
            tone: 'accent',
            lines: [
              '"alg": "HS256"       the algorithm',
              '"typ": "access+jwt"  the kind of token',
              '"kid": "2026-11"     the key',
            ],
          },
        ],
      },
      { heading: '2. Payload: the claims' },
      {
        boxes: [
          {
            isCode: true,
            tone: 'accent',
            lines: [
              '"sub":  "7"          the user',
              '"role": "user"       a claim of your own',
              '"iss":  "shop"       the issuer',
              '"exp":  1795400000   when it expires',
            ],
          },
        ],
      },
      { text: 'Both are encoded and not encrypted: everyone can read them.' },
      { heading: '3. Signature' },
      { boxes: [{ isCode: true, tone: 'good', lines: ['HMAC-SHA-256(key, header.payload)'] }] },
      { text: 'Without the key, nobody can compute it, or change the other parts without being noticed.' },
    ],
  },
  {
    file: 'pictures/08-sign-and-verify.svg',
    title: 'Sign a token, and verify it',
    description:
      'To sign, the server computes the signature of header and payload with its key. To verify, it computes the signature again and compares: equal means that nothing has changed. If someone changes user 7 to an admin, the signatures differ and the token is rejected.',
    parts: [
      { heading: 'Sign: at the login' },
      {
        boxes: [
          { head: 'header.payload', lines: ['user 7'] },
          { head: 'key', lines: ['only on the server'], tone: 'accent' },
        ],
      },
      { down: 'HMAC-SHA-256' },
      { boxes: [{ head: 'signature', isCode: true, lines: ['hQm3vX…'] }] },
      { heading: 'Verify: with each request' },
      {
        boxes: [
          { head: 'unchanged', lines: ['user 7 · hQm3vX…'], tone: 'good' },
          { head: 'changed', lines: ['admin · hQm3vX…'], tone: 'bad' },
        ],
      },
      { down: 'compute again' },
      {
        boxes: [
          { isCode: true, lines: ['hQm3vX…'], tone: 'good' },
          { isCode: true, lines: ['Zk81pd…'], tone: 'bad' },
        ],
      },
      { down: 'compare' },
      {
        boxes: [
          { head: 'accepted', lines: ['if it has not expired'], tone: 'good' },
          { head: 'rejected: 401', tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'explanation/log-in.svg',
    title: 'A login, and the first request with its token',
    description:
      'The client sends an email and a password. The service takes a slot in its queue, or replies 503 at once. It asks Postgres for the email and gets the hash, or no row. It hashes the password with the salt and cost of the hash; without a row it does the same work. It stores the digest of a refresh token and returns an access token and a refresh token, or 403. With each later request it verifies the signature and the claims of the access token and reads the row of the user.',
    parts: [
      {
        lanes: ['client', 'service', 'Postgres'],
        steps: [
          { from: 0, to: 1, text: 'email, password' },
          { at: 1, note: 'a slot in the queue, or 503 at once' },
          { from: 1, to: 2, text: 'find the email' },
          { from: 2, to: 1, text: 'the hash, or no row' },
          { at: 1, note: 'hash the password with its salt and cost; without a row, do the same work' },
          { from: 1, to: 2, text: 'digest of the refresh token' },
          { from: 1, to: 0, text: 'access and refresh token, or 403' },
          { at: [0, 2], note: 'then, with each request', tone: 'accent' },
          { from: 0, to: 1, text: 'access token' },
          { at: 1, note: 'verify signature and claims' },
          { from: 1, to: 2, text: 'find the user' },
          { from: 2, to: 1, text: 'the row' },
          { from: 1, to: 0, text: 'response' },
        ],
      },
    ],
  },
  {
    file: 'pictures/10-log.svg',
    title: 'What reaches the log',
    description:
      'A request has a method, a path, a query with a token, an Authorization header, a cookie and a body with a password. The log gets the method, the path, the status, the time and an ID. Query, headers and body stay out of it.',
    parts: [
      {
        boxes: [
          {
            head: 'request',
            isCode: true,
            lines: [
              'POST /login?token=…',
              'Authorization: Bearer …',
              'Cookie: sid=…',
              '{ "username": …, "password": … }',
            ],
          },
        ],
      },
      { down: 'the serializer of the logger' },
      {
        boxes: [
          {
            head: 'logged',
            lines: ['method and path', 'status and time', 'ID of the request', 'kind of an error'],
            tone: 'good',
          },
          {
            head: 'never logged',
            lines: ['query string', 'Authorization, Cookie', 'body', 'values of a row'],
            tone: 'bad',
          },
        ],
      },
      { down: '' },
      {
        boxes: [
          { isCode: true, lines: ['{"reqId":"r1","method":"POST",', ' "url":"/login","statusCode":200}'] },
        ],
      },
    ],
  },
  {
    file: 'pictures/11-owner.svg',
    title: 'The owner is checked in the statement that writes',
    description:
      'Bob sends an edit of post 1, which belongs to Ada. The token says user 2. The UPDATE has owner_id = 2 in its WHERE, so it changes no row. If the post is published, Bob may see it and gets 403. If it is a draft, he gets 404, as if it did not exist. For Ada the same statement changes one row, and she gets 200.',
    parts: [
      {
        boxes: [
          { head: 'Ada', lines: ['token: user 1'] },
          { head: 'Bob', lines: ['token: user 2'] },
        ],
      },
      { down: 'PUT /posts/1' },
      {
        boxes: [
          {
            isCode: true,
            tone: 'accent',
            lines: ['UPDATE posts SET …', 'WHERE id = 1 AND owner_id = <caller>'],
          },
        ],
      },
      {
        boxes: [
          { head: 'caller 1', lines: ['1 row changed'], tone: 'good' },
          { head: 'caller 2', lines: ['0 rows changed'], tone: 'bad' },
        ],
      },
      { down: '' },
      {
        boxes: [
          { head: '200', lines: ['the new post'], tone: 'good' },
          { head: '403', lines: ['published: Bob can read it'], tone: 'bad' },
          { head: '404', lines: ['draft: Bob must not detect it'], tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'pictures/12-two-votes.svg',
    title: 'Two equal votes at once',
    description:
      'Two requests insert the same vote at the same time. Postgres lets the first one insert its row. The second one waits for the first to commit, and then violates the primary key. The first gets 201, the second 409. With a lookup before the insert, both would find nothing.',
    parts: [
      {
        lanes: ['request A', 'Postgres', 'request B'],
        steps: [
          { from: 0, to: 1, text: 'INSERT (ada, post 1)' },
          { at: 1, note: 'row added, not yet committed' },
          { from: 2, to: 1, text: 'INSERT (ada, post 1)' },
          { at: 1, note: 'the key is taken: B waits', tone: 'accent' },
          { from: 0, to: 1, text: 'COMMIT' },
          { from: 1, to: 0, text: 'stored' },
          { from: 1, to: 2, text: 'unique violation', tone: 'bad' },
          { at: 0, note: '201', tone: 'good' },
          { at: 2, note: '409', tone: 'bad' },
        ],
      },
      { text: 'A lookup before the INSERT would find nothing for both.' },
    ],
  },
  {
    file: 'pictures/13-index.svg',
    title: 'A page with OFFSET and a page after the last ID',
    description:
      'With OFFSET 100000, Postgres reads 100,010 entries of the index and throws away the first 100,000. With WHERE id > 100000, it goes to the entry in the index at once and reads ten. A search for the start of a text can use an index; a search for text in the middle reads every row.',
    parts: [
      { heading: 'ORDER BY id OFFSET 100000 LIMIT 10' },
      {
        boxes: [
          { lines: ['reads 100,000 entries and throws them away'], tone: 'bad', share: 3 },
          { lines: ['10 rows'], tone: 'good' },
        ],
      },
      { text: 'The later the page, the slower it is.' },
      { heading: 'WHERE id > 100000 ORDER BY id LIMIT 10' },
      {
        boxes: [
          { lines: ['not read: the index leads to the place'], share: 3 },
          { lines: ['10 rows'], tone: 'good' },
        ],
      },
      { text: 'Every page takes the same time.' },
      { heading: 'A search' },
      {
        boxes: [
          { isCode: true, lines: ["LIKE 'tom%'"], tone: 'good' },
          { isCode: true, lines: ["LIKE '%tom%'"], tone: 'bad' },
        ],
      },
      {
        boxes: [
          { lines: ['an index can lead to the first match'], tone: 'good' },
          { lines: ['no order helps: every row is read'], tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'pictures/14-preflight.svg',
    title: 'A CORS preflight',
    description:
      'A page of https://app.example wants to send a PUT with JSON. The browser first sends OPTIONS with the origin and the method. The API replies with the allowed origin and methods. Only then the browser sends the PUT, and lets the page read the response. For another origin, the browser does not send the PUT. curl does not ask at all.',
    parts: [
      {
        lanes: ['page of app.example', 'browser', 'API'],
        steps: [
          { from: 0, to: 1, text: 'fetch: PUT' },
          { from: 1, to: 2, text: 'OPTIONS, Origin: app.example' },
          { from: 2, to: 1, text: 'allowed: app.example, PUT' },
          { from: 1, to: 2, text: 'PUT' },
          { from: 2, to: 1, text: '200' },
          { from: 1, to: 0, text: 'response' },
          { at: [0, 2], note: 'a page of an origin that is not allowed', tone: 'bad' },
          { from: 0, to: 1, text: 'fetch: PUT' },
          { from: 1, to: 2, text: 'OPTIONS, Origin: evil.example' },
          { from: 2, to: 1, text: 'not allowed' },
          { at: 1, note: 'the PUT is not sent', tone: 'bad' },
        ],
      },
      { text: 'The browser enforces this. curl sends the PUT without asking.' },
    ],
  },
  {
    file: 'pictures/15-tests.svg',
    title: 'A test that cannot fail',
    description:
      'Each test runs on the correct app and on an app with a broken rule. A good test passes on the first and fails on the second. A test that passes on both proves nothing. A test that fails on both is wrong.',
    parts: [
      { boxes: [{ head: 'your tests', tone: 'accent' }] },
      { down: 'run twice' },
      { boxes: [{ head: 'the correct app' }, { head: 'an app in which anyone may delete' }] },
      {
        boxes: [
          { head: 'pass', tone: 'good' },
          { head: 'fail', tone: 'good' },
        ],
      },
      { text: 'The tests notice the broken rule.' },
      {
        boxes: [
          { head: 'pass', tone: 'good' },
          { head: 'pass', tone: 'bad' },
        ],
      },
      { text: 'A test that cannot fail: it proves nothing.' },
      {
        boxes: [
          { head: 'fail', tone: 'bad' },
          { head: 'fail', tone: 'good' },
        ],
      },
      { text: 'A wrong test: it rejects correct code.' },
    ],
  },
  {
    file: 'pictures/16-nginx.svg',
    title: 'nginx in front of two processes',
    description:
      'Clients connect to nginx, which is the only one that can reach the two processes, on ports of 127.0.0.1. nginx takes turns between them and adds the address of the client and an ID of the request. Both processes use one Postgres.',
    parts: [
      {
        boxes: [
          { head: 'client', lines: ['203.0.113.7'] },
          { head: 'client', lines: ['198.51.100.4'] },
        ],
      },
      { down: 'any X-Forwarded-For is replaced' },
      { boxes: [{ head: 'nginx', lines: ['the only public port'], tone: 'accent' }] },
      { down: 'X-Forwarded-For: 203.0.113.7 X-Request-Id: 4f1c…' },
      {
        boxes: [
          { head: 'process 1', lines: ['127.0.0.1:3001'] },
          { head: 'process 2', lines: ['127.0.0.1:3002'] },
        ],
      },
      { down: '' },
      { boxes: [{ head: 'Postgres', lines: ['all that a later request needs'], tone: 'accent' }] },
    ],
  },
  {
    file: 'pictures/17-workflow.svg',
    title: 'The steps of a workflow',
    description:
      'A push or a pull request starts a runner. It starts Postgres and waits until it is healthy, checks out the code, sets up Node, installs the committed versions with npm ci, and runs the tests. Exit code 0 is green and the change can be merged. Any other exit code is red.',
    parts: [
      { boxes: [{ head: 'push, pull request' }] },
      { down: 'a fresh machine' },
      { boxes: [{ head: 'service: Postgres', lines: ['waits until it is healthy'], tone: 'accent' }] },
      { down: '' },
      { boxes: [{ lines: ['1. checkout: the code of this change'] }] },
      { boxes: [{ lines: ['2. setup-node: the version of Node'] }] },
      { boxes: [{ lines: ['3. npm ci: the committed versions'] }] },
      { boxes: [{ lines: ['4. npm test: with DATABASE_URL'] }] },
      { down: 'exit code' },
      {
        boxes: [
          { head: '0: green', lines: ['may be merged'], tone: 'good' },
          { head: 'other: red', lines: ['must not be merged'], tone: 'bad' },
        ],
      },
    ],
  },
  {
    file: 'pictures/18-whole.svg',
    title: 'The whole application',
    description:
      'A request passes the schema, which validates it, the authentication, which finds the caller in the token, and the handler of the route, which checks the owner. The handler uses one database session, which commits before the response is sent. The response passes the schema of the response. Each step names its chapter.',
    parts: [
      { boxes: [{ head: 'request' }] },
      { down: '' },
      { boxes: [{ head: 'log, CORS', lines: ['chapters 01, 10, 14'] }] },
      { boxes: [{ head: 'who is asking?', lines: ['token: chapters 06 to 09'], tone: 'accent' }] },
      { boxes: [{ head: 'what is asked?', lines: ['schema: chapter 02'], tone: 'accent' }] },
      { boxes: [{ head: 'may they?', lines: ['owner: chapter 11'], tone: 'accent' }] },
      { down: '' },
      {
        boxes: [
          { head: 'handler', lines: ['routes: 04a'] },
          { head: 'users', lines: ['05'] },
          { head: 'votes', lines: ['12'] },
          { head: 'lists', lines: ['13'] },
        ],
      },
      { down: 'database session: chapter 04' },
      { boxes: [{ head: 'Postgres', lines: ['tables by migrations: chapter 03'], tone: 'good' }] },
      { down: 'COMMIT, then' },
      { boxes: [{ head: 'response', lines: ['only what the schema lists: chapter 02'], tone: 'good' }] },
    ],
  },
]
