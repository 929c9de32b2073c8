import { Type } from '@sinclair/typebox'
import { describeResponse, Id, Message } from '../schemas.ts'

export const VoteIn = Type.Object(
  {
    post_id: Id,
    dir: Type.Union([Type.Literal(0), Type.Literal(1)], {
      description: '1 votes for the post, 0 withdraws the vote.',
    }),
  },
  { title: 'VoteIn', description: 'Cast or withdraw a vote.', examples: [{ post_id: 4, dir: 1 }] },
)

export const Voted = describeResponse(Message, { examples: [{ message: 'successfully added vote' }] })
