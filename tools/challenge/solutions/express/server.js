// The whole API in one file: Express 5, CommonJS, jsonwebtoken and Node's own scrypt.
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const express = require('express')
const jwt = require('jsonwebtoken')
const { Pool } = require('pg')

const { DATABASE_URL, JWT_SECRET, ORIGIN, PORT = '8000' } = process.env
if (!JWT_SECRET) throw new Error('Set JWT_SECRET: openssl rand -hex 32')
const MAX_FAILED_LOGINS = 10
const MAX_INTEGER = 2_147_483_647
const scrypt = promisify(crypto.scrypt)

const pool = new Pool({ connectionString: DATABASE_URL })
const query = async (text, values = []) => (await pool.query(text, values)).rows

class HttpError extends Error {
  constructor(status, message, headers = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

async function hashPassword(password, salt = crypto.randomBytes(16)) {
  const digest = await scrypt(password, salt, 32, { N: 2 ** 14, r: 8, p: 1 })
  return `$scrypt$ln=14,r=8,p=1$${salt.toString('base64')}$${digest.toString('base64')}`
}

async function verifyPassword(password, stored) {
  const salt = Buffer.from(stored.split('$')[3], 'base64')
  return crypto.timingSafeEqual(Buffer.from(await hashPassword(password, salt)), Buffer.from(stored))
}

const digest = (token) => crypto.createHash('sha256').update(token).digest('hex')

const isText = (value, max) =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= max &&
  !value.includes('\0') &&
  value.isWellFormed()

function check(condition, message) {
  if (!condition) throw new HttpError(422, message)
}

function toInteger(value, fallback, min, max) {
  const number = value === undefined ? fallback : /^\d+$/.test(value) ? Number(value) : Number.NaN
  check(number >= min && number <= max, `Expected an integer from ${min} to ${max}`)
  return number
}

function readPost(body) {
  check(body && typeof body === 'object' && !Array.isArray(body), 'Expected an object')
  const { title, content, published = true } = body
  check(isText(title, 300), 'A title is required')
  check(isText(content, 20_000), 'Content is required')
  check(typeof published === 'boolean', 'published must be true or false')
  return { title, content, published }
}

function authenticate(request, _response, next) {
  const [scheme, token] = (request.get('authorization') ?? '').split(' ')
  try {
    if (scheme !== 'Bearer') throw new Error('Another scheme')
    const claims = jwt.verify(token, JWT_SECRET, { algorithms: ['HS256'] })
    if (claims.exp === undefined) throw new Error('No exp')
    request.userId = Number(claims.sub)
    next()
  } catch {
    next(new HttpError(401, 'Not authenticated'))
  }
}

async function issueTokens(userId) {
  const access_token = jwt.sign({}, JWT_SECRET, { subject: String(userId), expiresIn: '30m' })
  const refresh_token = crypto.randomBytes(32).toString('base64url')
  await query("INSERT INTO refresh_tokens VALUES ($1, $2, now() + '30 days')", [
    digest(refresh_token),
    userId,
  ])
  return { access_token, token_type: 'bearer', refresh_token }
}

const app = express()

app.use((request, response, next) => {
  if (ORIGIN && request.get('origin') === ORIGIN) {
    response.set({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'authorization, content-type',
      vary: 'origin',
    })
  }
  if (request.method === 'OPTIONS') response.status(204).end()
  else next()
})
app.use(express.json({ limit: '1mb' }), express.urlencoded({ extended: false }))

app.get('/', (_request, response) => {
  response.json({ message: 'Hello' })
})

app.post('/users', async (request, response) => {
  const { email, password } = request.body ?? {}
  check(isText(email, 254) && /^[^@\s]+@[^@\s]+$/.test(email), 'An email is required')
  check(isText(password, 200) && password.length >= 8, 'A password of at least 8 characters is required')
  const values = [email, await hashPassword(password)]
  const [user] = await query(
    'INSERT INTO users (email, password) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id, email, created_at',
    values,
  )
  if (!user) throw new HttpError(409, 'The email is taken')
  response.status(201).json(user)
})

app.get('/users/:id', authenticate, async (request, response) => {
  const id = toInteger(request.params.id, undefined, 1, MAX_INTEGER)
  const [user] = await query('SELECT id, email, created_at FROM users WHERE id = $1', [id])
  if (!user) throw new HttpError(404, 'No such user')
  response.json(user)
})

let unknownUserHash
app.post('/login', async (request, response) => {
  const { username, password } = request.body ?? {}
  check(isText(username, 254) && isText(password, 200), 'Send username and password as a form')
  const [{ count }] = await query(
    "SELECT count(*)::int FROM failed_logins WHERE email = $1 AND failed_at > now() - interval '5 minutes'",
    [username],
  )
  if (count >= MAX_FAILED_LOGINS) throw new HttpError(429, 'Too many attempts', { 'retry-after': '60' })
  const [user] = await query('SELECT id, password FROM users WHERE email = $1', [username])
  unknownUserHash ??= await hashPassword(crypto.randomUUID())
  const isRight = await verifyPassword(password, user?.password ?? unknownUserHash)
  if (!user || !isRight) {
    await query('INSERT INTO failed_logins (email) VALUES ($1)', [username])
    throw new HttpError(401, 'Invalid Credentials')
  }
  response.json(await issueTokens(user.id))
})

app.post('/token/refresh', async (request, response) => {
  const { refresh_token: token } = request.body ?? {}
  check(isText(token, 1_000), 'A refresh token is required')
  const [row] = await query(
    'DELETE FROM refresh_tokens WHERE digest = $1 AND expires_at > now() RETURNING user_id',
    [digest(token)],
  )
  if (!row) throw new HttpError(401, 'Unknown refresh token')
  response.json(await issueTokens(row.user_id))
})

const POSTS = `SELECT posts.*, (SELECT count(*)::int FROM votes WHERE post_id = posts.id) AS votes FROM posts`
const posts = express.Router()
posts.use(authenticate)
posts.param('id', (request, _response, next, id) => {
  request.postId = toInteger(id, undefined, 1, MAX_INTEGER)
  next()
})

posts.get('/posts', async (request, response) => {
  const { limit, skip, search = '' } = request.query
  const values = [String(search), toInteger(limit, 10, 1, 100), toInteger(skip, 0, 0, MAX_INTEGER)]
  const rows = await query(
    `${POSTS} WHERE strpos(title, $1) > 0 OR $1 = '' ORDER BY id LIMIT $2 OFFSET $3`,
    values,
  )
  response.json({ items: rows })
})

posts.post('/posts', async (request, response) => {
  const { title, content, published } = readPost(request.body)
  const [post] = await query(
    'INSERT INTO posts (title, content, published, owner_id) VALUES ($1, $2, $3, $4) RETURNING *',
    [title, content, published, request.userId],
  )
  response.status(201).json(post)
})

posts.get('/posts/:id', async (request, response) => {
  const [post] = await query(`${POSTS} WHERE id = $1`, [request.postId])
  if (!post) throw new HttpError(404, 'No such post')
  response.json(post)
})

posts.put('/posts/:id', async (request, response) => {
  const { title, content, published } = readPost(request.body)
  await requireOwner(request)
  await query('UPDATE posts SET title = $1, content = $2, published = $3 WHERE id = $4 AND owner_id = $5', [
    title,
    content,
    published,
    request.postId,
    request.userId,
  ])
  response.status(204).end()
})

posts.delete('/posts/:id', async (request, response) => {
  await requireOwner(request)
  await query('DELETE FROM posts WHERE id = $1 AND owner_id = $2', [request.postId, request.userId])
  response.json({ message: 'deleted' })
})

async function requireOwner({ postId, userId }) {
  const [post] = await query('SELECT owner_id FROM posts WHERE id = $1', [postId])
  if (!post) throw new HttpError(404, 'No such post')
  if (post.owner_id !== userId) throw new HttpError(403, 'Not the owner')
}

posts.post('/vote', async (request, response) => {
  const { post_id, dir } = request.body ?? {}
  check(Number.isInteger(post_id) && post_id >= 1 && post_id <= MAX_INTEGER, 'A post_id is required')
  check(dir === 0 || dir === 1, 'dir must be 0 or 1')
  const values = [request.userId, post_id]
  try {
    const [vote] =
      dir === 1
        ? await query('INSERT INTO votes VALUES ($1, $2) RETURNING post_id', values)
        : await query('DELETE FROM votes WHERE user_id = $1 AND post_id = $2 RETURNING post_id', values)
    if (!vote) throw new HttpError(404, 'No vote')
    response.status(201).json({ message: dir === 1 ? 'added' : 'taken back' })
  } catch (error) {
    if (error.code === '23505') throw new HttpError(409, 'Voted already')
    if (error.code === '23503') throw new HttpError(404, 'No such post')
    throw error
  }
})
app.use(posts)

app.use((_request, _response, next) => next(new HttpError(404, 'Not Found')))

// Express recognizes an error handler by its four parameters.
app.use((error, _request, response, _next) => {
  const status = error.status ?? 500
  if (status >= 500) console.error(error)
  response
    .status(status)
    .set(error.headers ?? {})
    .json({ detail: status >= 500 ? 'Internal Server Error' : error.message })
})

pool.query(fs.readFileSync(path.join(__dirname, '../tables.sql'), 'utf8')).then(() => {
  app.listen(Number(PORT), '127.0.0.1')
})
