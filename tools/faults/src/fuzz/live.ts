import { PASSWORD, type ServiceClient } from '../../../../test-support/client.ts'

/** The user who sends the requests. */
export interface Caller {
  readonly id: number
  readonly email: string
  readonly password: string
  readonly token: string
  /** Unused refresh tokens from responses: logging in for each would take most of the time. */
  readonly refreshTokens: string[]
}

type Live = (service: ServiceClient, caller: Caller) => Promise<unknown> | unknown

/** Creates the object that the parameter of each path refers to. An operation with another path needs an entry to succeed. */
export const LIVE_PATHS: Record<string, Live> = {
  '/users/{id}': (_, caller) => caller.id,
  '/posts/{id}': createPost,
}

/** Returns valid values for the members of bodies. */
export const LIVE_MEMBERS: Record<string, Live> = {
  username: (_, caller) => caller.email,
  password: (_, caller) => caller.password,
  current_password: (_, caller) => caller.password,
  refresh_token: async ({ call }, { email, password, refreshTokens }) =>
    refreshTokens.pop() ??
    (await call('POST', '/login', { form: { username: email, password } })).body.refresh_token,
  post_id: createPost,
}

async function createPost({ call }: ServiceClient, { token }: Caller): Promise<number> {
  return (await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })).body.id
}

let callers = 0

/** A user who has just logged in. */
export async function createCaller({ signUp }: ServiceClient): Promise<Caller> {
  callers += 1
  const email = `caller${callers}@example.com`
  return { ...(await signUp(email)), email, password: PASSWORD, refreshTokens: [] }
}
