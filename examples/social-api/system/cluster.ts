import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Cluster, createCluster } from '../../../test-support/cluster.ts'
import { migrate } from '../../../test-support/database.ts'
import { freePorts } from '../../../test-support/ports.ts'
import { type Running, run } from '../../../test-support/process.ts'
import { SECRET } from '../../../test-support/social-api.ts'
import { adaptFile, HOW_TO, startUnit, waitUntilAccepting } from './deployed.ts'

const FAST_BUT_UNSAFE = { fsync: 'off', full_page_writes: 'off' }
export const PASSWORD = 'a good password'

export interface Service extends Running {
  /** The URL of the process itself, without nginx. */
  url: string
  port: number
}

export interface Backends {
  primary: Cluster
  /** Logs every statement. */
  replica?: Cluster
  /** The settings that both are started with. */
  primarySettings: Record<string, string>
  bouncerPort: number
  startBouncer(): Promise<Running>
  /** Starts a process with the unit and the variables of the how-to. */
  startService(variables?: Record<string, string>, port?: number): Promise<Service>
}

/** Starts Postgres, optionally with a streaming replica, from the files of the how-to. Returns functions that start the rest. */
export async function startBackends(t: Test, { withReplica = false } = {}): Promise<Backends> {
  const [bouncerPort] = (await freePorts(1)) as [number]
  const primary = await createCluster(t, 'social_api')
  const replica = withReplica ? await primary.standby() : undefined
  t.teardown(() => Promise.all([primary.stop('immediate'), replica?.stop('immediate')]))
  const conf = await readFile(join(HOW_TO, 'scale/postgresql.conf'), 'utf8')
  for (const cluster of [primary, replica])
    if (cluster) await appendFile(join(cluster.data, 'postgresql.conf'), `\n${conf}`)
  const [, max_connections = ''] = /^max_connections = (\d+)$/m.exec(conf) ?? []
  const primarySettings = { ...FAST_BUT_UNSAFE, max_connections }
  await primary.start(primarySettings)
  await replica?.start({ ...primarySettings, log_statement: 'all' })
  await primary.query(`create role social_api login password '${PASSWORD}'`)
  await primary.query(
    'alter database social_api owner to social_api; alter schema public owner to social_api',
  )
  await migrate(toServiceUrl(primary.url))

  const startBouncer = () => startPgBouncer(t, primary, bouncerPort)
  const startService = async (variables: Record<string, string> = {}, given?: number): Promise<Service> => {
    const [port = 0] = given === undefined ? await freePorts(1) : [given]
    const bouncer = `postgres://social_api:${encodeURIComponent(PASSWORD)}@127.0.0.1:${bouncerPort}`
    const service = await startUnit(
      t,
      port,
      {
        DATABASE_URL: `${bouncer}/social_api`,
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
  return { primary, ...(replica && { replica }), primarySettings, bouncerPort, startBouncer, startService }
}

/** Returns the URL with the role of the service: the primary, without PgBouncer. */
export function toServiceUrl(url: string): string {
  const own = new URL(url)
  own.username = 'social_api'
  own.password = encodeURIComponent(PASSWORD)
  return own.href
}

/** Returns the statement of `scale.md` that starts with this text. */
export async function readStatement(start: string): Promise<string> {
  const statements = await readSqlBlocks()
  const found = statements.find((sql) => sql.startsWith(start))
  if (found === undefined) throw new Error(`scale.md has no statement that begins with ${start}`)
  return found
}

/** Returns the statements of `scale.md` that create and change this role, with the password of the tests. */
async function readRoleStatements(role: string): Promise<string[]> {
  const block = (await readSqlBlocks()).find((sql) => sql.includes(`create role ${role} `))
  if (block === undefined) throw new Error(`scale.md does not create the role ${role}`)
  return block
    .replaceAll('change-me-too', PASSWORD)
    .trim()
    .split(/(?<=;)\s+/)
}

async function readSqlBlocks(): Promise<string[]> {
  const page = await readFile(join(HOW_TO, 'scale.md'), 'utf8')
  return [...page.matchAll(/```sql by=.+?\n\s*(.+?)```/gs)].map(([, sql = '']) => sql)
}

async function startPgBouncer(t: Test, primary: Cluster, port: number): Promise<Running> {
  const dir = await createTemporaryFolder(t, 'pgbouncer-')
  const users = await primary.query(await readStatement('select format'))
  await writeFile(join(dir, 'userlist.txt'), `${users.join('\n')}\n`)
  const config = join(dir, 'pgbouncer.ini')
  await writeFile(
    config,
    await adaptFile('scale/pgbouncer.ini', [
      ['host=10.0.0.11 port=5432', `host=127.0.0.1 port=${new URL(primary.url).port}`],
      ['listen_port = 6432', `listen_port = ${port}`],
      ['/etc/pgbouncer/userlist.txt', join(dir, 'userlist.txt')],
      ['/var/log/postgresql/pgbouncer.log', join(dir, 'log')],
      ['/var/run/postgresql/pgbouncer.pid', join(dir, 'pid')],
    ]),
  )
  // PgBouncer does not run as root, and its account needs access to the folder.
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chmod(dir, 0o777)
  const bouncer = run(t, ['pgbouncer', ...(isRoot ? ['-u', 'nobody'] : []), config], {}, { cwd: dir })
  await waitUntilAccepting(bouncer, port)
  return bouncer
}

/** Starts pgpool-II in front of the primary and the replica. Resolves with its port. */
export async function startPgpool(t: Test, primary: Cluster, replica: Cluster) {
  const dir = await createTemporaryFolder(t, 'pgpool-')
  const [port, pcpPort] = (await freePorts(2)) as [number, number]
  for (const sql of await readRoleStatements('pgpool')) await primary.query(sql)
  const file = (name: string) => join(dir, name)
  const password = ["_password = 'change-me-too'", `_password = '${PASSWORD}'`] as const
  const config = await adaptFile('scale/pgpool.conf', [
    ["listen_addresses = '10.0.0.13'", "listen_addresses = '127.0.0.1'"],
    ['port = 9999', `port = ${port}`],
    ['pcp_port = 9898', `pcp_port = ${pcpPort}`],
    ["unix_socket_directories = '/var/run/postgresql'", `unix_socket_directories = '${dir}'`],
    ["pcp_socket_dir = '/var/run/postgresql'", `pcp_socket_dir = '${dir}'`],
    ['/var/run/postgresql/pgpool.pid', file('pid')],
    ["logdir = '/var/log/postgresql'", `logdir = '${dir}'`],
    ["'10.0.0.11'\nbackend_port0 = 5432", `'127.0.0.1'\nbackend_port0 = ${new URL(primary.url).port}`],
    ["'10.0.0.12'\nbackend_port1 = 5432", `'127.0.0.1'\nbackend_port1 = ${new URL(replica.url).port}`],
    ["pool_passwd = 'pool_passwd'", `pool_passwd = '${file('pool_passwd')}'`],
    [`sr_check${password[0]}`, `sr_check${password[1]}`],
    [`health_check${password[0]}`, `health_check${password[1]}`],
  ])
  await writeFile(file('pgpool.conf'), config)
  await writeFile(
    file('pool_hba.conf'),
    await adaptFile('scale/pool_hba.conf', [['10.0.0.0/24', '127.0.0.1/32']]),
  )
  await writeFile(file('pool_passwd'), `social_api:TEXT${PASSWORD}\n`)
  await writeFile(file('pcp.conf'), '')
  const pgpool = run(
    t,
    [
      'pgpool',
      '-n',
      ...['-f', file('pgpool.conf')],
      ...['-a', file('pool_hba.conf')],
      ...['-F', file('pcp.conf')],
    ],
    {},
    { cwd: dir },
  )
  await waitUntilAccepting(pgpool, port)
  return { pgpool, port }
}

async function createTemporaryFolder(t: Test, prefix: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), prefix))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}
