import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'
import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { DEMO_PASSWORD } from '../examples/social-api/src/demo/data.ts'
import { recordTraffic, type Traffic } from './record-traffic.ts'

/** Responses that show passwords or tokens on purpose: Swagger UI’s examples, the demo users on the welcome page and in X-ray, docs/. */
const PUBLIC = /^\/($|\?|docs|guide|openapi\.json|xray\/service)/
/** The operations that issue tokens, and the page of X-ray, which turns its key into a cookie. */
const TOKENS = /^\/((login|token\/refresh|xray\/bench\/token)\b|xray\/?(\?|$))/
/** Text that is secret, no matter which user it belongs to. */
const PATTERNS = [
  ['hash', /\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}/],
  ['hash', /\$bcrypt-sha256\$/],
] as const

type Kind = 'password' | 'token' | 'hash' | 'secret'

/** Searches everything that a service logs and sends for every secret that was used. */
export function createSecretScanner() {
  const secrets = new Map<string, Kind>()
  /** Values that clients sent for others to see: a password may be equal to one by chance. */
  const publicValues = new Set<unknown>([DEMO_PASSWORD])
  const outputs: { where: string; text: string; mayHaveTokens: boolean }[] = []

  const add = (kind: Kind, value: unknown) => {
    // A short value, or one with few different letters, occurs in any text.
    if (typeof value === 'string' && value.length >= 8 && new Set(value).size > 3) secrets.set(value, kind)
  }

  /** Adds the members of a request that are secret by their name. */
  const addMembers = (members: unknown) => {
    for (const [name, value] of Object.entries(members ?? {})) {
      if (/password/.test(name)) add('password', value)
      else if (/token$/.test(name)) addToken(name, value)
      else publicValues.add(value)
    }
  }

  const addToken = (name: string, token: unknown) => {
    add('token', token)
    if (name !== 'refresh_token' || typeof token !== 'string') return
    const digest = createHash('sha256').update(token).digest()
    for (const encoding of ['hex', 'base64', 'base64url'] as const) add('hash', digest.toString(encoding))
  }

  const addOutput = (text: string) => outputs.push({ where: 'the log', text, mayHaveTokens: false })

  /** The destination of the service's log. */
  const log = new Writable({
    write(chunk, _encoding, done) {
      addOutput(String(chunk))
      done()
    },
  })

  const addTraffic = ({ method, url, authorization, requestBody, ...traffic }: Traffic) => {
    addMembers(parseMembers(requestBody))
    // A shorter token is a word of the test, such as `malformed`.
    const [, token = ''] = /^Bearer +(\S{20,})$/i.exec(authorization) ?? []
    add('token', token)
    const mayHaveTokens = TOKENS.test(url)
    if (mayHaveTokens && traffic.status === 200) {
      for (const [name, value] of Object.entries(parseMembers(traffic.responseBody) ?? {}))
        if (/token$/.test(name)) addToken(name, value)
    }
    if (!PUBLIC.test(url)) outputs.push({ where: `${method} ${url}`, text: traffic.response, mayHaveTokens })
  }

  const watchServer = (server: Server) => {
    server.prependListener('request', (request, response) => recordTraffic(request, response, addTraffic))
  }

  /** Builds a service, and watches the requests that are injected into it. */
  const watchBuild = async <App>(build: () => Promise<App>): Promise<App> => {
    const onApp = (message: unknown) => {
      const { fastify } = message as { fastify: FastifyInstance }
      fastify.addHook('onRequest', async ({ raw }, reply) => recordTraffic(raw, reply.raw, addTraffic))
    }
    subscribe('fastify.initialization', onApp)
    // The service is created before the first `await` in `build`, so no other test's service is watched.
    const building = build()
    unsubscribe('fastify.initialization', onApp)
    return building
  }

  /** Returns where each secret was found, and its kind. */
  const found = (): string[] =>
    outputs.flatMap(({ where, text, mayHaveTokens }) => {
      const known = [...secrets]
        .filter(
          ([secret, kind]) =>
            !publicValues.has(secret) && !(mayHaveTokens && kind === 'token') && text.includes(secret),
        )
        .map(([, kind]) => kind)
      const byPattern = PATTERNS.filter(([, pattern]) => pattern.test(text)).map(([kind]) => kind)
      return [...new Set([...known, ...byPattern])].map(
        (kind) => `a ${kind} in ${where}: ${text.slice(0, 300)}`,
      )
    })

  return { add, addMembers, log, addOutput, addTraffic, watchServer, watchBuild, found }
}

/** Throws if the service exposed a secret. */
export function failOnSecrets({ found }: Pick<ReturnType<typeof createSecretScanner>, 'found'>): void {
  const secrets = found()
  if (secrets.length > 0) throw new Error(`The service exposed secrets:\n${secrets.join('\n')}`)
}

/** Parses the members of a JSON body or of a form. */
function parseMembers(body: string): object | null {
  try {
    const members: unknown = JSON.parse(body)
    return typeof members === 'object' ? members : null
  } catch {
    return Object.fromEntries(new URLSearchParams(body))
  }
}
