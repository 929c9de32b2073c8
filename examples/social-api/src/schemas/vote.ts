import { Type } from '@sinclair/typebox'
import { Id } from './common.ts'

export const VoteIn = Type.Object({
  post_id: Id,
  dir: Type.Union([Type.Literal(0), Type.Literal(1)], {
    description: '1 votes for the post, 0 takes the vote back.',
    examples: [1],
  }),
})
