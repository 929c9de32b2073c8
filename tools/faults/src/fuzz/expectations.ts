import { createValidator, type OpenApi, type Operation } from '../../../../test-support/document.ts'
import type { HttpResponse } from '../http.ts'
import type { FuzzRequest } from './requests.ts'

/** Returns a check that reports if the service and its document disagree about the validity of a request. */
export function createExpectations(document: OpenApi) {
  const problemOf = createValidator(document)

  return (operation: Operation, request: FuzzRequest, { status }: HttpResponse): string | undefined => {
    const { path, method, requestBody } = operation
    // If the operation needs no token, a 401 is about the body of a valid request.
    const asksForToken = operation.security.length > 0
    if (
      request.mutations.length === 0 &&
      ([400, 413, 414, 415, 422].includes(status) || (status === 401 && asksForToken))
    )
      return 'by the document, this request is valid'
    const { body, raw } = request
    if (status < 300 && raw === undefined && body?.type === 'application/json' && requestBody) {
      const at = ['paths', path, method.toLowerCase(), 'requestBody', 'content', body.type, 'schema']
      const problem = problemOf(body.value, ...at)
      if (problem !== undefined) return `by the document, this body is invalid: ${problem}`
    }
    return undefined
  }
}
