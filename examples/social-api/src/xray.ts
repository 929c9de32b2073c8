import { resolve } from 'node:path'
import type { ServiceDescription, XrayOptions } from '@auth-primer/tool-xray'
import type { FastifyInstance } from 'fastify'
import { accessKit } from './access-kit.ts'
import type { AuthOptions } from './plugins/auth.ts'
import { createKnex, type DatabaseOptions } from './plugins/database.ts'
import { KEEPS_ANSWERING } from './plugins/pressure.ts'
import type { ProblemCode } from './problem.ts'

const A_DAY_MS = 24 * 60 * 60 * 1000

/** The problems whose `detail` is one of the code's own sentences. The others name a path, or quote what could not be read. */
const SAFE_DETAILS: ProblemCode[] = [
  'TOKEN_INVALID',
  'NOT_AUTHENTICATED',
  'INVALID_CREDENTIALS',
  'NOT_OWNER',
  'EMAIL_TAKEN',
  'ALREADY_VOTED',
  'CONFLICT',
  'TOO_MANY_REQUESTS',
  'OVERLOADED',
  'DATABASE_UNAVAILABLE',
  'COMMIT_OUTCOME_UNKNOWN',
  'INTERNAL',
]

const SERVICE: ServiceDescription = {
  name: 'social-api',
  apiDocs: '/docs',
  guide: '/guide',
  signUp: { title: 'Sign up', method: 'POST', path: '/users', docs: 'Users/createUser' },
  logIn: { title: 'Log in', method: 'POST', path: '/login', docs: 'Authentication/login' },
  me: { title: 'Who am I?', method: 'GET', path: '/users/me', docs: 'Users/getMe' },
  actions: [
    {
      title: 'Write a post',
      method: 'POST',
      path: '/posts',
      docs: 'Posts/createPost',
      fields: [
        { name: 'title', label: 'Title', value: 'Radishes in eggshells' },
        { name: 'content', label: 'Content', value: 'They need a hole in the bottom.' },
      ],
      fills: { member: 'id', field: 'post_id' },
    },
    {
      title: 'Vote',
      method: 'POST',
      path: '/vote',
      docs: 'Votes/vote',
      fields: [
        { name: 'post_id', label: 'Post', value: 1 },
        {
          name: 'dir',
          label: 'Vote',
          value: 1,
          options: [
            [1, 'for it'],
            [0, 'take it back'],
          ],
        },
      ],
    },
  ],
  claims: {
    user_id: 'the subject again, as a number: the course’s clients read it',
    role: 'the role when the token was signed; the service asks its database instead',
  },
}

/** Returns what X-ray has to know about this service. */
export function xrayOptions(
  app: FastifyInstance,
  key: string,
  options: AuthOptions & DatabaseOptions,
): XrayOptions {
  // They sign tokens that the service refuses although the signature is right.
  const kits = {
    expired: accessKit(options, { now: () => Date.now() - 365 * A_DAY_MS }),
    'other-issuer': accessKit(options, { issuer: 'another-service' }),
  }
  return {
    key,
    knex: app.knex,
    createPool: (max) => createKnex(options.databaseUrl, max),
    callerChannel: 'auth-primer:social-api:caller',
    safeDetails: SAFE_DETAILS,
    errorPages: resolve(import.meta.dirname, '../../../docs/errors'),
    routeConfig: { ...KEEPS_ANSWERING, throttle: false, cors: false },
    tokenBench: {
      // Looked up per request: the plugin that decorates the app with it is registered later.
      async authenticate(request, reply) {
        for (const hook of app.authenticate) await hook.call(app, request, reply)
      },
      sign(flaw, { caller: { id, role } }) {
        return kits[flaw].access.sign({ sub: String(id), user_id: id, role })
      },
    },
    service: SERVICE,
  }
}
