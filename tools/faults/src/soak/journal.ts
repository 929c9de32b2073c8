import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { type OpenApi, readOperations } from '../../../../test-support/document.ts'
import { createJudge } from '../declared.ts'
import type { Answer } from '../http.ts'

/** How long the answers took, and what went wrong. */
export class Journal {
  /** In microseconds, by operation; what is refused on purpose by its status, too. */
  readonly times = new Map<string, RecordableHistogram>()
  readonly errors: string[] = []
  requests = 0
  hangUps = 0
  readonly #operations
  readonly #undeclared

  constructor(document: OpenApi) {
    this.#operations = new Map(readOperations(document).map((operation) => [operation.name, operation]))
    this.#undeclared = createJudge(document)
  }

  /** Throws where an answer is not the expected one. */
  answered(name: string, status: number, answer: Answer, ms: number): void {
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

  aborted(): void {
    this.hangUps += 1
  }

  failed(error: unknown): void {
    this.errors.push(error instanceof Error ? error.message : String(error))
  }

  /** A line for each operation: how often, and percentiles in milliseconds. */
  table(): string[] {
    const ms = (microseconds: number) => (microseconds / 1_000).toFixed(1).padStart(8)
    return [
      `${'ms'.padEnd(28)}${['answers', 'p50', 'p95', 'p99', 'max'].map((one) => one.padStart(8)).join('')}`,
      ...[...this.times]
        .toSorted(([one], [other]) => one.localeCompare(other))
        .map(
          ([name, times]) =>
            `${name.padEnd(28)}${String(times.count).padStart(8)}${[50, 95, 99].map((part) => ms(times.percentile(part))).join('')}${ms(times.max)}`,
        ),
    ]
  }
}
