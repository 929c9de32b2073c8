import { renderHeader, type Section } from './header.ts'

/** The `Content-Security-Policy` of a page of `renderPage`. It loads only scripts, styles and images of this origin. */
export const PAGE_POLICY =
  "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;base-uri 'none';form-action 'none';frame-ancestors 'none'"

/** Returns a page with the header. `content` is the HTML of its `<main>`. */
export function renderPage(title: string, content: string, current?: Section): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/header.css">
<link rel="stylesheet" href="/page.css">
<script src="/header.js"></script>
</head>
<body>
${renderHeader(current)}
<main>
${content}
</main>
</body>
</html>
`
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
