import { expectStatus, expectThat, type Stage } from '../check.ts'

export const itAnswers: Stage = {
  number: '01',
  slug: 'it-answers',
  title: 'The server answers',
  checks: [
    {
      id: 'root',
      title: 'GET / returns a success status',
      hints: [
        'Open the URL in a browser. What do you see?',
        'Add a route for GET / that returns any JSON or HTML, with the status 200.',
        "Fastify: `app.get('/', async () => ({ message: 'Hello' }))`. FastAPI: `@app.get('/')`.",
      ],
      async run(subject) {
        const received = await subject.request('GET', '/')
        expectThat(received.status >= 200 && received.status < 300, 'a status from 200 to 299', received)
      },
    },
    {
      id: 'unknown-path',
      title: 'an unknown path does not return a success status',
      hints: [
        'Request a path that you have no route for. What does your server send?',
        'Every framework sends a 404 by default. Remove the route that catches everything.',
        "Express: if `app.use((req, res) => res.send('…'))` is your last handler, add `res.status(404)` to it.",
      ],
      async run(subject) {
        const received = await subject.request('GET', '/no-such-path-of-this-server')
        // a server may ask for a token before it looks at the path
        expectStatus(received, 404, 401, 403)
      },
    },
  ],
}
