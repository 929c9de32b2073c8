import { type Cluster, createCluster } from '../../../../test-support/cluster.ts'
import { migrate } from '../../../../test-support/database.ts'
import { freePort } from '../../../../test-support/ports.ts'
import type { Scope } from '../../../../test-support/process.ts'
import { type ServiceProcess, startService } from '../service.ts'
import type { Outages } from './outcome.ts'

/** A service and its Postgres. Either can be taken down and brought back on the same port. */
export class TestStack {
  readonly cluster: Cluster
  readonly #scope: Scope
  readonly #settings: Record<string, string> | undefined
  readonly #port: number
  readonly #isDown = { service: true, database: false }
  readonly #falls = { service: 0, database: 0 }
  #service: ServiceProcess | undefined

  private constructor(scope: Scope, cluster: Cluster, port: number, settings?: Record<string, string>) {
    this.#scope = scope
    this.cluster = cluster
    this.#port = port
    this.#settings = settings
  }

  static async start(scope: Scope, settings?: Record<string, string>): Promise<TestStack> {
    const cluster = await createCluster(scope)
    scope.teardown(() => cluster.stop('immediate'))
    await cluster.start(settings)
    await migrate(cluster.url)
    const stack = new TestStack(scope, cluster, await freePort(), settings)
    await stack.#startService()
    return stack
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Kills the service with SIGKILL, and starts it again. */
  async kill(): Promise<void> {
    this.#fall('service')
    await this.#service?.kill()
    await this.#startService()
  }

  /** Stops Postgres in immediate mode and starts it again: it recovers from its log. */
  async restart(): Promise<void> {
    this.#fall('database')
    await this.cluster.stop('immediate')
    await this.cluster.start(this.#settings)
    this.#isDown.database = false
  }

  /** Returns a function to call at the end of a request. It returns the parts that were down during the request. */
  watch(): () => Outages {
    const wasDown = { ...this.#isDown }
    const falls = { ...this.#falls }
    const isExcused = (which: 'service' | 'database') => wasDown[which] || this.#falls[which] > falls[which]
    return () => ({ serviceDown: isExcused('service'), databaseDown: isExcused('database') })
  }

  async #startService(): Promise<void> {
    this.#service = await startService(this.#scope, { databaseUrl: this.cluster.url, port: this.#port })
    this.#isDown.service = false
  }

  #fall(which: 'service' | 'database'): void {
    this.#isDown[which] = true
    this.#falls[which] += 1
  }
}
