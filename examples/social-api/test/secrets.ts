import type { Server, ServerResponse } from 'node:http'
import { Writable } from 'node:stream'

/** Answers that show a secret on purpose: Swagger UI's example passwords, and the demo users' on the welcome page. */
const PUBLIC = /^\/($|\?|docs|openapi\.json)/
/** What gives tokens out. */
const TOKENS = /^\/(login|token\/refresh)\b/

/** Listens to all that a service prints and answers, and searches it for every secret that was used. */
export function secretsHunt() {
  const secrets = new Map<string, 'password' | 'token' | 'hash' | 'secret'>()
  /** What clients sent to be shown: a password may be the same by chance. */
  const shown = new Set<unknown>()
  const said: { where: string; text: string; mayHaveTokens: boolean }[] = []

  const add = (kind: 'password' | 'token' | 'hash' | 'secret', value: unknown) => {
    // A short one, or one of a single letter, is found in any text.
    if (typeof value === 'string' && value.length >= 8 && new Set(value).size > 3) secrets.set(value, kind)
  }

  /** The members of a request or an answer that are secret by their name. */
  const addFrom = (members: unknown) => {
    if (typeof members !== 'object' || members === null) return
    for (const [name, value] of Object.entries(members)) {
      if (/password/.test(name)) add('password', value)
      else if (/token$/.test(name)) add('token', value)
      else shown.add(value)
    }
  }

  /** Where a service's log goes. */
  const log = new Writable({
    write(chunk, _encoding, done) {
      said.push({ where: 'the log', text: String(chunk), mayHaveTokens: false })
      done()
    },
  })

  const listenTo = (server: Server) => {
    server.prependListener('request', ({ method, url = '' }, response) => {
      onEnd(response, (text) => {
        if (!PUBLIC.test(url)) said.push({ where: `${method} ${url}`, text, mayHaveTokens: TOKENS.test(url) })
      })
    })
  }

  /** Where a secret was seen, and of what kind it is. */
  const found = (): string[] =>
    said.flatMap(({ where, text, mayHaveTokens }) =>
      [...secrets]
        .filter(
          ([secret, kind]) =>
            !shown.has(secret) && !(mayHaveTokens && kind === 'token') && text.includes(secret),
        )
        .map(([, kind]) => `a ${kind} in ${where}: ${text.slice(0, 300)}`),
    )

  return { add, addFrom, log, listenTo, found }
}

function onEnd(response: ServerResponse, listener: (text: string) => void): void {
  const chunks: Buffer[] = []
  const { write, end } = response
  const keep = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string))
  }
  response.write = ((...args: Parameters<typeof write>) => {
    keep(args[0])
    return write.apply(response, args)
  }) as typeof write
  response.end = ((...args: Parameters<typeof end>) => {
    keep(args[0])
    const head = JSON.stringify(response.getHeaders())
    listener(`${head} ${Buffer.concat(chunks).toString()}`)
    return end.apply(response, args)
  }) as typeof end
}
