import colors from 'picocolors'
import { HELP, type Options, parseOptions, UsageError } from './options.ts'
import { formatScoreboard, formatStage, formatSummary } from './print.ts'
import { runStages } from './run.ts'
import { ServerProcess } from './server-process.ts'
import { STAGES } from './stages/index.ts'
import { Subject } from './subject.ts'

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
  // nothing that was started is left running after Ctrl-C
  const onSignal = (): void => void Promise.resolve(server?.kill()).finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  try {
    if (options.watched !== undefined) {
      const { watch } = await import('./watch.ts')
      await watch(options.watched, options, server, print)
    }
    if (server) {
      print(colors.dim('Starting the server …\n'))
      await server.start()
    }
    print(colors.dim(`Checking ${url.origin} …\n`))
    const subject = new Subject({ ...options, url, server })
    const results = await runStages(options.stages, subject, {
      isComplete: options.isComplete,
      onStage: (result) => print(`${formatStage(result, options.hints)}\n`),
    })
    print(`\n${formatSummary(results, options.stages.length)}\n`)
    return results.every(({ isPassed }) => isPassed) ? 0 : 1
  } finally {
    await server?.stop()
  }
}

async function showScoreboard({ urls, stages, isComplete, ...options }: Options): Promise<number> {
  print(colors.dim(`Checking ${urls.length} servers…\n`))
  const servers = await Promise.all(
    urls.map(async (url) => ({
      url,
      results: await runStages(stages, new Subject({ ...options, url }), { isComplete }),
    })),
  )
  print(`${formatScoreboard(servers, stages.length)}\n`)
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
