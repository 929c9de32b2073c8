import { METHODS } from 'node:http'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'

/**
 * A wrong method on a known path is a 405 that names the right ones, and not a 404.
 *
 * Register it before the routes: it collects them, and `app.refuseOtherMethods()` after them adds the rest.
 */
export default fp(async (app) => {
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: false })
  }

  const allowed = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const path = url.length > 1 ? url.replace(/\/$/, '') : url
    const methods = allowed.get(path) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    allowed.set(path, methods)
  })

  app.decorate('refuseOtherMethods', () => {
    for (const [url, methods] of [...allowed]) {
      const allow = [...methods].sort().join(', ')
      app.route({
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        url,
        schema: { hide: true },
        async onRequest(request) {
          throw new Problem('METHOD_NOT_ALLOWED', `${request.method} is not allowed here, but ${allow}.`, {
            headers: { allow },
          })
        },
        handler: () => {},
      })
    }
  })
})

declare module 'fastify' {
  interface FastifyInstance {
    refuseOtherMethods(): void
  }
}
