import { hash } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import knexModule from 'knex'
import { Model } from 'objection'

/** A row of `users`. */
export class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  /** The hash, never the password. */
  declare password: string
  declare role: string
  declare created_at: Date
}

// Your turn: write a schema for the request body and one for the response.

/** Builds the service. The caller decides if it listens on a port or receives injected requests. */
export async function buildApp({ databaseUrl }: { databaseUrl: string }) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  app.addHook('onClose', () => knex.destroy())
  await app.register(swagger, { openapi: {} })

  app.post('/users', async (request, reply) => {
    const body = request.body as { email: string; password: string }
    const row = { ...body, password: await hash(body.password) }
    const user = await User.query(knex).insert(row).returning('*')
    return reply.code(201).send(user)
  })

  return app
}
