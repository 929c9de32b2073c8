import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

const app = Fastify()

// #region types
interface Post {
  title: string
}

const post = JSON.parse('{ "title": 7 }') as Post
// @ts-expect-error: the compiler knows that a Post has no `titel`
console.log('misspelled:    ', post.titel)
try {
  post.title.toUpperCase()
} catch (error) {
  console.log('wrong type:    ', (error as Error).message)
}
// #endregion

// #region schema
app.post('/posts', { schema: { body: Type.Object({ title: Type.String() }) } }, () => 'stored')
const response = await app.inject({ method: 'POST', url: '/posts', payload: { title: { first: 7 } } })
console.log('with a schema: ', response.json().message)
// #endregion
