import fc from 'fast-check'
import { createValidator, type OpenApi, type Operation, readOperations } from '../document.ts'
import type { TestService } from '../helper.ts'
import { newCaller } from './live.ts'
import { type FuzzRequest, goodRequests, mutatedRequests } from './requests.ts'
import { type FuzzAnswer, fillIn, send } from './send.ts'

/** How many answers of each kind an operation gave. */
export type Counts = Map<string, { '2xx': number; '4xx': number }>

/**
 * Sends requests made from the service's OpenAPI document, good ones and spoilt ones, to every operation in it.
 *
 * @returns the counts of the answers, all of which were as the document says.
 * @throws Error with the request that was answered otherwise, made as small as it can be.
 */
export async function fuzz(
  service: TestService,
  { requests, seed }: { requests: number; seed: number },
): Promise<Counts> {
  const { status, body } = await service.call('GET', '/openapi.json')
  if (status !== 200) throw new Error(`/openapi.json: ${status} ${JSON.stringify(body)}`)
  const document: OpenApi = body
  const operations = readOperations(document)
  const fault = createJudge(document)
  const counts: Counts = new Map(operations.map(({ name }) => [name, { '2xx': 0, '4xx': 0 }]))
  let caller = await newCaller(service)

  for (const operation of operations) {
    const arbitrary = fc.oneof(goodRequests(document, operation), mutatedRequests(document, operation))
    const property = fc.asyncProperty(arbitrary, async (generated) => {
      const request = await fillIn(operation, generated, service, caller)
      const answer = await send(service.url, operation, request, caller.token)
      const found = fault(operation, request, answer)
      if (found !== undefined) throw new Error(describe(operation, request, answer, found))
      const count = counts.get(operation.name)
      if (count) count[answer.status < 400 ? '2xx' : '4xx'] += 1
      if (endsTokens(operation, answer)) caller = await newCaller(service)
    })
    await fc.assert(property, { seed, numRuns: Math.ceil(requests / operations.length) })
  }
  return counts
}

/** A new password ends every token of the user. */
function endsTokens({ path }: Operation, { status }: FuzzAnswer): boolean {
  return path.endsWith('/password') && status < 300
}

/** What the document, or the contract, forbids of an answer. */
function createJudge(document: OpenApi) {
  const problemOf = createValidator(document)

  return (operation: Operation, request: FuzzRequest, answer: FuzzAnswer): string | undefined => {
    const { path, method, responses, requestBody } = operation
    const { status, mediaType, text } = answer
    const at = ['paths', path, method.toLowerCase()]
    if (status >= 500) return 'nothing that is sent makes the service fail'

    const response = responses[status]
    if (response === undefined) return `the document declares no ${status}`
    if (response.content === undefined) {
      if (text !== '' || mediaType !== '') return 'the document declares no content'
    } else {
      if (!(mediaType in response.content)) return `the document declares no ${mediaType}`
      const value = mediaType.endsWith('json') ? JSON.parse(text) : text
      const problem = problemOf(value, ...at, 'responses', status, 'content', mediaType, 'schema')
      if (problem !== undefined) return problem
    }

    // Where no token is asked for, a 401 is about what a good request says.
    const asksForToken = operation.security !== undefined
    if (
      request.mutations.length === 0 &&
      ([400, 413, 414, 415, 422].includes(status) || (status === 401 && asksForToken))
    )
      return 'the document calls this request good'
    const { body, raw } = request
    if (status < 300 && raw === undefined && body?.type === 'application/json' && requestBody) {
      const problem = problemOf(body.value, ...at, 'requestBody', 'content', body.type, 'schema')
      if (problem !== undefined) return `the document calls this body bad: ${problem}`
    }
    return undefined
  }
}

function describe({ name }: Operation, request: FuzzRequest, answer: FuzzAnswer, found: string): string {
  const [sent, came] = [request, answer].map((one) => JSON.stringify(one).slice(0, 2_000))
  return `${name}: ${found}\n  request: ${sent}\n  answer: ${came}`
}
