// The server under test, seen through its API: what a client of the course's service can do.
import { randomBytes } from 'node:crypto'
import { describe, expectStatus, expectThat, Failure, NotChecked } from './check.ts'
import { type Received, send } from './http.ts'
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
}

export interface RequestOptions {
  readonly token?: string | undefined
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  /** Sent as it is. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Credentials {
  readonly email: string
  readonly password: string
}

export interface Account extends Credentials {
  readonly id: string | number
  /** The body of the response to the sign-up. */
  readonly body: Json
  readonly token: string
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
  readonly #accounts = new Map<string, Promise<Account>>()
  #writer: Promise<string | undefined> | undefined

  constructor(options: SubjectOptions) {
    this.options = options
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<Received> {
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
    return send(this.options.url, { method, path, headers, body }, this.options.timeoutMs)
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

  async logIn({ email, password }: Credentials): Promise<Received> {
    const received = await this.request('POST', PATHS.login, { form: { username: email, password } })
    if (received.status !== 429) return received
    throw new Failure(
      'a login attempt that is checked',
      '429: your limit on login attempts stops the grader. Raise the limit.',
      received.sent,
    )
  }

  /** Returns the account of this name, signed up and logged in the first time it is asked for. */
  account(name: string): Promise<Account> {
    let account = this.#accounts.get(name)
    if (account === undefined) {
      account = this.#createAccount()
      this.#accounts.set(name, account)
    }
    return account
  }

  async #createAccount(): Promise<Account> {
    const credentials = this.newCredentials()
    const signedUp = expectStatus(await this.signUp(credentials), 201, 200)
    const body = toObject(signedUp, 'a JSON object with the new user')
    const token = await this.tokenOf(credentials)
    return { ...credentials, id: requireId(body, signedUp), body, token }
  }

  /** Logs in, and returns the access token. */
  async tokenOf(credentials: Credentials): Promise<string> {
    const received = expectStatus(await this.logIn(credentials), 200, 201)
    const { access_token: token } = toObject(received, 'a JSON object with an `access_token`')
    expectThat(typeof token === 'string' && token !== '', 'a JSON object with an `access_token`', received)
    return token
  }

  /** Returns a token to write posts with, or undefined if the server asks for none: most begin without logins. */
  writer(): Promise<string | undefined> {
    this.#writer ??= (async () => {
      const { status } = await this.request('POST', PATHS.posts, { json: newPost() })
      return [400, 401, 403].includes(status) ? (await this.account('ada')).token : undefined
    })()
    return this.#writer
  }

  /** Creates a post, by default as anyone who may. */
  async createPost(fields: object = {}, token?: string): Promise<Post & { readonly body: Json }> {
    const json = { ...newPost(), ...fields }
    const received = await this.request('POST', PATHS.posts, { json, token: token ?? (await this.writer()) })
    expectStatus(received, 201, 200)
    const body = findPost(toObject(received, 'a JSON object with the new post'))
    return { id: requireId(body, received), title: json.title, body }
  }

  /** Requests a post, by default as anyone who may. */
  async getPost({ id }: Pick<Post, 'id'>, token?: string): Promise<Received> {
    return this.request('GET', pathOf(id), { token: token ?? (await this.writer()) })
  }

  /** Requests a list of posts, and returns them with their votes. */
  async listPosts(
    query: Readonly<Record<string, string>>,
    token?: string,
  ): Promise<{ received: Received; posts: ListedPost[] }> {
    const search = new URLSearchParams(query).toString()
    const path = search ? `${PATHS.posts}?${search}` : PATHS.posts
    const received = await this.request('GET', path, { token: token ?? (await this.writer()) })
    expectStatus(received, 200)
    const list = findArray(received.json)
    expectThat(list, 'a JSON array of posts', received)
    return { received, posts: list.map((item) => toListedPost(item)) }
  }

  vote(token: string, postId: string | number, dir = 1): Promise<Received> {
    return this.request('POST', PATHS.vote, { token, json: { post_id: postId, dir } })
  }

  /** Returns what `--secret` gave, for checks that need it. */
  get secret(): string {
    const { secret } = this.options
    if (secret === undefined) throw new NotChecked('Pass `--secret` with the secret that signs the tokens.')
    return secret
  }

  get server(): ServerProcess {
    const { server } = this.options
    if (server === undefined)
      throw new NotChecked('Pass `--command` with the command that starts the server.')
    return server
  }
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
  return `${PATHS.posts}/${encodeURIComponent(String(id))}`
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
  const body = toObject(received, 'a JSON object with the post and its `votes`')
  const { votes } = toListedPost(body)
  expectThat(Number.isInteger(votes), 'a JSON object with the post and its number of `votes`', received)
  return votes as number
}

function requireId({ id }: Json, received: Received): string | number {
  if (typeof id === 'number' || typeof id === 'string') return id
  throw new Failure(
    'a JSON object with an `id` that is a number or a string',
    describe(received),
    received.sent,
  )
}
