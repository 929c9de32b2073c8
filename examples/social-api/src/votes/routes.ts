import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authenticate } from '../auth/tokens.ts'
import { Post } from '../posts/model.ts'
import { postNotFound } from '../posts/routes.ts'
import { Problem } from '../problem.ts'
import { Vote } from './model.ts'
import { castVote } from './schemas.ts'

export const votes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', authenticate)

  app.post('/vote', { schema: castVote }, async ({ caller, db, body: { post_id, dir } }, reply) => {
    const vote = { user_id: caller.id, post_id }
    // Locked, so that the post still exists when the vote is stored.
    if (!(await Post.lockIfVisible(db, caller, post_id))) throw postNotFound(post_id)

    if (dir === 1) {
      const isNew = await Vote.add(db, vote)
      if (!isNew) throw new Problem('ALREADY_VOTED', `You have already voted for post ${post_id}.`)
      return reply.code(201).send({ message: 'successfully added vote' })
    }
    const wasThere = await Vote.remove(db, vote)
    if (!wasThere) throw new Problem('NOT_FOUND', `You have no vote for post ${post_id} to withdraw.`)
    return reply.code(201).send({ message: 'successfully deleted vote' })
  })
}
