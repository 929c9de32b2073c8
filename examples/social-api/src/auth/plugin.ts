import authHash from '@auth-primer/auth-hash/fastify'
import fp from 'fastify-plugin'
import { login } from './login.ts'
import loginLimiter, { type LoginLimiterOptions } from './login-limiter.ts'
import { hashingLimits } from './passwords.ts'
import { refresh } from './refresh.ts'
import { createAccessTokens, type TokenConfig } from './tokens.ts'

export type AuthConfig = TokenConfig & LoginLimiterOptions & { readonly bcryptCost: number }

/** Who is asking: passwords, tokens, and the routes that exchange one for the other. */
export const auth = fp<AuthConfig>(async (app, config) => {
  await app.register(authHash, hashingLimits(config.bcryptCost))
  app.decorate('tokens', createAccessTokens(config))
  const { refreshTokenTtl, refreshFamilyTtl } = config
  app.decorate('refreshLifetime', { refreshTokenTtl, refreshFamilyTtl })
  app.decorateRequest('caller')
  await app.register(loginLimiter, config)
  await app.register(login)
  await app.register(refresh)
})
