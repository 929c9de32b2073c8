import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'
import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { DEMO_PASSWORD } from '../examples/social-api/src/demo/data.ts'
import { type Exchange, overhear } from './overhear.ts'

/** Answers that show such a thing on purpose: Swagger UI’s example passwords, the demo users’ on the welcome page, the pages of docs/. */
const PUBLIC = /^\/($|\?|docs|guide|openapi\.json)/
/** What gives tokens out. X-ray's page gives its own key, in a cookie. */
const TOKENS = /^\/((login|token\/refresh|xray\/bench\/token)\b|xray\/?(\?|$))/
/** What is secret whoever it belongs to. */
const BY_ITS_FORM = [
  ['hash', /\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}/],
  ['hash', /\$bcrypt-sha256\$/],
] as const

type Kind = 'password' | 'token' | 'hash' | 'secret'

/** Listens to all that a service prints and answers, and searches it for every secret that was used. */
export function secretsHunt() {
  const secrets = new Map<string, Kind>()
  /** What clients sent to be shown: a password may be the same by chance. */
  const shown = new Set<unknown>([DEMO_PASSWORD])
  const said: { where: string; text: string; mayHaveTokens: boolean }[] = []

  const add = (kind: Kind, value: unknown) => {
    // A short one, or one of a single letter, is found in any text.
    if (typeof value === 'string' && value.length >= 8 && new Set(value).size > 3) secrets.set(value, kind)
  }

  /** The members of a request that are secret by their name, and those that are not. */
  const addFrom = (members: unknown) => {
    for (const [name, value] of Object.entries(members ?? {})) {
      if (/password/.test(name)) add('password', value)
      else if (/token$/.test(name)) addToken(name, value)
      else shown.add(value)
    }
  }

  const addToken = (name: string, token: unknown) => {
    add('token', token)
    if (name !== 'refresh_token' || typeof token !== 'string') return
    const digest = createHash('sha256').update(token).digest()
    for (const encoding of ['hex', 'base64', 'base64url'] as const) add('hash', digest.toString(encoding))
  }

  const print = (text: string) => said.push({ where: 'the log', text, mayHaveTokens: false })

  /** Where a service's log goes. */
  const log = new Writable({
    write(chunk, _encoding, done) {
      print(String(chunk))
      done()
    },
  })

  const hear = ({ method, url, authorization, sent, status, body, answered }: Exchange) => {
    addFrom(membersOf(sent))
    // A shorter one is a test's own word, such as `malformed`.
    const [, token = ''] = /^Bearer +(\S{20,})$/i.exec(authorization) ?? []
    add('token', token)
    const mayHaveTokens = TOKENS.test(url)
    if (mayHaveTokens && status === 200) {
      for (const [name, value] of Object.entries(membersOf(body) ?? {}))
        if (/token$/.test(name)) addToken(name, value)
    }
    if (!PUBLIC.test(url)) said.push({ where: `${method} ${url}`, text: answered, mayHaveTokens })
  }

  const listenTo = (server: Server) => {
    server.prependListener('request', (request, response) => overhear(request, response, hear))
  }

  /** Builds a service, and listens to what it is sent without a server, too. */
  const listenToBuilding = async <App>(build: () => Promise<App>): Promise<App> => {
    const onApp = (message: unknown) => {
      const { fastify } = message as { fastify: FastifyInstance }
      fastify.addHook('onRequest', async ({ raw }, reply) => overhear(raw, reply.raw, hear))
    }
    subscribe('fastify.initialization', onApp)
    // Made before the first `await` in `build`, so no other test's service is taken for it.
    const building = build()
    unsubscribe('fastify.initialization', onApp)
    return building
  }

  /** Where a secret was seen, and of what kind it is. */
  const found = (): string[] =>
    said.flatMap(({ where, text, mayHaveTokens }) => {
      const known = [...secrets]
        .filter(
          ([secret, kind]) =>
            !shown.has(secret) && !(mayHaveTokens && kind === 'token') && text.includes(secret),
        )
        .map(([, kind]) => kind)
      const byForm = BY_ITS_FORM.filter(([, form]) => form.test(text)).map(([kind]) => kind)
      return [...new Set([...known, ...byForm])].map((kind) => `a ${kind} in ${where}: ${text.slice(0, 300)}`)
    })

  return { add, addFrom, log, print, hear, listenTo, listenToBuilding, found }
}

/** Of JSON or of a form. */
function membersOf(body: string): object | null {
  try {
    const members: unknown = JSON.parse(body)
    return typeof members === 'object' ? members : null
  } catch {
    return Object.fromEntries(new URLSearchParams(body))
  }
}
