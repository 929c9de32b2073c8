import { Type } from '@sinclair/typebox'
import { answer, Id, LOCATION, MAX_INTEGER, Timestamp, withDefault } from './common.ts'
import { UserOut } from './user.ts'

/** The examples are true of the demo data, where Maya's post is the first. */
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

/** What a client sends to create a post, and to replace one. */
export const PostIn = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 300 }),
    content: Type.String({ minLength: 1, maxLength: 20_000 }),
    published: withDefault(
      Type.Boolean({ default: true, description: 'An unpublished post is seen by its owner alone.' }),
    ),
  },
  { title: 'PostIn', description: 'What the post says.', examples: [NEW_POST] },
)

/** What a client is shown of a post. */
export const Post = Type.Object(
  {
    title: Type.String(),
    content: Type.String(),
    published: Type.Boolean({ description: 'An unpublished post is seen by its owner alone.' }),
    id: Id,
    created_at: Timestamp,
    owner_id: Id,
    owner: UserOut,
  },
  { title: 'Post', description: 'The post, as it is stored now.', examples: [MAYAS_POST] },
)

export const CreatedPost = answer(Post, {
  description: 'The new post.',
  headers: LOCATION,
  examples: [{ ...MAYAS_POST, ...NEW_POST, id: 25, created_at: '2026-02-07T09:30:00.000Z' }],
})

export const ReplacedPost = answer(Post, { examples: [{ ...MAYAS_POST, ...NEW_POST }] })

/** A post and how many users voted for it. */
export const PostOut = Type.Object(
  { Post, votes: Type.Integer({ minimum: 0, description: 'How many users voted for it.' }) },
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
