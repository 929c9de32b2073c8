import { runInNewContext } from 'node:vm'

/** How the editors differ: VS Code reads named responses and sends scripts as text, JetBrains IDEs run the scripts. */
export type Editor = 'VS Code' | 'JetBrains'

export interface SentRequest {
  readonly title: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: unknown
}

/** Sends the requests of a `.http` file in order, as this editor does. */
export async function sendHttpFile(text: string, host: string, editor: Editor): Promise<SentRequest[]> {
  const variables = new Map<string, string>()
  const globals = new Map<string, string>()
  const responses = new Map<string, unknown>()
  const sent: SentRequest[] = []

  const resolve = (source: string): string =>
    source.replaceAll(/{{\s*([^}\s]+)\s*}}/g, (_, name: string) => {
      // JetBrains IDEs prefer a value that a script has set to the one in the file.
      const value = globals.get(name) ?? variables.get(name)
      if (value !== undefined) return resolve(value)
      const [request = '', ...keys] = name.split('.')
      if (editor === 'JetBrains' || !responses.has(request)) throw new Error(`{{${name}}} has no value`)
      return String(readMember({ response: { body: responses.get(request) } }, keys))
    })

  const [head = '', ...blocks] = text.split(/^###/m)
  for (const [, name = '', value = ''] of head.matchAll(/^@(\w+) *= *(.*)$/gm)) variables.set(name, value)
  variables.set('host', host)

  for (const block of blocks) {
    const [title = '', ...lines] = block.trim().split('\n')
    const name = /^# @name (\w+)/m.exec(block)?.[1]
    const { start, body, script } = splitRequest(lines, editor)
    const [request = '', ...headerLines] = resolve(start).split('\n')
    const [method = '', url = ''] = request.split(' ')
    const headers = Object.fromEntries(headerLines.map((line) => line.split(/: */, 2)))
    const isForm = headers['Content-Type']?.includes('form')
    const content = resolve(body)
    const response = await send(url, method, headers, isForm ? encodeURI(content) : content)
    if (name) responses.set(name, response.body)
    if (script)
      runInNewContext(script, {
        client: { global: { set: (key: string, value: unknown) => globals.set(key, String(value)) } },
        response,
      })
    sent.push({ title, method, path: new URL(url).pathname, ...response })
  }
  return sent
}

function splitRequest(lines: readonly string[], editor: Editor) {
  const text = lines.filter((line) => !line.startsWith('#')).join('\n')
  const [start = '', ...rest] = text.split('\n\n')
  const content = rest.join('\n\n').trim()
  if (editor === 'VS Code') return { start, body: content, script: undefined }
  const [body = '', script = ''] = content.split('> {%')
  return { start, body: body.trim(), script: script.replace('%}', '') }
}

/** `fetch` sends no body with GET, but VS Code's client does. */
async function send(url: string, method: string, headers: Record<string, string>, body: string) {
  const { request } = await import('node:http')
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const sent = request(
      url,
      { method, headers: { ...headers, 'Content-Length': Buffer.byteLength(body) } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, body: text ? JSON.parse(text) : undefined }),
        )
      },
    )
    sent.once('error', reject).end(body)
  })
}

function readMember(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((object, key) => (object as Record<string, unknown>)[key], value)
}
