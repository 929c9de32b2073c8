import { type AppOptions, buildApp } from '../../app/app.ts'

/** The bug: every response is a 500. */
export const build = (options: AppOptions) =>
  buildApp(options, async (app) => {
    app.all('/*', async (_request, reply) => reply.code(500).send({}))
  })
