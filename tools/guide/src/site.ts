import type { IncomingMessage } from 'node:http'
import send, { type SendResult } from '@fastify/send'

/** The guide as `npm run docs` builds it: a folder of files, which may come, go and change while the service runs. */
export interface Site {
  readonly dir: string
  /** Whether it is just being built. */
  isBeingBuilt(): boolean
}

export type SiteFile = SendResult & {
  /** Such as `errors/NOT_FOUND.html`. */
  readonly name: string
}

/** The file of the site that a path means, such as `errors/NOT_FOUND`; none where there is none. */
export async function fileOf(
  { dir }: Site,
  path: string,
  request: IncomingMessage,
): Promise<SiteFile | undefined> {
  for (const name of [`${path || 'index'}.html`, path]) {
    const found = await send(request, encodeURI(`/${name}`), OPTIONS(dir))
    if (found.type === 'file') return { ...found, name, headers: { ...found.headers, ...headersOf(name) } }
    if (found.type === 'error' || found.type === 'directory') found.stream.destroy()
  }
  return undefined
}

const OPTIONS = (root: string) => ({ root, dotfiles: 'ignore', index: false, cacheControl: false }) as const

/** Sources, which the site has copies of, are to be read, whatever the ends of their names are taken for elsewhere. */
function headersOf(name: string): Record<string, string> {
  const isSource = name.startsWith('media/') && !name.endsWith('.svg')
  return {
    // The site's pages ask for these by an address that is new with each build.
    'cache-control': name.startsWith('assets/') ? 'max-age=86400' : 'no-cache',
    ...(isSource && { 'content-type': 'text/plain; charset=utf-8' }),
  }
}
