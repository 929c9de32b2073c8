import { existsSync } from 'node:fs'
import { readConfig } from './config.ts'
import { createLogger } from './logging.ts'
import { type Service, start } from './start.ts'

/** How long requests in flight may take once the service is told to stop. */
const PATIENCE_MS = 8_000

/** `npm run dev`: lines to be read, and debug ones where LOG_LEVEL says nothing else. */
const isDev = process.argv.includes('--dev')

/** `npm start`: the guide is built as a site when it is not yet. */
const buildsSite = process.argv.includes('--build-guide')

try {
  if (existsSync('.env')) process.loadEnvFile()
  const config = readConfig({ ...(isDev && { LOG_LEVEL: 'debug' }), ...process.env })
  const log = createLogger({ level: config.logLevel, readable: isDev || process.stdout.isTTY })
  const starting = start(config, log, { buildsSite })
  stopOnSignal(starting)
  await starting
} catch (error) {
  // A line that says what to mend; a stack would only hide it.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

function stopOnSignal(starting: Promise<Service>): void {
  let stopping = false
  const onSignal = async (signal: string) => {
    // npm passes a terminal's Ctrl-C on, so that it comes twice.
    if (stopping) return
    stopping = true
    // Whatever hangs, in a start that is not finished or in an answer, it ends in time.
    setTimeout(() => process.exit(1), PATIENCE_MS + 1_000).unref()
    const service = await starting.catch(() => undefined)
    if (service === undefined) return
    service.app.log.info(`${signal}: stopping`)
    setTimeout(() => service.app.server.closeAllConnections(), PATIENCE_MS).unref()
    await service.stop()
    process.exit()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal)
}
