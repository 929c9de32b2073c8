/** A picture, drawn from top to bottom in one column, so it can be read at the width of a phone. */
export interface Picture {
  /** The path of the SVG, from `docs/`. */
  readonly file: string
  readonly title: string
  /** A description of the picture for readers who cannot see it. */
  readonly description: string
  readonly parts: readonly Part[]
}

export type Part =
  | { readonly heading: string }
  | { readonly text: string }
  /** Boxes next to each other. */
  | { readonly boxes: readonly Box[] }
  /** An arrow from the boxes above to the boxes below, with a label. */
  | { readonly down: string; readonly tone?: Tone }
  | Sequence

export interface Box {
  readonly head?: string
  readonly lines?: readonly string[]
  readonly tone?: Tone
  /** Code and data keep their spaces and have letters of one width. */
  readonly isCode?: boolean
  /** The share of the width. @default 1 */
  readonly share?: number
}

export type Tone = 'plain' | 'accent' | 'good' | 'bad'

/** A sequence of messages between parties, over time. */
export interface Sequence {
  readonly lanes: readonly string[]
  readonly steps: readonly Step[]
}

export type Step =
  | { readonly from: number; readonly to: number; readonly text: string; readonly tone?: Tone }
  /** A note on one lane, or over several. */
  | { readonly at: number | readonly [number, number]; readonly note: string; readonly tone?: Tone }

const WIDTH = 400
const MARGIN = 12
const INNER = WIDTH - 2 * MARGIN
const FONT = 13
const LINE = 17

/** Wider than the average of any system font. */
const LETTER = FONT * 0.56
const CODE_LETTER = FONT * 0.62

const STYLE = `
  .paper { fill: #fff } text { fill: #1f2328; white-space: pre } .quiet { fill: #59636e } .line { stroke: #6e7781; fill: none } .lane { stroke: #8b949e; stroke-dasharray: 4 4 } .head { fill: #6e7781 }
  .label { paint-order: stroke; stroke: #fff; stroke-width: 4px }
  .plain { fill: #f3f4f6; stroke: #c6ccd3 } .accent { fill: #e8f1fb; stroke: #7fb0dd } .good { fill: #e6f4ea; stroke: #6fba86 } .bad { fill: #fdecea; stroke: #e0938b }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14171b } .label { stroke: #14171b } text { fill: #e3e6ea } .quiet { fill: #a3acb7 } .line { stroke: #8b949e } .head { fill: #8b949e }
    .plain { fill: #22272e; stroke: #444c56 } .accent { fill: #1b3146; stroke: #3f6d98 } .good { fill: #16321f; stroke: #3c7a50 } .bad { fill: #3d1c1a; stroke: #8f453f }
  }
`

/** Draws a picture as SVG, for light and dark pages. */
export function drawPicture({ title, description, parts }: Picture): string {
  let y = MARGIN
  const body: string[] = []
  for (const part of parts) {
    const { svg, height } = drawPart(part, y)
    body.push(...svg)
    y += height
  }
  const height = y + MARGIN - 6
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="${FONT}">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="desc">${escapeXml(description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

interface Drawn {
  readonly svg: readonly string[]
  readonly height: number
}

function drawPart(part: Part, y: number): Drawn {
  if ('heading' in part)
    return {
      svg: drawText([part.heading], MARGIN, y + 14, { anchor: 'start', weight: 600, size: 15 }),
      height: 26,
    }
  if ('text' in part) {
    const lines = wrapText(part.text, INNER)
    return {
      svg: drawText(lines, MARGIN, y + 12, { anchor: 'start', tone: 'quiet' }),
      height: lines.length * LINE + 8,
    }
  }
  if ('boxes' in part) return drawBoxes(part.boxes, y)
  if ('down' in part) return drawDown(part.down, y)
  return drawSequence(part, y)
}

function drawBoxes(boxes: readonly Box[], y: number): Drawn {
  const gap = 10
  const shares = boxes.reduce((sum, { share = 1 }) => sum + share, 0)
  const unit = (INNER - gap * (boxes.length - 1)) / shares
  const laidOut = boxes.map((box) => {
    const width = unit * (box.share ?? 1)
    const head = box.head ? wrapText(box.head, width - 14) : []
    const lines = (box.lines ?? []).flatMap((line) => (box.isCode ? [line] : wrapText(line, width - 14)))
    return { box, width, head, lines }
  })
  const rows = Math.max(...laidOut.map(({ head, lines }) => head.length + lines.length))
  const height = rows * LINE + 14
  let x = MARGIN
  const svg: string[] = []
  for (const { box, width, head, lines } of laidOut) {
    const top = y + 19 + ((rows - head.length - lines.length) * LINE) / 2
    const center = x + width / 2
    const below = top + head.length * LINE
    svg.push(
      `<rect class="${box.tone ?? 'plain'}" x="${x}" y="${y}" width="${round(width)}" height="${height}" rx="5"/>`,
      ...drawText(head, center, top, { weight: 600 }),
      ...(box.isCode
        ? drawText(lines, x + 8, below, { anchor: 'start', isCode: true })
        : drawText(lines, center, below)),
    )
    x += width + gap
  }
  return { svg, height: height + 6 }
}

function drawDown(label: string, y: number): Drawn {
  const lines = label ? wrapText(label, INNER / 2 - 20) : []
  const height = Math.max(26, lines.length * LINE + 8)
  const middle = WIDTH / 2
  return {
    svg: [
      ...drawArrow(middle, y - 2, middle, y + height - 6),
      ...drawText(lines, middle + 12, y + (height - 4 - lines.length * LINE) / 2 + 12, { anchor: 'start' }),
    ],
    height,
  }
}

function drawSequence({ lanes, steps }: Sequence, top: number): Drawn {
  const step = INNER / lanes.length
  const width = Math.min(118, step - 8)
  const middle = (lane: number) => round(MARGIN + step * (lane + 0.5))
  const heads = lanes.map((lane) => wrapText(lane, width - 8))
  const headHeight = Math.max(...heads.map((lines) => lines.length)) * LINE + 10
  const svg: string[] = []
  let y = top + headHeight + 10
  for (const item of steps) {
    if ('note' in item) {
      const [first, last] = typeof item.at === 'number' ? [item.at, item.at] : item.at
      const isWide = first !== last
      const noteWidth = isWide ? middle(last) - middle(first) + 60 : Math.min(INNER, Math.max(step + 24, 130))
      const center = (middle(first) + middle(last)) / 2
      const x = Math.max(MARGIN, Math.min(WIDTH - MARGIN - noteWidth, center - noteWidth / 2))
      const lines = wrapText(item.note, noteWidth - 14)
      const height = lines.length * LINE + 10
      svg.push(
        `<rect class="${item.tone ?? 'plain'}" x="${round(x)}" y="${y}" width="${round(noteWidth)}" height="${height}" rx="5"/>`,
        ...drawText(lines, x + noteWidth / 2, y + 17),
      )
      y += height + 10
    } else {
      const [from, to] = [middle(item.from), middle(item.to)]
      const lines = wrapText(item.text, Math.abs(to - from) - 10)
      svg.push(...drawText(lines, (from + to) / 2, y + 12, { tone: 'label' }))
      y += lines.length * LINE + 4
      svg.push(...drawArrow(from, y, to, y))
      y += 14
    }
  }
  const lanesSvg = lanes.flatMap((_, lane) => [
    `<path class="lane" d="M${middle(lane)} ${top + headHeight}V${y}"/>`,
    `<rect class="accent" x="${round(middle(lane) - width / 2)}" y="${top}" width="${round(width)}" height="${headHeight}" rx="5"/>`,
    ...drawText(heads[lane] ?? [], middle(lane), top + 17, { weight: 600 }),
  ])
  return { svg: [...lanesSvg, ...svg], height: y - top + 8 }
}

function drawArrow(x1: number, y1: number, x2: number, y2: number): string[] {
  const isDown = x1 === x2
  const sign = (isDown ? y2 > y1 : x2 > x1) ? 1 : -1
  const [endX, endY] = isDown ? [x2, y2 - 8 * sign] : [x2 - 8 * sign, y2]
  const head = isDown ? `l-4.5 ${-9 * sign}h9z` : `l${-9 * sign} -4.5v9z`
  return [
    `<path class="line" d="M${x1} ${y1}L${endX} ${endY}"/>`,
    `<path class="head" d="M${x2} ${y2}${head}"/>`,
  ]
}

interface TextStyle {
  readonly anchor?: 'start' | 'middle'
  readonly weight?: number
  readonly size?: number
  readonly tone?: 'quiet' | 'label'
  readonly isCode?: boolean
}

function drawText(lines: readonly string[], x: number, y: number, style: TextStyle = {}): string[] {
  const { anchor = 'middle', weight, size, tone, isCode } = style
  const attributes = [
    ...(anchor === 'middle' ? ['text-anchor="middle"'] : []),
    ...(weight ? [`font-weight="${weight}"`] : []),
    ...(size ? [`font-size="${size}"`] : []),
    ...(tone ? [`class="${tone}"`] : []),
    ...(isCode ? ['font-family="ui-monospace, Consolas, monospace"', 'font-size="12.5"'] : []),
  ].join(' ')
  return lines.map(
    (line, index) =>
      `<text x="${round(x)}" y="${round(y + index * LINE)}"${attributes ? ` ${attributes}` : ''}>${escapeXml(line)}</text>`,
  )
}

/** Breaks a text into lines of at most this width. */
export function wrapText(text: string, width: number, letter = LETTER): string[] {
  const limit = Math.floor(width / letter)
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= limit)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Returns the lines of code that are too long for their box. */
export function findLongCode({ parts }: Picture): string[] {
  return parts.flatMap((part) => {
    if (!('boxes' in part)) return []
    const shares = part.boxes.reduce((sum, { share = 1 }) => sum + share, 0)
    const unit = (INNER - 10 * (part.boxes.length - 1)) / shares
    return part.boxes.flatMap(({ isCode, lines = [], share = 1 }) =>
      isCode ? lines.filter((line) => line.length * CODE_LETTER > unit * share - 12) : [],
    )
  })
}

const round = (value: number) => Math.round(value * 10) / 10

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
