import type { DbRoute } from '../src/index.ts'
import { Random } from './random.ts'

/** The routes of the service, each with the database options that it is registered with. */
export const ROUTES = {
  write: {},
  'write-retry': { retry: 3 },
  'snapshot-retry': { isolation: 'repeatable read', retry: 5 },
  serializable: { isolation: 'serializable', retry: 2 },
  read: { mode: 'read' },
  'read-snapshot': { mode: 'read', isolation: 'repeatable read' },
} as const satisfies Record<string, DbRoute>
export type Route = keyof typeof ROUTES

/** The ways to send one statement. `text` has no values, so it uses the simple protocol. */
export type Via = 'query' | 'array' | 'text' | 'raw' | 'knex' | 'objection'
/** `unsendable` fails in pg before anything is sent, `timeout` is knex's, `conflict` is a serialization failure. */
export type Failure = 'division' | 'unique' | 'unsendable' | 'timeout' | 'kill' | 'conflict'
export type Unwatched = 'query' | 'failing query' | 'savepoint' | 'unit of work' | 'commit' | 'stream'

export type Step =
  | { readonly kind: 'insert'; readonly via: Via; readonly slow?: boolean }
  /** Reads the transaction's id and settings, and checks that they belong to this request. */
  | { readonly kind: 'look'; readonly via: Via }
  | { readonly kind: 'increment'; readonly counter: number }
  /** A setting that must end with its transaction. */
  | { readonly kind: 'setting' }
  /** `times`: the number of handler runs in which a conflict occurs. */
  | {
      readonly kind: 'fail'
      readonly failure: Failure
      readonly outcome: 'swallow' | 'throw' | 'wrap'
      readonly times: number
    }
  | { readonly kind: 'stream'; readonly rows: number; readonly leave: 'end' | 'break' | 'destroy' }
  | {
      readonly kind: 'savepoint'
      readonly via: 'savepoint' | 'transaction' | 'objection'
      readonly steps: readonly Step[]
      readonly outcome: 'return' | 'throw' | 'rollbackOnly'
      /** True if the program catches the savepoint's error and goes on. */
      readonly caught: boolean
    }
  | {
      readonly kind: 'unit of work'
      readonly via: 'db' | 'app'
      readonly retry: number
      readonly steps: readonly Step[]
      readonly outcome: 'return' | 'throw'
      readonly caught: boolean
    }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollbackOnly' }
  | { readonly kind: 'afterCommit' }
  | { readonly kind: 'pause'; readonly ms: number }
  /** The client disconnects; `wait` until the server has noticed. */
  | { readonly kind: 'disconnect'; readonly wait: boolean }
  /** Starts all steps at once and waits for all. */
  | { readonly kind: 'together'; readonly steps: readonly Step[] }
  /** A missing `await`; the promise has a handler. */
  | { readonly kind: 'float'; readonly step: Step }
  /** A missing `await`; the promise has no handler. */
  | { readonly kind: 'unwatched'; readonly what: Unwatched }
  /** A builder that is never awaited, so knex never sends it. */
  | { readonly kind: 'forget' }
  /** Inserts later, usually after the response. */
  | { readonly kind: 'late'; readonly ms: number }

export type End =
  | { readonly kind: 'reply'; readonly status: number }
  | { readonly kind: 'throw'; readonly status: number }
  /** The response is a stream of rows. */
  | { readonly kind: 'rows'; readonly rows: number }

/** The steps of one request: a pure function of the seed and the index. */
export interface Program {
  readonly index: number
  readonly route: Route
  /** True if it makes no mistake, so each of its failures must have a cause. */
  readonly careful: boolean
  /** The steps of a hook before the handler. */
  readonly hook: readonly Step[]
  readonly steps: readonly Step[]
  readonly end: End
}

export function generate(seed: number, index: number, without: ReadonlySet<string> = new Set()): Program {
  const random = new Random(seed, index)
  const route = random.weighted<Route>([
    [6, 'write'],
    [3, 'write-retry'],
    [3, 'snapshot-retry'],
    [1, 'serializable'],
    [3, 'read'],
    [1, 'read-snapshot'],
  ])
  const reads = route.startsWith('read')
  // programs without a mistake show that correct code succeeds; with many mistakes, most requests fail anyway
  const mistakes = random.weighted([
    [4, 0],
    [4, 1],
    [2, Number.POSITIVE_INFINITY],
  ])
  const careful = mistakes === 0
  const generator = new Generator(random, mistakes, without)
  const steps = generator.steps(reads ? 'read' : 'request', 1 + random.below(7))
  const hook =
    !without.has('hook') && random.chance(0.2) ? [random.pick(reads ? HOOK_READS : HOOK_WRITES)] : []
  return { index, route, careful, hook, steps, end: generator.end(reads) }
}

const HOOK_READS: readonly Step[] = [{ kind: 'look', via: 'query' }]
const HOOK_WRITES: readonly Step[] = [
  { kind: 'insert', via: 'knex' },
  { kind: 'setting' },
  { kind: 'afterCommit' },
  { kind: 'rollbackOnly' },
]
const VIAS: readonly Via[] = ['query', 'array', 'text', 'raw', 'knex', 'objection']
const MISTAKES: ReadonlySet<string> = new Set<Step['kind']>([
  'float',
  'unwatched',
  'forget',
  'late',
  'disconnect',
])
type Place = 'request' | 'read' | 'savepoint' | 'unit'

class Generator {
  readonly #random: Random
  readonly #careful: boolean
  /** The number of mistakes that are left to make. */
  #mistakes: number
  readonly #without: ReadonlySet<string>

  constructor(random: Random, mistakes: number, without: ReadonlySet<string>) {
    this.#random = random
    this.#careful = mistakes === 0
    this.#mistakes = mistakes
    this.#without = without
  }

  steps(place: Place, count: number, depth = 0): Step[] {
    return Array.from({ length: count }, () => this.#step(place, depth))
  }

  end(reads: boolean): End {
    const random = this.#random
    if (random.chance(0.1)) return { kind: 'throw', status: random.pick([418, 422, 500]) }
    if (random.chance(0.1)) return { kind: 'reply', status: random.pick([400, 404, 409]) }
    if (reads && random.chance(0.2)) return { kind: 'rows', rows: random.pick([1, 250]) }
    return { kind: 'reply', status: random.pick([200, 201]) }
  }

  #step(place: Place, depth: number): Step {
    const choices = this.#choices(place, depth).filter(([, kind]) => !this.#without.has(kind))
    const kind = this.#random.weighted(choices)
    if (MISTAKES.has(kind)) this.#mistakes--
    return this.#make(kind, place, depth)
  }

  #choices(place: Place, depth: number): [number, Step['kind']][] {
    const nests = depth < 3
    const writes = place !== 'read'
    const always: [number, Step['kind']][] = [
      [3, 'look'],
      [2, 'stream'],
      [2, 'pause'],
      [nests ? 1 : 0, 'together'],
      [writes ? 9 : 0, 'insert'],
      [writes ? 2 : 0, 'increment'],
      [writes ? 1 : 0, 'setting'],
      [writes ? 1 : 0, 'afterCommit'],
      [nests ? 4 : 0, 'savepoint'],
      [place === 'request' ? 2 : 0, 'commit'],
      [place === 'request' ? 3 : 0, 'unit of work'],
      [writes ? 0.3 : 0, 'rollbackOnly'],
      [2, 'fail'],
    ]
    if (this.#mistakes < 1) return always
    return [
      ...always,
      [nests ? 10 : 0, 'float'],
      [5, 'unwatched'],
      [writes ? 1 : 0, 'forget'],
      [writes ? 1 : 0, 'late'],
      [1, 'disconnect'],
      [place === 'unit' && nests ? 1 : 0, 'unit of work'],
    ]
  }

  #make(kind: Step['kind'], place: Place, depth: number): Step {
    const random = this.#random
    const careful = this.#careful
    switch (kind) {
      case 'insert':
        return { kind, via: this.#pick(VIAS), ...(random.chance(0.1) && { slow: true }) }
      case 'look':
        return { kind, via: this.#pick(VIAS) }
      case 'increment':
        return { kind, counter: random.pick([1, 2]) }
      case 'fail': {
        const failure = this.#pick(FAILURES)
        // an error that is swallowed is a mistake too
        const outcome = random.pick(
          careful ? (['throw', 'wrap'] as const) : (['swallow', 'throw', 'wrap'] as const),
        )
        return { kind, failure, outcome, times: 1 + random.below(4) }
      }
      case 'stream':
        return {
          kind,
          rows: random.pick([1, 10, 300]),
          leave: this.#pick(['end', 'break', 'destroy'] as const),
        }
      case 'savepoint':
        return {
          kind,
          via: random.pick(['savepoint', 'transaction', 'objection'] as const),
          steps: this.steps(place === 'read' ? 'read' : 'savepoint', 1 + random.below(3), depth + 1),
          outcome: random.pick(['return', 'return', 'throw', 'rollbackOnly'] as const),
          caught: random.chance(0.7),
        }
      case 'unit of work':
        return {
          kind,
          via: random.pick(['db', 'app'] as const),
          retry: random.pick([0, 2]),
          steps: this.steps('unit', 1 + random.below(3), depth + 2),
          outcome: random.pick(['return', 'return', 'throw'] as const),
          caught: random.chance(0.7),
        }
      case 'pause':
      case 'late':
        return { kind, ms: random.pick([0, 1, 5]) }
      case 'disconnect':
        return { kind, wait: random.chance(0.5) }
      case 'together':
        return {
          kind,
          steps: careful ? this.#statements(place) : this.steps(place, 2, depth + 1).map(atOnce),
        }
      case 'float':
        return { kind, step: atOnce(this.#step(place, depth + 1)) }
      case 'unwatched':
        return { kind, what: this.#pick(UNWATCHED) }
      default:
        return { kind }
    }
  }

  #pick<T extends string>(list: readonly T[]): T {
    return this.#random.pick(list.filter((name) => !this.#without.has(name)))
  }

  /** Only statements: they may overlap, since they are queued. Savepoints may not. */
  #statements(place: Place): Step[] {
    return Array.from({ length: 3 }, () => this.#make(place === 'read' ? 'look' : 'insert', place, 0))
  }
}

/** Replaces knex, which sends a builder only a few microtasks later, perhaps after a later `commit()`. */
function atOnce(step: Step): Step {
  return 'via' in step && (step.kind === 'insert' || step.kind === 'look') ? { ...step, via: 'query' } : step
}

const FAILURES: readonly Failure[] = [
  'division',
  'unique',
  'unsendable',
  'timeout',
  'kill',
  'conflict',
  'conflict',
  'conflict',
]
const UNWATCHED: readonly Unwatched[] = [
  'query',
  'failing query',
  'savepoint',
  'unit of work',
  'commit',
  'commit',
  'commit',
  'stream',
]
