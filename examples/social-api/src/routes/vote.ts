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
      // Locked, so that it is still there when the vote is.
      const post = await Post.visibleTo(caller, db).findById(post_id).forKeyShare()
      if (post === undefined) throw noPost(post_id)

      if (dir === 1) {
        const isNew = await Vote.add(db, { user_id: caller.id, post_id })
        if (!isNew) throw new Problem('ALREADY_VOTED', `You have voted for post ${post_id} already.`)
        return reply.code(201).send({ message: 'successfully added vote' })
      }
      const count = await Vote.query(db).deleteById([caller.id, post_id])
      if (count === 0) throw new Problem('NOT_FOUND', `You have no vote for post ${post_id} to take back.`)
      return reply.code(201).send({ message: 'successfully deleted vote' })
    },
  )
}

export default vote
