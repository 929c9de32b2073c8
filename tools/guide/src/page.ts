import { createHash } from 'node:crypto'
import { createInlineStylePolicy } from './policies.ts'

const STYLE = `
  :root { color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif }
  body { max-width: 42rem; margin: 3rem auto; padding: 0 1rem; overflow-wrap: break-word }
  code, pre { font-size: 1rem }
  pre { overflow-x: auto; padding: .8rem; border: 1px solid }
  table { display: block; overflow-x: auto; border-collapse: collapse }
  th, td { padding: .3rem .6rem; border: 1px solid; text-align: left; vertical-align: top }
`

/** The `Content-Security-Policy` of a plain page. */
export const PLAIN_PAGE_POLICY = createInlineStylePolicy(
  `sha256-${createHash('sha256').update(STYLE).digest('base64')}`,
)

/** Returns a page that loads nothing. */
export function renderPlainPage(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
${content}
</html>
`
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
