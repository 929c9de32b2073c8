import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Post } from '../models/post.ts'
import { Vote } from '../models/vote.ts'
import { noPost } from '../post-problems.ts'
import { Problem } from '../problem.ts'
import { BODY, problems, TOKEN, WRITE } from '../schemas/problem.ts'
import { Voted, VoteIn } from '../schemas/vote.ts'

const vote: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/vote',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'vote',
        tags: ['Votes'],
        summary: 'Vote for a post, or take the vote back',
        description:
          'A user has one vote for each post: `dir` 1 gives it, 0 takes it back. Both times it must make a difference.',
        security: [{ login: [] }],
        body: VoteIn,
        response: { 201: Voted, ...problems(...TOKEN, ...BODY, ...WRITE, 'NOT_FOUND', 'ALREADY_VOTED') },
      },
    },
    async (request, reply) => {
      const { caller, db } = request
      const { post_id, dir } = request.body
      const vote = { user_id: caller.id, post_id }
      // Kept, so that it is still there when the vote is.
      if (!(await Post.keep(db, caller, post_id))) throw noPost(post_id)

      if (dir === 1) {
        const isNew = await Vote.add(db, vote)
        if (!isNew) throw new Problem('ALREADY_VOTED', `You have voted for post ${post_id} already.`)
        return reply.code(201).send({ message: 'successfully added vote' })
      }
      const wasThere = await Vote.remove(db, vote)
      if (!wasThere) throw new Problem('NOT_FOUND', `You have no vote for post ${post_id} to take back.`)
      return reply.code(201).send({ message: 'successfully deleted vote' })
    },
  )
}

export default vote
