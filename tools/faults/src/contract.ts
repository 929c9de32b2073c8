import type { ServiceClient } from '../../../test-support/client.ts'
import {
  createValidator,
  type OpenApi,
  type Operation,
  readOperations,
} from '../../../test-support/document.ts'
import type { HttpResponse } from './http.ts'

/** Fetches the service's OpenAPI document. */
export async function readDocument({ call }: Pick<ServiceClient, 'call'>): Promise<OpenApi> {
  const { status, body } = await call('GET', '/openapi.json')
  if (status !== 200) throw new Error(`/openapi.json: ${status} ${JSON.stringify(body)}`)
  return body
}

export function findOperation(document: OpenApi, name: string): Operation {
  const operation = readOperations(document).find((one) => one.name === name)
  if (operation === undefined) throw new Error(`the document has no ${name}`)
  return operation
}

/** Returns a check that names the part of a response that the document does not declare: its status, media type or body. */
export function createContractCheck(document: OpenApi) {
  const problemOf = createValidator(document)

  return ({ path, method, responses }: Operation, answer: HttpResponse): string | undefined => {
    const { status, mediaType, text } = answer
    const response = responses[status]
    if (response === undefined) return `the document declares no ${status}`
    if (response.content === undefined) {
      return text === '' && mediaType === '' ? undefined : 'the document declares no content'
    }
    // Browsers get an error as a page, which the document leaves out. Its status must still be declared.
    if (status >= 400 && mediaType === 'text/html') return undefined
    if (!(mediaType in response.content)) return `the document declares no ${mediaType}`
    const value = mediaType.endsWith('json') ? parse(text) : text
    if (value === undefined) return 'it is not JSON'
    const at = ['paths', path, method.toLowerCase(), 'responses', status, 'content', mediaType, 'schema']
    return problemOf(value, ...at)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
