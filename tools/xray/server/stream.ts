import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { Collector } from './collector.ts'
import { XrayError } from './error.ts'
import { StreamClient } from './stream-client.ts'
import type { Tables } from './tables.ts'

/** The most open pages. Each costs the service some time. */
const MAX_CLIENTS = 8

interface StreamOptions {
  readonly knex: Knex
  readonly callerChannel?: string | undefined
  readonly tables: Tables | undefined
}

/** `GET /xray/stream`: traces as server-sent events. While no client is connected, nothing is collected. */
const stream: FastifyPluginAsync<StreamOptions> = async (app, options) => {
  const { tables } = options
  const clients = new Set<StreamClient>()
  // A page that reconnects after a restart must not skip the new process's events.
  const processId = randomUUID()
  const collector = new Collector(
    options,
    (trace) => {
      tables?.changed(trace)
      for (const client of clients) client.changed(trace)
    },
    () => {
      for (const client of clients) client.skipped()
    },
  )
  let isClosing = false

  // A HEAD request would be a client that never gets a message.
  app.get('/stream', { exposeHeadRoute: false }, async (request, reply) => {
    if (isClosing || clients.size >= MAX_CLIENTS)
      throw new XrayError('busy', 'Too many X-ray pages are open. Close one.')
    reply.type('text/event-stream').hijack()
    const { raw } = reply
    raw.writeHead(200, reply.getHeaders() as Record<string, string>)
    const client = new StreamClient(raw, () => `${processId} ${collector.version}`)
    for (const trace of collector.changedAfter(readVersionSeen(request))) client.changed(trace)
    if (clients.size === 0) {
      collector.start()
      tables?.start()
    }
    clients.add(client)
    raw.once('close', () => {
      client.end()
      clients.delete(client)
      if (clients.size === 0) collector.stop()
    })
  })

  /** Returns the last version of this process that a page has received before it reconnects; 0 for a new page. */
  function readVersionSeen({ headers, query }: FastifyRequest): number {
    const { after } = query as { after?: unknown }
    const [seenProcess, version] = String(headers['last-event-id'] ?? after).split(' ')
    return seenProcess === processId ? Number(version) || 0 : 0
  }

  // An open stream would keep the service from closing.
  app.addHook('preClose', async () => {
    isClosing = true
    for (const client of clients) client.end()
  })
}

export default stream
