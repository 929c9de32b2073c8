import { randomUUID } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import type { Collection, CollectionItem, Script } from '../docs/check/collection.ts'

export interface SentItem {
  readonly name: string
  readonly status: number
}

/**
 * Sends the requests of a collection in order, with its scripts. It has only those parts of Postman's `pm` that the
 * collection uses: Postman's own runner would add 150 packages to every installation of this repository.
 */
export async function runCollection(collection: Collection, host: string): Promise<SentItem[]> {
  const variables = new Map(collection.variable.map(({ key, value }) => [key, value]))
  variables.set('host', host)
  const resolve = (text: string): string =>
    text.replaceAll(/{{([^}]+)}}/g, (_, name: string) => {
      const value = name === '$guid' ? randomUUID() : variables.get(name)
      if (value === undefined) throw new Error(`{{${name}}} has no value`)
      return value
    })
  const runScripts = (
    scripts: readonly Script[],
    event: string,
    response?: { status: number; body: unknown },
  ) => {
    for (const { listen, script } of scripts)
      if (listen === event)
        runInNewContext(script.exec.join('\n'), { pm: createPm(variables, resolve, response) })
  }
  const sent: SentItem[] = []
  for (const item of collection.item.flatMap((folder) => folder.item)) {
    runScripts(collection.event, 'prerequest')
    const response = await send(item, resolve)
    runScripts(item.event, 'test', response)
    sent.push({ name: item.name, status: response.status })
  }
  return sent
}

function createPm(
  variables: Map<string, string>,
  resolve: (text: string) => string,
  response?: { status: number; body: unknown },
) {
  return {
    collectionVariables: {
      get: (name: string) => variables.get(name),
      set: (name: string, value: unknown) => variables.set(name, String(value)),
      unset: (name: string) => variables.delete(name),
    },
    variables: { replaceIn: resolve },
    test: (_name: string, check: () => void) => check(),
    response: response && {
      json: () => response.body,
      to: {
        have: {
          status: (expected: number) => {
            if (response.status !== expected)
              throw new Error(`Expected status ${expected}, got ${response.status}`)
          },
        },
      },
    },
  }
}

async function send({ request }: CollectionItem, resolve: (text: string) => string) {
  const { method, url, auth, body } = request
  const response = await fetch(resolve(url.raw), {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(auth?.type !== 'noauth' && { Authorization: `Bearer ${resolve('{{access_token}}')}` }),
    },
    ...(body && { body: resolve(body.raw) }),
  })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : undefined }
}
