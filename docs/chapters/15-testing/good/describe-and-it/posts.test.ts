import { deepEqual, equal } from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

describe('posts', () => {
  let opened: Awaited<ReturnType<typeof openApp>>

  before(async () => {
    opened = await openApp()
  })
  after(() => opened.app.close())

  /** Sends a request as a user and returns the response. */
  const send = (
    user: 'ada' | 'bob',
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    payload?: object,
  ) => opened.app.inject({ method, url, headers: opened[user], ...(payload && { payload }) })
  const isolated = (work: () => Promise<void>) => () => withRollback(opened.app, work)
  const POST = { title: 'Tomatoes', content: 'They grow.' }

  describe('GET /posts', () => {
    it(
      'lists a post',
      isolated(async () => {
        equal((await send('ada', 'POST', '/posts', POST)).statusCode, 201)
        const [post] = (await send('bob', 'GET', '/posts')).json()
        equal(post.title, POST.title)
      }),
    )

    it(
      'hides the drafts of others',
      isolated(async () => {
        await send('ada', 'POST', '/posts', { ...POST, published: false })
        deepEqual((await send('bob', 'GET', '/posts')).json(), [])
      }),
    )
  })

  describe('writing', () => {
    it(
      'stores an edit',
      isolated(async () => {
        const { id } = (await send('ada', 'POST', '/posts', POST)).json()
        await send('ada', 'PUT', `/posts/${id}`, { ...POST, title: 'Radishes' })
        equal((await send('ada', 'GET', `/posts/${id}`)).json().title, 'Radishes')
      }),
    )

    it(
      'keeps others from deleting',
      isolated(async () => {
        const { id } = (await send('ada', 'POST', '/posts', POST)).json()
        await send('bob', 'DELETE', `/posts/${id}`)
        equal((await send('ada', 'GET', `/posts/${id}`)).statusCode, 200)
      }),
    )
  })
})
