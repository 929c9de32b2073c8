import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type OpenApi, readOperations } from '../../../../test-support/document.ts'
import { createContractCheck } from '../contract.ts'
import type { HttpResponse } from '../http.ts'

/** Records response times and errors. */
export class Journal {
  /** In microseconds, by operation; those with an expected error also by status. */
  readonly times = new Map<string, RecordableHistogram>()
  readonly errors: string[] = []
  requests = 0
  disconnects = 0
  readonly #operations
  readonly #undeclared

  constructor(document: OpenApi) {
    this.#operations = new Map(readOperations(document).map((operation) => [operation.name, operation]))
    this.#undeclared = createContractCheck(document)
  }

  /** Records a response. Throws if it is not the expected one. */
  recordResponse(name: string, status: number, answer: HttpResponse, ms: number): void {
    this.requests += 1
    const operation = this.#operations.get(name)
    const undeclared = operation && this.#undeclared(operation, answer)
    if (answer.status !== status || undeclared !== undefined) {
      throw new Error(
        `${name}: expected ${status}, got ${answer.status}, ${undeclared ?? 'as declared'}: ${answer.text.slice(0, 300)}`,
      )
    }
    const key = status < 400 ? name : `${name} ${status}`
    const histogram = this.times.get(key) ?? createHistogram()
    this.times.set(key, histogram)
    histogram.record(Math.max(1, Math.round(ms * 1_000)))
  }

  recordAbort(): void {
    this.disconnects += 1
  }

  recordFailure(error: unknown): void {
    this.errors.push(error instanceof Error ? error.message : String(error))
  }

  /** Returns a line for each operation, with percentiles in milliseconds. */
  formatTable(): string[] {
    const ms = (microseconds: number) => (microseconds / 1_000).toFixed(1).padStart(8)
    return [
      `${'ms'.padEnd(28)}${['count', 'p50', 'p95', 'p99', 'max'].map((one) => one.padStart(8)).join('')}`,
      ...[...this.times]
        .toSorted(([one], [other]) => one.localeCompare(other))
        .map(
          ([name, times]) =>
            `${name.padEnd(28)}${String(times.count).padStart(8)}${[50, 95, 99].map((part) => ms(times.percentile(part))).join('')}${ms(times.max)}`,
        ),
    ]
  }
}
