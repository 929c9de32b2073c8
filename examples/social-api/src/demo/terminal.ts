import type { AddressInfo } from 'node:net'
import { relative } from 'node:path'
import {
  findUrls,
  formatGreeting,
  type GreetingRow,
  openInBrowser,
  REMOVE_LINE,
  ReadableLog,
} from '@auth-primer/tool-terminal'
import type { Config } from '../config.ts'
import type { Service } from '../start.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './data.ts'

/** The options of the command line. */
export const OPTIONS = {
  /** `npm run dev`: a readable log, at level debug unless LOG_LEVEL is set. */
  dev: { type: 'boolean', default: false },
  /** `npm start`: the guide is built as a site, if it is missing or older than the docs. */
  'build-guide': { type: 'boolean', default: false },
  /** `npm start -- --qr`: also prints the address on the network as a QR code. */
  qr: { type: 'boolean', default: false },
  /** `npm run class`: the number of the lesson, or an empty text. */
  class: { type: 'string' },
} as const

interface Flags {
  readonly dev: boolean
  readonly qr: boolean
  readonly class?: string | undefined
}

const NO_NETWORK = 'this computer is in no network; connect it, and start again'
const FOOTER = 'Only warnings are printed below; LOG_LEVEL=info adds requests. Ctrl-C stops it.'
const CLASS_FOOTER = 'Between classes: npm run class -- --reset. Ctrl-C stops it.'

/**
 * Prepares standard output for people. `log` receives the log's lines; it is undefined if machines read them. On a terminal,
 * `greet` prints the addresses of the service. From then on, only warnings and errors are logged unless LOG_LEVEL is set.
 */
export function openTerminal(config: Config, flags: Flags) {
  const isRead = process.stdout.isTTY && !config.production
  const greets = isRead && !flags.dev
  const isCalm = greets && !process.env.LOG_LEVEL
  const log = isRead || flags.dev ? new ReadableLog(process.stdout, { showsProgress: isCalm }) : undefined
  return {
    log,
    greet(service: Service): void {
      if (greets) log?.greet(createGreeting(service, config, flags))
      if (isCalm) service.app.log.level = 'warn'
    },
  }
}

/** Empties the current line of the terminal, on which a start that failed may have shown its progress. */
export function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write(REMOVE_LINE)
}

/** At most ten lines on a terminal of 80 columns, and the QR code. */
function createGreeting(
  { app, xrayKey, hasDemoData }: Service,
  { dataDir, databaseUrl }: Config,
  { qr, class: lesson }: Flags,
): string {
  const isClass = lesson !== undefined
  const { local, network } = findUrls(app.server.address() as AddressInfo)
  const [join, ...others] = network
  const joinText = others.length === 0 ? join : `${join} (or ${others.join(', ')})`
  const presenter = lesson ? `${local}/guide/class/${lesson}` : undefined
  if (presenter) openInBrowser(presenter)
  const rows: (GreetingRow | false)[] = [
    isClass && ['Join', joinText ?? NO_NETWORK],
    isClass && lesson !== '' && ['Task', `${join ?? local}/guide/class/${lesson}-task`],
    presenter !== undefined && ['Presenter', presenter],
    !isClass && ['Swagger UI', `${local}/docs`],
    !isClass && ['Guide', `${local}/guide`],
    xrayKey !== undefined && ['X-ray', `${local}/xray?key=${xrayKey}`],
    hasDemoData && ['Log in as', `${DEMO_USERS[0]?.email}, password ${DEMO_PASSWORD}`],
    !isClass && joinText !== undefined && ['Network', joinText],
    !isClass && qr && join === undefined && ['QR code', 'needs HOST=0.0.0.0 and a network'],
    databaseUrl === undefined && ['Data', relative('', dataDir) || '.'],
  ]
  return formatGreeting({
    title: `social-api is ready at ${local}`,
    rows: rows.filter((row) => row !== false),
    qr: qr || isClass ? join : undefined,
    footer: isClass ? CLASS_FOOTER : FOOTER,
    hasColors: process.stdout.hasColors(),
  })
}
