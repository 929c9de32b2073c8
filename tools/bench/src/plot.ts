import type { Row } from './table.ts'

const [LABELS, BARS, HEIGHT, GAP] = [170, 420, 14, 12]

/** Plots requests per second of one process, with a pair of bars for each operation, as an SVG for light and dark pages. */
export function plot(rows: readonly Row[]): string {
  const pairs = rows.filter(({ processes, service, bare }) => processes === 1 && service && bare)
  const bars = pairs.flatMap(({ what, service, bare }, index) => {
    const [ours, theirs] = [service?.perSecond ?? 0, bare?.perSecond ?? 0]
    const top = 30 + index * (2 * HEIGHT + GAP)
    const scale = BARS / Math.max(ours, theirs)
    return [
      text(LABELS - 8, top + HEIGHT + 4, what, 'end'),
      bar(top, ours * scale, 'service', ours),
      bar(top + HEIGHT, theirs * scale, 'bare', theirs),
    ]
  })
  const height = 30 + pairs.length * (2 * HEIGHT + GAP)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LABELS + BARS + 90} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>Requests per second of the service and of a bare Fastify with pg, one process each</title>
<style>
  text { fill: #222 } .service { fill: #2a6fb0 } .bare { fill: #b9c0c7 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .service { fill: #6fb1ec } .bare { fill: #5c646c } }
</style>
<rect class="service" x="${LABELS}" y="8" width="12" height="12"/>
${text(LABELS + 18, 18, 'service')}
<rect class="bare" x="${LABELS + 80}" y="8" width="12" height="12"/>
${text(LABELS + 98, 18, 'bare Fastify and pg')}
${bars.join('\n')}
</svg>
`
}

function bar(top: number, width: number, side: string, perSecond: number): string {
  const figure = `${perSecond >= 100 ? Math.round(perSecond).toLocaleString('en') : perSecond.toFixed(1)}/s`
  return `<rect class="${side}" x="${LABELS}" y="${top}" width="${width.toFixed(1)}" height="${HEIGHT - 1}"/>
${text(LABELS + width + 6, top + HEIGHT - 3, figure)}`
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`
}
