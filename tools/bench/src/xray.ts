/**
 * Measures the cost of an open X-ray page. `npm run bench:xray -w tools/bench` loads one process of the service, in turn with
 * X-ray's stream open and closed. Each figure is the median of the rounds, and each ratio is the median of their ratios.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import { openKnex } from '../../../test-support/database.ts'
import { createSeed, listNumbers } from './data.ts'
import { CONNECTIONS, type Figures, measure, OPERATIONS, warmUp } from './load.ts'
import { median } from './median.ts'
import { logIn, startServer } from './servers.ts'

const KEY = 'the-key-of-the-benchmark'

const USAGE = `Usage: npm run bench:xray -w tools/bench -- [--rounds 7] [--seconds 3]`

const { rounds, seconds, help } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', short: 'h', default: false },
  },
}).values
if (help) console.log(USAGE)
else await main(Number(rounds), Number(seconds))

async function main(rounds: number, seconds: number): Promise<void> {
  const database = await createTestDatabase()
  const knex = openKnex(database.url, 2)
  await migrateToLatest(knex)
  const seed = await createSeed(knex, 10)
  await seed()
  const dataDir = await mkdtemp(join(tmpdir(), 'auth-primer-bench-'))
  await writeFile(join(dataDir, 'xray-key'), KEY)
  const server = await startServer('service', {
    AUTH_PRIMER_DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    JWT_SECRET: 'sK3bq-2v9xWm7pQzT4rLd8Yh6NcFj1Ga0Ue5',
    BCRYPT_COST: '10',
    ACCESS_TOKEN_TTL: '1d',
    THROTTLE_REQUESTS_PER_MINUTE: '0',
  })
  try {
    const tokens = await Promise.all(
      listNumbers(CONNECTIONS).map(async (user) => {
        const login = (await (await logIn(server.url, user)).json()) as { access_token: string }
        return login.access_token
      }),
    )
    console.log(
      `${rounds} rounds of ${seconds} s each, ${CONNECTIONS} connections, Node ${process.version}\n`,
    )
    console.log('                       requests per second   CPU per request, µs  watched, of unwatched')
    console.log('                     unwatched   watched    unwatched  watched    rate    CPU   bytes sent')
    for (const [name, requests] of Object.entries(OPERATIONS)) {
      const figures: Record<'unwatched' | 'watched', Figures[]> = { unwatched: [], watched: [] }
      let bytesSent = 0
      // The code that V8 optimized for one turn differs from that of the other.
      const measureUnderLoad = async () => {
        await seed()
        await warmUp([server], requests, tokens, 3_000)
        await seed()
        return measure([server], requests, tokens, seconds)
      }
      const turns = {
        unwatched: measureUnderLoad,
        async watched() {
          const stream = await watch(server.url)
          const measured = await measureUnderLoad()
          bytesSent = await stream.close()
          return measured
        },
      }
      for (const round of listNumbers(rounds)) {
        const order = ['unwatched', 'watched'] as const
        for (const turn of round % 2 === 0 ? order : order.toReversed())
          figures[turn].push(await turns[turn]())
      }
      const of = (turn: 'unwatched' | 'watched', value: (one: Figures) => number) =>
        median(figures[turn].map(value))
      const ratio = (value: (one: Figures) => number) =>
        median(figures.watched.map((one, round) => value(one) / value(figures.unwatched[round] as Figures)))
      const columns = [
        name.padEnd(20),
        of('unwatched', ({ perSecond }) => perSecond)
          .toFixed(0)
          .padStart(10),
        of('watched', ({ perSecond }) => perSecond)
          .toFixed(0)
          .padStart(9),
        of('unwatched', ({ cpu }) => cpu)
          .toFixed(0)
          .padStart(12),
        of('watched', ({ cpu }) => cpu)
          .toFixed(0)
          .padStart(8),
        ratio(({ perSecond }) => perSecond)
          .toFixed(2)
          .padStart(8),
        ratio(({ cpu }) => cpu)
          .toFixed(2)
          .padStart(6),
        String(bytesSent).padStart(12),
      ]
      console.log(columns.join(' '))
    }
  } finally {
    await server.stop()
    await knex.destroy()
    await database.drop()
    await rm(dataDir, { recursive: true })
  }
}

/** Reads the stream as a page does, and returns the number of bytes. */
async function watch(url: string): Promise<{ close(): Promise<number> }> {
  const disconnect = new AbortController()
  const { body } = await fetch(`${url}/xray/stream`, {
    headers: { cookie: `xray-${new URL(url).port}=${KEY}` },
    signal: disconnect.signal,
  })
  let bytes = 0
  const reading = (async () => {
    for await (const chunk of body as ReadableStream<Uint8Array>) bytes += chunk.length
  })().catch(() => {})
  return {
    async close() {
      disconnect.abort()
      await reading
      return bytes
    },
  }
}
