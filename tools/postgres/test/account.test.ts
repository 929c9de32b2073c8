import { stat } from 'node:fs/promises'
import t from 'tap'
import { clusterIn } from '../src/folder.ts'
import { attachPostgres } from '../src/index.ts'
import { attachProcess, dataDir, isRoot, query, runToEnd } from './support.ts'

const idOf = async (user: string) => Number((await runToEnd('id', ['-u', user])).stdout)

t.test('Postgres runs as the invoking user, or under root as nobody', async (t) => {
  const dir = await dataDir(t)
  const server = await attachPostgres({ dir, durable: false })
  t.equal((await stat(clusterIn(dir).data)).uid, isRoot ? await idOf('nobody') : process.getuid?.())
  await server.leave()
})

t.test(
  'AUTH_PRIMER_POSTGRES_USER sets the user of a new cluster, and later starts use the same user',
  async (t) => {
    const dir = await dataDir(t)
    const { data } = clusterIn(dir)
    const owner = isRoot ? await idOf('daemon') : process.getuid?.()
    for (const env of [{ AUTH_PRIMER_POSTGRES_USER: 'daemon' }, {}]) {
      const server = await attachProcess(dir, { env })
      t.equal((await stat(data)).uid, owner)
      t.same(await query(server.url, 'select 1 as one'), [{ one: 1 }])
      t.equal(await server.leave(), 0)
    }
  },
)

t.test('a user that does not exist is an error', async (t) => {
  const { AUTH_PRIMER_POSTGRES_USER: before } = process.env
  process.env.AUTH_PRIMER_POSTGRES_USER = 'no-such-user'
  t.teardown(() => {
    if (before === undefined) delete process.env.AUTH_PRIMER_POSTGRES_USER
    else process.env.AUTH_PRIMER_POSTGRES_USER = before
  })
  const dir = await dataDir(t)
  const attached = attachPostgres({ dir, durable: false })
  // Only root needs another user.
  if (isRoot)
    await t.rejects(attached, {
      name: 'EmbeddedPostgresError',
      message: /no unprivileged user "no-such-user"/,
    })
  else await t.resolves(attached.then((server) => server.leave()))
})
