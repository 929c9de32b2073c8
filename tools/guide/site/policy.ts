import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/**
 * Gives every page of the site a `Content-Security-Policy`, and writes it to the file `policy` for the service. It allows
 * the site's own files, and the inline scripts and styles that the pages have now.
 */
export async function protectPages(folder: string): Promise<void> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.html'))
  const pages = await Promise.all(
    names.map(async (name) => {
      const path = resolve(folder, name)
      return { path, html: await readFile(path, 'utf8') }
    }),
  )
  const policy = createPolicy(pages.map(({ html }) => html))
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy}">`
  // Only what follows the element is restricted.
  for (const { path, html } of pages) await writeFile(path, html.replace('<head>', `<head>\n    ${meta}`))
  await writeFile(resolve(folder, 'policy'), policy)
}

/** Returns the strictest policy under which the pages work. */
export function createPolicy(pages: readonly string[]): string {
  const scripts = new Set<string>()
  const styles = new Set<string>()
  for (const html of pages) {
    for (const [, attributes = '', code = ''] of html.matchAll(/<script\b([^>]*)>(.*?)<\/script>/gs))
      if (!/\bsrc=/.test(attributes)) scripts.add(hash(code))
    for (const [, style = ''] of html.matchAll(/<[a-z][^<>]* style="([^"]*)"/g))
      styles.add(hash(decode(style)))
  }
  return [
    "default-src 'none'",
    ["script-src 'self'", ...[...scripts].sort()].join(' '),
    ["style-src 'self' 'unsafe-hashes'", ...[...styles].sort()].join(' '),
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

function decode(attribute: string): string {
  return attribute
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
