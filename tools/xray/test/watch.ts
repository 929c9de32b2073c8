import { EventEmitter, once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Test } from 'tap'
import type { Trace } from '../server/trace.ts'
import { createPageHeaders } from './setup.ts'

export interface Watching {
  /** The newest trace of each request so far. */
  readonly traces: ReadonlyMap<number, Trace>
  /** The id of the last event. */
  readonly lastId: string
  readonly missed: number
  /** Returns everything that the stream has sent. */
  text(): string
  /** Waits for the trace of a completed request for which `isWhole` returns true. */
  until(requestId: string, isWhole?: (trace: Trace) => boolean): Promise<Trace>
  /** Waits for the traces of all requests so far. */
  settled(): Promise<void>
  close(): Promise<void>
  readonly ended: Promise<void>
}

/** Connects to the stream of a service, as its page does. */
export async function watch(t: Test, url: string, headers: Record<string, string> = {}): Promise<Watching> {
  const traces = new Map<number, Trace>()
  let [text, lastId, missed] = ['', '', 0]
  const updates = new EventEmitter().setMaxListeners(0)

  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(
      `${url}/xray/stream`,
      { headers: { ...createPageHeaders(url), ...headers }, agent: false },
      resolve,
    ).on('error', reject)
  })
  if (response.statusCode !== 200) throw new Error(`The stream responded with ${response.statusCode}`)
  let unread = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const events = (unread + chunk).split('\n\n')
    unread = events.pop() ?? ''
    for (const event of events) receive(event)
    updates.emit('update')
  })
  const ended = new Promise<void>((resolve) => response.once('close', resolve))
  response.on('error', () => {})
  t.teardown(() => response.destroy())

  function receive(event: string) {
    const [, data] = /^data: (.*)$/m.exec(event) ?? []
    if (data === undefined) return
    lastId = /^id: (.*)$/m.exec(event)?.[1] ?? lastId
    const message: { requests: Trace[]; missed: number } = JSON.parse(data)
    missed += message.missed
    for (const trace of message.requests) traces.set(trace.id, trace)
  }

  const until = async (requestId: string, isWhole: (trace: Trace) => boolean = () => true) => {
    for (;;) {
      const found = [...traces.values()].findLast((trace) => trace.requestId === requestId)
      if (found?.ms !== undefined && isWhole(found)) return found
      await once(updates, 'update')
    }
  }

  return {
    traces,
    until,
    ended,
    get lastId() {
      return lastId
    },
    get missed() {
      return missed
    },
    text: () => text,
    async settled() {
      const response = await fetch(`${url}/health`)
      await response.text()
      await until(response.headers.get('x-request-id') ?? '')
    },
    async close() {
      response.destroy()
      await ended
    },
  }
}
