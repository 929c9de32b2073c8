import authHash from '@auth-primer/auth-hash/fastify'
import jwtKitPlugin from '@auth-primer/jwt-kit/fastify'
import fp from 'fastify-plugin'
import { registerCleanup } from './cleanup.ts'
import { login } from './login.ts'
import { createLoginLimits, type LoginLimitsConfig } from './login-limiter.ts'
import { getHashingLimits } from './passwords.ts'
import { refresh } from './refresh.ts'
import { createAccessTokens, type TokenConfig } from './tokens.ts'

export type AuthConfig = TokenConfig & LoginLimitsConfig & { readonly bcryptCost: number }

/** Registers authentication: passwords, tokens, and the routes that exchange one for the other. */
export const auth = fp<AuthConfig>(async (app, config) => {
  await app.register(authHash, getHashingLimits(config.bcryptCost))
  app.decorate('tokens', createAccessTokens(config))
  await app.register(jwtKitPlugin, { kit: app.tokens })
  app.decorate('refreshLifetime', config)
  app.decorate('loginLimits', createLoginLimits(app.knex, config))
  app.decorateRequest('caller')
  registerCleanup(app)
  await app.register(login)
  await app.register(refresh)
})
