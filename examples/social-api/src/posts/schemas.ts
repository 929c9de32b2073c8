import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import { describeResponse, Id, IdParams, LOCATION, MAX_INTEGER, Timestamp, withDefault } from '../schemas.ts'
import { MAYA, UserOut } from '../users/schemas.ts'

/** The first post of the demo data. */
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
      Type.Boolean({ default: true, description: 'If false, only the owner sees the post.' }),
    ),
  },
  { title: 'PostIn', examples: [NEW_POST] },
)

/** The response for a post, without its votes. */
export const PostSchema = Type.Object(
  {
    title: Type.String(),
    content: Type.String(),
    published: Type.Boolean({ description: 'If false, only the owner sees the post.' }),
    id: Id,
    created_at: Timestamp,
    owner_id: Id,
    owner: UserOut,
  },
  { title: 'Post', description: 'The post as it is now.', examples: [MAYAS_POST] },
)

export const PostOut = Type.Object(
  { Post: PostSchema, votes: Type.Integer({ minimum: 0, description: 'How many users voted for it.' }) },
  { title: 'PostOut', description: 'The post and its votes.', examples: [{ Post: MAYAS_POST, votes: 5 }] },
)

export const PostQuery = Type.Object({
  limit: withDefault(
    Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'The maximum number of posts.' }),
  ),
  skip: withDefault(
    Type.Integer({ minimum: 0, maximum: MAX_INTEGER, default: 0, description: 'How many posts to skip.' }),
  ),
  search: withDefault(
    Type.String({ maxLength: 300, default: '', description: 'A part of the title, case-sensitive.' }),
  ),
})

export const listPosts = {
  operationId: 'listPosts',
  tags: ['Posts'],
  summary: 'The posts, oldest first',
  description: 'A page of the posts that you may see: every published one, and all of your own.',
  security: [{ login: [] }],
  querystring: PostQuery,
  response: {
    200: Type.Array(PostOut, {
      description: 'The posts, each with its votes.',
      examples: [[{ Post: MAYAS_POST, votes: 5 }]],
    }),
  },
} satisfies FastifySchema

export const createPost = {
  operationId: 'createPost',
  tags: ['Posts'],
  summary: 'Write a post',
  description: 'You become the owner of the post, whatever the body contains.',
  security: [{ login: [] }],
  body: PostIn,
  response: {
    201: describeResponse(PostSchema, {
      description: 'The new post.',
      headers: LOCATION,
      examples: [{ ...MAYAS_POST, ...NEW_POST, id: 25, created_at: '2026-02-07T09:30:00.000Z' }],
    }),
  },
} satisfies FastifySchema

export const getPost = {
  operationId: 'getPost',
  tags: ['Posts'],
  summary: 'One post',
  description: 'Only its owner can see an unpublished post. Everyone else gets a 404.',
  security: [{ login: [] }],
  params: IdParams,
  response: { 200: PostOut },
  problems: ['NOT_FOUND'],
} satisfies FastifySchema

export const replacePost = {
  operationId: 'replacePost',
  tags: ['Posts'],
  summary: 'Edit a post of your own',
  description: 'Replaces all members of the body. An admin may edit any published post.',
  security: [{ login: [] }],
  params: IdParams,
  body: PostIn,
  response: { 200: describeResponse(PostSchema, { examples: [{ ...MAYAS_POST, ...NEW_POST }] }) },
  problems: ['NOT_OWNER', 'NOT_FOUND'],
} satisfies FastifySchema

export const deletePost = {
  operationId: 'deletePost',
  tags: ['Posts'],
  summary: 'Delete a post of your own',
  description: 'Deletes its votes, too. This cannot be undone. An admin may delete any published post.',
  security: [{ login: [] }],
  params: IdParams,
  response: { 204: Type.Null({ description: 'Deleted.' }) },
  problems: ['NOT_OWNER', 'NOT_FOUND'],
} satisfies FastifySchema
