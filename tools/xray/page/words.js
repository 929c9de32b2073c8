// @ts-check

/** @typedef {import('../server/trace.ts').Trace} Trace */
/** @typedef {import('../server/trace.ts').Step} Step */

/**
 * Formats a duration with at most three digits, to be read from the back of a classroom.
 *
 * @param {number} ms
 */
export function time(ms) {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
  if (ms >= 10) return `${Math.round(ms)} ms`
  return ms >= 1 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(2)} ms`
}

/**
 * Formats a round moment of an axis.
 *
 * @param {number} ms
 */
export function moment(ms) {
  return ms >= 1_000 ? `${Number((ms / 1_000).toFixed(2))} s` : `${Number(ms.toFixed(2))} ms`
}

/**
 * Formats a time of day.
 *
 * @param {number} at milliseconds since 1970
 */
export function clock(at) {
  return new Date(at).toTimeString().slice(0, 8)
}

/**
 * Describes how many requests are listed, how many of all that arrived are kept, and how many were not traced.
 *
 * @param {{ listed: number, kept: number, total: number, missed: number }} counts
 */
export function describeCount({ listed, kept, total, missed }) {
  const requests = (/** @type {number} */ count) => (count === 1 ? '1 request' : `${count} requests`)
  const parts =
    total > kept
      ? [listed < kept && `${listed} listed`, `${kept} of ${requests(total)} kept`]
      : [listed < kept ? `${listed} of ${requests(kept)}` : requests(kept)]
  return [...(kept > 0 ? parts : []), missed > 0 && `${missed} more were not traced`]
    .filter(Boolean)
    .join(', ')
}

/**
 * Describes how a request ended by a mark and a word, so that color is not the only sign.
 *
 * @param {Trace} trace
 * @returns {{ kind: 'open' | 'good' | 'moved' | 'bad' | 'disconnected', mark: string, words: string }}
 */
export function outcome({ ms, clientDisconnected, status = 0 }) {
  if (clientDisconnected) return { kind: 'disconnected', mark: '✗', words: 'client disconnected' }
  if (ms === undefined) return { kind: 'open', mark: '…', words: 'in progress' }
  if (status >= 400) return { kind: 'bad', mark: '✗', words: String(status) }
  return status >= 300
    ? { kind: 'moved', mark: '→', words: String(status) }
    : { kind: 'good', mark: '✓', words: String(status) }
}

/**
 * Names the user who sent a request.
 *
 * @param {Trace} trace
 */
export function caller({ caller: who, steps }) {
  const token = steps.find(({ kind }) => kind === 'token')
  if (who === undefined)
    return !token || token.failure?.code === 'JWT_KIT_NO_CREDENTIALS' ? 'no token' : 'unknown'
  const { id, name, role } = who
  return [`user ${id}`, name, role !== 'user' && role].filter(Boolean).join(', ')
}

/**
 * Returns the text that a filter searches.
 *
 * @param {Trace} trace
 */
function searchableText(trace) {
  const { method, path, requestId, problem, reason } = trace
  const words = [method, path, outcome(trace).words, caller(trace), requestId, problem?.code, reason?.code]
  return words.join(' ').toLowerCase()
}

/**
 * Returns true if a request has all the words of a filter, and none of those after a minus sign.
 *
 * @param {Trace} trace
 * @param {string} filter
 */
export function matches(trace, filter) {
  const text = searchableText(trace)
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) =>
      word.length > 1 && word.startsWith('-') ? !text.includes(word.slice(1)) : text.includes(word),
    )
}

/**
 * Sorts steps by when they began.
 *
 * @param {readonly Step[]} steps
 */
export function inOrder(steps) {
  return steps.toSorted((a, b) => a.from - b.from || a.to - b.to)
}

/**
 * Returns round moments for an axis, from 0 to at most `ms`.
 *
 * @param {number} ms
 * @returns {number[]}
 */
export function ticks(ms) {
  const about = ms / 5
  const power = 10 ** Math.floor(Math.log10(about))
  const step = ([1, 2, 5].find((factor) => factor * power >= about) ?? 10) * power
  return Array.from({ length: Math.floor(ms / step + 1e-9) + 1 }, (_, index) => index * step)
}

/** @type {Record<Step['kind'], string>} */
const NAMES = {
  token: 'Token',
  body: 'Body',
  validation: 'Validation',
  begin: 'BEGIN',
  query: 'Statement',
  savepoint: 'Savepoint',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  hash: 'bcrypt',
  sign: 'Token signed',
  thrown: 'Thrown',
  serialize: 'Serialized',
  send: 'Sent',
}

/**
 * Names a step; a statement by its verb and its table or, without a table, by its first words.
 *
 * @param {Step} step
 */
export function nameStep({ kind, sql = '' }) {
  // Such as `BEGIN READ ONLY`, without the settings after it.
  if (kind === 'begin') return shorten(sql.split(';')[0] || NAMES.begin)
  if (kind !== 'query' && kind !== 'savepoint') return NAMES[kind]
  const [verb] = /[a-z]+/i.exec(sql) ?? []
  if (verb === undefined) return NAMES[kind]
  const [, table] = TABLE.exec(withoutParentheses(sql)) ?? []
  const rest = sql.slice(sql.indexOf(verb) + verb.length).trim()
  const object = table
    ? table.replaceAll('"', '')
    : shorten((rest.split(',')[0] ?? '').replaceAll(/\s+/g, ' '))
  return `${verb.toUpperCase()} ${object}`.trim()
}

/** @param {string} text */
function shorten(text) {
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME - 1)}…` : text
}

/** The number of characters of a name that fit next to its bar. */
const MAX_NAME = 22

/** With its schema, if it has one. */
const TABLE = /\b(?:from|into|update|savepoint)\s+(?:only\s+)?((?:"?[a-z_]\w*"?\.)?"?(?!select\b)[a-z_]\w*)/i

/**
 * Removes subqueries from what a statement selects, but not from what it selects from.
 *
 * @param {string} sql
 */
function withoutParentheses(sql) {
  let [text, before] = [sql, '']
  while (text !== before) {
    before = text
    text = text.replaceAll(/(?<!\bfrom\s*)\([^()]*\)/gi, '')
  }
  return text
}

/**
 * Describes a step in words.
 *
 * @param {Step} step
 * @param {Trace} trace
 * @returns {string}
 */
export function describeStep(step, trace) {
  const { kind, failed, failure, waited = 0, from, to } = step
  if (kind === 'hash')
    return failed && failure ? 'rejected: the queue is full' : hashing(to - from, waited, step.verdict)
  if (failed && failure) return describeFailure(step, failure)
  switch (kind) {
    case 'begin':
      return to - from < 1 ? '' : `waited ${time(to - from)} for a connection`
    case 'rollback':
      return `because ${describeReason(step.why)}`
    case 'serialize':
      return trace.omitted ? `left out by the schema: ${trace.omitted.join(', ')}` : ''
    case 'query':
      return describeRows(step)
    default:
      return ''
  }
}

/** @param {Step} step */
function describeRows({ rows, onPool }) {
  const count = rows === undefined ? '' : rows === 1 ? '1 row' : `${rows} rows`
  return [count, onPool && 'outside a transaction'].filter(Boolean).join(', ')
}

/**
 * @param {number} ms
 * @param {number} waited
 * @param {string} [verdict]
 */
function hashing(ms, waited, verdict) {
  const times = `queued ${time(waited)}, worked ${time(ms - waited)}`
  return verdict === undefined ? times : `${times}: ${VERDICTS[verdict] ?? verdict}`
}

/** @type {Record<string, string>} */
const VERDICTS = {
  ok: 'the password is right',
  'wrong-password': 'the password is wrong',
  'no-hash': 'there is no such user',
}

/**
 * @param {Step} step
 * @param {NonNullable<Step['failure']>} failure
 */
function describeFailure({ kind }, { code, part, claim, constraint }) {
  const reason = [constraint, describeCode(code)].filter(Boolean).join(', ')
  if (kind === 'token') {
    const where = claim === undefined ? part : `claim ${claim}`
    return `rejected${where === undefined ? '' : ` because of its ${where}`}: ${code}`
  }
  if (kind === 'commit') return `rejected, nothing is committed: ${reason}`
  if (['query', 'savepoint', 'begin', 'rollback'].includes(kind)) return `failed: ${reason}`
  return isNamed(code) ? code : 'an error without a code'
}

/**
 * Describes the code of a failed statement: Postgres's SQLSTATE, or what the driver reports if it has lost the connection.
 *
 * @param {string} code
 */
function describeCode(code) {
  if (/^(?=.*\d)[0-9A-Z]{5}$/.test(code)) return `SQLSTATE ${code}`
  return isNamed(code) ? code : 'the connection is lost'
}

/** @param {string} code */
function isNamed(code) {
  return code !== 'Error'
}

/** @param {Step['why']} why */
function describeReason(why) {
  switch (why?.because) {
    case 'thrown':
      return isNamed(why.code) ? `${why.code} was thrown` : 'an error was thrown'
    case 'response':
      return `the response is ${why.status}`
    case 'disconnected':
      return 'the client disconnected'
    case 'retry':
      return 'Postgres asks for a retry'
    case 'asked':
      return 'rollbackOnly() was called'
    default:
      return 'its unit of work failed'
  }
}
