/** Counts what is under way in this process, by name, and tells who waits for it when some of it ends. */
export class InFlight {
  readonly #running = new Map<string, { count: number; wake: (() => void)[] }>()
  #waiting = 0

  /** How many wait, for whatever name. */
  get waiting(): number {
    return this.#waiting
  }

  has(name: string): boolean {
    return this.#running.has(name)
  }

  enter(name: string): void {
    const entry = this.#running.get(name) ?? { count: 0, wake: [] }
    entry.count++
    this.#running.set(name, entry)
  }

  leave(name: string): void {
    const entry = this.#running.get(name)
    if (entry === undefined) return
    entry.count--
    if (entry.count === 0) this.#running.delete(name)
    for (const wake of entry.wake.splice(0)) wake()
  }

  /** Settles when one of this name leaves. */
  async change(name: string): Promise<void> {
    this.#waiting++
    await new Promise<void>((resolve) => {
      const entry = this.#running.get(name)
      if (entry === undefined) resolve()
      else entry.wake.push(resolve)
    })
    this.#waiting--
  }
}
