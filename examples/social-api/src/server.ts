import { existsSync } from 'node:fs'
import { createLogger } from '../platform/logging.ts'
import { readConfig } from './config.ts'
import { type Service, start } from './start.ts'

/** How long requests in flight may take after a signal to stop. */
const SHUTDOWN_TIMEOUT_MS = 8_000

/** `npm run dev`: a readable log, at level debug unless LOG_LEVEL is set. */
const isDev = process.argv.includes('--dev')
/** `npm start`: the guide is built as a site, if it is missing or older than the docs. */
const buildsSite = process.argv.includes('--build-guide')

try {
  if (existsSync('.env')) process.loadEnvFile()
  const config = readConfig({ ...(isDev && { LOG_LEVEL: 'debug' }), ...process.env })
  const log = createLogger({ level: config.logLevel, readable: isDev || process.stdout.isTTY })
  const starting = start(config, log, { buildsSite })
  stopOnSignal(starting)
  await starting
} catch (error) {
  // The message is one line with the fix; a stack would only hide it.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

function stopOnSignal(starting: Promise<Service>): void {
  let isStopping = false
  const onSignal = async (signal: string) => {
    // npm passes a terminal's Ctrl-C on, so it comes twice.
    if (isStopping) return
    isStopping = true
    // Even if the start or a response hangs, the process ends in time.
    setTimeout(() => process.exit(1), SHUTDOWN_TIMEOUT_MS + 1_000).unref()
    const service = await starting.catch(() => undefined)
    if (service === undefined) return
    service.app.log.info(`${signal}: stopping`)
    setTimeout(() => service.app.server.closeAllConnections(), SHUTDOWN_TIMEOUT_MS).unref()
    await service.stop()
    process.exit()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal)
}
