import { DEMO_PASSWORD, DEMO_USERS } from './demo/data.ts'

export const STYLE = `
  :root { color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif }
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  code { font-size: 1rem }
`

/** The page that a browser is shown at `/`. */
export function welcomePage(hasDemoData: boolean): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>social-api</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>social-api</h1>
<p>Users, log-in, posts and votes: the sample service of auth-primer.</p>
<p><a href="/docs">Open Swagger UI</a> to try every operation, or read the
<a href="/openapi.json">OpenAPI document</a>.</p>
${hasDemoData ? demoLogIns() : ''}
</html>
`
}

function demoLogIns(): string {
  const users = DEMO_USERS.map(
    ({ email, role }) => `  <li><code>${email}</code>${role === 'admin' ? ' (admin)' : ''}`,
  )
  return `<h2>Log in as</h2>
<ul>
${users.join('\n')}
</ul>
<p>The password of each is <code>${DEMO_PASSWORD}</code>.</p>`
}
