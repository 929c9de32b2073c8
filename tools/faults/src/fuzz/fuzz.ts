import fc from 'fast-check'
import type { ServiceClient } from '../../../../test-support/client.ts'
import { type OpenApi, type Operation, readOperations } from '../../../../test-support/document.ts'
import { createJudge, readDocument } from '../declared.ts'
import { type Answer, Client, NoAnswer, WITHIN_MS } from '../http.ts'
import { curl } from './curl.ts'
import { createExpectations } from './expectations.ts'
import { type Caller, newCaller } from './live.ts'
import { type FuzzRequest, goodRequests, mutatedRequests } from './requests.ts'
import { fillIn, toSend } from './send.ts'

/** How many answers of each kind an operation gave. */
export type Counts = Map<string, { '2xx': number; '4xx': number }>

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  /** All operations have their turn in each, so that one is like the other. @default 1 */
  readonly rounds?: number
  /** How long an answer may take. @default 35_000 */
  readonly withinMs?: number
  readonly afterRound?: (round: number, counts: Counts) => Promise<void>
}

/** Its message is the request, as a line for a shell, and the answer. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/**
 * Sends requests made from the service's OpenAPI document, good ones and spoilt ones, to every operation in it.
 *
 * @returns the counts of the answers, all of which were as the document says.
 * @throws Finding with the request that was answered otherwise, made as small as it can be.
 */
export async function fuzz(service: ServiceClient, options: FuzzOptions): Promise<Counts> {
  const { requests, seed, rounds = 1, withinMs = WITHIN_MS, afterRound } = options
  const document = await readDocument(service)
  const operations = readOperations(document)
  const client = new Client(service.url, withinMs)
  const counts: Counts = new Map(operations.map(({ name }) => [name, { '2xx': 0, '4xx': 0 }]))
  const parts = operations.reduce((sum, operation) => sum + partOf(operation), 0)
  const fault = createFault(document)
  // Side by side, as one waits for passwords to be hashed most of the time.
  const streams = await Promise.all(
    [true, false].map(async (slow) => ({
      target: { service, document, fault, client, counts, caller: await newCaller(service) },
      operations: operations.filter((operation) => hashes(operation) === slow),
    })),
  )

  for (let round = 1; round <= rounds; round++) {
    const results = await Promise.allSettled(
      streams.map(async ({ target, operations }) => {
        for (const operation of operations) {
          const numRuns = Math.ceil((partOf(operation) * requests) / parts / rounds)
          await fuzzOne(target, operation, numRuns, seed + round - 1)
        }
      }),
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
    await afterRound?.(round, counts)
  }
  client.close()
  return counts
}

/** Where a password is hashed, or a refresh token is wanted, for which somebody logs in. */
function hashes({ path }: Operation): boolean {
  return ['/users', '/users/me/password', '/login', '/token/refresh', '/logout'].includes(path)
}

/** To hash a password takes as long as ten other requests. */
function partOf(operation: Operation): number {
  return hashes(operation) ? 1 : 3
}

interface Target {
  readonly service: ServiceClient
  readonly document: OpenApi
  readonly fault: ReturnType<typeof createFault>
  readonly client: Client
  readonly counts: Counts
  /** Another one once a new password has ended every token of the last. */
  caller: Caller
}

async function fuzzOne(target: Target, operation: Operation, numRuns: number, seed: number): Promise<void> {
  const { service, document, fault, client, counts } = target
  const arbitrary = fc.oneof(goodRequests(document, operation), mutatedRequests(document, operation))
  let shown = ''
  let hangs = false

  const property = fc.asyncProperty(arbitrary, async (generated) => {
    // To wait for each smaller request that hangs, too, would take hours.
    if (hangs) return
    const request = await fillIn(operation, generated, service, target.caller)
    const sent = toSend(operation, request, target.caller.token)
    const answer = await client.send(sent).catch((error: Error) => error)
    hangs = answer instanceof NoAnswer && answer.how === 'late'
    const found = answer instanceof Error ? answer.message : fault(operation, request, answer)
    if (found !== undefined) {
      shown = `${operation.name}: ${found}\n${describe(service.url, sent, generated, answer)}`
      throw new Error(found)
    }
    const { status } = answer as Answer
    const count = counts.get(operation.name)
    if (count) count[status < 400 ? '2xx' : '4xx'] += 1
    if (operation.path.endsWith('/password') && status < 300) target.caller = await newCaller(service)
    else keepRefreshToken(operation, answer as Answer, target.caller)
  })
  const result = await fc.check(property, { seed, numRuns })
  if (!result.failed) return
  if (shown === '') throw result.errorInstance
  throw new Finding(
    `${shown}\n  seed: --seed ${seed} begins with this round; made smaller ${result.numShrinks} times`,
  )
}

function keepRefreshToken({ name }: Operation, { status, text }: Answer, { refreshTokens }: Caller): void {
  if (status === 200 && (name === 'POST /login' || name === 'POST /token/refresh')) {
    refreshTokens.push(JSON.parse(text).refresh_token)
  }
}

/** What the document, or the contract, forbids of an answer. */
function createFault(document: OpenApi) {
  const undeclared = createJudge(document)
  const unexpected = createExpectations(document)
  return (operation: Operation, request: FuzzRequest, answer: Answer): string | undefined => {
    if (answer.status >= 500) return 'nothing that is sent makes the service fail'
    return undeclared(operation, answer) ?? unexpected(operation, request, answer)
  }
}

function describe(
  url: string,
  sent: Parameters<typeof curl>[1],
  generated: FuzzRequest,
  answer: Answer | Error,
) {
  const came =
    answer instanceof Error ? answer.message : `${answer.status} ${answer.mediaType} ${answer.text}`
  return [
    `  ${curl(url, sent, generated)}`,
    `  done to it: ${generated.mutations.join(', ') || 'nothing, the document calls it good'}`,
    `  answer: ${came.slice(0, 2_000)}`,
  ].join('\n')
}
