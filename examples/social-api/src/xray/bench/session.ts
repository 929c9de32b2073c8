import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'

/** What the page's session bench asks for. */
const sessionBench: FastifyPluginAsyncTypebox = async () => {}

export default sessionBench
