import { Type } from '@sinclair/typebox'
import { describeResponse, Id, LOCATION, MAX_INTEGER, Timestamp, withDefault } from '../schemas.ts'
import { UserOut } from '../users/schemas.ts'

/** The examples match the demo data: Maya's post is the first. */
const MAYA = { id: 1, email: 'maya@example.com', created_at: '2026-01-05T08:00:00.000Z' }
const MAYAS_POST = {
  title: 'Tomatoes on a north-facing balcony',
  content:
    'They grow. Slowly, but they grow. Two plants of a cherry variety, one shelf, and a white wall behind them that gives back what light there is.',
  published: true,
  id: 1,
  created_at: '2026-01-15T12:42:00.000Z',
  owner_id: 1,
  owner: MAYA,
}
const NEW_POST = {
  title: 'Radishes in eggshells',
  content: 'Half a shell each, a spoon of earth, and a hole for the water to run out.',
  published: true,
}

/** The body that creates or replaces a post. */
export const PostIn = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 300 }),
    content: Type.String({ minLength: 1, maxLength: 20_000 }),
    published: withDefault(
      Type.Boolean({ default: true, description: 'Only its owner sees an unpublished post.' }),
    ),
  },
  { title: 'PostIn', description: 'The content of a post.', examples: [NEW_POST] },
)

/** The response for a post, without its votes. */
export const PostSchema = Type.Object(
  {
    title: Type.String(),
    content: Type.String(),
    published: Type.Boolean({ description: 'Only its owner sees an unpublished post.' }),
    id: Id,
    created_at: Timestamp,
    owner_id: Id,
    owner: UserOut,
  },
  { title: 'Post', description: 'The post as it is now.', examples: [MAYAS_POST] },
)

export const CreatedPost = describeResponse(PostSchema, {
  description: 'The new post.',
  headers: LOCATION,
  examples: [{ ...MAYAS_POST, ...NEW_POST, id: 25, created_at: '2026-02-07T09:30:00.000Z' }],
})

export const ReplacedPost = describeResponse(PostSchema, { examples: [{ ...MAYAS_POST, ...NEW_POST }] })

export const PostOut = Type.Object(
  { Post: PostSchema, votes: Type.Integer({ minimum: 0, description: 'How many users voted for it.' }) },
  {
    title: 'PostOut',
    description: 'The post and its votes.',
    examples: [{ Post: MAYAS_POST, votes: 5 }],
  },
)

export const PostList = Type.Array(PostOut, {
  description: 'The posts, each with its votes.',
  examples: [[{ Post: MAYAS_POST, votes: 5 }]],
})

export const PostQuery = Type.Object({
  limit: withDefault(
    Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'The most posts to return.' }),
  ),
  skip: withDefault(
    Type.Integer({ minimum: 0, maximum: MAX_INTEGER, default: 0, description: 'How many posts to skip.' }),
  ),
  search: withDefault(
    Type.String({
      maxLength: 300,
      default: '',
      description: 'Only posts whose title contains this, case-sensitively.',
    }),
  ),
})
