import { plainPage } from '@auth-primer/tool-guide'
import { DEMO_PASSWORD, DEMO_USERS } from './demo/data.ts'

/** The page that a browser is shown at `/`. */
export function welcomePage(hasDemoData: boolean, hasXray: boolean): string {
  return plainPage(
    'social-api',
    `<h1>social-api</h1>
<p>Users, log-in, posts and votes: the sample service of auth-primer.</p>
<ul>
  <li><a href="/docs">Swagger UI</a>, to try every operation.</li>
${hasXray ? XRAY : ''}  <li><a href="/guide">The guide</a>, which explains what it does, and each error.</li>
  <li><a href="/openapi.json">The OpenAPI document</a>, to make a client from.</li>
</ul>
${hasDemoData ? demoLogIns() : ''}`,
  )
}

const XRAY = `  <li><a href="/xray">X-ray</a>, which shows what happens within each request. The first time, open it by the address in the service’s log.</li>
`

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
