import { Type } from '@sinclair/typebox'
import { answer, Id, Message } from './common.ts'

export const VoteIn = Type.Object(
  {
    post_id: Id,
    dir: Type.Union([Type.Literal(0), Type.Literal(1)], {
      description: '1 votes for the post, 0 takes the vote back.',
    }),
  },
  { title: 'VoteIn', description: 'A vote for a post, or its end.', examples: [{ post_id: 4, dir: 1 }] },
)

export const Voted = answer(Message, { examples: [{ message: 'successfully added vote' }] })
