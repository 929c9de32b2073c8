import { availableParallelism } from 'node:os'

const KiB = 1024

/**
 * What one client may take of the server, whatever it asks for. Who sends slowly, reads slowly or says nothing at all is
 * disconnected, and meanwhile costs a socket and no more.
 */
export const SERVER_LIMITS = Object.freeze({
  // The largest log-in: 2 × 1,024 characters, each up to 12 bytes as `\ud83d\ude00` or `%F0%9F%98%80`, and room for the rest.
  bodyLimit: 32 * KiB,
  // The whole request has to be here by then.
  requestTimeout: 20_000,
  // A client that takes nothing of its answer for so long has gone.
  connectionTimeout: 60_000,
  // Longer than nginx keeps an unused connection, so that it is not closed while nginx is sending a request on it.
  keepAliveTimeout: 72_000,
  // While stopping, what still comes on an open connection is served, and told `Connection: close`.
  return503OnClosing: false,
  http: Object.freeze({
    maxHeaderSize: 16 * KiB,
    headersTimeout: 10_000,
    connectionsCheckingInterval: 1_000,
  }),
})

/** The answer has to be there by then, the queues for a processor and for a connection included. */
export const ANSWER_WITHIN_MS = 30_000

/** The largest post: 300 and 20,000 characters of up to 12 bytes (`\ud83d\ude00`) are 243,600, and room for the rest. */
export const POST_BODY_LIMIT = 256 * KiB

/** What one computation takes a core of a server at cost 12; each step up in cost doubles it. */
const MS_AT_COST_12 = 200
/** Who would have to wait longer is told so at once. */
const LONGEST_WAIT_MS = 10_000

/**
 * How many passwords are hashed at a time, and how many more may wait.
 *
 * Two at a time: libuv has four threads, and files and host names need some too; a machine with more cores runs a
 * process for every two. As many may wait as are done in ten seconds: at cost 12 on two cores that is 100, so that a class of
 * 30 logs in at once in three seconds, and the hundred-and-third of a flood has its 503 in a few milliseconds.
 */
export function hashingLimits(
  cost: number,
  cores = availableParallelism(),
): { cost: number; concurrency: number; maxQueue: number } {
  const concurrency = Math.min(cores, 2)
  const eachMs = MS_AT_COST_12 * 2 ** (cost - 12)
  return { cost, concurrency, maxQueue: Math.floor((concurrency * LONGEST_WAIT_MS) / eachMs) }
}
