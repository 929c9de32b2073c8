import type { TestService } from '../helper.ts'

/** Who sends the requests. */
export interface Caller {
  readonly id: number
  readonly email: string
  readonly password: string
  readonly token: string
}

type Live = (service: TestService, caller: Caller) => Promise<unknown> | unknown

/** What is there, for the parameter of each path: an operation with another path needs an entry to succeed at all. */
export const LIVE_PATHS: Record<string, Live> = {
  '/users/{id}': (_, caller) => caller.id,
  '/posts/{id}': newPost,
}

/** What is right, for the members of bodies. */
export const LIVE_MEMBERS: Record<string, Live> = {
  username: (_, caller) => caller.email,
  password: (_, caller) => caller.password,
  current_password: (_, caller) => caller.password,
  refresh_token: async ({ call }, { email, password }) =>
    (await call('POST', '/login', { form: { username: email, password } })).body.refresh_token,
  post_id: newPost,
}

async function newPost({ app }: TestService, caller: Caller): Promise<number> {
  const [post] = await app
    .knex('posts')
    .insert({ title: 'a', content: 'b', owner_id: caller.id })
    .returning('id')
  return post.id
}

let callers = 0

/** A user who has just logged in. */
export async function newCaller({ signUp }: TestService): Promise<Caller> {
  callers += 1
  const email = `caller${callers}@example.com`
  return { ...(await signUp(email)), email, password: 'a good password' }
}
