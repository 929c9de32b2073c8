// The server under test, seen through its API: what a client of the course's service can do.
import { randomBytes } from 'node:crypto'
import { Blocked, describe, expectStatus, expectThat, Failure, NotChecked, need } from './check.ts'
import { type Received, type Sent, send } from './http.ts'
import type { ServerProcess } from './server-process.ts'

export interface SubjectOptions {
  readonly url: URL
  /** The secret that signs the server's HS256 tokens. */
  readonly secret?: string | undefined
  /** The Postgres database of the server. */
  readonly databaseUrl?: string | undefined
  /** An origin whose pages may call the server. */
  readonly origin?: string | undefined
  /** How long a response may take, in milliseconds. @default 10000 */
  readonly timeoutMs?: number
  /** Starts, stops and kills the server. */
  readonly server?: ServerProcess | undefined
  /** Ends requests that are under way. */
  readonly signal?: AbortSignal
}

export interface RequestOptions {
  readonly token?: string | undefined
  /** Which credentials the request carries, if they are not a token from a login or none. */
  readonly credentials?: string
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  /** Sent as it is. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Returns a 429 instead of throwing. */
  readonly mayBeLimited?: boolean
}

export interface Credentials {
  readonly email: string
  readonly password: string
}

export interface Account extends Credentials {
  readonly id: string | number
  readonly token: string
  /** The response to the login. */
  readonly login: Received
}

export interface Post {
  readonly id: string | number
  readonly title: string
}

export type Json = Readonly<Record<string, unknown>>

/** Where the course's service has its routes. */
export const PATHS = {
  users: '/users',
  login: '/login',
  posts: '/posts',
  vote: '/vote',
  refresh: '/token/refresh',
}

export class Subject {
  readonly options: SubjectOptions
  /** The request that was sent last. */
  lastSent: Sent | undefined
  /** Where redirects to the same path with or without its slash have led. */
  readonly #moved = new Map<string, string>()
  readonly #accounts = new Map<string, Promise<Account>>()
  readonly #authors = new Map<string, Promise<Account>>()
  #writer: Promise<string | undefined> | undefined

  constructor(options: SubjectOptions) {
    this.options = options
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Received> {
    const { token, json, form } = options
    const [type, body] =
      json !== undefined
        ? ['application/json', JSON.stringify(json)]
        : form !== undefined
          ? ['application/x-www-form-urlencoded', new URLSearchParams(form).toString()]
          : [undefined, options.body]
    const headers = {
      accept: 'application/json',
      ...(type && { 'content-type': type }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...options.headers,
    }
    const credentials = options.credentials ?? (token === undefined ? 'without a token' : 'with a token')
    const { pathname, search } = splitPath(path)
    const sent = {
      method,
      path: (this.#moved.get(pathname) ?? pathname) + search,
      headers,
      body,
      credentials,
    }
    this.lastSent = sent
    if (token !== undefined && !/^[\x20-\x7e]*$/.test(token))
      throw new Failure('a token that fits in a header', 'a token with other characters than ASCII', sent)
    const received = await send(this.options.url, sent, this.options)
    // a large body must not meet the redirect: the server may close the connection before it is sent
    if (received.sent.path !== sent.path) this.#moved.set(pathname, splitPath(received.sent.path).pathname)
    if (received.status === 429 && !options.mayBeLimited)
      throw new Blocked(
        `A rate limit of your server stops the grader: ${method} ${path} got a 429. Raise the limit, or wait.`,
      )
    return received
  }

  /** Returns true if the server responds at all. */
  async responds(): Promise<boolean> {
    const sent = { method: 'GET', path: '/', headers: {}, body: undefined }
    return send(this.options.url, sent, this.options).then(
      () => true,
      () => false,
    )
  }

  /** Returns credentials that no account has yet. */
  newCredentials(): Credentials {
    const random = randomBytes(9).toString('hex')
    return {
      email: `challenge-${random}@example.com`,
      password: `Tomatoes-7-${randomBytes(9).toString('base64url')}`,
    }
  }

  signUp(credentials: object): Promise<Received> {
    return this.request('POST', PATHS.users, { json: credentials })
  }

  logIn({ email, password }: Credentials): Promise<Received> {
    return this.request('POST', PATHS.login, { form: { username: email, password } })
  }

  /** Signs up a user for a check that builds on it. */
  needUser(password?: string): Promise<Credentials & { readonly id: string | number }> {
    return need('a new user', async () => {
      const fresh = this.newCredentials()
      const credentials = { email: fresh.email, password: password ?? fresh.password }
      const signedUp = expectStatus(await this.signUp(credentials), 201, 200)
      return {
        ...credentials,
        id: requireId(toObject(signedUp, 'a JSON object with the new user'), signedUp),
      }
    })
  }

  /** Logs in for a check that builds on it. */
  needLogin(credentials: Credentials): Promise<{ token: string; login: Received }> {
    return need('a login', async () => {
      const login = expectStatus(await this.logIn(credentials), 200, 201)
      return { token: requireToken(login), login }
    })
  }

  /** Returns the account of this name, signed up and logged in the first time it is asked for. */
  account(name: string): Promise<Account> {
    return remember(this.#accounts, name, async () => {
      const user = await this.needUser()
      return { ...user, ...(await this.needLogin(user)) }
    })
  }

  /** Returns the account of this name, once a post has been created with its token. */
  author(name: string): Promise<Account> {
    return remember(this.#authors, name, async () => {
      const account = await this.account(name)
      await need('a token that is accepted', async () =>
        expectStatus(
          await this.request('POST', PATHS.posts, { token: account.token, json: newPost() }),
          201,
          200,
        ),
      )
      return account
    })
  }

  /** Returns a token to write posts with, or undefined if the server asks for none: most begin without logins. */
  writer(): Promise<string | undefined> {
    this.#writer ??= this.#findWriter()
    return this.#writer
  }

  async #findWriter(): Promise<string | undefined> {
    const { status } = await this.request('POST', PATHS.posts, { json: newPost() })
    if (![400, 401, 403, 422].includes(status)) return undefined
    try {
      return (await this.author('ada')).token
    } catch (error) {
      // the server may refuse the post for another reason
      if (status === 400 || status === 422) return undefined
      if (error instanceof Blocked) throw new Blocked(`POST /posts asks for a token. ${error.message}`)
      throw error
    }
  }

  /** Creates a post for a check that builds on it, by default as anyone who may. */
  needPost(fields: object = {}, token?: string): Promise<Post> {
    return need('a new post', async () => {
      const json = { ...newPost(), ...fields }
      const received = await this.request('POST', PATHS.posts, {
        json,
        token: token ?? (await this.writer()),
      })
      expectStatus(received, 201, 200)
      const id = requireId(findPost(toObject(received, 'a JSON object with the new post')), received)
      return { id, title: json.title }
    })
  }

  /** Creates posts with these titles for a check that builds on their IDs. */
  async needPosts(titles: readonly string[]): Promise<Post[]> {
    const posts: Post[] = []
    for (const title of titles) posts.push(await this.needPost({ title }))
    needDifferentIds(posts)
    return posts
  }

  /** Creates a post that can be read, for a check that reads it again later. */
  async needReadablePost(token?: string): Promise<Post> {
    const post = await this.needPost({}, token)
    await need('a post that can be read', () => this.expectPost(post, 'the post that was created', token))
    return post
  }

  /** Requests a post, and expects its title. */
  async expectPost(post: Post, expected: string, token?: string): Promise<Received> {
    const received = expectStatus(await this.getPost(post, token), 200)
    const { title } = findPost(toObject(received, 'a JSON object with the post'))
    expectThat(title === post.title, expected, received)
    return received
  }

  /** Requests a post, by default as anyone who may. */
  async getPost({ id }: Pick<Post, 'id'>, token?: string): Promise<Received> {
    return this.request('GET', pathOf(id), { token: token ?? (await this.writer()) })
  }

  /** Requests a list of posts, and returns them with their votes. */
  async listPosts(query: Readonly<Record<string, string>>, token?: string): Promise<PostList> {
    const search = new URLSearchParams(query).toString()
    const path = search ? `${PATHS.posts}?${search}` : PATHS.posts
    const received = await this.request('GET', path, { token: token ?? (await this.writer()) })
    expectStatus(received, 200)
    const list = findArray(received.json)
    expectThat(list, 'a JSON array of posts', received)
    return { received, posts: list.map((item) => toListedPost(item)) }
  }

  /** Requests a list of posts for a check that builds on it. */
  needList(query: Readonly<Record<string, string>> = {}): Promise<PostList> {
    return need('a list of posts', () => this.listPosts(query))
  }

  vote(token: string, postId: string | number, dir = 1): Promise<Received> {
    return this.request('POST', PATHS.vote, { token, json: { post_id: postId, dir } })
  }

  get server(): ServerProcess {
    const { server } = this.options
    if (server === undefined)
      throw new NotChecked('Pass `--command` with the command that starts the server.')
    return server
  }
}

/** Throws if a check builds on the IDs of these posts, and two are the same. */
export function needDifferentIds(posts: readonly Post[]): void {
  if (new Set(posts.map(({ id }) => id)).size === posts.length) return
  throw new Blocked('This check needs posts with different IDs. Two new posts have the same ID.')
}

function splitPath(path: string): { pathname: string; search: string } {
  const [pathname = '', ...rest] = path.split('?')
  return { pathname, search: rest.length === 0 ? '' : `?${rest.join('?')}` }
}

/** Returns the value of this name, which is made the first time. */
function remember<Value>(
  values: Map<string, Promise<Value>>,
  name: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const value = values.get(name) ?? make()
  values.set(name, value)
  return value
}

export interface PostList {
  readonly received: Received
  readonly posts: readonly ListedPost[]
}

export interface ListedPost {
  readonly id: unknown
  readonly title: unknown
  /** The number of votes, if the list shows it. */
  readonly votes: unknown
}

export function newPost(): { title: string; content: string } {
  return { title: `Tomatoes ${randomBytes(6).toString('hex')}`, content: 'Water them in the morning.' }
}

export function pathOf(id: string | number): string {
  return `${PATHS.posts}/${encodeURIComponent(String(id).toWellFormed())}`
}

/** Returns an ID of the same form that no post has. Some drivers return a bigint as text. */
export function unusedId(id: string | number): string | number {
  const text = String(id)
  if (/^\d+$/.test(text)) return 2_000_000_000
  // only the last third: the others of a UUID have its version and variant
  const start = Math.ceil((text.length * 2) / 3)
  return text.slice(0, start) + text.slice(start).replace(/[0-9a-z]/gi, nextCharacter)
}

/** Returns another digit for a digit, and another letter for a letter, so hexadecimal stays hexadecimal. */
function nextCharacter(character: string): string {
  for (const cycle of ['0123456789', 'abcdef', 'ABCDEF', 'ghijklmnopqrstuvwxyz', 'GHIJKLMNOPQRSTUVWXYZ']) {
    const index = cycle.indexOf(character)
    if (index >= 0) return cycle.charAt((index + 1) % cycle.length)
  }
  return character
}

/** Returns the body as an object. */
export function toObject(received: Received, expected: string): Json {
  const { json } = received
  expectThat(typeof json === 'object' && json !== null && !Array.isArray(json), expected, received)
  return json as Json
}

/** Returns the post itself: the course nests it in `Post`, next to its votes. */
export function findPost(body: Json): Json {
  for (const name of ['Post', 'post', 'data'])
    if (typeof body[name] === 'object' && body[name] !== null) return body[name] as Json
  return body
}

function toListedPost(item: unknown): ListedPost {
  const body = (typeof item === 'object' && item !== null ? item : {}) as Json
  const { id, title } = findPost(body)
  return { id, title, votes: body.votes ?? body.votes_count ?? findPost(body).votes }
}

/** Returns the body if it is an array, or the first array in it. */
function findArray(body: unknown): unknown[] | undefined {
  if (Array.isArray(body)) return body
  if (typeof body !== 'object' || body === null) return undefined
  return Object.values(body).find((value) => Array.isArray(value))
}

/** Returns the number of votes of a post: its own or the one beside it. */
export function countVotes(received: Received): number {
  const expected = 'a post with a member `votes` that is a whole number'
  const { votes } = toListedPost(toObject(received, expected))
  expectThat(Number.isInteger(votes), expected, received)
  return votes as number
}

/** Returns the access token in the response to a login. */
export function requireToken(received: Received): string {
  const expected = 'a JSON object with an `access_token`'
  const { access_token: token } = toObject(received, expected)
  expectThat(typeof token === 'string' && token !== '', expected, received)
  return token
}

export function requireId({ id }: Json, received: Received): string | number {
  if (typeof id === 'number' || typeof id === 'string') return id
  throw new Failure(
    'a JSON object with an `id` that is a number or a string',
    describe(received),
    received.sent,
  )
}
