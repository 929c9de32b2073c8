import { readConfig } from './config.ts'
import { createLogger } from './logging.ts'
import { type Service, start } from './start.ts'

/** How long requests in flight may take once the service is told to stop. */
const PATIENCE_MS = 8_000

try {
  const config = readConfig(process.env)
  const readable = process.stdout.isTTY || process.argv.includes('--readable')
  const starting = start(config, createLogger({ level: config.logLevel, readable }))
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
    const service = await starting.catch(() => {})
    if (service === undefined) return
    const { app, stop } = service
    app.log.info(`${signal}: stopping`)
    setTimeout(() => app.server.closeAllConnections(), PATIENCE_MS).unref()
    await stop()
    process.exit()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal)
}
