import { escapeHtml, renderPage } from './page.ts'

/** The members of a problem document (RFC 9457) that the page shows. */
interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
}

/** A hint about the page that a visitor of a path probably wants. Every visitor gets the same hint, so it does not reveal what runs. */
const HINTS: readonly (readonly [path: RegExp, hint: string])[] = [
  [
    /^\/xray\b/,
    'X-ray opens only on the computer that runs the service. Use the address that <code>npm start</code> prints there. It is off in production.',
  ],
  [
    /^\/guide\b/,
    'The address may have changed. <a href="/guide">The guide</a> has a list of its pages and a search.',
  ],
  [/^\/redoc\b/, 'This service has no ReDoc. <a href="/docs">Swagger UI</a> shows the same document.'],
]

const HINTS_BY_CODE: Readonly<Record<string, string>> = {
  NOT_AUTHENTICATED:
    'A browser sends no access token when it opens an address. Log in with <b>Authorize</b> in <a href="/docs">Swagger UI</a>, and send the request there.',
  METHOD_NOT_ALLOWED:
    'A browser can only open an address with <code>GET</code>. Send the request from <a href="/docs">Swagger UI</a>.',
}

/** Returns the page that a browser shows in place of a problem document. */
export function renderErrorPage(problem: ProblemDocument, path: string): string {
  const { type, title, status, detail, code } = problem
  const [, hint = HINTS_BY_CODE[code]] = HINTS.find(([pattern]) => pattern.test(path)) ?? []
  return renderPage(
    `${status} ${title}`,
    `<p class="eyebrow">${status} · <code>${escapeHtml(code)}</code></p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(detail)}</p>
${hint ? `<p>${hint}</p>` : ''}
<ul class="actions">
  <li><a href="${escapeHtml(type)}">What ${escapeHtml(code)} means</a></li>
  <li><a href="/">Start page</a></li>
  <li><a href="/docs">Swagger UI</a></li>
  <li><a href="/guide">Guide</a></li>
</ul>
<details>
<summary>The response that a program gets</summary>
<p>A request without <code>text/html</code> in its <code>Accept</code> header gets a problem document (RFC 9457).</p>
<pre tabindex="0"><code>${escapeHtml(JSON.stringify(problem, undefined, 2))}</code></pre>
</details>`,
  )
}
