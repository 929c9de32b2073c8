import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'

/** What the page's token bench asks for. */
const tokenBench: FastifyPluginAsyncTypebox = async () => {}

export default tokenBench
