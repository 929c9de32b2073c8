import { expectStatus, Failure, type Stage } from '../check.ts'
import { NoResponse, type Sent } from '../http.ts'
import { findPost, newPost, PATHS, requireId, type Subject, toObject } from '../subject.ts'

const WRITERS = 8
const KILL_AFTER_POSTS = 20

export const keepsWhatItAcknowledged: Stage = {
  number: '19',
  slug: 'keeps-what-it-acknowledged',
  title: 'Acknowledged data survives a crash',
  checks: [
    {
      id: 'loses-posts',
      title: 'every post that got a 201 still exists after a kill and a restart',
      hints: [
        'When does your handler send the 201: before or after the database has stored the row?',
        'Wait for the COMMIT before you respond. Data in the process’s memory is lost in a crash.',
        'Node: `await` every statement. FastAPI: `db.commit()` before `return`.',
      ],
      async run(subject) {
        const { server } = subject
        const ada = await subject.author('ada')
        const acknowledged = await writeUntilKilled(subject, ada.token, () => server.kill())
        await startAgain(subject)
        const { token: later } = await subject.needLogin(ada)
        for (const id of acknowledged) {
          const received = await subject.getPost({ id }, later)
          if (received.status !== 200)
            throw new Failure(
              `all ${acknowledged.length} posts that got a 201`,
              `a ${received.status} for one of them`,
              received.sent,
            )
        }
      },
    },
    {
      id: 'forgets-logins',
      title: 'a token is still valid after a restart',
      hints: [
        'Where does your secret come from? Is it the same after a restart?',
        'A secret that is generated at startup is different each time. Read it from the environment.',
        'A login session in the process’s memory ends with the process. A token needs no memory.',
      ],
      async run(subject) {
        const { server } = subject
        const { token } = await subject.author('ada')
        await server.kill()
        await startAgain(subject)
        const credentials = 'with a token from before the restart'
        expectStatus(
          await subject.request('POST', PATHS.posts, { token, credentials, json: newPost() }),
          ...[201, 200],
        )
      },
    },
  ],
}

/** Starts the server after a kill. A server that does not start again has failed. */
async function startAgain(subject: Subject): Promise<void> {
  const sent = subject.lastSent as Sent
  try {
    await subject.server.start()
  } catch (error) {
    const { message } = error as Error
    throw new Failure('a server that starts again after a kill', message, sent, true)
  }
}

/** Creates posts from several clients until the server is killed, and returns the IDs of those with a 201. */
async function writeUntilKilled(
  subject: Subject,
  token: string,
  kill: () => Promise<void>,
): Promise<(string | number)[]> {
  const ids: (string | number)[] = []
  let killing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (killing === undefined) {
      const received = await subject
        .request('POST', PATHS.posts, { token, json: newPost() })
        .catch((error: unknown) => {
          if (error instanceof NoResponse && killing) return undefined
          throw error
        })
      if (received === undefined) return
      expectStatus(received, 201, 200)
      ids.push(requireId(findPost(toObject(received, 'a JSON object with the new post')), received))
      if (ids.length >= KILL_AFTER_POSTS) killing ??= kill()
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  await killing
  return ids
}
