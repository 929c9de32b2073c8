import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { Collector } from './collector.ts'
import { XrayError } from './error.ts'
import { Watcher } from './watcher.ts'

/** More pages than anybody opens; each costs the service some of its time. */
const MOST_WATCHERS = 8

/** `GET /xray/stream`: what happens, as server-sent events, to everybody who watches. Nobody does: nothing is collected. */
const stream: FastifyPluginAsync<{ knex: Knex; callerChannel: string }> = async (app, options) => {
  const watchers = new Set<Watcher>()
  // Who was away while the service was started anew knows nothing of it.
  const run = randomUUID()
  const collector = new Collector(
    options,
    (trace) => {
      for (const watcher of watchers) watcher.changed(trace)
    },
    () => {
      for (const watcher of watchers) watcher.skipped()
    },
  )
  let isClosing = false

  // A HEAD of it would be a watcher that is sent nothing.
  app.get('/stream', { exposeHeadRoute: false }, async (request, reply) => {
    if (isClosing || watchers.size >= MOST_WATCHERS)
      throw new XrayError('busy', 'As many watch as can. Try again in a moment.')
    reply.type('text/event-stream').hijack()
    const { raw } = reply
    raw.writeHead(200, reply.getHeaders() as Record<string, string>)
    const watcher = new Watcher(raw, () => `${run} ${collector.version}`)
    for (const trace of collector.changedAfter(versionSeen(request))) watcher.changed(trace)
    if (watchers.size === 0) collector.start()
    watchers.add(watcher)
    raw.once('close', () => {
      watcher.end()
      watchers.delete(watcher)
      if (watchers.size === 0) collector.stop()
    })
  })

  /** How much of this run a page has seen that had to connect again; a new one, nothing. */
  function versionSeen({ headers, query }: FastifyRequest): number {
    const { after } = query as { after?: unknown }
    const [seenRun, version] = String(headers['last-event-id'] ?? after).split(' ')
    return seenRun === run ? Number(version) || 0 : 0
  }

  // An open stream would keep the service from closing.
  app.addHook('preClose', async () => {
    isClosing = true
    for (const watcher of watchers) watcher.end()
  })
}

export default stream
