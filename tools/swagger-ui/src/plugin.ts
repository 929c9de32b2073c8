import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { escapeHtml, renderHeader } from '@auth-primer/tool-header'
// Adds `swagger()` to the type of an app, and `hide` to that of a route's schema.
import type {} from '@fastify/swagger'
import fp from 'fastify-plugin'

export interface SwaggerUiOptions {
  readonly title: string
}

/** Swagger UI loads only from this origin, and hides one empty drawing with an inline style. */
const POLICY =
  "default-src 'none';script-src 'self';style-src 'self' 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w=';" +
  "connect-src 'self';img-src 'self' data:;base-uri 'none';form-action 'none';frame-ancestors 'none'"

/**
 * Serves Swagger UI at `/docs`, and the document of `@fastify/swagger` at `/docs/json` and `/docs/yaml`.
 *
 * It does not register `@fastify/swagger-ui`, which has no option for a header, compression or caching. It only serves the
 * copy of Swagger UI that comes with it.
 */
export default fp<SwaggerUiOptions>(
  async (app, { title }) => {
    const hidden = { schema: { hide: true } }
    const [library, script, ...styles] = await Promise.all([
      readAsset(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui-bundle.js')),
      readAsset(import.meta.resolve('../assets/page.js')),
      readAsset(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui.css')),
      readAsset(import.meta.resolve('../assets/page.css')),
    ])
    const page = renderPage(title, { scripts: [library, script].map(getUrl), styles: styles.map(getUrl) })

    app.get('/docs', hidden, async (_request, reply) =>
      reply.header('content-security-policy', POLICY).type('text/html; charset=utf-8').send(page),
    )
    app.get('/docs/json', hidden, async () => app.swagger())
    app.get('/docs/yaml', hidden, async (_request, reply) =>
      reply.type('application/yaml').send(app.swagger({ yaml: true })),
    )
    for (const { path, type, content } of [library, script, ...styles]) {
      let compressing: Promise<Buffer> | undefined
      app.get(path, hidden, async (request, reply) => {
        reply.removeHeader('pragma').headers({ 'cache-control': 'max-age=31536000', vary: 'accept-encoding' })
        reply.type(type)
        if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(content)
        compressing ??= promisify(gzip)(content)
        return reply.header('content-encoding', 'gzip').send(await compressing)
      })
    }
  },
  {
    name: '@auth-primer/tool-swagger-ui',
    fastify: '5.x',
    dependencies: ['@auth-primer/tool-header', '@fastify/swagger'],
  },
)

interface Asset {
  readonly path: string
  readonly type: string
  readonly content: Buffer
}

async function readAsset(url: string): Promise<Asset> {
  const name = basename(url)
  const type = name.endsWith('.js') ? 'text/javascript' : 'text/css'
  return {
    path: `/docs/static/${name}`,
    type: `${type}; charset=utf-8`,
    content: await readFile(fileURLToPath(url)),
  }
}

/** Returns a URL that changes with the content, so browsers may keep it. */
function getUrl({ path, content }: Asset): string {
  return `${path}?v=${createHash('sha256').update(content).digest('hex').slice(0, 8)}`
}

function renderPage(title: string, { scripts, styles }: { scripts: string[]; styles: string[] }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="/favicon.svg">
<script src="/header.js"></script>
${scripts.map((url) => `<script defer src="${url}"></script>`).join('\n')}
${styles.map((url) => `<link rel="stylesheet" href="${url}">`).join('\n')}
<link rel="stylesheet" href="/header.css">
</head>
<body>
${renderHeader('api')}
<div id="swagger-ui"></div>
<noscript>Swagger UI needs JavaScript. <a href="/openapi.json">The OpenAPI document</a> does not.</noscript>
</body>
</html>
`
}
