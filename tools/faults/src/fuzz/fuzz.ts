import fc from 'fast-check'
import type { ServiceClient } from '../../../../test-support/client.ts'
import { type OpenApi, type Operation, readOperations } from '../../../../test-support/document.ts'
import { createContractCheck, readDocument } from '../contract.ts'
import { Client, type HttpResponse, NoResponse, RESPONSE_TIMEOUT_MS } from '../http.ts'
import { curl } from './curl.ts'
import { createExpectations } from './expectations.ts'
import { type Caller, createCaller } from './live.ts'
import { type FuzzRequest, generateMutatedRequests, generateValidRequests } from './requests.ts'
import { fillIn, toSend } from './send.ts'

/** The number of an operation's responses, by kind. */
export type Counts = Map<string, { '2xx': number; '4xx': number }>

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  /** Each covers all operations, so that rounds are comparable. @default 1 */
  readonly rounds?: number
  /** How long a response may take. @default 35_000 */
  readonly timeoutMs?: number
  readonly afterRound?: (round: number, counts: Counts) => Promise<void>
}

/** Its message contains the request, as a shell command, and the response. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/**
 * Sends every operation valid and mutated requests made from the service's OpenAPI document.
 *
 * @returns the counts of the responses, all of which the document declares.
 * @throws Finding with the smallest request that got another response.
 */
export async function fuzz(service: ServiceClient, options: FuzzOptions): Promise<Counts> {
  const { requests, seed, rounds = 1, timeoutMs = RESPONSE_TIMEOUT_MS, afterRound } = options
  const document = await readDocument(service)
  const operations = readOperations(document)
  const client = new Client(service.url, timeoutMs)
  const counts: Counts = new Map(operations.map(({ name }) => [name, { '2xx': 0, '4xx': 0 }]))
  const parts = operations.reduce((sum, operation) => sum + getShare(operation), 0)
  const fault = createCheck(document)
  // In parallel: one of them mostly waits for passwords to be hashed.
  const streams = await Promise.all(
    [true, false].map(async (slow) => ({
      target: { service, document, fault, client, counts, caller: await createCaller(service) },
      operations: operations.filter((operation) => isHashing(operation) === slow),
    })),
  )

  for (let round = 1; round <= rounds; round++) {
    const results = await Promise.allSettled(
      streams.map(async ({ target, operations }) => {
        for (const operation of operations) {
          const numRuns = Math.ceil((getShare(operation) * requests) / parts / rounds)
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

/** Returns true if a password is hashed, or a login is needed for a refresh token. */
function isHashing({ path }: Operation): boolean {
  return ['/users', '/users/me/password', '/login', '/token/refresh', '/logout'].includes(path)
}

/** Hashing a password takes as long as ten other requests. */
function getShare(operation: Operation): number {
  return isHashing(operation) ? 1 : 3
}

interface Target {
  readonly service: ServiceClient
  readonly document: OpenApi
  readonly fault: ReturnType<typeof createCheck>
  readonly client: Client
  readonly counts: Counts
  /** Replaced once a new password has ended every token of the last one. */
  caller: Caller
}

async function fuzzOne(target: Target, operation: Operation, numRuns: number, seed: number): Promise<void> {
  const { service, document, fault, client, counts } = target
  const arbitrary = fc.oneof(
    generateValidRequests(document, operation),
    generateMutatedRequests(document, operation),
  )
  let shown = ''
  let hangs = false

  const property = fc.asyncProperty(arbitrary, async (generated) => {
    // Waiting for each smaller request that hangs as well would take hours.
    if (hangs) return
    const request = await fillIn(operation, generated, service, target.caller)
    const sent = toSend(operation, request, target.caller.token)
    const answer = await client.send(sent).catch((error: Error) => error)
    hangs = answer instanceof NoResponse && answer.how === 'late'
    const found = answer instanceof Error ? answer.message : fault(operation, request, answer)
    if (found !== undefined) {
      shown = `${operation.name}: ${found}\n${describe(service.url, sent, generated, answer)}`
      throw new Error(found)
    }
    const { status } = answer as HttpResponse
    const count = counts.get(operation.name)
    if (count) count[status < 400 ? '2xx' : '4xx'] += 1
    if (operation.path.endsWith('/password') && status < 300) target.caller = await createCaller(service)
    else keepRefreshToken(operation, answer as HttpResponse, target.caller)
  })
  const result = await fc.check(property, { seed, numRuns })
  if (!result.failed) return
  if (shown === '') throw result.errorInstance
  throw new Finding(
    `${shown}\n  seed: --seed ${seed} begins with this round; shrunk ${result.numShrinks} times`,
  )
}

function keepRefreshToken(
  { name }: Operation,
  { status, text }: HttpResponse,
  { refreshTokens }: Caller,
): void {
  if (status === 200 && (name === 'POST /login' || name === 'POST /token/refresh')) {
    refreshTokens.push(JSON.parse(text).refresh_token)
  }
}

/** Returns a check that reports responses that violate the document or the contract. */
function createCheck(document: OpenApi) {
  const undeclared = createContractCheck(document)
  const unexpected = createExpectations(document)
  return (operation: Operation, request: FuzzRequest, answer: HttpResponse): string | undefined => {
    if (answer.status >= 500) return 'no request may make the service fail'
    return undeclared(operation, answer) ?? unexpected(operation, request, answer)
  }
}

function describe(
  url: string,
  sent: Parameters<typeof curl>[1],
  generated: FuzzRequest,
  answer: HttpResponse | Error,
) {
  const came =
    answer instanceof Error ? answer.message : `${answer.status} ${answer.mediaType} ${answer.text}`
  return [
    `  ${curl(url, sent, generated)}`,
    `  mutations: ${generated.mutations.join(', ') || 'none, it is valid by the document'}`,
    `  response: ${came.slice(0, 2_000)}`,
  ].join('\n')
}
