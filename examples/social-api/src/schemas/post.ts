import { Type } from '@sinclair/typebox'
import { Id, MAX_INTEGER, Timestamp, withDefault } from './common.ts'
import { UserOut } from './user.ts'

const Title = Type.String({ minLength: 1, maxLength: 300, examples: ['Tomatoes on a north-facing balcony'] })
const Content = Type.String({
  minLength: 1,
  maxLength: 20_000,
  examples: ['They grow. Slowly, but they grow.'],
})

/** What a client sends to create a post, and to replace one. */
export const PostIn = Type.Object({
  title: Title,
  content: Content,
  published: withDefault(
    Type.Boolean({ default: true, description: 'An unpublished post is seen by its owner alone.' }),
  ),
})

/** What a client is shown of a post. */
export const Post = Type.Object(
  {
    title: Type.String(),
    content: Type.String(),
    published: Type.Boolean(),
    id: Id,
    created_at: Timestamp,
    owner_id: Id,
    owner: UserOut,
  },
  { description: 'The post, as it is stored now.' },
)

/** A post and how many users voted for it. */
export const PostOut = Type.Object(
  { Post, votes: Type.Integer({ minimum: 0 }) },
  { description: 'The post and its votes.' },
)

export const PostQuery = Type.Object({
  limit: withDefault(
    Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'How many to answer with.' }),
  ),
  skip: withDefault(
    Type.Integer({ minimum: 0, maximum: MAX_INTEGER, default: 0, description: 'How many to pass over.' }),
  ),
  search: withDefault(
    Type.String({
      maxLength: 300,
      default: '',
      description: 'Only posts whose title contains this, case-sensitively.',
    }),
  ),
})
