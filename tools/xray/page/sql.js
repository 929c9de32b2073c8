// @ts-check

import { h } from './dom.js'

/** Statements and subqueries that are not longer stay on one line. */
const MAX_LINE = 64

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\s+|[a-z_]\w*|./gis

const KEYWORDS = new Set(
  `all and any as asc begin between by case commit conflict constraints cross default delete desc distinct do else end
  exists false for from full group having in inner insert into is isolation join key left level like limit local lock mode not
  nothing null offset on only or order outer read release returning right rollback savepoint select serializable set share
  table then to transaction true truncate union update using values when where with write`.split(/\s+/),
)

/**
 * Breaks a statement into lines at its clauses. It changes only white space, so the text can be compared with Postgres's log.
 *
 * @param {string} sql
 */
export function formatSql(sql) {
  return layOut(
    tokenize(sql.trim()).map((token) => (/^\s/.test(token) ? ' ' : token)),
    '',
  )
}

/**
 * Draws a statement with its keywords in bold.
 *
 * @param {string} sql
 */
export function drawSql(sql) {
  return h(
    'pre',
    { class: 'sql' },
    tokenize(formatSql(sql)).map((token) => (KEYWORDS.has(token.toLowerCase()) ? h('b', {}, token) : token)),
  )
}

/** @param {string} sql */
function tokenize(sql) {
  return sql.match(TOKEN) ?? []
}

/**
 * @param {string[]} tokens
 * @param {string} indent
 */
function layOut(tokens, indent) {
  const line = tokens.join('')
  if (line.length <= MAX_LINE) return line
  let text = ''
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index] ?? ''
    if (token === '(') {
      const end = findEnd(tokens, index)
      const inner = tokens.slice(index + 1, end)
      text += isSubquery(inner) ? `(${layOut(inner, `${indent}  `)}` : `(${inner.join('')}`
      index = end - 1
    } else text = startsLine(tokens, index) ? `${text.trimEnd()}\n${indent}${token}` : text + token
  }
  return text
}

/** @param {string[]} tokens */
function isSubquery(tokens) {
  return /^(select|with)$/i.test(tokens.find((token) => token !== ' ') ?? '')
}

/**
 * Returns the index of the parenthesis that closes this one.
 *
 * @param {string[]} tokens
 * @param {number} start
 */
function findEnd(tokens, start) {
  let depth = 0
  for (let index = start; index < tokens.length; index += 1) {
    if (tokens[index] === '(') depth += 1
    if (tokens[index] === ')') depth -= 1
    if (depth === 0) return index
  }
  return tokens.length
}

/**
 * Returns true for the first word of a clause, and of a statement after another one.
 *
 * @param {string[]} tokens
 * @param {number} index
 */
function startsLine(tokens, index) {
  if (tokens[index] === ' ') return false
  const before = tokens.slice(0, index).findLast((token) => token !== ' ')
  const [word = '', next = ''] = tokens.slice(index).filter((token) => token !== ' ')
  if (before === undefined) return false
  if (before === ';') return true
  return CLAUSES.some(([start, notAfter]) => start.test(`${word} ${next}`) && !notAfter?.test(before))
}

/** @type {[start: RegExp, notAfter?: RegExp][]} */
const CLAUSES = [
  [/^from /i, /^(delete|distinct)$/i],
  [/^(where|having|limit|values|returning|union) /i],
  [/^(group|order) by$/i],
  [/^set /i, /^update$/i],
  [/^on conflict$/i],
  [/^for (update|no|share|key)$/i],
  [/^(left|right|full|inner|cross) (outer|join)$/i],
  [/^join /i, /^(left|right|full|inner|cross|outer)$/i],
]
