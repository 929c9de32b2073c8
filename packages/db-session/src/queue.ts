/** A place in the queue for a connection. */
export interface Ticket {
  /** How many connections its work may hold already: 0 of a request, 1 of a unit of work, 2 of one within it. */
  readonly level: number
  readonly deadline: number
  /** Asks the pool. */
  readonly turn: (ticket: Ticket) => void
  /** Nothing came in time. */
  readonly late: () => void
  entered: boolean
}

/**
 * Who may ask the pool for a connection, and how long they wait for it. Each level leaves one connection of the
 * pool to the level above it: whoever holds some and needs one more gets it, since of the last level nobody waits
 * for another. That needs a reserve of as many connections as there are levels above the first.
 */
export class Queue {
  readonly #max: number
  readonly #timeoutMs: number
  readonly #inUse: number[]
  /** All who have no connection yet, the oldest first. */
  readonly #tickets = new Set<Ticket>()
  #timer: NodeJS.Timeout | undefined

  constructor(max: number, reserve: number, timeoutMs: number) {
    this.#max = max
    this.#timeoutMs = timeoutMs
    this.#inUse = new Array(Math.min(reserve, max - 1) + 1).fill(0)
  }

  /** The last level that is served. */
  get depth(): number {
    return this.#inUse.length - 1
  }

  join(level: number, turn: (ticket: Ticket) => void, late: () => void): Ticket {
    const deadline = performance.now() + this.#timeoutMs
    const ticket = { level: Math.min(level, this.depth), deadline, turn, late, entered: false }
    this.#tickets.add(ticket)
    this.#timer ??= setTimeout(this.#expire, this.#timeoutMs).unref()
    if (this.#mayEnter(ticket)) this.#enter(ticket)
    return ticket
  }

  /** Takes a ticket out, for a connection or for good; whether it was still there. */
  leave(ticket: Ticket): boolean {
    return this.#tickets.delete(ticket)
  }

  /** Its connection is back: the next may enter. */
  exit({ level }: Ticket): void {
    this.#inUse[level] = (this.#inUse[level] as number) - 1
    for (const ticket of this.#tickets) {
      if (ticket.entered || !this.#mayEnter(ticket)) continue
      this.#enter(ticket)
      return
    }
  }

  #enter(ticket: Ticket): void {
    ticket.entered = true
    this.#inUse[ticket.level] = (this.#inUse[ticket.level] as number) + 1
    ticket.turn(ticket)
  }

  #mayEnter({ level }: Ticket): boolean {
    let inUse = 0
    for (let below = 0; below <= level; below++) inUse += this.#inUse[below] as number
    return inUse < this.#max - this.depth + level
  }

  #expire = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const ticket of this.#tickets) {
      if (ticket.deadline - now >= 1) {
        // whoever was late may have joined again
        clearTimeout(this.#timer)
        this.#timer = setTimeout(this.#expire, ticket.deadline - now).unref()
        return
      }
      this.#tickets.delete(ticket)
      ticket.late()
    }
  }
}
