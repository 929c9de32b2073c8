import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'

/** What the page's hash bench asks for. */
const hashBench: FastifyPluginAsyncTypebox = async () => {}

export default hashBench
