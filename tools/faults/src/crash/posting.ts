import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceClient } from '../../../../test-support/client.ts'
import { createJudge, operationOf, readDocument } from '../declared.ts'
import { Client, type NoAnswer, WITHIN_MS } from '../http.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Stack } from './stack.ts'
import type { Attempted } from './verdict.ts'

/** Before a post that was refused is tried again. */
const PAUSE_MS = 50
/** Who is refused for so long gives up. */
const PATIENCE_MS = 120_000

/** So many posts to be sent, by any number of clients, and what became of them. */
export class Posting {
  readonly attempted: Attempted[] = []
  /** By what the client saw. Each was tried again. */
  readonly refused = new Map<string, number>()
  slowestMs = 0
  readonly #posts: number
  readonly #stack: Stack
  readonly #undeclared
  readonly #operation
  #sent = 0

  private constructor(posts: number, stack: Stack, document: Awaited<ReturnType<typeof readDocument>>) {
    this.#posts = posts
    this.#stack = stack
    this.#undeclared = createJudge(document)
    this.#operation = operationOf(document, 'POST /posts')
  }

  static async prepare(posts: number, stack: Stack, speaker: ServiceClient): Promise<Posting> {
    return new Posting(posts, stack, await readDocument(speaker))
  }

  /** One client: posts as long as there are some left, unless told to stop. */
  async work(token: string, signal: AbortSignal): Promise<void> {
    const client = new Client(this.#stack.url, WITHIN_MS)
    while (this.#sent < this.#posts && !signal.aborted) {
      const number = this.#sent++
      const title = `post ${number}`
      const content = `${title} `.repeat(1 + (number % 100))
      this.attempted.push({
        title,
        content,
        last: await this.#insist(client, token, { title, content }, signal),
      })
    }
    client.close()
  }

  async #insist(
    client: Client,
    token: string,
    post: { title: string; content: string },
    signal: AbortSignal,
  ) {
    const giveUpAt = Date.now() + PATIENCE_MS
    for (;;) {
      const outcome = await this.#post(client, token, post)
      if (outcome.kind !== 'refused') return outcome
      if (Date.now() > giveUpAt || signal.aborted) {
        return { kind: 'fault', how: `refused for good: ${outcome.how}` } as const
      }
      this.refused.set(outcome.how, (this.refused.get(outcome.how) ?? 0) + 1)
      await sleep(PAUSE_MS)
    }
  }

  async #post(client: Client, token: string, post: { title: string; content: string }): Promise<Outcome> {
    const weather = this.#stack.watch()
    const sentAt = performance.now()
    const result = await client
      .send({
        method: 'POST',
        path: '/posts',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(post),
      })
      .catch((error: NoAnswer) => error)
    this.slowestMs = Math.max(this.slowestMs, performance.now() - sentAt)
    const undeclared = result instanceof Error ? undefined : this.#undeclared(this.#operation, result)
    return outcomeOf(result, post.title, weather(), undeclared)
  }
}
