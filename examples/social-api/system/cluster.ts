import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import net, { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrateToLatest } from '@auth-primer/migrations'
import type { Test } from 'tap'
import { type Cluster, newCluster } from '../../../packages/db-session/system/cluster.ts'
import { createKnex } from '../src/plugins/database.ts'
import { SECRET } from '../test/helper.ts'
import { type Running, run } from '../test/process.ts'
import { accepting, adapted, HOW_TO, startUnit } from './deployed.ts'
import { freePorts } from './helper.ts'

const FAST = { fsync: 'off', full_page_writes: 'off' }
export const PASSWORD = 'a good password'

export interface Service extends Running {
  /** Its own, past nginx. */
  url: string
  port: number
}

export interface Backends {
  primary: Cluster
  replica: Cluster
  /** What they are started with. */
  primarySettings: Record<string, string>
  replicaSettings: Record<string, string>
  bouncerPort: number
  redisPort: number
  startBouncer(): Promise<Running>
  startRedis(): Promise<Running>
  /** A process of the unit and of the how-to's variables. */
  startService(variables?: Record<string, string>, port?: number): Promise<Service>
}

/** All that stands behind the processes, of the how-to's files: a primary, its replica, PgBouncer and Redis. */
export async function startBackends(t: Test): Promise<Backends> {
  const [bouncerPort, redisPort] = (await freePorts(2)) as [number, number]
  const primary = await newCluster(t, 'social_api')
  const replica = await primary.standby()
  t.teardown(() => Promise.all([primary.stop('immediate'), replica.stop('immediate')]))
  const conf = await readFile(join(HOW_TO, 'scale/postgresql.conf'), 'utf8')
  for (const { data } of [primary, replica]) await appendFile(join(data, 'postgresql.conf'), `\n${conf}`)
  const [, max_connections = ''] = /^max_connections = (\d+)$/m.exec(conf) ?? []
  const primarySettings = { ...FAST, max_connections }
  const replicaSettings = { ...primarySettings, log_statement: 'all' }
  await primary.start(primarySettings)
  await replica.start(replicaSettings)
  await primary.query(`create role social_api login password '${PASSWORD}'`)
  await primary.query(
    'alter database social_api owner to social_api; alter schema public owner to social_api',
  )
  const knex = createKnex(ofService(primary.url), 4)
  await migrateToLatest(knex)
  await knex.destroy()

  const startBouncer = () => startPgBouncer(t, primary, replica, bouncerPort)
  const startRedis = () => startRedisServer(t, redisPort)
  const startService = async (variables: Record<string, string> = {}, given?: number): Promise<Service> => {
    const [port = 0] = given === undefined ? await freePorts(1) : [given]
    const bouncer = `postgres://social_api:${encodeURIComponent(PASSWORD)}@127.0.0.1:${bouncerPort}`
    const service = await startUnit(
      t,
      port,
      {
        DATABASE_URL: `${bouncer}/social_api`,
        DATABASE_READ_URL: `${bouncer}/social_api_read`,
        REDIS_URL: redisUrl(redisPort),
        JWT_SECRET: SECRET,
        BCRYPT_COST: '10',
        THROTTLE_REQUESTS_PER_MINUTE: '0',
        THROTTLE_SIGN_UPS_PER_MINUTE: '0',
        THROTTLE_FAILED_LOGINS_PER_ADDRESS: '0',
        THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '200',
        ...variables,
      },
      'scale/social-api.env.example',
    )
    return Object.assign(service, { port, url: `http://127.0.0.1:${port}` })
  }
  return {
    ...{ primary, replica, primarySettings, replicaSettings, bouncerPort, redisPort },
    ...{ startBouncer, startRedis, startService },
  }
}

/** The role's own way to the primary, past PgBouncer. */
export function ofService(url: string): string {
  const own = new URL(url)
  own.username = 'social_api'
  own.password = encodeURIComponent(PASSWORD)
  return own.href
}

export function redisUrl(port: number): string {
  return `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`
}

/** The statement of `scale.md` that begins so. */
export async function statementOfPage(start: string): Promise<string> {
  const page = await readFile(join(HOW_TO, 'scale.md'), 'utf8')
  const statements = [...page.matchAll(/```sql by=.+?\n\s*(.+?)```/gs)].map(([, sql = '']) => sql)
  const found = statements.find((sql) => sql.startsWith(start))
  if (found === undefined) throw new Error(`scale.md has no statement that begins with ${start}`)
  return found
}

async function startPgBouncer(t: Test, primary: Cluster, replica: Cluster, port: number): Promise<Running> {
  const dir = await temporary(t, 'pgbouncer-')
  const users = await primary.query(await statementOfPage('select format'))
  await writeFile(join(dir, 'userlist.txt'), `${users.join('\n')}\n`)
  const config = join(dir, 'pgbouncer.ini')
  await writeFile(
    config,
    await adapted('scale/pgbouncer.ini', [
      ['host=10.0.0.11 port=5432', `host=127.0.0.1 port=${new URL(primary.url).port}`],
      ['host=10.0.0.12 port=5432', `host=127.0.0.1 port=${new URL(replica.url).port}`],
      ['listen_port = 6432', `listen_port = ${port}`],
      ['/etc/pgbouncer/userlist.txt', join(dir, 'userlist.txt')],
      ['/var/log/postgresql/pgbouncer.log', join(dir, 'log')],
      ['/var/run/postgresql/pgbouncer.pid', join(dir, 'pid')],
    ]),
  )
  // It refuses to run as root, and its account has to get at the folder.
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chmod(dir, 0o777)
  const bouncer = run(t, ['pgbouncer', ...(isRoot ? ['-u', 'nobody'] : []), config], {}, { cwd: dir })
  await accepting(bouncer, port)
  return bouncer
}

async function startRedisServer(t: Test, port: number): Promise<Running> {
  const dir = await temporary(t, 'redis-')
  const config = join(dir, 'redis.conf')
  await writeFile(
    config,
    await adapted('scale/redis.conf', [
      ['bind 10.0.0.13', `bind 127.0.0.1\ndir ${dir}`],
      ['port 6379', `port ${port}`],
      ['requirepass change-me', `requirepass "${PASSWORD}"`],
    ]),
  )
  const redis = run(t, ['redis-server', config], {}, { cwd: dir })
  await redis.says(/Ready to accept connections/)
  return redis
}

async function temporary(t: Test, prefix: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), prefix))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Stops a Postgres where it stands, with all its processes; answers with what lets it go on. */
export async function freeze(cluster: Cluster): Promise<() => void> {
  const [postmaster = ''] = (await readFile(join(cluster.data, 'postmaster.pid'), 'utf8')).split('\n')
  const pids: string[] = [postmaster]
  // The postmaster first, so that it starts no other.
  process.kill(Number(postmaster), 'SIGSTOP')
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    if (/\) \S (\d+) /.exec(stat)?.[1] === postmaster) pids.push(pid)
  }
  for (const pid of pids) process.kill(Number(pid), 'SIGSTOP')
  return () => {
    for (const pid of pids) process.kill(Number(pid), 'SIGCONT')
  }
}

/** A way to a port that can be closed, and opened again. */
export async function openWay(t: Test, target: number) {
  const sockets = new Set<Socket>()
  const [port = 0] = await freePorts(1)
  const server = net.createServer((client) => {
    const there = net.connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [client, there],
      [there, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => other.destroy())
      socket.pipe(other)
    }
  })
  const open = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  await open()
  t.teardown(close)
  return { port, open, close }
}
