import colors from 'picocolors'
import { renderUnicodeCompact } from 'uqr'

/** A label, and what stands next to it. */
export type GreetingRow = readonly [label: string, text: string]

export interface GreetingOptions {
  readonly title: string
  readonly rows: readonly GreetingRow[]
  /** A URL to show as a QR code below the rows. */
  readonly qr?: string | undefined
  readonly footer: string
  readonly hasColors: boolean
}

/** Formats what `npm start` prints when the service is ready. */
export function formatGreeting({ title, rows, qr, footer, hasColors }: GreetingOptions): string {
  const { bold, dim, bgBlack, whiteBright } = colors.createColors(hasColors)
  const width = Math.max(...rows.map(([label]) => label.length))
  // With a quiet zone and fixed colors. Otherwise, the code would be inverted on a terminal with a light background.
  const code = qr === undefined ? [] : renderUnicodeCompact(qr, { border: 2 }).split('\n')
  return [
    bold(title),
    ...rows.map(([label, text]) => `  ${dim(label.padEnd(width))}  ${text}`),
    ...code.map((line) => bgBlack(whiteBright(line))),
    dim(footer),
    '',
  ].join('\n')
}
