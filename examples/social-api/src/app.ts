import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import { type PlatformConfig, registerPlatform, serverOptions } from '../platform/index.ts'
import { type AuthConfig, auth } from './auth/plugin.ts'
import { health } from './health.ts'
import { posts } from './posts/routes.ts'
import { users } from './users/routes.ts'
import { votes } from './votes/routes.ts'
import { type WelcomeConfig, welcome } from './welcome.ts'

export type AppConfig = PlatformConfig & AuthConfig & WelcomeConfig

/** Builds the service, ready to listen. */
export async function buildApp(config: AppConfig): Promise<FastifyInstance> {
  const app = Fastify(serverOptions(config)).withTypeProvider<TypeBoxTypeProvider>()
  await registerPlatform(app, config)

  await app.register(auth, config)
  await app.register(users)
  await app.register(posts)
  await app.register(votes)

  await app.register(welcome, config)
  await app.register(health)
  return app
}
