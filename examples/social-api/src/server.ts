import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createLogger } from '../platform/logging.ts'
import { readConfig } from './config.ts'
import { clearProgress, OPTIONS, openTerminal } from './demo/terminal.ts'
import { type Service, start } from './start.ts'

/** How long requests in flight may take after a signal to stop. */
const SHUTDOWN_TIMEOUT_MS = 8_000

try {
  const { values: flags } = parseArgs({ options: OPTIONS })
  if (existsSync('.env')) process.loadEnvFile()
  const config = readConfig({ ...(flags.dev && { LOG_LEVEL: 'debug' }), ...process.env })
  const terminal = openTerminal(config, flags)
  const log = createLogger({ level: config.minLevel, destination: terminal.log })
  const starting = start(config, log, { buildsSite: flags['build-guide'] })
  stopOnSignal(starting)
  terminal.greet(await starting)
} catch (error) {
  clearProgress()
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
