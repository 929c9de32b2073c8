/**
 * The baseline of the benchmark: only Fastify and pg. The routes send the service's statements in the same transactions, check
 * the token with fast-jwt, and respond with the same JSON, through Fastify's response schemas. There is nothing else: no
 * validation, no rate limits, no headers, no queue for passwords.
 */
import { createHash, randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'
import { createSigner, createVerifier } from 'fast-jwt'
import Fastify, { type FastifyRequest } from 'fastify'
import pg from 'pg'

/** The service's response schemas, without descriptions and examples. */
const text = { type: 'string' }
const integer = { type: 'integer' }
const timestamp = { type: 'string', format: 'date-time' }
const object = <T extends Record<string, object>>(properties: T) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
})
const Message = object({ message: text })
const UserOut = object({ id: integer, email: text, created_at: timestamp })
const Post = object({
  title: text,
  content: text,
  published: { type: 'boolean' },
  id: integer,
  created_at: timestamp,
  owner_id: integer,
  owner: UserOut,
})
const PostOut = object({ Post, votes: integer })
const PostList = { type: 'array', items: PostOut }
const TokenOut = object({ access_token: text, token_type: text, expires_in: integer, refresh_token: text })

const key = process.env.JWT_SECRET as string
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL as string, max: 10 })
const verify = createVerifier({ key, algorithms: ['HS256'], allowedIss: 'social-api' })
const sign = createSigner({ key, header: { alg: 'HS256', typ: 'access+jwt', kid: '1' }, expiresIn: '30m' })

const LIMITS = '; SET LOCAL statement_timeout = 10000; SET LOCAL idle_in_transaction_session_timeout = 60000'

async function transaction<T>(begin: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query(begin + LIMITS)
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

async function readCaller({ headers }: FastifyRequest) {
  const { user_id } = verify(headers.authorization?.slice('Bearer '.length) ?? '')
  const { rows } = await pool.query('SELECT *, xmin FROM users WHERE id = $1', [user_id])
  return rows[0]
}

const withVotes = (posts: string) => `SELECT posts.*, owner.email, owner.created_at AS signed_up_at,
    (SELECT count(*)::int FROM votes WHERE votes.post_id = posts.id) AS votes
  FROM (${posts}) AS posts JOIN users AS owner ON owner.id = posts.owner_id ORDER BY posts.id`
const VISIBLE = '(published OR owner_id = $1)'
const LIST = withVotes(
  `SELECT * FROM posts WHERE ${VISIBLE} AND strpos(title, $2) > 0 ORDER BY id LIMIT $3 OFFSET $4`,
)
const ONE = withVotes(`SELECT * FROM posts WHERE ${VISIBLE} AND id = $2`)

const toPostOut = ({ email, signed_up_at, votes, ...post }: Record<string, unknown>) => ({
  Post: { ...post, owner: { id: post.owner_id, email, created_at: signed_up_at } },
  votes,
})

const app = Fastify({ logger: true })

app.get('/', { schema: { response: { 200: Message } } }, async () => ({
  message: 'Welcome to social-api. Its documentation is at /docs.',
}))

app.get('/posts', { schema: { response: { 200: PostList } } }, async (request) => {
  const caller = await readCaller(request)
  const { limit } = request.query as { limit: string }
  const { rows } = await transaction('BEGIN READ ONLY', (client) =>
    client.query(LIST, [caller.id, '', Number(limit), 0]),
  )
  return rows.map(toPostOut)
})

app.get('/posts/:id', { schema: { response: { 200: PostOut } } }, async (request) => {
  const caller = await readCaller(request)
  const { id } = request.params as { id: string }
  const { rows } = await transaction('BEGIN READ ONLY', (client) =>
    client.query(ONE, [caller.id, Number(id)]),
  )
  return toPostOut(rows[0])
})

app.post('/posts', { schema: { response: { 201: Post } } }, async (request, reply) => {
  const owner = await readCaller(request)
  const { title, content, published = true } = request.body as Record<string, unknown>
  const { rows } = await transaction('BEGIN', (client) =>
    client.query(
      'INSERT INTO posts (title, content, published, owner_id) VALUES ($1, $2, $3, $4) RETURNING *',
      [title, content, published, owner.id],
    ),
  )
  return reply.code(201).send({ ...rows[0], owner })
})

app.post('/vote', { schema: { response: { 201: Message } } }, async (request, reply) => {
  const { id } = await readCaller(request)
  const { post_id, dir } = request.body as { post_id: number; dir: number }
  await transaction('BEGIN', async (client) => {
    await client.query(`SELECT FROM posts WHERE ${VISIBLE} AND id = $2 FOR KEY SHARE`, [id, post_id])
    const change =
      dir === 1
        ? 'INSERT INTO votes (user_id, post_id) VALUES ($1, $2) ON CONFLICT (user_id, post_id) DO NOTHING'
        : 'DELETE FROM votes WHERE user_id = $1 AND post_id = $2'
    await client.query(change, [id, post_id])
  })
  return reply.code(201).send({ message: `successfully ${dir === 1 ? 'added' : 'deleted'} vote` })
})

app.post('/login', { schema: { response: { 200: TokenOut } } }, async (request) => {
  const { username, password } = request.body as { username: string; password: string }
  await pool.query('SELECT lower($1) AS account', [username])
  const found = await pool.query('select "users".* from "users" where lower(email) = lower($1)', [username])
  if (!(await bcrypt.compare(password, found.rows[0].password))) throw new Error('wrong password')
  const family = randomBytes(16).toString('base64url')
  const refresh_token = family + randomBytes(32).toString('base64url')
  const user = await transaction('BEGIN', async (client) => {
    const { rows } = await client.query(
      `select "users".* from "users" where "users"."id" = $1
        and date_trunc('milliseconds', password_changed_at) IS NOT DISTINCT FROM $2 for share`,
      [found.rows[0].id, found.rows[0].password_changed_at],
    )
    await client.query(
      'insert into "refresh_families" ("digest", "expires_at", "id", "user_id") values ($1, now() + $2::interval, $3, $4) returning "id"',
      [createHash('sha256').update(refresh_token).digest(), '30d', family, rows[0].id],
    )
    return rows[0]
  })
  const access_token = sign({
    sub: String(user.id),
    user_id: user.id,
    role: user.role,
    iss: 'social-api',
    jti: randomBytes(16).toString('base64url'),
  })
  return { access_token, token_type: 'bearer', expires_in: 1_800, refresh_token }
})

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
