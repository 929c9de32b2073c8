import { type Media, type OpenApi, type Operation, readOperations } from '../../test-support/document.ts'

/** The operations in the order of the course. Each one runs with what the ones before have created. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  'Sign up and log in': ['createUser', 'login', 'getMe', 'getUser', 'refreshToken'],
  Posts: ['createPost', 'listPosts', 'getPost', 'replacePost'],
  Votes: ['vote'],
  'Clean up': ['deletePost', 'logout', 'changePassword'],
  'The service': ['getRoot', 'getHealth', 'getReady'],
}

/** The ids of all operations, in the order of the course. */
export const COURSE: readonly string[] = Object.values(FOLDERS).flat()

/** The variables that a response sets for the requests after it. */
const SET: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  createUser: { user_id: 'id' },
  login: { access_token: 'access_token', refresh_token: 'refresh_token' },
  refreshToken: { access_token: 'access_token', refresh_token: 'refresh_token' },
  createPost: { post_id: 'id' },
}

/** The members of examples that this run needs to be its own. */
const VALUES: Readonly<Record<string, string>> = {
  email: '"{{email}}"',
  username: '"{{email}}"',
  password: '"{{password}}"',
  current_password: '"{{password}}"',
  new_password: '"{{new_password}}"',
  refresh_token: '"{{refresh_token}}"',
  post_id: '{{post_id}}',
}

const PATH_VARIABLES: Readonly<Record<string, string>> = {
  '/users/{id}': 'user_id',
  '/posts/{id}': 'post_id',
}

export const COLLECTION = new URL(
  '../../examples/social-api/social-api.postman_collection.json',
  import.meta.url,
)

/** Creates a Postman collection (v2.1) that runs from its first request to its last. */
export function createCollection(document: OpenApi): Collection {
  const operations = new Map(readOperations(document).map((operation) => [operation.operationId, operation]))
  const item = Object.entries(FOLDERS).map(([name, ids]) => ({
    name,
    item: ids.map((id) => {
      const operation = operations.get(id)
      if (!operation) throw new Error(`The document has no operation ${id}`)
      operations.delete(id)
      return createItem(operation)
    }),
  }))
  if (operations.size > 0)
    throw new Error(`Add these operations to a folder: ${[...operations.keys()].join(', ')}`)
  return {
    info: {
      name: 'auth-primer: social-api',
      description:
        'The requests from the course, in order. Run the whole collection, or send the requests from top to bottom.',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
    event: [listen('prerequest', CREATE_ACCOUNT)],
    variable: [{ key: 'host', value: 'http://127.0.0.1:3000' }],
    item,
  }
}

export interface Collection {
  readonly info: object
  readonly auth: object
  readonly variable: readonly { readonly key: string; readonly value: string }[]
  readonly event: readonly Script[]
  readonly item: readonly { readonly name: string; readonly item: readonly CollectionItem[] }[]
}

export interface CollectionItem {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly url: { readonly raw: string }
    readonly auth?: { readonly type: string }
    readonly body?: { readonly raw: string }
  }
  readonly event: readonly Script[]
}

export interface Script {
  readonly listen: string
  readonly script: { readonly exec: readonly string[] }
}

/** Each run signs up with a new email and new passwords. */
const CREATE_ACCOUNT = [
  "if (!pm.collectionVariables.get('email')) {",
  "  const unique = pm.variables.replaceIn('{{$guid}}')",
  "  pm.collectionVariables.set('email', unique + '@example.com')",
  "  pm.collectionVariables.set('password', pm.variables.replaceIn('{{$guid}}'))",
  "  pm.collectionVariables.set('new_password', pm.variables.replaceIn('{{$guid}}'))",
  '}',
]

function createItem(operation: Operation) {
  const { operationId, method, path, summary, description, security, requestBody, responses } = operation
  const status = Object.keys(responses).find((code) => code.startsWith('2'))
  const sets = Object.entries(SET[operationId] ?? {})
  const target = path.replace('{id}', `{{${PATH_VARIABLES[path]}}}`)
  return {
    name: summary,
    request: {
      method,
      description,
      url: { raw: `{{host}}${target}`, host: ['{{host}}'], path: target.slice(1).split('/').filter(Boolean) },
      ...(security.length > 0 ? {} : { auth: { type: 'noauth' } }),
      ...(requestBody ? createBody(requestBody.content) : {}),
    },
    event: [
      listen('test', [
        `pm.test('the status is ${status}', () => pm.response.to.have.status(${status}))`,
        ...sets.map(
          ([variable, member]) => `pm.collectionVariables.set('${variable}', pm.response.json().${member})`,
        ),
        // The account is used up.
        ...(operationId === 'changePassword' ? ["pm.collectionVariables.unset('email')"] : []),
      ]),
    ],
  }
}

function createBody(content: Record<string, Media>) {
  const example = Object.values(content).map(
    ({ example, examples }) => example ?? Object.values(examples ?? {})[0]?.value,
  )[0]
  const raw = JSON.stringify(example, (key, value) => (key in VALUES ? `@${key}@` : value), 2)
  return {
    header: [{ key: 'Content-Type', value: 'application/json' }],
    body: {
      mode: 'raw',
      raw: raw.replaceAll(/"@(\w+)@"/g, (_, key: string) => VALUES[key] ?? ''),
      options: { raw: { language: 'json' } },
    },
  }
}

const listen = (event: string, exec: readonly string[]) => ({
  listen: event,
  script: { type: 'text/javascript', exec },
})
