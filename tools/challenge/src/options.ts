// Reads the command line.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Stage } from './check.ts'
import { STAGES } from './stages/index.ts'

export const HELP = `Tests your server from the outside, stage by stage, and shows how far you have come.

  npm run challenge -- http://127.0.0.1:3000     checks the stages in order, up to the first one that fails
  npm run challenge -- <url> <url> …             shows a scoreboard of several servers
  npm run challenge -- list                      lists the stages
  npm run challenge -- new my-api --fastify      creates a folder with a server that passes stage 1: --fastify (TypeScript
                                                 and this project's packages), --fastify-plain, --express or --fastapi

  --stage 05         checks only this stage
  --all              continues after a stage fails
  --json             prints the results as JSON, with the duration of each check
  --watch <folder>   shows one stage, and checks again each time you save a file in this folder. It restarts the server if you
                     pass --command. Press q to quit
  --hints 2          shows this many hints (0 to 3) for a check that fails. The default is 1
  --database <url>   the server's Postgres database, to check how passwords are stored
  --secret <text>    the secret that signs the server's tokens (HS256), to check that expired tokens are rejected. You can set
                     the variable CHALLENGE_SECRET instead
  --origin <origin>  an origin whose web pages may call the server, such as https://app.example.com
  --command <text>   starts the server, so the grader can stop and kill it, to check what survives a crash

A check that needs one of these options is "not checked" without it. The checks create users and posts, so use
a database that you can throw away.
`

export interface Options {
  readonly urls: readonly URL[]
  readonly stages: readonly Stage[]
  readonly isComplete: boolean
  readonly isJson: boolean
  readonly hints: number
  readonly databaseUrl: string | undefined
  readonly secret: string | undefined
  readonly origin: string | undefined
  readonly command: string | undefined
  /** The folder whose files are watched. */
  readonly watched: string | undefined
}

/** The options of `new`. */
export interface NewOptions {
  readonly folder: string
  readonly starter: Starter
  /** The folder as the user wrote it. */
  readonly shown: string
}

export const STARTERS = ['fastify', 'fastify-plain', 'express', 'fastapi'] as const
export type Starter = (typeof STARTERS)[number]

/** The command line was wrong. The message says what to write. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Returns the options, or the command. Relative paths are those of the folder in which npm was called. */
export function parseOptions(args: string[], env: NodeJS.ProcessEnv): Options | NewOptions | 'help' | 'list' {
  const { values, positionals } = parse(args)
  if (values.help || positionals[0] === 'help') return 'help'
  if (positionals[0] === 'list') return 'list'
  const toPath = (path: string): string => resolve(env.INIT_CWD ?? '.', path)
  if (positionals[0] === 'new') return parseNew(positionals.slice(1), values, toPath)
  const urls = positionals.map(parseUrl)
  if (urls.length === 0) throw new UsageError('Give the URL of your server, such as http://127.0.0.1:3000.')
  if (urls.length > 1 && values.command !== undefined)
    throw new UsageError('`--command` starts a single server, so give only one URL.')
  if (urls.length > 1 && values.watch !== undefined)
    throw new UsageError('`--watch` checks a single server, so give only one URL.')
  if (values.json && (urls.length > 1 || values.watch !== undefined))
    throw new UsageError('`--json` prints one run of a single server.')
  return {
    urls,
    watched: values.watch === undefined ? undefined : toPath(values.watch),
    stages: values.stage === undefined ? STAGES : [findStage(values.stage)],
    isComplete: values.all,
    isJson: values.json,
    hints: parseHints(values.hints),
    databaseUrl: values.database,
    secret: values.secret ?? env.CHALLENGE_SECRET,
    origin: values.origin,
    command: values.command,
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        stage: { type: 'string' },
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        hints: { type: 'string', default: '1' },
        database: { type: 'string' },
        secret: { type: 'string' },
        origin: { type: 'string' },
        command: { type: 'string' },
        watch: { type: 'string' },
        fastify: { type: 'boolean', default: false },
        'fastify-plain': { type: 'boolean', default: false },
        express: { type: 'boolean', default: false },
        fastapi: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function parseNew(
  [folder, ...others]: string[],
  values: object,
  toPath: (path: string) => string,
): NewOptions {
  const starters = STARTERS.filter((name) => values[name as keyof typeof values])
  const [starter] = starters
  if (folder === undefined || others.length > 0 || starter === undefined || starters.length > 1)
    throw new UsageError(`Give a new folder and one of --${STARTERS.join(', --')}.`)
  return { folder: toPath(folder), starter, shown: folder }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError('Expected a URL that begins with http:// or https://.')
  if (url.pathname !== '/' || url.search !== '')
    throw new UsageError('Expected a URL without a path. Each stage adds the paths that it requests.')
  return url
}

function findStage(number: string): Stage {
  const stage = STAGES.find((stage) => Number(stage.number) === Number(number))
  if (stage === undefined)
    throw new UsageError(`Expected \`--stage\` to be a number from 1 to ${STAGES.length}.`)
  return stage
}

function parseHints(text: string): number {
  if (/^[0-3]$/.test(text)) return Number(text)
  throw new UsageError('Expected `--hints` to be a number from 0 to 3.')
}
