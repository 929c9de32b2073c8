import guide, { type GuideOptions } from '@auth-primer/tool-guide'
import xray from '@auth-primer/tool-xray'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import { createServerOptions, type PlatformConfig, registerPlatform } from '../platform/index.ts'
import { type AuthConfig, auth } from './auth/plugin.ts'
import { createXrayOptions } from './demo/xray.ts'
import { health } from './health.ts'
import { posts } from './posts/routes.ts'
import { users } from './users/routes.ts'
import { votes } from './votes/routes.ts'
import { type WelcomeConfig, welcome } from './welcome.ts'

export type AppConfig = PlatformConfig & AuthConfig & WelcomeConfig & GuideOptions

/** Builds the service, ready to listen. */
export async function buildApp(config: AppConfig): Promise<FastifyInstance> {
  const app = Fastify(createServerOptions(config)).withTypeProvider<TypeBoxTypeProvider>()
  await registerPlatform(app, config, async () => {
    if (config.xrayKey) await app.register(xray, await createXrayOptions(app, config.xrayKey, config))
  })

  await app.register(auth, config)
  await app.register(users)
  await app.register(posts)
  await app.register(votes)

  await app.register(welcome, config)
  await app.register(health)
  await app.register(guide, config)
  return app
}
