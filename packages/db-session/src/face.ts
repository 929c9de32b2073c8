import { EventEmitter } from 'node:events'
import type { Knex } from 'knex'
import { type Behind, type Face, kBehind, type MakeFace } from './behind.ts'
import type { DbSession } from './db-session.ts'
import { members } from './members.ts'

/**
 * Prepares what all sessions of one knex share, so that one session costs three small objects.
 *
 * Private: that a client of knex can stand on the prototype of another, asks `acquireConnection` for a connection,
 * gives it to `releaseConnection`, and calls pg's `query(config, callback)` on it; and that a knex lists its methods
 * as members of its own. private-parts.test.ts fails when that changes.
 */
export function faceOf(knex: Knex, mode: 'read' | 'write'): MakeFace {
  const clientPrototype = Object.create(knex.client, {
    transacting: { value: true },
    acquireConnection: {
      value(this: { [kBehind]: Behind }) {
        return Promise.resolve(this[kBehind])
      },
    },
    releaseConnection: { value: () => RELEASED },
  })
  const prototype = Object.create(Function.prototype, { mode: { value: mode } })
  forwardToBuilder(prototype, knex)
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(members(knex, makeFace)))
  return makeFace

  function makeFace(behind: Behind): DbSession {
    const client = Object.create(clientPrototype)
    client[kBehind] = behind
    const face = ((...table: [never]) => client.queryBuilder().table(...table)) as unknown as Face
    Object.setPrototypeOf(face, prototype)
    face.client = client
    face.isTransaction = true
    face[kBehind] = behind
    return face
  }
}

const RELEASED = Promise.resolve()

/** `db.select()`, `db.where()` and the like: each a fresh builder's method. */
function forwardToBuilder(prototype: Record<string, unknown>, knex: Knex): void {
  const builder = knex.queryBuilder() as unknown as Record<string, unknown>
  for (const name of Object.keys(knex)) {
    if (typeof builder[name] !== 'function' || name in EventEmitter.prototype) continue
    prototype[name] = function (this: Face, ...args: unknown[]) {
      const fresh = this.queryBuilder() as unknown as Record<string, (...args: unknown[]) => unknown>
      return fresh[name]?.(...args)
    }
  }
}
