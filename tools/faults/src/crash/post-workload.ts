import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceClient } from '../../../../test-support/client.ts'
import { createContractCheck, findOperation, readDocument } from '../contract.ts'
import { Client, type NoResponse, RESPONSE_TIMEOUT_MS } from '../http.ts'
import { interpretOutcome, type Outcome } from './outcome.ts'
import type { TestStack } from './test-stack.ts'
import type { Attempted } from './verdict.ts'

/** The pause before a rejected post is sent again. */
const RETRY_DELAY_MS = 50
/** A post that is rejected for longer counts as a fault. */
const RETRY_TIMEOUT_MS = 120_000

/** A number of posts to be sent by any number of clients, and their outcomes. */
export class PostWorkload {
  readonly attempted: Attempted[] = []
  /** How often posts were rejected and sent again, by response or error. */
  readonly refused = new Map<string, number>()
  slowestMs = 0
  readonly #posts: number
  readonly #stack: TestStack
  readonly #undeclared
  readonly #operation
  #sent = 0

  private constructor(posts: number, stack: TestStack, document: Awaited<ReturnType<typeof readDocument>>) {
    this.#posts = posts
    this.#stack = stack
    this.#undeclared = createContractCheck(document)
    this.#operation = findOperation(document, 'POST /posts')
  }

  static async prepare(posts: number, stack: TestStack, client: ServiceClient): Promise<PostWorkload> {
    return new PostWorkload(posts, stack, await readDocument(client))
  }

  /** Runs one client: sends posts until none is left, or until it is aborted. */
  async work(token: string, signal: AbortSignal): Promise<void> {
    const client = new Client(this.#stack.url, RESPONSE_TIMEOUT_MS)
    while (this.#sent < this.#posts && !signal.aborted) {
      const number = this.#sent++
      const title = `post ${number}`
      const content = `${title} `.repeat(1 + (number % 100))
      this.attempted.push({
        title,
        content,
        last: await this.#postUntilDecided(client, token, { title, content }, signal),
      })
    }
    client.close()
  }

  async #postUntilDecided(
    client: Client,
    token: string,
    post: { title: string; content: string },
    signal: AbortSignal,
  ) {
    const giveUpAt = Date.now() + RETRY_TIMEOUT_MS
    for (;;) {
      const outcome = await this.#post(client, token, post)
      if (outcome.kind !== 'refused') return outcome
      if (Date.now() > giveUpAt || signal.aborted) {
        return { kind: 'fault', how: `refused for good: ${outcome.how}` } as const
      }
      this.refused.set(outcome.how, (this.refused.get(outcome.how) ?? 0) + 1)
      await sleep(RETRY_DELAY_MS)
    }
  }

  async #post(client: Client, token: string, post: { title: string; content: string }): Promise<Outcome> {
    const outages = this.#stack.watch()
    const sentAt = performance.now()
    const result = await client
      .send({
        method: 'POST',
        path: '/posts',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(post),
      })
      .catch((error: NoResponse) => error)
    this.slowestMs = Math.max(this.slowestMs, performance.now() - sentAt)
    const undeclared = result instanceof Error ? undefined : this.#undeclared(this.#operation, result)
    return interpretOutcome(result, post.title, outages(), undeclared)
  }
}
