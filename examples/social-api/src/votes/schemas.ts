import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import { describeResponse, Id, Message } from '../schemas.ts'

export const VoteIn = Type.Object(
  {
    post_id: Id,
    dir: Type.Unsafe<0 | 1>({ enum: [0, 1], description: '1 casts the vote, 0 withdraws it.' }),
  },
  { title: 'VoteIn', examples: [{ post_id: 4, dir: 1 }] },
)

export const castVote = {
  operationId: 'vote',
  tags: ['Votes'],
  summary: 'Vote for a post, or withdraw the vote',
  description: 'A user has one vote per post. A request that changes nothing is an error.',
  security: [{ login: [] }],
  body: VoteIn,
  response: { 201: describeResponse(Message, { examples: [{ message: 'successfully added vote' }] }) },
  problems: ['NOT_FOUND', 'ALREADY_VOTED'],
} satisfies FastifySchema
