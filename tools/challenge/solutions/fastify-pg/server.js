// The whole API in one file: Fastify with plain pg, bcrypt and jose.
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import cors from '@fastify/cors'
import formbody from '@fastify/formbody'
import bcrypt from 'bcrypt'
import Fastify from 'fastify'
import { jwtVerify, SignJWT } from 'jose'
import pg from 'pg'

const { DATABASE_URL, JWT_SECRET, ORIGIN, PORT = '8000' } = process.env
if (!JWT_SECRET) throw new Error('Set JWT_SECRET: openssl rand -hex 32')
const SECRET = new TextEncoder().encode(JWT_SECRET)
const MAX_FAILED_LOGINS = 10
const UNKNOWN_USER_HASH = await bcrypt.hash(randomBytes(16).toString('hex'), 10)

const pool = new pg.Pool({ connectionString: DATABASE_URL })
await pool.query(await readFile(new URL('../tables.sql', import.meta.url), 'utf8'))
const query = async (text, values = []) => (await pool.query(text, values)).rows

const app = Fastify({
  bodyLimit: 1_048_576,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: true } },
  logger: { level: 'warn' },
})
await app.register(formbody)
if (ORIGIN) await app.register(cors, { origin: [ORIGIN], methods: ['GET', 'POST', 'PUT', 'DELETE'] })

const text = { type: 'string', minLength: 1, maxLength: 20_000, pattern: '^[^\\u0000\\ud800-\\udfff]*$' }
const object = (properties, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const PostIn = object({ title: text, content: text, published: { type: 'boolean' } }, ['title', 'content'])
const UserIn = object({
  email: { type: 'string', format: 'email' },
  password: { type: 'string', minLength: 8, maxLength: 72 },
})
const Vote = object({
  post_id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
  dir: { enum: [0, 1] },
})

const refuse = (statusCode, message) => Object.assign(new Error(message), { statusCode })
const toInteger = (value, fallback, min, max) => {
  const number = value === undefined ? fallback : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) throw refuse(422, `Expected an integer from ${min} to ${max}`)
  return number
}
const toId = ({ id }) => toInteger(id, undefined, 1, 2_147_483_647)
const digest = (token) => createHash('sha256').update(token).digest('hex')

async function authenticate(request) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ')
  try {
    if (scheme !== 'Bearer') throw new Error('Another scheme')
    const { payload } = await jwtVerify(token, SECRET, {
      algorithms: ['HS256'],
      requiredClaims: ['exp', 'sub'],
    })
    request.userId = Number(payload.sub)
  } catch {
    throw refuse(401, 'Not authenticated')
  }
}

async function issueTokens(userId) {
  const access_token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(String(userId))
    .setIssuedAt()
    .setExpirationTime('30m')
    .sign(SECRET)
  const refresh_token = randomBytes(32).toString('base64url')
  await query("INSERT INTO refresh_tokens VALUES ($1, $2, now() + '30 days')", [
    digest(refresh_token),
    userId,
  ])
  return { access_token, token_type: 'bearer', refresh_token }
}

app.get('/', async () => ({ message: 'Hello' }))

app.post('/users', { schema: { body: UserIn } }, async (request, reply) => {
  const { email, password } = request.body
  if (Buffer.byteLength(password) > 72) throw refuse(422, 'The password is too long')
  const hash = await bcrypt.hash(password, 10)
  const [user] = await query(
    'INSERT INTO users (email, password) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id, email, created_at',
    [email, hash],
  )
  if (!user) throw refuse(409, 'The email is taken')
  return reply.code(201).send(user)
})

app.get('/users/:id', { onRequest: authenticate }, async (request) => {
  const [user] = await query('SELECT id, email, created_at FROM users WHERE id = $1', [toId(request.params)])
  if (!user) throw refuse(404, 'No such user')
  return user
})

app.post('/login', async (request) => {
  const { username, password } = request.body ?? {}
  if (typeof username !== 'string' || typeof password !== 'string')
    throw refuse(422, 'Send username and password as a form')
  const [{ count }] = await query(
    "SELECT count(*)::int FROM failed_logins WHERE email = $1 AND failed_at > now() - interval '5 minutes'",
    [username],
  )
  if (count >= MAX_FAILED_LOGINS)
    throw Object.assign(refuse(429, 'Too many attempts'), { headers: { 'retry-after': '60' } })
  const [user] = await query('SELECT id, password FROM users WHERE email = $1', [username])
  const isRight = await bcrypt.compare(password, user?.password ?? UNKNOWN_USER_HASH)
  if (!user || !isRight) {
    await query('INSERT INTO failed_logins (email) VALUES ($1)', [username])
    throw refuse(403, 'Invalid Credentials')
  }
  return issueTokens(user.id)
})

app.post('/token/refresh', { schema: { body: object({ refresh_token: text }) } }, async (request) => {
  const [row] = await query(
    'DELETE FROM refresh_tokens WHERE digest = $1 AND expires_at > now() RETURNING user_id',
    [digest(request.body.refresh_token)],
  )
  if (!row) throw refuse(401, 'Unknown refresh token')
  return issueTokens(row.user_id)
})

const POSTS = `SELECT posts.*, (SELECT count(*)::int FROM votes WHERE post_id = posts.id) AS votes FROM posts`

app.register(async (posts) => {
  posts.addHook('onRequest', authenticate)

  posts.get('/posts', async ({ query: { limit, skip, search = '' } }) =>
    query(`${POSTS} WHERE strpos(title, $1) > 0 OR $1 = '' ORDER BY id LIMIT $2 OFFSET $3`, [
      search,
      toInteger(limit, 10, 1, 100),
      toInteger(skip, 0, 0, 2_147_483_647),
    ]),
  )

  posts.post('/posts', { schema: { body: PostIn } }, async (request, reply) => {
    const { title, content, published = true } = request.body
    const [post] = await query(
      'INSERT INTO posts (title, content, published, owner_id) VALUES ($1, $2, $3, $4) RETURNING *',
      [title, content, published, request.userId],
    )
    return reply.code(201).send(post)
  })

  posts.get('/posts/:id', async (request) => {
    const [post] = await query(`${POSTS} WHERE id = $1`, [toId(request.params)])
    if (!post) throw refuse(404, 'No such post')
    return post
  })

  posts.put('/posts/:id', { schema: { body: PostIn } }, async (request) => {
    const { title, content, published = true } = request.body
    const id = toId(request.params)
    const [post] = await query(
      'UPDATE posts SET title = $1, content = $2, published = $3 WHERE id = $4 AND owner_id = $5 RETURNING *',
      [title, content, published, id, request.userId],
    )
    return post ?? refuseChange(id)
  })

  posts.delete('/posts/:id', async (request, reply) => {
    const id = toId(request.params)
    const [post] = await query('DELETE FROM posts WHERE id = $1 AND owner_id = $2 RETURNING id', [
      id,
      request.userId,
    ])
    if (!post) await refuseChange(id)
    return reply.code(204).send()
  })

  posts.post('/vote', { schema: { body: Vote } }, async (request, reply) => {
    const { post_id, dir } = request.body
    const [post] = await query('SELECT id FROM posts WHERE id = $1', [post_id])
    if (!post) throw refuse(404, 'No such post')
    const values = [request.userId, post_id]
    const [vote] =
      dir === 1
        ? await query('INSERT INTO votes VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING post_id', values)
        : await query('DELETE FROM votes WHERE user_id = $1 AND post_id = $2 RETURNING post_id', values)
    if (!vote) throw dir === 1 ? refuse(409, 'Voted already') : refuse(404, 'No vote')
    return reply.code(201).send({ message: dir === 1 ? 'added' : 'taken back' })
  })
})

/** Says why no row was changed. */
async function refuseChange(id) {
  const [post] = await query('SELECT id FROM posts WHERE id = $1', [id])
  throw post ? refuse(403, 'Not the owner') : refuse(404, 'No such post')
}

await app.listen({ port: Number(PORT) })
