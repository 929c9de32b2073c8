import colors from 'picocolors'
import { HELP, type Options, parseOptions, UsageError } from './options.ts'
import { formatScoreboard, formatStage, formatSummary, type Standing, toJson } from './print.ts'
import { runStages } from './run.ts'
import { ServerProcess } from './server-process.ts'
import { STAGES } from './stages/index.ts'
import { Subject } from './subject.ts'

/** How wide the scoreboard is in a pipe. */
const PIPE_COLUMNS = 120

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args, process.env)
  if (options === 'help') return print(HELP)
  if (options === 'list')
    return print(`${STAGES.map(({ number, title }) => `${number} ${title}`).join('\n')}\n`)
  if ('starter' in options) {
    const { createStarter } = await import('./new.ts')
    return print(await createStarter(options, print))
  }
  return options.urls.length > 1 ? showScoreboard(options) : checkServer(options)
}

async function checkServer(options: Options): Promise<number> {
  const [url] = options.urls as [URL]
  const server = options.command === undefined ? undefined : new ServerProcess(options.command, url)
  if (options.watched !== undefined) {
    const { watch } = await import('./watch/watch.ts')
    await watch(options.watched, options, server)
    return 0
  }
  // nothing that was started is left running after Ctrl-C
  const onSignal = (): void => void Promise.resolve(server?.kill()).finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  const report = options.isJson ? () => 0 : print
  try {
    if (server) {
      report(colors.dim('Starting the server …\n'))
      await server.start()
    }
    report(colors.dim(`Checking ${url.origin} …\n`))
    const results = await runStages(options.stages, new Subject({ ...options, url, server }), {
      isComplete: options.isComplete,
      onStage: (result) => report(`${formatStage(result, options.hints)}\n`),
    })
    report(`\n${formatSummary(results, options.stages.length)}\n`)
    if (options.isJson) print(`${toJson(url, results, options.stages.length)}\n`)
    return results.every(({ isPassed }) => isPassed) ? 0 : 1
  } finally {
    await server?.stop()
  }
}

/** Checks several servers at once. In a terminal, the lines change as the servers pass stages. */
async function showScoreboard({ urls, stages, isComplete, ...options }: Options): Promise<number> {
  const { stdout } = process
  print(colors.dim(`Checking ${urls.length} servers …\n`))
  let standings: readonly Standing[] = urls.map((url) => ({ url, results: [], isDone: false }))
  let shown = 0
  const show = (): void => {
    const lines = formatScoreboard(standings, stages.length, stdout.columns ?? PIPE_COLUMNS)
    print(`${shown > 0 ? `\x1b[${shown}A\x1b[J` : ''}${lines.join('\n')}\n`)
    shown = lines.length
  }
  const update = (url: URL, change: (standing: Standing) => Partial<Standing>): void => {
    standings = standings.map((standing) =>
      standing.url === url ? { ...standing, ...change(standing) } : standing,
    )
    if (stdout.isTTY) show()
  }
  if (stdout.isTTY) show()
  await Promise.all(
    urls.map(async (url) => {
      await runStages(stages, new Subject({ ...options, url }), {
        isComplete,
        onStage: (result) => update(url, ({ results }) => ({ results: [...results, result] })),
      })
      update(url, () => ({ isDone: true }))
    }),
  )
  if (!stdout.isTTY) show()
  return 0
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  const help = error instanceof UsageError ? '\n`npm run challenge -- --help` lists the options.' : ''
  process.stderr.write(`${error.message}${help}\n`)
  return 2
})
