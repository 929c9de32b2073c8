import { createValidator, type OpenApi, type Operation } from '../../../../test-support/document.ts'
import type { Answer } from '../http.ts'
import type { FuzzRequest } from './requests.ts'

/** Says where the service and its document disagree about whether a request is a good one. */
export function createExpectations(document: OpenApi) {
  const problemOf = createValidator(document)

  return (operation: Operation, request: FuzzRequest, { status }: Answer): string | undefined => {
    const { path, method, requestBody } = operation
    // Where no token is asked for, a 401 is about what a good request says.
    const asksForToken = operation.security !== undefined
    if (
      request.mutations.length === 0 &&
      ([400, 413, 414, 415, 422].includes(status) || (status === 401 && asksForToken))
    )
      return 'the document calls this request good'
    const { body, raw } = request
    if (status < 300 && raw === undefined && body?.type === 'application/json' && requestBody) {
      const at = ['paths', path, method.toLowerCase(), 'requestBody', 'content', body.type, 'schema']
      const problem = problemOf(body.value, ...at)
      if (problem !== undefined) return `the document calls this body bad: ${problem}`
    }
    return undefined
  }
}
